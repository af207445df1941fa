// Reads messages whose values need more than a field: elements of arrays, conditions, devices and times in the payload, values as
// devices write them. Plain messages take the short way of payload.ts.

import type { DocumentDecoder } from "./decode/types.ts";
import { digest } from "./digest.ts";
import {
  type Around,
  type Decoder,
  type Entry,
  type InputBinding,
  maxAgesOfInputs,
  PayloadError,
  type Reading,
} from "./payload.ts";
import { compileElements, compileField, type FieldReader, type Found } from "./pointer.ts";
import { createTimeReader, type TimeOptions } from "./time.ts";
import type { Captures, DeviceTemplate } from "./topic.ts";
import { createValueReader, type ValueOptions } from "./value.ts";

/** Binds one value of a message to an input of the model. */
export interface ReaderInput extends InputBinding {
  /** Default: numbers, and text that is one. */
  readonly value?: ValueOptions;
}

/** What messages are read with. */
export interface ReaderOptions {
  readonly decode: DocumentDecoder;
  /** Every input of the model exactly once, unless other sources bring the rest. */
  readonly inputs: readonly ReaderInput[];
  /** Names of the model's inputs, in the model's order. */
  readonly modelInputs: readonly string[];
  /** A message may bring some of the inputs only, others come from elsewhere. */
  readonly isPartial: boolean;
  /** The input whose values trigger a step; others are remembered. Default: any. */
  readonly triggeredBy?: string;
  readonly device: DeviceTemplate;
  /** Pointer to the elements of a message that are a reading each. Default: the message is one. */
  readonly each?: string;
  /** Whether an element tells what was known before: its values are remembered, and trigger no step. Default: none does. */
  readonly isKnown?: (element: unknown) => boolean;
  /** Values that fields must have, as text; messages and elements with others are left out. */
  readonly where?: Readonly<Record<string, readonly string[]>>;
  /** Default: the time of arrival. */
  readonly time?: TimeOptions;
  /** Fields in which two messages of the same reading agree. */
  readonly distinct?: readonly string[];
  /** Longest payload, bytes. */
  readonly maxBytes: number;
}

/** Elements of a message that are read: each of them costs time while no other message is taken in. */
const MOST_ELEMENTS = 10_000;

/**
 * Makes the decoder of messages.
 *
 * @throws {SyntaxError} when a field, a pointer or the time zone is malformed
 */
export function createReader(options: ReaderOptions): Decoder {
  const { decode, maxBytes, each, inputs, modelInputs } = options;
  const find = each === undefined ? undefined : compileElements(each);
  const read = createElementReader(options);
  const readMessage = (bytes: Uint8Array, around: Around): Reading | Entry[] => {
    if (bytes.length > maxBytes) {
      throw new PayloadError("too_large", `Payload has ${bytes.length} bytes, expected at most ${maxBytes}`);
    }
    const document = decode(bytes, around);
    if (find === undefined) return read({ element: document, captures: around.captures }, document, around);
    const found = find(document);
    if (found.length > MOST_ELEMENTS) {
      throw new PayloadError("too_large", `Payload has ${found.length} elements, expected at most ${MOST_ELEMENTS}`);
    }
    if (found.length === 0) throw new PayloadError("missing_field", `There is nothing at "${each}"`);
    return inOrder(found.map((one) => tryRead(() => read(merge(one, around.captures), document, around))));
  };
  return Object.assign(readMessage, { maxAges: maxAgesOfInputs(inputs, modelInputs) });
}

function merge({ element, captures }: Found, outer: Captures): Found {
  return { element, captures: captures.size === 0 ? outer : new Map([...outer, ...captures]) };
}

function tryRead(read: () => Reading): Entry {
  try {
    return read();
  } catch (error) {
    if (error instanceof PayloadError) return error;
    throw error;
  }
}

/** The readings of a message by their time; those of the same time as they stand. */
function inOrder(entries: Entry[]): Entry[] {
  const timeOf = (entry: Entry) => (entry instanceof PayloadError ? Number.NEGATIVE_INFINITY : (entry.time ?? 0));
  return entries.sort((a, b) => {
    const [left, right] = [timeOf(a), timeOf(b)];
    return left === right ? 0 : left - right;
  });
}

type ElementReader = (found: Found, document: unknown, around: Around) => Reading;

