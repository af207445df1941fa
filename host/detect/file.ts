// A detector in a file (FORMAT.md 8): the safetensors container of model files, with a document and tensors of its own.

import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { ModelFormatError } from "../model/errors.ts";
import { Fields } from "../model/fields.ts";
import { parseJson } from "../model/json.ts";
import { readContainer, writeContainer } from "../model/safetensors.ts";
import type { Dtype, Tensor } from "../model/types.ts";
import { checkParameters } from "./bounds.ts";
import { type Block, type ChannelParameters, type DetectorParameters, FEATURES } from "./parameters.ts";

const KEY = "rivulet_detector";
const VERSION = 1;
const MAX_CHANNELS = 64;
const MAX_PERIOD = 2 ** 24;
/** The sum of a slot fits 32 bits. */
const MAX_SLOT_ROWS = 65535;
const NAME = /^[A-Za-z0-9_.-]{1,64}$/;

/** A channel that a detector watches. */
export interface DetectorInput {
  readonly name: string;
  readonly unit?: string;
  /** Fractional bits of the raw integer: raw = floor(value 2^fraction + 0.5), clamped to ±2^30. */
  readonly fraction: number;
}

/** What is known of a detector. */
export interface DetectorSpec {
  readonly name: string;
  readonly inputs: readonly DetectorInput[];
  /** Seconds between two rows. */
  readonly interval?: number;
  /** False alarms a week that it was calibrated for; its thresholds fall accordingly. */
  readonly alarmsPerWeek: number;
  /** Rows that it was calibrated with. */
  readonly rows: number;
  readonly provenance?: Readonly<Record<string, string>>;
}

/** A detector as it stands in a file. */
export interface DetectorFile {
  readonly spec: DetectorSpec;
  readonly parameters: DetectorParameters;
  /** `name@hash8`. */
  readonly id: string;
}

/**
 * Reads a detector.
 *
 * @throws {ModelFormatError} when the file breaks a rule of FORMAT.md 8
 */
export function parseDetector(bytes: Uint8Array): DetectorFile {
  const { metadata, tensors } = readContainer(bytes);
  const text = metadata.get(KEY);
  if (text === undefined) throw new ModelFormatError(`__metadata__.${KEY}`, "missing; this file holds no detector");
  const { spec, shape } = parseDocument(parseJson(text, `__metadata__.${KEY}`));
  checkTensors(shape, tensors);
  const parameters = toParameters(shape, tensors);
  checkParameters(parameters);
  return { spec, parameters, id: `${spec.name}@${bytesToHex(sha256(bytes)).slice(0, 8)}` };
}

/** What decides the tensors. */
interface Shape {
  readonly channels: number;
  readonly period: number | undefined;
  readonly slots: number;
  readonly tracker: { everyLog2: number; rise: number; hold: number; renew: number };
}

function parseDocument(value: unknown): { spec: DetectorSpec; shape: Shape } {
  const fields = new Fields(value, "detector", [
    ...["format", "name", "inputs", "interval", "alarms_per_week", "rows", "period", "slots"],
    ...["every_log2", "rise", "hold", "renew", "provenance"],
  ]);
  const format = fields.integer("format", 1, 2 ** 31 - 1);
  if (format > VERSION) {
    throw new ModelFormatError("detector.format", `version ${format}, this reader knows ${VERSION}; update Rivulet`);
  }
  const names = new Set<string>();
  const inputs = fields.array("inputs", MAX_CHANNELS).map((item, index) => {
    const input = new Fields(item, `detector.inputs[${index}]`, ["name", "unit", "fraction"]);
    const name = input.label("name");
    if (names.has(name)) throw new ModelFormatError(input.at("name"), `"${name}" stands twice`);
    names.add(name);
    return {
      name,
      ...(input.has("unit") && { unit: input.label("unit") }),
      fraction: input.integer("fraction", -30, 30),
    };
  });
  const period = fields.has("period") ? fields.integer("period", 2, MAX_PERIOD) : undefined;
  const spec = {
    name: fields.matching("name", NAME, "1 to 64 characters of A-Z a-z 0-9 _ . -"),
    inputs,
    ...(fields.has("interval") && { interval: fields.positive("interval") }),
    alarmsPerWeek: fields.positive("alarms_per_week"),
    rows: fields.integer("rows", 1, 2 ** 31 - 1),
    ...(fields.has("provenance") && { provenance: parseProvenance(fields) }),
  };
  const tracker = {
    everyLog2: fields.integer("every_log2", 0, 12),
    rise: fields.integer("rise", 1, 2 ** 28),
    hold: fields.integer("hold", 0, 65535),
    renew: fields.integer("renew", 1, 65535),
  };
  const slots = period === undefined ? 0 : fields.integer("slots", 1, Math.min(period, 1024));
  if (period !== undefined && period / slots > MAX_SLOT_ROWS) {
    throw new ModelFormatError("detector.slots", `${period} rows in ${slots} slots, at most ${MAX_SLOT_ROWS} a slot`);
  }
  if (period !== undefined && period * slots >= 2 ** 32) {
    throw new ModelFormatError("detector.slots", `${slots}, expected less than 2^32 / ${period} rows of the period`);
  }
  return { spec, shape: { channels: inputs.length, period, slots, tracker } };
}

