import type { CommandRequest } from "../alarm/commands.ts";
import { parseDecimal } from "./decimal.ts";
import { PayloadError } from "./payload-error.ts";
import { compileField, type FieldReader } from "./pointer.ts";
import { parseTime, type TimeOptions } from "./time.ts";
import type { Captures } from "./topic.ts";

export { PayloadError, type Reason } from "./payload-error.ts";

/** How the payloads of a stream are written. */
export type PayloadFormat = "json" | "array" | "number" | "f32le";

/** Binds one value of a payload to an input of the model. */
export interface InputBinding {
  /** Name of the model's input. */
  readonly name: string;
  /** JSON objects: plain name or JSON Pointer of the value. Default: the name. */
  readonly field?: string;
  /** Seconds for which the device's last value stands in for one that is missing from a message. Default: none. */
  readonly maxAge?: number;
}

/** What a payload is decoded with. */
export interface DecoderOptions {
  readonly payload: PayloadFormat;
  /** In the order of the payload's values; every input of the model exactly once, unless `isPartial`. */
  readonly inputs: readonly InputBinding[];
  /** Other sources bring the inputs that are not bound. Default: false. */
  readonly isPartial?: boolean;
  /** Whether a payload is a sample or only brings values for later ones. Default: "step". */
  readonly action?: NonNullable<Reading["action"]>;
  /** Names of the model's inputs, in the model's order. */
  readonly modelInputs: readonly string[];
  /** Where a JSON object tells its time. Default: the time of arrival. */
  readonly time?: Pick<TimeOptions, "field" | "format">;
  /** Longest payload, bytes. */
  readonly maxBytes: number;
}

/** A decoded payload. */
export interface Reading {
  /** "hold": the device does not advance; the values are remembered, and stand in for missing ones later. Default: "step". */
  readonly action?: "step" | "hold";
  /**
   * In the order of the model's inputs, f64[I]; NaN where the payload has no value, for which an older one may stand in.
   * Reused by the next call of the decoder.
   */
  readonly sample: Float64Array;
  /** Unix milliseconds; undefined when the payload tells no time. */
  readonly time: number | undefined;
  /** Key of the device, where the payload tells it; default: the topic does. */
  readonly device?: string;
  /** The payload tells a time that cannot be right, so that the time of arrival stands for it. Default: false. */
  readonly isTimeReplaced?: boolean;
  /** What two messages of the same reading have in common, hashed; undefined: they are not told apart. */
  readonly digest?: number;
  /** A number that rises with the readings of a device; undefined: the payload tells none that is looked at. */
  readonly sequence?: number;
  /** What the device is told to do; then it is no reading. */
  readonly command?: CommandRequest;
}

/** What is known of a message beside its payload. */
export interface Around {
  readonly topic: string;
  /** What the topic template captures. */
  readonly captures: Captures;
  /** Clock, Unix milliseconds. */
  readonly now: () => number;
  /** Asks who sends such messages for another one: publishes at QoS 0, as far as the broker is there. */
  readonly ask: (topic: string, payload: Uint8Array) => void;
}

/** A reading of a message that brings several, or why one of them must not reach the state. */
export type Entry = Reading | PayloadError;

/** Reads the payloads of a source. */
export interface Decoder {
  /**
   * Answers the reading of a message, or all of them in order.
   *
   * @throws {PayloadError} when nothing of the payload must reach the state
   */
  (payload: Uint8Array, around: Around): Reading | readonly Entry[];
  /** Per input of the model, ms for which an older value may stand in for a missing one; undefined: not at all. */
  readonly maxAges: readonly (number | undefined)[];
}

/** A decoder of payloads that are one reading each, and tell all there is to know. */
export interface PlainDecoder extends Decoder {
  /** @throws {PayloadError} when the payload must not reach the state */
  (payload: Uint8Array): Reading;
}

/**
 * Makes the decoder of a stream's payloads.
 *
 * @throws {RangeError} when the inputs do not bind every input of the model exactly once, or at most once if `isPartial`;
 *   when an input is to be held that has no greatest age
 */
export function createDecoder(options: DecoderOptions): PlainDecoder {
  const { payload, inputs, modelInputs, maxBytes, isPartial = false, action = "step" } = options;
  const problem = bindingProblem(inputs, modelInputs);
  if (problem !== undefined && !(isPartial && problem.index === undefined)) throw new RangeError(problem.message);
  const fleeting = action === "hold" ? inputs.find(({ maxAge }) => maxAge === undefined) : undefined;
  if (fleeting !== undefined) throw new RangeError(`input "${fleeting.name}" is held, so it needs a greatest age`);
  const slots = inputs.map(({ name }) => modelInputs.indexOf(name));
  const sample = new Float64Array(modelInputs.length).fill(Number.NaN);
  const decode = createFormatDecoder(options, slots, sample);
  const read = (bytes: Uint8Array) => {
    if (bytes.length > maxBytes) {
      throw new PayloadError("too_large", `${payload} payload has ${bytes.length} bytes, expected at most ${maxBytes}`);
    }
    return { action, sample, time: decode(bytes) };
  };
  return Object.assign(read, { maxAges: maxAgesOfInputs(inputs, modelInputs) });
}