function createElementReader(options: ReaderOptions): ElementReader {
  const { modelInputs, triggeredBy, device, isKnown = () => false } = options;
  const readSample = createSampleReader(options);
  const checkWhere = createCondition(options.where ?? {});
  const readTime = options.time === undefined ? undefined : createTimeField(options.time);
  const readDevice = device.isOfPayload ? createDeviceReader(device) : undefined;
  const readDigest = options.distinct === undefined ? undefined : createDigestReader(options.distinct);
  const trigger = triggeredBy === undefined ? -1 : modelInputs.indexOf(triggeredBy);
  return ({ element, captures }, document, { now }) => {
    checkWhere(element, document);
    const isOld = isKnown(element);
    const sample = readSample(element, isOld);
    const { time, isReplaced } = readTime?.(element, document, now) ?? { time: undefined, isReplaced: false };
    const key = readDevice?.(element, document, captures);
    return {
      action: (trigger >= 0 && Number.isNaN(sample[trigger])) || isOld ? "hold" : "step",
      sample,
      time,
      ...(key === undefined ? {} : { device: key }),
      ...(isReplaced ? { isTimeReplaced: true } : {}),
      ...(readDigest === undefined ? {} : { digest: readDigest(element, document) }),
    };
  };
}

function createSampleReader({
  inputs,
  modelInputs,
  isPartial,
}: ReaderOptions): (element: unknown, isOld: boolean) => Float64Array {
  const fields = inputs.map(({ name, field, maxAge, value = {} }) => ({
    field: field ?? name,
    isRequired: maxAge === undefined && !isPartial,
    slot: modelInputs.indexOf(name),
    find: field === undefined ? byName(name) : compileField(field),
    toNumber: createValueReader(value, `field "${field ?? name}"`),
  }));
  return (element, isOld) => {
    const sample = new Float64Array(modelInputs.length).fill(Number.NaN);
    let missing = 0;
    for (const { field, isRequired, slot, find, toNumber } of fields) {
      const value = toNumber(find(element));
      if (Number.isNaN(value)) {
        if (isRequired) throw new PayloadError("missing_field", `Field "${field}" is missing`);
        missing++;
      }
      sample[slot] = value;
    }
    // News of something else, such as a battery: it is no reading of these sensors.
    if (missing === fields.length && isOld)
      throw new PayloadError("filtered", "None of the fields is there, and what is was known before");
    if (missing === fields.length) throw new PayloadError("missing_field", "None of the fields is there");
    return sample;
  };
}

/** The member of that name; a value that has no members stands for itself. */
function byName(name: string): FieldReader {
  const find = compileField(name.startsWith("/") ? `/${name.replaceAll("~", "~0").replaceAll("/", "~1")}` : name);
  return (element) => (typeof element === "object" ? find(element) : element);
}

/** Finds a field in an element of a message or, where it is not there, in the whole message. */
function createFinder(field: string): (element: unknown, document: unknown) => unknown {
  const find = compileField(field);
  return (element, document) => find(element) ?? find(document);
}

function createCondition(where: NonNullable<ReaderOptions["where"]>): (element: unknown, document: unknown) => void {
  const conditions = Object.entries(where).map(([field, values]) => ({ field, find: createFinder(field), values }));
  return (element, document) => {
    for (const { field, find, values } of conditions) {
      const value = find(element, document);
      if (typeof value !== "object" && values.includes(String(value))) continue;
      throw new PayloadError("filtered", `Field "${field}" is not ${values.join(" or ")}`);
    }
  };
}

function createTimeField(options: TimeOptions) {
  const { field, format } = options;
  const find = createFinder(field);
  const read = createTimeReader(options);
  return (element: unknown, document: unknown, now: () => number) => {
    const time = read(find(element, document), now);
    if (time === undefined) throw new PayloadError("bad_time", `Field "${field}" is not a time in ${format}`);
    return time;
  };
}

function createDeviceReader(device: DeviceTemplate) {
  const finders = new Map(device.fields.map((field) => [field, createFinder(field)]));
  return (element: unknown, document: unknown, captures: Captures): string => {
    const key = device.key(captures, (field) => textOf(finders.get(field)?.(element, document)));
    if (key === undefined) throw new PayloadError("bad_device", `The message gives no usable key for ${device.text}`);
    return key;
  };
}

function createDigestReader(fields: readonly string[]) {
  const finders = fields.map(createFinder);
  return (element: unknown, document: unknown): number =>
    digest(JSON.stringify(finders.map((find) => textOf(find(element, document)) ?? null)));
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" || typeof value === "number" || typeof value === "bigint"
    ? String(value)
    : undefined;
}
