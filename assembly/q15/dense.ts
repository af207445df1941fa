import { blocks } from "../image";
import {
  EXP2_A,
  EXP2_B,
  EXP2_C,
  LAYER_LINEAR,
  LAYER_RELU,
  LAYER_SIGMOID,
  LAYER_SOFTMAX,
  LAYER_TANH,
  RECORD_KIND,
  RECORD_SHIFT_X,
  RECORD_SIZE,
  RECORD_SIZE_IN,
  RECORD_SIZE_OUT,
} from "../layout";
import { I16s, I32s } from "../memory";
import { requantize, sat16, sigmoidQ15, tanhQ15 } from "./activations";
import { dotQ15, rowSumsQ15 } from "./mac";

// Data of a dense layer, blocks of 16 rows (FORMAT.md 5.4); weights are i16 (SIMD) or i8 (scalar):
//
//   b            i32[blocks][16]
//   multipliers  i32[blocks][16]          0 in a last layer that is linear or relu
//   W            [blocks][pairs of N][16][2]

/**
 * Computes `t = b + W x`; the SIMD build computes four rows at a time.
 *
 * @param b  i32[blocks][16]; may be t
 * @param w  T[blocks][pairs of sizeIn][16][2]; T is i16 in the SIMD build
 * @param x  i16[sizeIn], one element more readable when sizeIn is odd
 * @param t  i32[blocks][16]
 */
export function affineQ15<T>(b: usize, w: usize, x: usize, t: usize, sizeIn: i32, size: i32): void {
  const end = x + I16s.bytes(sizeIn);
  const width = usize(ASC_FEATURE_SIMD ? 64 : 32 * sizeof<T>());
  for (let i = 0; i < size; i += ASC_FEATURE_SIMD ? 4 : 1) {
    const at = I32s.bytes(i);
    const row = w + usize((i >> 4) * ((sizeIn + 1) >> 1)) * width + usize(i & 15) * 2 * sizeof<T>();
    if (ASC_FEATURE_SIMD) rowSumsQ15(row, x, end, b + at, t + at, 64);
    else store<i32>(t + at, dotQ15<T>(row, x, end, load<i32>(b + at), width));
  }
}

/**
 * Computes a dense layer (FORMAT.md 5.4).
 *
 * @param record  layer record, its data behind it
 * @param table  tanh table
 * @param x  input, i16[sizeIn]
 * @param y  output, i16[size]; of a last layer that is linear, relu or softmax: not used
 * @param t  sums, i32[blocks][16]; of the last layer, on return: u of FORMAT.md 5.5
 */
export function denseQ15(record: usize, table: usize, x: usize, y: usize, t: usize, last: bool): void {
  const kind = load<i32>(record, RECORD_KIND);
  const sizeIn = load<i32>(record, RECORD_SIZE_IN);
  const size = load<i32>(record, RECORD_SIZE_OUT);
  const shift = load<i32>(record, RECORD_SHIFT_X);
  const b = record + RECORD_SIZE;
  const m = b + usize(blocks(size) << 6);
  const w = m + usize(blocks(size) << 6);
  if (ASC_FEATURE_SIMD) affineQ15<i16>(b, w, x, t, sizeIn, size);
  else affineQ15<i8>(b, w, x, t, sizeIn, size);
  const open = last && (kind === LAYER_LINEAR || kind === LAYER_RELU);
  for (let i = 0; i < size; i++) {
    let v = I32s.at(t, i);
    if (!open) v = requantize(sat16(v >> shift) * I32s.at(m, i));
    if (kind === LAYER_RELU) v = max(v, 0);
    else if (kind === LAYER_TANH) v = tanhQ15(v, table);
    else if (kind === LAYER_SIGMOID) v = sigmoidQ15(v, table);
    I16s.put(y, i, v);
    I32s.put(t, i, open || kind === LAYER_SOFTMAX ? v : v << 8);
  }
  if (kind === LAYER_SOFTMAX) softmaxQ15(t, size);
}

/** Softmax of Q10 octaves, i32[size] (FORMAT.md 5.6); writes the outputs << 8 in place. */
export function softmaxQ15(t: usize, size: i32): void {
  let top = i32(i16.MIN_VALUE);
  for (let i = 0; i < size; i++) top = max(top, I32s.at(t, i));
  let sum: u32 = 0;
  for (let i = 0; i < size; i++) {
    const d = top - I32s.at(t, i);
    const f = (d & 1023) << 5;
    const e = (32768 - ((f * (EXP2_A - ((f * (EXP2_B - ((f * EXP2_C) >> 15))) >> 15))) >> 15)) >> min(d >> 10, 31);
    sum += u32(e);
    I32s.put(t, i, e);
  }
  for (let i = 0; i < size; i++) I32s.put(t, i, i32((u32(I32s.at(t, i)) << 15) / sum) << 8);
}
