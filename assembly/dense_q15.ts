import { sat16, sigmoidQ15, tanhQ15 } from "./activations_q15";
import { BLOCK, HEADER_CUBIC, LAYER_RELU, LAYER_SIGMOID, LAYER_SOFTMAX, LAYER_TANH } from "./format";
import { mac16Q15 } from "./mac_q15";
import { I16s, I32s } from "./memory";

// Data of a dense layer, blocks of 16 rows (FORMAT.md 5.4); weights are i16 (SIMD) or i8 (scalar):
//
//   b            i32[blocks][16]
//   multipliers  i32[blocks][16]          0 in a last layer that is linear or relu
//   W            [blocks][pairs of N][16][2]

/**
 * Computes `t = b + W x`, rows padded to 16; the biases and the accumulators of two blocks lie `stride` bytes apart.
 *
 * @param b  i32[16] for each block
 * @param w  T[blocks][pairs of sizeIn][16][2]; T is i16 in the SIMD build
 * @param x  i16[sizeIn]
 * @param t  i32[16] for each block
 */
export function rowsQ15<T>(b: usize, w: usize, x: usize, t: usize, sizeIn: i32, size: i32, stride: i32): void {
  while (size > 0) {
    mac16Q15<T>(w, x, x + I16s.bytes(sizeIn), b, t, size);
    w += usize(((sizeIn + 1) >> 1) * (ASC_FEATURE_SIMD ? 64 : 32 * sizeof<T>()));
    b += usize(stride);
    t += usize(stride);
    size -= BLOCK;
  }
}

/**
 * Turns the accumulators of a dense layer into its outputs, y[i] i16 (as i32 words for a softmax in place of `t`).
 *
 * @param t  accumulators, i32[size]; of a softmax: the outputs, Q15, 0..32768
 * @param m  multipliers, i32[size]
 * @param y  outputs, i16[size]; not written for a softmax
 */
export function activateQ15(image: usize, table: usize, t: usize, m: usize, y: usize, size: i32, kind: i32, shift: i32): void {
  for (let i = 0; i < size; i++) {
    let v = sat16((sat16(I32s.at(t, i) >> shift) * I32s.at(m, i) + 8192) >> 14);
    I32s.put(t, i, v);
    if (kind === LAYER_RELU) v = max(v, 0);
    else if (kind === LAYER_TANH) v = tanhQ15(v, table);
    else if (kind === LAYER_SIGMOID) v = sigmoidQ15(v, table);
    I16s.put(y, i, v);
  }
  if (kind === LAYER_SOFTMAX) softmaxQ15(image, t, size);
}

/** Softmax of Q10 octaves in place, i32[size] (FORMAT.md 5.6). */
export function softmaxQ15(image: usize, t: usize, size: i32): void {
  const a = load<i32>(image, HEADER_CUBIC);
  const b = load<i32>(image, HEADER_CUBIC + 4);
  const c = load<i32>(image, HEADER_CUBIC + 8);
  let top = -32768;
  for (let i = 0; i < size; i++) top = max(top, I32s.at(t, i));
  let sum: u32 = 0;
  for (let i = 0; i < size; i++) {
    const d = top - I32s.at(t, i);
    const f = (d & 1023) << 5;
    const e = (32768 - ((f * (a - ((f * (b - ((f * c) >> 15))) >> 15))) >> 15)) >> min(d >> 10, 31);
    sum += u32(e);
    I32s.put(t, i, e);
  }
  for (let i = 0; i < size; i++) I32s.put(t, i, i32((u32(I32s.at(t, i)) << 15) / sum));
}
