// SenML (RFC 8428), JSON and CBOR: a pack of records becomes objects, one for each base name and time:
//
//   { bn: "urn:dev:…:", time: 1772355600, temp: 21.5, hum: 40 }

import { type Around, PayloadError, parseJson } from "../payload.ts";
import { decodeCbor } from "./cbor.ts";
import type { DocumentDecoder } from "./types.ts";

/** Labels of CBOR (RFC 8428, table 4) as those of JSON. */
const LABELS: Readonly<Record<string, string>> = {
  "-1": "bver", "-2": "bn", "-3": "bt", "-4": "bu", "-5": "bv", "-6": "bs",
  "0": "n", "1": "u", "2": "v", "3": "vs", "4": "vb", "5": "s", "6": "t", "7": "ut", "8": "vd",
}; // biome-ignore format: a table
const MOST_VERSION = 10;
/** Lesser times are relative to now (RFC 8428, 4.5.3). */
const LEAST_ABSOLUTE = 2 ** 28;

type SenmlRecord = Readonly<Record<string, unknown>>;

/** Reads SenML in JSON. */
export const decodeSenml: DocumentDecoder = (bytes, around) => resolvePack(parseJson(bytes), around);

/** Reads SenML in CBOR. */
export const decodeSenmlCbor: DocumentDecoder = (bytes, around) => {
  const pack = decodeCbor(bytes, around);
  if (!Array.isArray(pack)) return resolvePack(pack, around);
  const records = pack.map((record) => {
    if (!isRecord(record)) return record;
    return Object.fromEntries(Object.entries(record).map(([label, value]) => [LABELS[label] ?? label, value]));
  });
  return resolvePack(records, around);
};

function resolvePack(pack: unknown, { now }: Around): unknown[] {
  if (!Array.isArray(pack))
    throw new PayloadError("undecodable", "Payload is no SenML pack, which is an array of records");
  const base = { bn: "", bt: 0, bv: 0, bs: 0 };
  const seconds = now() / 1000;
  const readings = new Map<string, Record<string, unknown>>();
  for (const record of pack) {
    if (!isRecord(record)) throw new PayloadError("undecodable", "A record of the SenML pack is no object");
    checkLabels(record);
    takeBase(base, record);
    const name = typeof record.n === "string" ? record.n : "";
    const value = valueOfRecord(record, base);
    if (value === undefined || base.bn + name === "") continue;
    const time = base.bt + numberOf(record.t);
    const at = time < LEAST_ABSOLUTE ? seconds + time : time;
    const key = JSON.stringify([base.bn, at]);
    const reading = readings.get(key) ?? Object.assign(Object.create(null), { bn: base.bn, time: at });
    reading[name === "" ? "value" : name] = value;
    readings.set(key, reading);
  }
  return [...readings.values()];
}

/** What is not understood and must be, by its trailing underscore, makes the pack unreadable (RFC 8428, 4.4). */
function checkLabels(record: SenmlRecord): void {
  const label = Object.keys(record).find((one) => one.endsWith("_"));
  if (label !== undefined)
    throw new PayloadError("undecodable", "The SenML pack has a label that must be understood and is not known");
  if (numberOf(record.bver) > MOST_VERSION)
    throw new PayloadError("undecodable", `The SenML pack has a version above ${MOST_VERSION}`);
}

function takeBase(base: { bn: string; bt: number; bv: number; bs: number }, record: SenmlRecord): void {
  if (typeof record.bn === "string") base.bn = record.bn;
  for (const label of ["bt", "bv", "bs"] as const) if (typeof record[label] === "number") base[label] = record[label];
}

function valueOfRecord(record: SenmlRecord, { bv, bs }: { readonly bv: number; readonly bs: number }): unknown {
  if (typeof record.v === "number") return bv + record.v;
  return record.vb ?? record.vs ?? (typeof record.s === "number" ? bs + record.s : undefined);
}

function numberOf(value: unknown): number {
  return typeof value === "number" ? value : 0;
}

function isRecord(value: unknown): value is SenmlRecord {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
