import {
  LAYER_HARDSIGMOID,
  LAYER_HARDTANH,
  LAYER_LINEAR,
  LAYER_PRELU,
  LAYER_RELU,
  LAYER_SIGMOID,
  LAYER_SOFTMAX,
  NARROW_ROWS,
} from "../layout";
import { F32s } from "../memory";
import { expF32, sigmoidF32, tanhF32 } from "./activations";
import { functionF32 } from "./functions";
import { narrowSumF32, rowSumF32, rowSumsF32 } from "./mac";

// Data of a dense layer, blocks of 16 rows; the rows of a sigmoid halved:
//
//   b      f32[blocks][16]
//   W      f32[blocks][N][16]; of at most NARROW_ROWS rows f32[rows][N]
//   p, q   f32[blocks][16] each: the parameters of the activation, as many as it has

/**
 * Computes `y = b + W x`; the SIMD build computes four rows at a time, or four columns where there are few rows: the head of a
 * forecaster of one output takes half the time.
 *
 * @param b  f32[blocks][16]; may be y
 * @param w  f32[blocks][sizeIn][16], or f32[size][sizeIn] where size <= NARROW_ROWS
 * @param y  f32[blocks][16]
 */
export function affineF32(b: usize, w: usize, x: usize, y: usize, sizeIn: i32, size: i32): void {
  const end = x + F32s.bytes(sizeIn);
  if (size <= NARROW_ROWS) {
    for (let i = 0; i < size; i++) {
      const sum = F32s.at(b, i);
      F32s.put(y, i, ASC_FEATURE_SIMD ? narrowSumF32(w, x, end, sum) : rowSumF32(w, x, end, sum, 4));
      w += F32s.bytes(sizeIn);
    }
    return;
  }
  for (let i = 0; i < size; i += ASC_FEATURE_SIMD ? 4 : 1) {
    const at = F32s.bytes(i);
    const row = w + usize((i >> 4) * (sizeIn << 6)) + F32s.bytes(i & 15);
    if (ASC_FEATURE_SIMD) rowSumsF32(row, x, end, b + at, y + at, 64);
    else store<f32>(y + at, rowSumF32(row, x, end, load<f32>(b + at), 64));
  }
}

/**
 * Applies the activation of a dense layer of this kind to `y`, f32[size], in place. A sigmoid's rows come halved.
 *
 * @param p  the first parameter of each row, where the activation has parameters
 * @param column  bytes from it to the second
 */
export function activateF32(y: usize, size: i32, kind: i32, p: usize, column: usize): void {
  if (kind === LAYER_LINEAR) return;
  if (kind === LAYER_SOFTMAX) {
    softmaxF32(y, size);
    return;
  }
  if (kind >= LAYER_PRELU) {
    const hasSecond = kind === LAYER_HARDTANH || kind === LAYER_HARDSIGMOID;
    const hasFirst = hasSecond || kind <= LAYER_HARDTANH;
    for (let i = 0; i < size; i++) {
      const first = hasFirst ? F32s.at(p, i) : 0;
      const second = hasSecond ? F32s.at(p + column, i) : 0;
      F32s.put(y, i, functionF32(kind, F32s.at(y, i), first, second));
    }
    return;
  }
  for (let i = 0; i < size; i++) {
    const a = F32s.at(y, i);
    F32s.put(y, i, kind === LAYER_RELU ? max<f32>(a, 0) : kind === LAYER_SIGMOID ? sigmoidF32(a) : tanhF32(a));
  }
}

/** Softmax in place: exp(y - max) / sum, summed in ascending order. */
export function softmaxF32(y: usize, size: i32): void {
  let top = F32s.at(y, 0);
  for (let i = 1; i < size; i++) top = max<f32>(top, F32s.at(y, i));
  let sum: f32 = 0;
  for (let i = 0; i < size; i++) {
    const e = expF32(F32s.at(y, i) - top);
    sum += e;
    F32s.put(y, i, e);
  }
  for (let i = 0; i < size; i++) F32s.put(y, i, F32s.at(y, i) / sum);
}
