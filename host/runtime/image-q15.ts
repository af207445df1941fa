import { BLOCK, IMAGE_MAGIC_Q15_BYTE, IMAGE_MAGIC_Q15_WIDE } from "../../assembly/layout.ts";
import { TANH_TABLE } from "../model/tables.ts";
import { dataOf, inputSizeOf } from "../model/tensors.ts";
import type { GruLayerSpec, LayerSpec, Model } from "../model/types.ts";
import { blocks, bytesOf, type Image, packImage } from "./image.ts";

/** How a build stores int8 weights: widened to i16 for the SIMD module (faster to multiply), as they are for the scalar one. */
type Weights = Int16ArrayConstructor | Int8ArrayConstructor;

/**
 * Packs a q15 model.
 *
 * @param wide whether for the SIMD build
 */
export function packQ15(model: Model, wide: boolean): Image {
  const { spec } = model;
  const type = wide ? Int16Array : Int8Array;
  const outputs = spec.outputs.length;
  const window = (spec.skip?.length ?? 0) * spec.inputs.length;
  return packImage(spec, {
    magic: wide ? IMAGE_MAGIC_Q15_WIDE : IMAGE_MAGIC_Q15_BYTE,
    elementBytes: 2,
    head: [tableWords(), spec.embedding ? embeddingRows(model) : bytesOf(dataOf(model, "input.offset"))],
    layer: (index, layer, sizeIn) => {
      const name = `layers.${index}`;
      return layer.kind === "gru"
        ? gruParts(model, name, layer, sizeIn, type)
        : denseParts(model, name, layer, sizeIn, type);
    },
    skip: spec.skip ? skipPart(model, outputs, window) : undefined,
    output: outputWords(model, outputs),
    accumulatorBytes: (layer) => (layer.kind === "gru" ? blocks(layer.size) * (384 + 32) : blocks(layer.size) * 64 * 2),
  });
}

function tableWords(): Uint8Array {
  return bytesOf(Int16Array.from(TANH_TABLE));
}

/** Rows of the embedding, each padded to 8 elements. */
function embeddingRows(model: Model): Uint8Array {
  const size = inputSizeOf(model.spec);
  const rows = dataOf(model, "embedding.weight");
  const stride = Math.ceil(size / 8) * 8;
  const padded = new Int16Array((rows.length / size) * stride);
  for (let row = 0; row * size < rows.length; row++) {
    for (let i = 0; i < size; i++) padded[row * stride + i] = rows[row * size + i] as number;
  }
  return bytesOf(padded);
}

/** A row-major matrix as [blocks][pairs of columns][16][2]. */
function matrix(type: Weights, w: ArrayLike<number>, rows: number, columns: number) {
  const pairs = Math.ceil(columns / 2);
  const packed = new type(blocks(rows) * pairs * 2 * BLOCK);
  for (let row = 0; row < rows; row++) {
    const base = Math.floor(row / BLOCK) * pairs * 2 * BLOCK + 2 * (row % BLOCK);
    for (let k = 0; k < columns; k++) {
      packed[base + (k >> 1) * 2 * BLOCK + (k & 1)] = w[row * columns + k] as number;
    }
  }
  return packed;
}

/** [blocks][pairs of columns][3][16][2], gates n, r, z, of a matrix [3 size][columns] in gate order rzn. */
function gates(type: Weights, w: ArrayLike<number>, size: number, columns: number) {
  const pairs = Math.ceil(columns / 2);
  const packed = new type(blocks(size) * pairs * 6 * BLOCK);
  for (let unit = 0; unit < size; unit++) {
    const base = Math.floor(unit / BLOCK) * pairs * 6 * BLOCK + 2 * (unit % BLOCK);
    for (let gate = 0; gate < 3; gate++) {
      for (let k = 0; k < columns; k++) {
        packed[base + ((k >> 1) * 3 + (PLACES[gate] as number)) * 2 * BLOCK + (k & 1)] = w[
          (gate * size + unit) * columns + k
        ] as number;
      }
    }
  }
  return packed;
}

function denseParts(
  model: Model,
  name: string,
  layer: LayerSpec,
  sizeIn: number,
  type: Weights,
): readonly Uint8Array[] {
  const padded = blocks(layer.size) * BLOCK;
  const bias = new Int32Array(padded);
  bias.set(dataOf(model, `${name}.b`));
  const multipliers = new Int32Array(padded);
  const given = model.tensors.get(`${name}.W.multiplier`);
  if (given) multipliers.set(given.data);
  return [bytesOf(bias), bytesOf(multipliers), bytesOf(matrix(type, dataOf(model, `${name}.W`), layer.size, sizeIn))];
}

/** Place of the sums of gate r, z, n in a block: n, r, z. */
const PLACES = [1, 2, 0] as const;

function gruParts(
  model: Model,
  name: string,
  layer: GruLayerSpec,
  sizeIn: number,
  type: Weights,
): readonly Uint8Array[] {
  const { size } = layer;
  const b = dataOf(model, `${name}.b`);
  const c = dataOf(model, `${name}.c`);
  const mx = dataOf(model, `${name}.W.multiplier`);
  const mh = dataOf(model, `${name}.U.multiplier`);
  const bias = new Int32Array(blocks(size) * 6 * BLOCK);
  const multipliers = new Int16Array(blocks(size) * 6 * BLOCK);
  for (let row = 0; row < 3 * size; row++) {
    const place = PLACES[Math.floor(row / size)] as number;
    const unit = row % size;
    const base = Math.floor(unit / BLOCK) * 6 * BLOCK;
    const lane = unit % BLOCK;
    bias[base + place * BLOCK + lane] = b[row] as number;
    bias[base + (3 + place) * BLOCK + lane] = c[row] as number;
    multipliers[base + place * BLOCK + lane] = mx[row] as number;
    multipliers[base + (3 + place) * BLOCK + lane] = mh[row] as number;
  }
  const w = gates(type, dataOf(model, `${name}.W`), size, sizeIn);
  const u = gates(type, dataOf(model, `${name}.U`), size, size);
  return [bias, multipliers, w, u].map(bytesOf);
}

/** The skip as a dense layer: biases of 0, i32[blocks][16], then its weights, i16 in both builds. */
function skipPart(model: Model, outputs: number, window: number): Uint8Array {
  const weights = bytesOf(matrix(Int16Array, dataOf(model, "skip.W"), outputs, window));
  const part = new Uint8Array(blocks(outputs) * 64 + weights.length);
  part.set(weights, blocks(outputs) * 64);
  return part;
}

/** i32 multiplier[O], skip multiplier[O], offset[O], each padded to 16 bytes. */
function outputWords(model: Model, outputs: number): Uint8Array {
  const padded = Math.ceil(outputs / 4) * 4;
  const words = new Int32Array(3 * padded);
  words.set(dataOf(model, "output.multiplier"));
  const skip = model.tensors.get("skip.multiplier");
  if (skip) words.set(skip.data, padded);
  words.set(dataOf(model, "output.offset"), 2 * padded);
  return bytesOf(words);
}
