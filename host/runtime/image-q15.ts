import { BLOCK, IMAGE_MAGIC_Q15_I8, IMAGE_MAGIC_Q15_I16 } from "../../assembly/layout.ts";
import {
  type DenseStage,
  type EmbeddingStage,
  type GruStage,
  type Matrix,
  type Network,
  networkOf,
  type SkipStage,
} from "../model/network.ts";
import { TANH_TABLE } from "../model/tables.ts";
import { dataOf } from "../model/tensors.ts";
import type { Model } from "../model/types.ts";
import { blocks, bytesOf, type Image, packImage } from "./image.ts";

/** How a build stores int8 weights: widened to i16 for the SIMD module (faster to multiply), as they are for the scalar one. */
type Weights = Int16ArrayConstructor | Int8ArrayConstructor;

/**
 * Packs a q15 model.
 *
 * @param simd  whether for the SIMD build
 */
export function packQ15(model: Model, simd: boolean): Image {
  const network = networkOf(model.spec);
  const { input, skip } = network;
  const type = simd ? Int16Array : Int8Array;
  return packImage(model.spec, network, {
    magic: simd ? IMAGE_MAGIC_Q15_I16 : IMAGE_MAGIC_Q15_I8,
    elementBytes: 2,
    input: [
      tableWords(),
      input.kind === "embedding" ? embeddingRows(model, input) : bytesOf(dataOf(model, input.offset)),
    ],
    layer: (stage) => (stage.kind === "gru" ? gruParts(model, stage, type) : denseParts(model, stage, type)),
    skip: skip && skipPart(model, skip),
    output: outputWords(model, network),
    accumulatorBytes: ({ kind, size }) => blocks(size) * (kind === "gru" ? 384 + 32 : 64 * 2),
  });
}

function tableWords(): Uint8Array {
  return bytesOf(Int16Array.from(TANH_TABLE));
}

/** Rows of the embedding, each padded to 8 elements. */
function embeddingRows(model: Model, { size, weight }: EmbeddingStage): Uint8Array {
  const rows = dataOf(model, weight);
  const stride = Math.ceil(size / 8) * 8;
  const padded = new Int16Array((rows.length / size) * stride);
  for (let row = 0; row * size < rows.length; row++) {
    for (let i = 0; i < size; i++) padded[row * stride + i] = rows[row * size + i] as number;
  }
  return bytesOf(padded);
}

/** A row-major matrix as [blocks][pairs of columns][16][2]. */
function matrix(type: Weights, w: ArrayLike<number>, { rows, columns }: Matrix) {
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

function denseParts(model: Model, { w }: DenseStage, type: Weights): readonly Uint8Array[] {
  const padded = blocks(w.rows) * BLOCK;
  const bias = new Int32Array(padded);
  bias.set(dataOf(model, w.bias));
  const multipliers = new Int32Array(padded);
  if (w.multiplier !== undefined) multipliers.set(dataOf(model, w.multiplier));
  return [bytesOf(bias), bytesOf(multipliers), bytesOf(matrix(type, dataOf(model, w.weight), w))];
}

/** Place of the sums of gate r, z, n in a block: n, r, z. */
const PLACES = [1, 2, 0] as const;

function gruParts(model: Model, { size, w, u }: GruStage, type: Weights): readonly Uint8Array[] {
  const b = dataOf(model, w.bias);
  const c = dataOf(model, u.bias);
  const mx = dataOf(model, w.multiplier as string);
  const mh = dataOf(model, u.multiplier as string);
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
  const gatesW = gates(type, dataOf(model, w.weight), size, w.columns);
  const gatesU = gates(type, dataOf(model, u.weight), size, u.columns);
  return [bias, multipliers, gatesW, gatesU].map(bytesOf);
}

/** The skip as a dense layer: biases of 0, i32[blocks][16], then its weights, i16 in both builds. */
function skipPart(model: Model, { w }: SkipStage): Uint8Array {
  const weights = bytesOf(matrix(Int16Array, dataOf(model, w.weight), w));
  const biasBytes = blocks(w.rows) * BLOCK * 4;
  const part = new Uint8Array(biasBytes + weights.length);
  part.set(weights, biasBytes);
  return part;
}

/** i32 multiplier[O], skip multiplier[O], offset[O], each padded to 16 bytes. */
function outputWords(model: Model, { skip, output }: Network): Uint8Array {
  const padded = Math.ceil(output.size / 4) * 4;
  const words = new Int32Array(3 * padded);
  words.set(dataOf(model, output.multiplier));
  if (skip) words.set(dataOf(model, skip.w.multiplier as string), padded);
  words.set(dataOf(model, output.offset), 2 * padded);
  return bytesOf(words);
}