function parseProvenance(fields: Fields): Record<string, string> {
  const entries = Object.entries(fields.object("provenance")).map(([key, value]): [string, string] => {
    if (typeof value === "string") return [key, value];
    throw new ModelFormatError(`detector.provenance.${key}`, "expected a text");
  });
  return Object.fromEntries(entries);
}

type Rules = ReadonlyMap<string, { readonly dtype: Dtype; readonly shape: readonly number[] }>;

const triangle = (size: number): number => (size * (size + 1)) / 2;

/** The tensors of a detector. */
function rulesOf({ channels: C, period }: Shape): Rules {
  const rules = new Map<string, { dtype: Dtype; shape: readonly number[] }>();
  const put = (name: string, dtype: Dtype, ...shape: number[]) => rules.set(`detector.${name}`, { dtype, shape });
  const putBlock = (name: string, size: number, ...outer: number[]) => {
    put(`${name}.mean`, "I16", ...outer, size);
    put(`${name}.weights`, "I8", ...outer, triangle(size));
    put(`${name}.shift`, "I8", ...outer, size);
  };
  put("offset", "I32", C);
  put("multiplier", "I16", C);
  put("shift", "I8", C);
  put("ar", "I16", C, 8);
  put("ar_bias", "I32", C);
  put("residual_multiplier", "I16", C);
  put("residual_shift", "I8", C);
  putBlock("sensor", FEATURES, C);
  if (C > 1) putBlock("relation", C);
  putBlock("noise", C);
  if (period !== undefined) putBlock("time_of_day", C);
  const blocks = 3 + (C > 1 ? 1 : 0) + (period === undefined ? 0 : 1);
  put("start", "I32", blocks);
  put("fall", "I32", blocks);
  return rules;
}

function checkTensors(shape: Shape, tensors: ReadonlyMap<string, Tensor>): void {
  const rules = rulesOf(shape);
  for (const [name, rule] of rules) {
    const tensor = tensors.get(name);
    const expected = `${rule.dtype} [${rule.shape.join(", ")}]`;
    if (tensor === undefined) throw new ModelFormatError(name, `missing, expected ${expected}`);
    const found = `${tensor.dtype} [${tensor.shape.join(", ")}]`;
    if (found !== expected) throw new ModelFormatError(name, `${found}, expected ${expected}`);
  }
  for (const name of tensors.keys()) {
    if (!rules.has(name)) throw new ModelFormatError(name, "this detector has no such tensor");
  }
}

