// Counts what decoding a protobuf (a file of ONNX or of TensorFlow) would make, before it is decoded: an empty node takes 2
// bytes of the file and 200 of memory, a packed integer 1 and 60. With these limits decoding takes at most 8 times the file and
// 100 MB.

import protobuf from "protobufjs/light.js";

/** Most messages: nodes, attributes, tensors and all else. The largest GRU exports have a few thousand. */
const MAX_MESSAGES = 200_000;
/** Most integers of 64 bits, which become objects. */
const MAX_WIDE_INTEGERS = 500_000;
/** Most other elements of lists: names, and numbers that are stored apart from the raw bytes. */
const MAX_ELEMENTS = 4_000_000;

const LENGTH_DELIMITED = 2;
const FIXED_BYTES: Readonly<Record<string, number>> = { float: 4, double: 8 };

interface Counts {
  messages: number;
  wideIntegers: number;
  elements: number;
}

/**
 * Walks the bytes of a message of type `type` without making anything of them.
 *
 * @throws {RangeError} when they hold more than the limits
 * @throws {Error} of protobufjs when they are damaged
 */
export function checkBudget(type: protobuf.Type, bytes: Uint8Array): void {
  walk(type, protobuf.Reader.create(bytes), bytes.length, { messages: 0, wideIntegers: 0, elements: 0 });
}

function walk(type: protobuf.Type, reader: protobuf.Reader, end: number, counts: Counts): void {
  while (reader.pos < end) {
    const tag = reader.uint32();
    const wireType = tag & 7;
    const field = type.fieldsById[tag >>> 3]?.resolve();
    if (field?.resolvedType instanceof protobuf.Type && wireType === LENGTH_DELIMITED) {
      add(counts, "messages", 1, MAX_MESSAGES, "parts");
      const length = reader.uint32();
      walk(field.resolvedType, reader, reader.pos + length, counts);
      continue;
    }
    if (field?.repeated) countElements(field.type, wireType, reader, counts);
    reader.skipType(wireType);
  }
}

/** Counts the elements that stand at the reader, which stays where it is. */
function countElements(type: string, wireType: number, reader: protobuf.Reader, counts: Counts): void {
  let count = 1;
  if (wireType === LENGTH_DELIMITED && type !== "string" && type !== "bytes") {
    const start = reader.pos;
    const length = reader.uint32();
    count = FIXED_BYTES[type] === undefined ? countVarints(reader.buf, reader.pos, length) : length / FIXED_BYTES[type];
    reader.pos = start;
  }
  if (type === "int64") {
    add(counts, "wideIntegers", count, MAX_WIDE_INTEGERS, "integers");
  } else {
    add(counts, "elements", count, MAX_ELEMENTS, "elements of lists");
  }
}

/** Every varint ends with its only byte below 128. */
function countVarints(bytes: Uint8Array, start: number, length: number): number {
  let count = 0;
  const end = Math.min(bytes.length, start + length);
  for (let at = start; at < end; at++) if ((bytes[at] as number) < 128) count++;
  return count;
}

function add(counts: Counts, key: keyof Counts, count: number, limit: number, what: string): void {
  counts[key] += count;
  if (counts[key] > limit) throw new RangeError(`it has more than ${limit} ${what}`);
}

/** The number in an int64 field; beyond 2^53 it is rounded. */
export function int64(value: unknown): number {
  if (typeof value === "number") return value;
  if (typeof value === "object" && value !== null && "toNumber" in value && typeof value.toNumber === "function") {
    return value.toNumber() as number;
  }
  return 0;
}
