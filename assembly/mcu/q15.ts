// The functions from which the linker (tools/mcu/link.ts) takes those that a q15 model needs on a microcontroller. Not a module to run.

export { clear } from "../memory";
export { softmaxQ15 as softmax } from "../q15/dense";
export {
  activateQ15 as activate,
  addSkipQ15 as add_skip,
  embedQ15 as embed,
  inputQ15 as input,
  outputQ15 as output,
  pushQ15 as push,
  reluQ15 as relu,
  widenQ15 as widen,
} from "./head";
export { selftest } from "./selftest";

import { affineDevice } from "./head";
import { affineBytes, Layer } from "./layer";
import { drive } from "./selftest";

/** Rows of int8 weights. */
export function affine(data: usize, x: usize, end: usize, t: usize, size: i32): void {
  affineDevice<i8>(data, x, end, t, size);
}

/** Rows of int8 weights, padded to four, as in gru_after_bytes. */
export function affine_bytes(data: usize, x: usize, end: usize, t: usize, rows: i32): void {
  affineBytes(data, x, end, t, rows);
}

/** Rows of int16 weights: the skip. */
export function affine16(data: usize, x: usize, end: usize, t: usize, size: i32): void {
  affineDevice<i16>(data, x, end, t, size);
}

/** The run by which runtimes are compared. */
export function drive_q15(
  seed: i32,
  steps: i32,
  input: usize,
  inputBytes: usize,
  output: usize,
  outputBytes: usize,
  state: usize,
  stateBytes: usize,
  vocabulary: i32,
): i32 {
  return drive<i32>(seed, steps, input, inputBytes, output, outputBytes, state, stateBytes, vocabulary);
}

/** Reset-after, wide, sums proven to fit. */
export function gru_after_wide(
  data: usize,
  x: usize,
  xEnd: usize,
  h: usize,
  hEnd: usize,
  units: usize,
  t: usize,
  shiftX: i32,
  shiftH: i32,
): void {
  Layer.afterWide<i64>(data, x, xEnd, h, hEnd, units, t, shiftX, shiftH);
}

/** Reset-after, wide, sums that may pass i16. */
export function gru_after_wide_sat(
  data: usize,
  x: usize,
  xEnd: usize,
  h: usize,
  hEnd: usize,
  units: usize,
  t: usize,
  shiftX: i32,
  shiftH: i32,
): void {
  Layer.afterWide<i32>(data, x, xEnd, h, hEnd, units, t, shiftX, shiftH);
}

/** Reset-after, bytes, sums proven to fit. */
export function gru_after_bytes(
  data: usize,
  x: usize,
  xEnd: usize,
  h: usize,
  hEnd: usize,
  units: usize,
  t: usize,
  shiftX: i32,
  shiftH: i32,
): void {
  Layer.afterBytes<i64>(data, x, xEnd, h, hEnd, units, t, shiftX, shiftH);
}

/** Reset-after, bytes, sums that may pass i16. */
export function gru_after_bytes_sat(
  data: usize,
  x: usize,
  xEnd: usize,
  h: usize,
  hEnd: usize,
  units: usize,
  t: usize,
  shiftX: i32,
  shiftH: i32,
): void {
  Layer.afterBytes<i32>(data, x, xEnd, h, hEnd, units, t, shiftX, shiftH);
}

/** Reset-after, rows, sums proven to fit. */
export function gru_after_rows(
  data: usize,
  x: usize,
  xEnd: usize,
  h: usize,
  hEnd: usize,
  units: usize,
  t: usize,
  shiftX: i32,
  shiftH: i32,
): void {
  Layer.afterRows<i64>(data, x, xEnd, h, hEnd, units, t, shiftX, shiftH);
}

/** Reset-after, rows, sums that may pass i16. */
export function gru_after_rows_sat(
  data: usize,
  x: usize,
  xEnd: usize,
  h: usize,
  hEnd: usize,
  units: usize,
  t: usize,
  shiftX: i32,
  shiftH: i32,
): void {
  Layer.afterRows<i32>(data, x, xEnd, h, hEnd, units, t, shiftX, shiftH);
}

/** Reset-before, wide, sums proven to fit. */
export function gru_before_wide(
  data: usize,
  x: usize,
  xEnd: usize,
  h: usize,
  hEnd: usize,
  units: usize,
  t: usize,
  shiftX: i32,
  shiftH: i32,
): void {
  Layer.before<u64, i64>(data, x, xEnd, h, hEnd, units, t, shiftX, shiftH);
}

/** Reset-before, wide, sums that may pass i16. */
export function gru_before_wide_sat(
  data: usize,
  x: usize,
  xEnd: usize,
  h: usize,
  hEnd: usize,
  units: usize,
  t: usize,
  shiftX: i32,
  shiftH: i32,
): void {
  Layer.before<u64, i32>(data, x, xEnd, h, hEnd, units, t, shiftX, shiftH);
}

/** Reset-before, bytes, sums proven to fit. */
export function gru_before_bytes(
  data: usize,
  x: usize,
  xEnd: usize,
  h: usize,
  hEnd: usize,
  units: usize,
  t: usize,
  shiftX: i32,
  shiftH: i32,
): void {
  Layer.before<u8, i64>(data, x, xEnd, h, hEnd, units, t, shiftX, shiftH);
}

/** Reset-before, bytes, sums that may pass i16. */
export function gru_before_bytes_sat(
  data: usize,
  x: usize,
  xEnd: usize,
  h: usize,
  hEnd: usize,
  units: usize,
  t: usize,
  shiftX: i32,
  shiftH: i32,
): void {
  Layer.before<u8, i32>(data, x, xEnd, h, hEnd, units, t, shiftX, shiftH);
}

/** Reset-before, rows, sums proven to fit. */
export function gru_before_rows(
  data: usize,
  x: usize,
  xEnd: usize,
  h: usize,
  hEnd: usize,
  units: usize,
  t: usize,
  shiftX: i32,
  shiftH: i32,
): void {
  Layer.before<i8, i64>(data, x, xEnd, h, hEnd, units, t, shiftX, shiftH);
}

/** Reset-before, rows, sums that may pass i16. */
export function gru_before_rows_sat(
  data: usize,
  x: usize,
  xEnd: usize,
  h: usize,
  hEnd: usize,
  units: usize,
  t: usize,
  shiftX: i32,
  shiftH: i32,
): void {
  Layer.before<i8, i32>(data, x, xEnd, h, hEnd, units, t, shiftX, shiftH);
}
