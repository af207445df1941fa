// Packs a model into the image that the kernels read. Layout: assembly/layout.ts; data of the layers: gru.ts and dense.ts of assembly/f32/ and assembly/q15/.

import * as format from "../../assembly/layout.ts";
import { type Forecast, forecastsOf, ringBytes } from "../model/forecasts.ts";
import type { LayerStage, Network } from "../model/network.ts";
import type { LayerSpec, ModelSpec } from "../model/types.ts";
import { crc32 } from "./crc32.ts";

/** An image with what a host must know to place it. */
export interface Image {
  readonly bytes: Uint8Array;
  /** Bytes of scratch behind the image. */
  readonly scratchBytes: number;
  /** Bytes of one session's state. */
  readonly stateBytes: number;
  /** Offset of the ring of forecasts in it; its end when there is none. */
  readonly ringOffset: number;
  /** Offset of the forecasts part in the image; 0 when there is none. */
  readonly forecastsOffset: number;
}

/** The LAYER_* word of a layer. */
export const layerKind = (layer: LayerSpec): number => {
  if (layer.kind === "gru") {
    const isHard = layer.gates === "hard";
    if (layer.reset === "after") return isHard ? format.LAYER_GRU_AFTER_HARD : format.LAYER_GRU_AFTER;
    return isHard ? format.LAYER_GRU_BEFORE_HARD : format.LAYER_GRU_BEFORE;
  }
  return {
    linear: format.LAYER_LINEAR,
    sigmoid: format.LAYER_SIGMOID,
    tanh: format.LAYER_TANH,
    relu: format.LAYER_RELU,
    softmax: format.LAYER_SOFTMAX,
    prelu: format.LAYER_PRELU,
    elu: format.LAYER_ELU,
    hardtanh: format.LAYER_HARDTANH,
    gelu: format.LAYER_GELU,
    gelu_tanh: format.LAYER_GELU_TANH,
    silu: format.LAYER_SILU,
    softplus: format.LAYER_SOFTPLUS,
    hardswish: format.LAYER_HARDSWISH,
    hardsigmoid: format.LAYER_HARDSIGMOID,
  }[layer.activation];
};

/** `bytes` rounded up to a multiple of 16. */
export const align16 = (bytes: number): number => Math.ceil(bytes / 16) * 16;

/** Number of blocks of 16 that hold `count` rows or units. */
export const blocks = (count: number): number => Math.ceil(count / format.BLOCK);

/** What the two numeric forms pack differently. */
export interface Form {
  readonly magic: number;
  /** Bytes of an element of the state. */
  readonly elementBytes: number;
  /** Parts between the header and the first layer. */
  readonly input: readonly Uint8Array[];
  /** The parts of one layer's data. */
  layer(stage: LayerStage): readonly Uint8Array[];
  /** The packed weights of the skip, if any. */
  readonly skip: Uint8Array | undefined;
  readonly output: Uint8Array;
  /** Bytes of accumulators for one layer. */
  accumulatorBytes(stage: LayerStage): number;
}

/** Views any typed array as bytes. */
export const bytesOf = (data: ArrayBufferView): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/** Assembles an image from a form's parts. */
export function packImage(spec: ModelSpec, network: Network, form: Form): Image {
  const { input, layers, skip, output, state } = network;
  const parts: Uint8Array[] = [new Uint8Array(format.HEADER_SIZE), ...form.input];
  for (const stage of layers) {
    const data = form.layer(stage);
    const next = format.RECORD_SIZE + data.reduce((sum, part) => sum + align16(part.length), 0);
    parts.push(record(stage, next), ...data);
  }
  if (form.skip) parts.push(form.skip);
  const outputOffset = parts.reduce((sum, part) => sum + align16(part.length), 0);
  parts.push(form.output);
  const forecasts = forecastsOf(spec);
  const forecastsOffset = forecasts.length === 0 ? 0 : outputOffset + align16(form.output.length);
  if (forecasts.length > 0) parts.push(packForecasts(spec.horizon, forecasts));
  const bytes = join(parts);
  const widest = Math.max(input.size, ...layers.map(({ size }) => size));
  const vectorBytes = blocks(widest) * format.BLOCK * 4;
  const stateBytes = state.reduce((sum, elements) => sum + align16(elements * form.elementBytes), 0);
  const accumulators = Math.max(...layers.map((stage) => form.accumulatorBytes(stage)));
  const header = new DataView(bytes.buffer);
  const words: readonly (readonly [number, number])[] = [
    [format.HEADER_MAGIC, form.magic],
    [format.HEADER_BYTES, bytes.length],
    [format.HEADER_LAYERS, layers.length],
    [format.HEADER_SAMPLE, input.sizeIn],
    [format.HEADER_PREDICTION, output.size],
    [format.HEADER_VOCABULARY, input.kind === "embedding" ? input.vocabulary : 0],
    [format.HEADER_INPUT, input.size],
    [format.HEADER_WINDOW, skip?.w.columns ?? 0],
    [format.HEADER_STATE, stateBytes + align16(ringBytes(spec))],
    [format.HEADER_VECTOR, vectorBytes],
    [format.HEADER_OUTPUT, outputOffset],
    [format.HEADER_FORECASTS, forecastsOffset],
    [format.HEADER_RING, stateBytes],
  ];
  for (const [offset, value] of words) header.setInt32(offset, value, true);
  header.setUint32(format.HEADER_CHECKSUM, crc32(bytes.subarray(format.HEADER_LAYERS)), true);
  return {
    bytes,
    scratchBytes: 2 * vectorBytes + align16(accumulators),
    stateBytes: stateBytes + align16(ringBytes(spec)),
    ringOffset: stateBytes,
    forecastsOffset,
  };
}

/** Beyond this a shift of a raw input makes no difference. */
const MOST_SHIFT = 31;

/** The forecasts part of an image (assembly/layout.ts). */
export function packForecasts(horizon: number, forecasts: readonly Forecast[]): Uint8Array {
  const clamped = (shift: number) => Math.max(-MOST_SHIFT, Math.min(MOST_SHIFT, shift));
  const map = forecasts.flatMap(({ input, output, shift }) => [4 * input, 4 * output, clamped(shift)]);
  return bytesOf(Int32Array.from([horizon, forecasts.length, ...map]));
}

function record({ layer, sizeIn, size }: LayerStage, next: number): Uint8Array {
  const words = new Int32Array(format.RECORD_SIZE / 4);
  words[format.RECORD_KIND / 4] = layerKind(layer);
  words[format.RECORD_SIZE_IN / 4] = sizeIn;
  words[format.RECORD_SIZE_OUT / 4] = size;
  words[format.RECORD_NEXT / 4] = next;
  words[format.RECORD_SHIFT_X / 4] = layer.shift_x ?? 0;
  words[format.RECORD_SHIFT_H / 4] = (layer.kind === "gru" ? layer.shift_h : undefined) ?? 0;
  return bytesOf(words);
}

/** Joins parts, each padded to 16 bytes. */
function join(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + align16(part.length), 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += align16(part.length);
  }
  return bytes;
}
