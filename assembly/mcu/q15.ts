// The functions from which the linker (tools/mcu/link.ts) takes those that a q15 model needs on a microcontroller. Not a module to run.

export { clear } from "../memory";
export { softmaxQ15 as softmax } from "../q15/dense";
export { residualsQ15 as residuals } from "../q15/forecasts";
export {
  activateQ15 as activate,
  addSkipQ15 as add_skip,
  embedQ15 as embed,
  inputQ15 as input,
  outputQ15 as output,
  pushQ15 as push,
  reluQ15 as relu,
  widenQ15 as widen,
} from "./ends";
export { check, selftest } from "./selftest";

import { affineMcu } from "./ends";
import { affineBytes, Layer } from "./layer";
// biome-ignore lint/style/useImportType: asc knows no import type
import { Bytes, BytesSat, Rows, RowsSat, Wide, WideSat } from "./packs";
import { drive } from "./selftest";

/** Rows of int8 weights. */
export function affine(data: usize, x: usize, end: usize, t: usize, size: i32): void {
  affineMcu<i8>(data, x, end, t, size);
}

/** Rows of int8 weights, padded to four, as in gru_after_bytes. */
export function affine_bytes(data: usize, x: usize, end: usize, t: usize, rows: i32): void {
  affineBytes(data, x, end, t, rows);
}

/** Rows of int16 weights: the skip. */
export function affine16(data: usize, x: usize, end: usize, t: usize, size: i32): void {
  affineMcu<i16>(data, x, end, t, size);
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
export function gru_after_wide(data: usize, x: usize, h: usize, t: usize, overX: i32, overH: i32): void {
  Layer.afterWide<Wide, i32>(data, x, h, t, overX, overH);
}

/** Reset-after, wide, any sums. */
export function gru_after_wide_sat(data: usize, x: usize, h: usize, t: usize, overX: i32, overH: i32): void {
  Layer.afterWide<WideSat, i64>(data, x, h, t, overX, overH);
}

/** Reset-after, bytes, sums proven to fit. */
export function gru_after_bytes(data: usize, x: usize, h: usize, t: usize, overX: i32, overH: i32): void {
  Layer.afterBytes<Bytes, i32>(data, x, h, t, overX, overH);
}

/** Reset-after, bytes, any sums. */
export function gru_after_bytes_sat(data: usize, x: usize, h: usize, t: usize, overX: i32, overH: i32): void {
  Layer.afterBytes<BytesSat, i32>(data, x, h, t, overX, overH);
}

/** Reset-after, rows, sums proven to fit. */
export function gru_after_rows(data: usize, x: usize, h: usize, t: usize, overX: i32, overH: i32): void {
  Layer.afterRows<Rows, i32>(data, x, h, t, overX, overH);
}

/** Reset-after, rows, any sums. */
export function gru_after_rows_sat(data: usize, x: usize, h: usize, t: usize, overX: i32, overH: i32): void {
  Layer.afterRows<RowsSat, i32>(data, x, h, t, overX, overH);
}

/** Reset-before, wide, sums proven to fit. */
export function gru_before_wide(data: usize, x: usize, h: usize, t: usize, overX: i32, overH: i32): void {
  Layer.before<Wide, i32>(data, x, h, t, overX, overH);
}

/** Reset-before, wide, any sums. */
export function gru_before_wide_sat(data: usize, x: usize, h: usize, t: usize, overX: i32, overH: i32): void {
  Layer.before<WideSat, i64>(data, x, h, t, overX, overH);
}

/** Reset-before, bytes, sums proven to fit. */
export function gru_before_bytes(data: usize, x: usize, h: usize, t: usize, overX: i32, overH: i32): void {
  Layer.before<Bytes, i32>(data, x, h, t, overX, overH);
}

/** Reset-before, bytes, any sums. */
export function gru_before_bytes_sat(data: usize, x: usize, h: usize, t: usize, overX: i32, overH: i32): void {
  Layer.before<BytesSat, i32>(data, x, h, t, overX, overH);
}

/** Reset-before, rows, sums proven to fit. */
export function gru_before_rows(data: usize, x: usize, h: usize, t: usize, overX: i32, overH: i32): void {
  Layer.before<Rows, i32>(data, x, h, t, overX, overH);
}

/** Reset-before, rows, any sums. */
export function gru_before_rows_sat(data: usize, x: usize, h: usize, t: usize, overX: i32, overH: i32): void {
  Layer.before<RowsSat, i32>(data, x, h, t, overX, overH);
}