function toParameters(shape: Shape, tensors: ReadonlyMap<string, Tensor>): DetectorParameters {
  const data = (name: string) => tensors.get(`detector.${name}`)?.data as Tensor["data"];
  const at = (name: string, index: number) => data(name)[index] as number;
  const block = (name: string, size: number, index = 0): Block => {
    const part = (kind: string, count: number) => data(`${name}.${kind}`).subarray(index * count, (index + 1) * count);
    return {
      mean: Int16Array.from(part("mean", size)),
      weights: Int8Array.from(part("weights", triangle(size))),
      shifts: Uint8Array.from(part("shift", size)),
    };
  };
  const { channels: C, period, slots, tracker } = shape;
  const channels = Array.from(
    { length: C },
    (_, c): ChannelParameters => ({
      offset: at("offset", c),
      multiplier: at("multiplier", c),
      shift: at("shift", c),
      ar: Int16Array.from(data("ar").subarray(8 * c, 8 * c + 8)),
      arBias: at("ar_bias", c),
      residualMultiplier: at("residual_multiplier", c),
      residualShift: at("residual_shift", c),
      sensor: block("sensor", FEATURES, c),
    }),
  );
  return {
    channels,
    ...(C > 1 && { relation: block("relation", C) }),
    noise: block("noise", C),
    ...(period !== undefined && { seasonality: { period, slots, block: block("time_of_day", C) } }),
    tracker: { ...tracker, start: Int32Array.from(data("start")), fall: Int32Array.from(data("fall")) },
  };
}

/**
 * Writes a detector and checks it by reading it again. The same detector gives the same bytes.
 *
 * @throws {ModelFormatError} when it breaks a rule of FORMAT.md 8
 */
export function serializeDetector(spec: DetectorSpec, parameters: DetectorParameters): Uint8Array {
  const { channels, relation, noise, seasonality, tracker } = parameters;
  const shape: Shape = {
    channels: channels.length,
    period: seasonality?.period,
    slots: seasonality?.slots ?? 0,
    tracker,
  };
  const numbers = new Map<string, readonly number[]>();
  const put = (name: string, of: (channel: ChannelParameters) => readonly number[]) =>
    numbers.set(name, channels.flatMap(of));
  const putBlock = (name: string, blocks: readonly Block[]) => {
    numbers.set(
      `${name}.mean`,
      blocks.flatMap((block) => [...block.mean]),
    );
    numbers.set(
      `${name}.weights`,
      blocks.flatMap((block) => [...block.weights]),
    );
    numbers.set(
      `${name}.shift`,
      blocks.flatMap((block) => [...block.shifts]),
    );
  };
  put("offset", ({ offset }) => [offset]);
  put("multiplier", ({ multiplier }) => [multiplier]);
  put("shift", (channel) => [channel.shift]);
  put("ar", ({ ar }) => [...ar]);
  put("ar_bias", ({ arBias }) => [arBias]);
  put("residual_multiplier", ({ residualMultiplier }) => [residualMultiplier]);
  put("residual_shift", ({ residualShift }) => [residualShift]);
  putBlock(
    "sensor",
    channels.map(({ sensor }) => sensor),
  );
  if (relation) putBlock("relation", [relation]);
  putBlock("noise", [noise]);
  if (seasonality) putBlock("time_of_day", [seasonality.block]);
  numbers.set("start", [...tracker.start]);
  numbers.set("fall", [...tracker.fall]);
  const arrays = { F32: Float32Array, I32: Int32Array, I16: Int16Array, I8: Int8Array };
  const tensors = new Map(
    [...rulesOf(shape)].map(([name, { dtype, shape: size }]): [string, Tensor] => {
      const values = numbers.get(name.slice("detector.".length)) ?? [];
      return [name, { dtype, shape: size, data: arrays[dtype].from(values) }];
    }),
  );
  const document = {
    format: VERSION,
    name: spec.name,
    inputs: spec.inputs,
    ...(spec.interval !== undefined && { interval: spec.interval }),
    alarms_per_week: spec.alarmsPerWeek,
    rows: spec.rows,
    ...(seasonality && { period: seasonality.period, slots: seasonality.slots }),
    every_log2: tracker.everyLog2,
    rise: tracker.rise,
    hold: tracker.hold,
    renew: tracker.renew,
    ...(spec.provenance && { provenance: spec.provenance }),
  };
  const bytes = writeContainer({ metadata: new Map([[KEY, JSON.stringify(document)]]), tensors });
  parseDetector(bytes);
  return bytes;
}
