// One step of a GRU layer in 64-bit integers, read off FORMAT.md 5.2.

import { GruQ15 } from "./pack_q15";
import { integer } from "./random";
import { TABLE } from "./table";

/** sat16 of FORMAT.md. */
export function sat(value: i64): i64 {
  return max<i64>(min<i64>(value, 32767), -32768);
}

/** T(v) of FORMAT.md 5.3. */
export function T(v: i64): i64 {
  const entry = TABLE + 4 * usize((v >> 8) & 255);
  return i64(load<i16>(entry)) + ((i64(load<i16>(entry, 2)) * (v & 255)) >> 8);
}

/** The sigmoid of FORMAT.md 5.2. */
export function sigma(v: i64): i64 {
  return (T(v) + 32769) >> 1;
}

/** A layer of biases from end to end of i32, no weights, and multipliers of 1 or the most. */
export function extreme(size: i32, shift: i32, isBefore: bool): GruQ15 {
  const layer = new GruQ15(1, size, isBefore);
  layer.W = new StaticArray<i32>(3 * size);
  layer.U = new StaticArray<i32>(3 * size * size);
  for (let row = 0; row < 3 * size; row++) {
    layer.b[row] = end();
    layer.c[row] = end();
    layer.mx[row] = integer(0, 1) ? 32767 : 1;
    layer.mh[row] = integer(0, 1) ? (!isBefore && row >= 2 * size ? 16384 : 32767) : 1;
  }
  layer.shiftX = shift;
  layer.shiftH = shift;
  return layer;
}

/** An end of i32, an end of i16 or something between. */
function end(): i32 {
  const choice = integer(0, 4);
  if (choice === 0) return i32.MAX_VALUE;
  if (choice === 1) return -i32.MAX_VALUE;
  if (choice === 2) return 32767;
  return choice === 3 ? -32768 : integer(-i32.MAX_VALUE, i32.MAX_VALUE);
}

/** Advances h by a layer, i16 x at `sample`. */
export function stepInIntegers(layer: GruQ15, sample: usize, h: StaticArray<i32>, isBefore: bool): void {
  const H = layer.size;
  const x = new StaticArray<i64>(layer.sizeIn);
  for (let k = 0; k < x.length; k++) x[k] = i64(load<i16>(sample + usize(2 * k)));
  const old = new StaticArray<i64>(H);
  for (let i = 0; i < H; i++) old[i] = i64(h[i]);
  const r14 = new StaticArray<i64>(H);
  const q = new StaticArray<i64>(H);
  for (let i = 0; i < H; i++) {
    const sum = partX(layer, i, x) + partH(layer, i, old);
    r14[i] = sigma(sat((sum + 8192) >> 14)) >> 1;
    q[i] = (r14[i] * old[i] + 8192) >> 14;
  }
  for (let i = 0; i < H; i++) {
    const z = sigma(sat((partX(layer, H + i, x) + partH(layer, H + i, old) + 8192) >> 14));
    const row = 2 * H + i;
    let sum = partX(layer, row, x);
    if (isBefore) sum += partH(layer, row, q);
    else sum += ((partH(layer, row, old) + 8192) >> 14) * r14[i];
    const n = T(sat((sum + 8192) >> 14));
    h[i] = i32(n + ((z * (old[i] - n) + 16384) >> 15));
  }
}

/** ax mx or ah mh of a row. */
function part(b: i32, w: StaticArray<i32>, row: i32, x: StaticArray<i64>, shift: i32, m: i32): i64 {
  let sum = i64(b);
  for (let k = 0; k < x.length; k++) sum += i64(w[row * x.length + k]) * x[k];
  return sat(sum >> shift) * i64(m);
}

function partX(layer: GruQ15, row: i32, x: StaticArray<i64>): i64 {
  return part(layer.b[row], layer.W, row, x, layer.shiftX, layer.mx[row]);
}

function partH(layer: GruQ15, row: i32, h: StaticArray<i64>): i64 {
  return part(layer.c[row], layer.U, row, h, layer.shiftH, layer.mh[row]);
}