/** Answers the greatest ages of inputs in the model's order, ms; undefined where no older value may stand in. */
export function maxAgesOfInputs(
  inputs: readonly InputBinding[],
  modelInputs: readonly string[],
): (number | undefined)[] {
  return modelInputs.map((input) => {
    const maxAge = inputs.find(({ name }) => name === input)?.maxAge;
    return maxAge === undefined ? undefined : 1000 * maxAge;
  });
}

/** Tells what is wrong with a binding, and at which of the inputs (undefined: of all together); undefined when it is right. */
export function bindingProblem(
  inputs: readonly InputBinding[],
  modelInputs: readonly string[],
): { readonly index: number | undefined; readonly message: string } | undefined {
  const names = inputs.map(({ name }) => name);
  for (const [index, name] of names.entries()) {
    if (!modelInputs.includes(name)) {
      return { index, message: `the model has no input "${name}"; it has ${listNames(modelInputs)}` };
    }
    if (names.indexOf(name) !== index) return { index, message: `input "${name}" is bound twice` };
  }
  const unbound = modelInputs.filter((name) => !names.includes(name));
  if (unbound.length === 0) return undefined;
  return { index: undefined, message: `the model's inputs ${listNames(unbound)} are not bound` };
}

type FormatDecoder = (bytes: Uint8Array) => number | undefined;

function createFormatDecoder(options: DecoderOptions, slots: readonly number[], sample: Float64Array): FormatDecoder {
  switch (options.payload) {
    case "json":
      return createJsonDecoder(options, slots, sample);
    case "array":
      return (bytes) => {
        const values = parseJson(bytes);
        if (!Array.isArray(values)) throw new PayloadError("not_json", "Payload is not a JSON array");
        checkLength(values.length, slots.length, "values");
        for (const [index, slot] of slots.entries()) sample[slot] = toFinite(values[index], `value ${index}`);
        return undefined;
      };
    case "number":
      return (bytes) => {
        sample[slots[0] as number] = parseNumber(bytes);
        return undefined;
      };
    case "f32le":
      return (bytes) => {
        checkLength(bytes.length, 4 * slots.length, "bytes");
        const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
        for (const [index, slot] of slots.entries()) {
          sample[slot] = toFinite(view.getFloat32(4 * index, true), `value ${index}`);
        }
        return undefined;
      };
  }
}

function createJsonDecoder(options: DecoderOptions, slots: readonly number[], sample: Float64Array): FormatDecoder {
  const fields = options.inputs.map(({ name, field = name, maxAge }, index) => ({
    field,
    isRequired: maxAge === undefined,
    slot: slots[index] as number,
    read: compileField(field),
  }));
  const { time } = options;
  const readTime: FieldReader = time === undefined ? () => undefined : compileField(time.field);
  return (bytes) => {
    const document = parseJson(bytes);
    let missing = 0;
    for (const { field, isRequired, slot, read } of fields) {
      // A sensor that has no reading says null.
      const value = read(document) ?? undefined;
      if (value === undefined && isRequired) throw new PayloadError("missing_field", `Field "${field}" is missing`);
      if (value === undefined) missing++;
      sample[slot] = value === undefined ? Number.NaN : toFinite(value, `field "${field}"`);
    }
    // News of something else, such as a battery: it is no reading of these sensors.
    if (missing === fields.length) throw new PayloadError("missing_field", "None of the fields is there");
    if (time === undefined) return undefined;
    const ms = parseTime(readTime(document), time.format);
    if (ms === undefined) throw new PayloadError("bad_time", `Field "${time.field}" is not a time in ${time.format}`);
    return ms;
  };
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Reads a payload as JSON. @throws {PayloadError} when it is not JSON */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(utf8.decode(bytes));
  } catch {
    throw new PayloadError("not_json", "Payload is not JSON");
  }
}

const NOT_FINITE = /^[+-]?(nan|inf|infinity)$/i;

/** Firmwares publish `nan` for a sensor that does not answer, so it is told apart from text that is no number at all. */
function parseNumber(bytes: Uint8Array): number {
  const text = new TextDecoder().decode(bytes).trim();
  if (NOT_FINITE.test(text)) throw new PayloadError("not_finite", "Payload is not a finite number");
  const value = parseDecimal(text);
  if (value !== undefined) return toFinite(value, "payload");
  // A number of digits that double precision cannot hold is not finite either.
  const isHuge = Math.abs(Number(text)) === Number.POSITIVE_INFINITY;
  throw isHuge
    ? new PayloadError("not_finite", "Payload is not a finite number")
    : new PayloadError("not_a_number", "Payload is not a number");
}

/** Single precision decides: a double that overflows it would be infinite in the state. */
function toFinite(given: unknown, what: string): number {
  // Many devices write numbers as text.
  const value = typeof given === "string" ? parseDecimal(given) : given;
  if (typeof value !== "number") {
    throw new PayloadError("not_a_number", `The ${what} is ${describe(given)}, expected a number`);
  }
  if (!Number.isFinite(Math.fround(value))) {
    throw new PayloadError("not_finite", `The ${what} is not a finite single precision number`);
  }
  return value;
}

function checkLength(found: number, expected: number, unit: string): void {
  if (found === expected) return;
  throw new PayloadError("wrong_length", `Payload has ${found} ${unit}, expected ${expected}`);
}

function describe(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "an array" : `${typeof value === "object" ? "an" : "a"} ${typeof value}`;
}

function listNames(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(", ");
}
