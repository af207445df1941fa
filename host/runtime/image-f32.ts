import { BLOCK, IMAGE_MAGIC_F32, NARROW_ROWS } from "../../assembly/layout.ts";
import {
  type DenseStage,
  type EmbeddingStage,
  type GruStage,
  type InputStage,
  type Matrix,
  networkOf,
  type OutputStage,
} from "../model/network.ts";
import { dataOf } from "../model/tensors.ts";
import type { Model } from "../model/types.ts";
import { blocks, bytesOf, type Image, packImage } from "./image.ts";

/** Packs an f32 model. The SIMD and the scalar build read the same image. */
export function packF32(model: Model): Image {
  const network = networkOf(model.spec);
  const { input, skip, output } = network;
  return packImage(model.spec, network, {
    magic: IMAGE_MAGIC_F32,
    elementBytes: 4,
    input: [input.kind === "embedding" ? embeddingRows(model, input) : affine(model, input, "before")],
    layer: (stage) => (stage.kind === "dense" ? denseParts(model, stage) : gruParts(model, stage)),
    skip: skip && bytesOf(rowsOf(dataOf(model, skip.w.weight), skip.w, 1)),
    output: affine(model, output, "behind"),
    accumulatorBytes: ({ kind, size }) => (kind === "gru" ? blocks(size) * 80 * 4 : 0),
  });
}

/**
 * a[count], scale[count], c[count], each padded to 16 bytes, of (v + a) * scale + c; the identity when the model has none.
 *
 * @param place  where the offset goes: a = -offset before the scale, or c = offset behind it
 */
function affine(model: Model, stage: InputStage | OutputStage, place: "before" | "behind"): Uint8Array {
  const count = stage.size;
  const padded = Math.ceil(count / 4) * 4;
  const values = new Float32Array(3 * padded);
  values.fill(1, padded, padded + count);
  const offset = model.tensors.get(stage.offset)?.data ?? new Float32Array(count);
  const scale = model.tensors.get(stage.scale);
  for (let i = 0; i < count; i++) {
    const value = offset[i] as number;
    if (place === "before") values[i] = -value;
    else values[2 * padded + i] = value;
  }
  if (scale) values.set(scale.data, padded);
  return bytesOf(values);
}

/** Rows of the embedding, each padded to 4 elements. */
function embeddingRows(model: Model, { size, weight }: EmbeddingStage): Uint8Array {
  const rows = dataOf(model, weight);
  const stride = Math.ceil(size / 4) * 4;
  const padded = new Float32Array((rows.length / size) * stride);
  for (let row = 0; row * size < rows.length; row++) {
    for (let i = 0; i < size; i++) padded[row * stride + i] = rows[row * size + i] as number;
  }
  return bytesOf(padded);
}

type Size = Pick<Matrix, "rows" | "columns">;

/** A row-major matrix as f32[blocks][columns][16], times `factor`. */
function matrix(w: ArrayLike<number>, { rows, columns }: Size, factor: number): Float32Array {
  const packed = new Float32Array(blocks(rows) * columns * BLOCK);
  for (let row = 0; row < rows; row++) {
    const base = Math.floor(row / BLOCK) * columns * BLOCK + (row % BLOCK);
    for (let k = 0; k < columns; k++) {
      packed[base + k * BLOCK] = factor * (w[row * columns + k] as number);
    }
  }
  return packed;
}

/** The weights of a dense layer: few rows one after the other, more as `matrix` has them. */
function rowsOf(w: ArrayLike<number>, shape: Size, factor: number): Float32Array {
  if (shape.rows > NARROW_ROWS) return matrix(w, shape, factor);
  return Float32Array.from({ length: shape.rows * shape.columns }, (_, i) => factor * (w[i] as number));
}

function denseParts(model: Model, { layer, w, parameters }: DenseStage): readonly Uint8Array[] {
  const factor = layer.activation === "sigmoid" ? 0.5 : 1;
  const bias = matrix(dataOf(model, w.bias), { rows: w.rows, columns: 1 }, factor);
  const own = Array.from({ length: parameters?.count ?? 0 }, (_, index) => {
    const values = dataOf(model, (parameters as { name: string }).name).subarray(index * w.rows, (index + 1) * w.rows);
    return bytesOf(matrix(values, { rows: w.rows, columns: 1 }, 1));
  });
  return [bytesOf(bias), bytesOf(rowsOf(dataOf(model, w.weight), w, factor)), ...own];
}

/** [blocks][columns][3][16], gates n, r, z, of a matrix [3 size][columns] in gate order rzn; the rows of r and z times `factor`. */
function gates(w: ArrayLike<number>, size: number, columns: number, factor: number): Float32Array {
  const packed = new Float32Array(blocks(size) * columns * 3 * BLOCK);
  for (let unit = 0; unit < size; unit++) {
    const base = Math.floor(unit / BLOCK) * columns * 3 * BLOCK + (unit % BLOCK);
    [2, 0, 1].forEach((gate, place) => {
      const row = (gate * size + unit) * columns;
      for (let k = 0; k < columns; k++) {
        packed[base + (3 * k + place) * BLOCK] = (gate === 2 ? 1 : factor) * (w[row + k] as number);
      }
    });
  }
  return packed;
}

function gruParts(model: Model, { layer, size, w, u }: GruStage): readonly Uint8Array[] {
  const b = dataOf(model, w.bias);
  const c = dataOf(model, u.bias);
  const bias = new Float32Array(blocks(size) * 4 * BLOCK);
  // Rows that pass a sigmoid are halved.
  const factor = layer.gates === "hard" ? 1 : 0.5;
  for (let unit = 0; unit < size; unit++) {
    const base = Math.floor(unit / BLOCK) * 4 * BLOCK + (unit % BLOCK);
    const candidate = 2 * size + unit;
    bias[base] = layer.reset === "after" ? (b[candidate] as number) : summed(b, c, candidate);
    bias[base + BLOCK] = factor * summed(b, c, unit);
    bias[base + 2 * BLOCK] = factor * summed(b, c, size + unit);
    bias[base + 3 * BLOCK] = layer.reset === "after" ? (c[candidate] as number) : 0;
  }
  return [
    bytesOf(bias),
    bytesOf(gates(dataOf(model, w.weight), size, w.columns, factor)),
    bytesOf(gates(dataOf(model, u.weight), size, u.columns, factor)),
  ];
}

/** b + c of a row in single precision. */
const summed = (b: ArrayLike<number>, c: ArrayLike<number>, row: number): number =>
  Math.fround((b[row] as number) + (c[row] as number));
