// What a configuration says of a source, and the source that it makes once the model's inputs are known.

import { createDocumentDecoder, type DocumentFormat, type DocumentOptions } from "./decode/index.ts";
import { isBirth } from "./decode/sparkplug/index.ts";
import { createSamplesDecoder, type SampleArray } from "./decode/struct.ts";
import type { DocumentDecoder } from "./decode/types.ts";
import { createDecoder, PayloadError, type PayloadFormat, parseJson } from "./payload.ts";
import { createReader, type ReaderInput, type ReaderOptions } from "./reader.ts";
import type { Source } from "./source.ts";
import type { TopicTemplate } from "./topic.ts";

/** How payloads are written. */
export type PlanFormat = PayloadFormat | DocumentFormat | "samples";

/** What is known of a source before its model is. */
export interface SourcePlan
  extends Pick<
    ReaderOptions,
    "isPartial" | "triggeredBy" | "device" | "each" | "where" | "time" | "distinct" | "maxBytes"
  > {
  readonly topic: TopicTemplate;
  /** What there is to say of the format. */
  readonly options?: DocumentOptions & { readonly samples?: SampleArray };
  readonly format: PlanFormat;
  /** Undefined: the model's inputs, by name. */
  readonly inputs: readonly ReaderInput[] | undefined;
  /** Seconds for which the last values of the model's inputs stand in where `inputs` is undefined. Default: none. */
  readonly maxAge?: number;
}

/**
 * Makes a source.
 *
 * @param modelInputs  names of the model's inputs, in the model's order; those of the plan are among them
 * @throws {SyntaxError} when a field, a pointer or the time zone is malformed
 */
export function createSource(plan: SourcePlan, modelInputs: readonly string[]): Source {
  const { topic, device, maxAge } = plan;
  const inputs = plan.inputs ?? modelInputs.map((name) => ({ name, ...(maxAge === undefined ? {} : { maxAge }) }));
  const plain = asPlain(plan, inputs);
  if (plain !== undefined) return { topic, device, decode: createDecoder({ ...plain, modelInputs }) };
  const decode = createReader({ ...plan, ...asDocument(plan, inputs), modelInputs });
  return { topic, device, decode, needsCaptures: device.isOfPayload };
}

const PLAIN: readonly string[] = ["json", "array", "number", "f32le"] satisfies PayloadFormat[];

/** The options of the short way, which most messages can take; undefined when these cannot. */
function asPlain({ format, options, isPartial, maxBytes, time, ...rest }: SourcePlan, inputs: readonly ReaderInput[]) {
  const { triggeredBy, each, where, distinct, device } = rest;
  const isSimple = [triggeredBy, each, where, distinct, time?.zone, time?.maxFuture, options].every(
    (one) => one === undefined,
  );
  const isBare = inputs.every(({ value }) => value === undefined) && device.fields.length === 0;
  if (!isSimple || !isBare || !isPlainFormat(format)) return undefined;
  return { payload: format, inputs, isPartial, maxBytes, ...(time === undefined ? {} : { time }) };
}

function isPlainFormat(format: PlanFormat): format is PayloadFormat {
  return PLAIN.includes(format);
}

/** How the formats whose values have no names are read as documents. */
function asDocument(
  { format, options = {} }: SourcePlan,
  inputs: readonly ReaderInput[],
): Pick<ReaderOptions, "inputs" | "each" | "time" | "isKnown"> & { readonly decode: DocumentDecoder } {
  const byPlace = inputs.map((input, index) => ({ ...input, field: `/${index}` }));
  switch (format) {
    case "number":
      return { decode: createDocumentDecoder("text"), inputs };
    case "array":
      return { decode: parseJson, inputs: byPlace };
    case "f32le":
      return { decode: (bytes) => readFloats(bytes, inputs.length), inputs: byPlace };
    case "samples":
      return samplesOf(options.samples ?? { type: "f32le", intervalMs: 0 }, inputs);
    case "sparkplug":
      return { decode: createDocumentDecoder(format, options), inputs, each: "", isKnown: isBirth };
    default:
      return { decode: createDocumentDecoder(format, options), inputs };
  }
}

/** Each sample is an element, with its values by place and its time. */
function samplesOf(samples: SampleArray, inputs: readonly ReaderInput[]) {
  return {
    decode: createSamplesDecoder(samples, inputs.length),
    inputs: inputs.map((input, index) => ({ ...input, field: `/v/${index}` })),
    each: "",
    time: { field: "t", format: "unix_ms" as const },
  };
}

function readFloats(bytes: Uint8Array, count: number): number[] {
  if (bytes.length !== 4 * count) {
    throw new PayloadError("wrong_length", `Payload has ${bytes.length} bytes, expected ${4 * count}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: count }, (_, index) => view.getFloat32(4 * index, true));
}
