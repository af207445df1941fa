import { createDocumentDecoder, DOCUMENT_FORMATS } from "../../host/stream/decode/index.ts";
import { type Entry, PayloadError } from "../../host/stream/payload.ts";
import { createReader } from "../../host/stream/reader.ts";
import { parseDeviceTemplate } from "../../host/stream/topic.ts";
import { JSON_TOKENS, type Target, texts } from "./target.ts";

const SEEDS = [
  '{"bn":"x","a":"21.5","e":[{"n":"b","v":2}],"time":1772355600}',
  '[{"bn":"d:","bt":1,"n":"a","v":1},{"n":"b","v":2}]',
  'env,host=pi a=21.5,b=40i,s="x" 1772355600000000000',
];
/** CBOR, SenML in CBOR, MessagePack, Cayenne LPP and a struct. */
const BINARY_SEEDS = [
  "a362626e6178616115616583",
  "82a3006474656d70016343656c02f94d60a2006368756d02f95100",
  "83a2626ea178a16115a165",
  "016700d7026850",
  "00d70000ac41",
];

/** Payloads of every format, and what a reader makes of them that has all there is to say of a message. */
export function documents(): Target {
  const around = { topic: "t", ask() {}, captures: new Map([["device", "1"]]), now: () => 1_772_355_600_000 };
  const readers = DOCUMENT_FORMATS.flatMap((format) => [undefined, ""].map((each) => readerOf(format, each)));
  const read = (bytes: Uint8Array) => {
    for (const decode of readers) {
      try {
        for (const entry of [decode(bytes, around)].flat()) checkEntry(entry);
      } catch (error) {
        if (!(error instanceof PayloadError)) throw error;
      }
    }
  };
  const seeds = [...texts(...SEEDS), ...BINARY_SEEDS.map((hex) => Buffer.from(hex, "hex"))];
  const sizes = ["\x9b\xff\xff\xff\xff", "\xdd\xff\xff\xff\xff", "\xc6\xff\xff\xff\xff"];
  return { seeds, tokens: [...JSON_TOKENS, ...sizes, "bn", "\\ ", "="], read, refusals: [] };
}

function readerOf(format: (typeof DOCUMENT_FORMATS)[number], each: string | undefined) {
  const struct = [
    { name: "a", type: "i16be" },
    { name: "b", type: "f32le" },
  ] as const;
  return createReader({
    decode: createDocumentDecoder(format, { struct }),
    inputs: [
      { name: "a", value: { map: { ON: 1 }, unit: "C", range: [-100, 100] } },
      { name: "b", field: "/e[n=b]/v", maxAge: 60 },
    ],
    modelInputs: ["a", "b"],
    isPartial: true,
    device: parseDeviceTemplate("{device}/{/bn}", ["device"]),
    ...(each === undefined ? {} : { each }),
    time: { field: "time", format: "unix", zone: "Europe/Berlin", maxFuture: 60 },
    distinct: ["a", "bn"],
    maxBytes: 1 << 17,
  });
}

/** A reading must be fit for a state. */
export function checkEntry(entry: Entry): void {
  if (entry instanceof PayloadError) return;
  const isSound = entry.sample.every((value) => Number.isNaN(value) || Number.isFinite(Math.fround(value)));
  if (!isSound || !(entry.time === undefined || Number.isFinite(entry.time))) {
    throw new Error(`A sample is ${entry.sample}, its time ${entry.time}`);
  }
}
