// A GRU layer in q15 as plain loops, rows of weights times a vector: what the kernels for microcontrollers are measured against by
// `npm run bench:mcu`. The same bits. No part of any product module.

import { I16s, I32s } from "../memory";
import { requantize, sat16, sigmoidQ15, tanhQ15 } from "../q15/activations";
import { blend } from "../q15/gru";

export * from "../mcu/q15";

/** sums[row] = b[row] + Σ w[row][k] x[k], w i8[rows][columns], x i16[columns], b and sums i32[rows]. */
function plainRows(sums: usize, w: usize, x: usize, b: usize, rows: i32, columns: i32): void {
  for (let row = 0; row < rows; row++) {
    let sum = I32s.at(b, row);
    for (let k = 0; k < columns; k++) sum += i32(load<i8>(w + usize(k))) * I16s.at(x, k);
    I32s.put(sums, row, sum);
    w += usize(columns);
  }
}

/**
 * Advances a reset-after layer by one step (FORMAT.md 5.2).
 *
 * @param data  i32 b[3H], c[3H], then i16 mx[3H], mh[3H], then i8 W[3H][I], U[3H][H]
 * @param table  tanh table
 * @param x  input, i16[I]
 * @param h  hidden state, i16[H]
 * @param t  i32[2][3H]; undefined on return
 */
export function gru_naive(
  data: usize,
  table: usize,
  x: usize,
  h: usize,
  t: usize,
  I: i32,
  H: i32,
  shiftX: i32,
  shiftH: i32,
): void {
  const rows = 3 * H;
  const c = data + I32s.bytes(rows);
  const mx = c + I32s.bytes(rows);
  const mh = mx + I16s.bytes(rows);
  const w = mh + I16s.bytes(rows);
  const ah = t + I32s.bytes(rows);
  plainRows(t, w, x, data, rows, I);
  plainRows(ah, w + usize(rows * I), h, c, rows, H);
  for (let j = 0; j < H; j++) {
    const r = sigmoidQ15(requantize(part(t, j, shiftX, mx) + part(ah, j, shiftH, mh)), table) >> 1;
    const z = sigmoidQ15(requantize(part(t, H + j, shiftX, mx) + part(ah, H + j, shiftH, mh)), table);
    const recurrent = (part(ah, 2 * H + j, shiftH, mh) + 8192) >> 14;
    const n = tanhQ15(requantize(part(t, 2 * H + j, shiftX, mx) + recurrent * r), table);
    I16s.put(h, j, blend(n, z, I16s.at(h, j)));
  }
}

/** sat16(sum >> shift) times the multiplier of a row. */
function part(sums: usize, row: i32, shift: i32, m: usize): i32 {
  return sat16(I32s.at(sums, row) >> shift) * I16s.at(m, row);
}
