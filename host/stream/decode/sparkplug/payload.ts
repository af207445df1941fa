// Payloads of Sparkplug B (sparkplug_b.proto of the Eclipse Sparkplug specification 3.0.0) by the fields that say something of
// readings; all others are passed over.

import protobuf from "protobufjs/minimal.js";
import { PayloadError } from "../../payload-error.ts";

/** A quantity in a payload. */
export interface Metric {
  readonly name: string | undefined;
  /** Stands for a name that a birth has told. */
  readonly alias: string | undefined;
  /** Unix milliseconds. */
  readonly time: number | undefined;
  /** Code of its type (table 6-7 of the specification); undefined where a birth has told it. */
  readonly type: number | undefined;
  /** It was measured a while ago, and kept since. */
  readonly isHistorical: boolean;
  readonly content: Content;
}

/** The value of a metric as it is written: an integer is signed or not by the type of its metric. */
export type Content =
  | { readonly kind: "none" }
  | { readonly kind: "plain"; readonly value: number | string | boolean }
  | { readonly kind: "int"; readonly value: number }
  | { readonly kind: "long"; readonly value: bigint }
  | { readonly kind: "template"; readonly metrics: readonly Metric[] };

/** A payload. */
export interface SparkplugPayload {
  /** Unix milliseconds. */
  readonly time: number | undefined;
  /** Counts the messages of an edge node, 0 to 255 and again from 0. */
  readonly seq: number | undefined;
  readonly metrics: readonly Metric[];
}

const [VARINT, WIDE, DELIMITED, NARROW] = [0, 1, 2, 5];
const tagOf = (field: number, wireType: number) => (field << 3) | wireType;
const TIME = tagOf(1, VARINT);
const METRICS = tagOf(2, DELIMITED); // of a payload, and of a template
const SEQ = tagOf(3, VARINT);
const NAME = tagOf(1, DELIMITED);
const ALIAS = tagOf(2, VARINT);
const METRIC_TIME = tagOf(3, VARINT);
const DATATYPE = tagOf(4, VARINT);
const IS_HISTORICAL = tagOf(5, VARINT);
const IS_NULL = tagOf(7, VARINT);
const INT_VALUE = tagOf(10, VARINT);
const LONG_VALUE = tagOf(11, VARINT);
const FLOAT_VALUE = tagOf(12, NARROW);
const DOUBLE_VALUE = tagOf(13, WIDE);
const BOOLEAN_VALUE = tagOf(14, VARINT);
const STRING_VALUE = tagOf(15, DELIMITED);
const TEMPLATE_VALUE = tagOf(18, DELIMITED);

/** Templates within templates; no plant nests deeper. */
const MOST_LEVELS = 16;
/** Metrics of one payload: each takes 2 bytes of it and 200 of memory. */
const MOST_METRICS = 100_000;
const NONE: Content = { kind: "none" };

/** @throws {PayloadError} when the bytes are no such payload */
export function readPayload(bytes: Uint8Array): SparkplugPayload {
  try {
    return parsePayload(protobuf.Reader.create(bytes));
  } catch (cause) {
    if (cause instanceof PayloadError) throw cause;
    throw new PayloadError(
      "undecodable",
      `Payload is not Sparkplug B: ${cause instanceof Error ? cause.message : cause}`,
    );
  }
}

function parsePayload(reader: protobuf.Reader): SparkplugPayload {
  const metrics: Metric[] = [];
  const budget = { left: MOST_METRICS };
  let time: number | undefined;
  let seq: number | undefined;
  readFields(reader, reader.len, (tag) => {
    if (tag === TIME) time = Number(readLong(reader));
    else if (tag === METRICS) metrics.push(readMetric(reader, budget, MOST_LEVELS));
    else if (tag === SEQ) seq = Number(readLong(reader) & 255n);
    else return false;
    return true;
  });
  return { time, seq, metrics };
}

type Draft = { -readonly [K in keyof Metric]: Metric[K] };

function readMetric(reader: protobuf.Reader, budget: { left: number }, levels: number): Metric {
  if (budget.left-- === 0) throw new PayloadError("too_large", `Payload has more than ${MOST_METRICS} metrics`);
  const metric: Draft = {
    name: undefined,
    alias: undefined,
    time: undefined,
    type: undefined,
    isHistorical: false,
    content: NONE,
  };
  let isNull = false;
  readFields(reader, endOf(reader), (tag) => {
    if (tag === NAME) metric.name = reader.string();
    else if (tag === ALIAS) metric.alias = String(readLong(reader));
    else if (tag === METRIC_TIME) metric.time = Number(readLong(reader));
    else if (tag === DATATYPE) metric.type = reader.uint32();
    else if (tag === IS_HISTORICAL) metric.isHistorical = reader.bool();
    else if (tag === IS_NULL) isNull = reader.bool();
    else return readContent(tag, metric, reader, budget, levels);
    return true;
  });
  if (isNull) metric.content = NONE;
  return metric;
}

/** Of several values the last one counts, as protobuf says of a oneof. */
function readContent(
  tag: number,
  metric: Draft,
  reader: protobuf.Reader,
  budget: { left: number },
  levels: number,
): boolean {
  if (tag === INT_VALUE) metric.content = { kind: "int", value: reader.uint32() };
  else if (tag === LONG_VALUE) metric.content = { kind: "long", value: readLong(reader) };
  else if (tag === FLOAT_VALUE) metric.content = { kind: "plain", value: reader.float() };
  else if (tag === DOUBLE_VALUE) metric.content = { kind: "plain", value: reader.double() };
  else if (tag === BOOLEAN_VALUE) metric.content = { kind: "plain", value: reader.bool() };
  else if (tag === STRING_VALUE) metric.content = { kind: "plain", value: reader.string() };
  else if (tag === TEMPLATE_VALUE) metric.content = readTemplate(reader, budget, levels - 1);
  else return false;
  return true;
}

function readTemplate(reader: protobuf.Reader, budget: { left: number }, levels: number): Content {
  if (levels === 0) {
    throw new PayloadError("undecodable", `Payload has templates nested more than ${MOST_LEVELS} levels deep`);
  }
  const metrics: Metric[] = [];
  readFields(reader, endOf(reader), (tag) => {
    if (tag !== METRICS) return false;
    metrics.push(readMetric(reader, budget, levels));
    return true;
  });
  return { kind: "template", metrics };
}

/** Calls `read` at each field up to `end`, with its number and wire type; it reads the field, or answers false for one to pass over. */
function readFields(reader: protobuf.Reader, end: number, read: (tag: number) => boolean): void {
  while (reader.pos < end) {
    const tag = reader.tag();
    if (!read(tag)) reader.skipType(tag & 7, 0, tag >>> 3);
  }
  if (reader.pos > end) throw new RangeError("a part ends within a value");
}

/** Reads the length of a part, and answers where it ends. */
function endOf(reader: protobuf.Reader): number {
  const end = reader.uint32() + reader.pos;
  if (end > reader.len) throw new RangeError(`a part ends at ${end}, the payload at ${reader.len}`);
  return end;
}

/** An unsigned integer of 64 bits. */
function readLong(reader: protobuf.Reader): bigint {
  const { high, low } = reader.uint64() as { readonly high: number; readonly low: number };
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}
