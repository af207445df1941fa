import { Lanes16, sat16, sigmoidQ15, tanhQ15 } from "./activations_q15";
import { rowsQ15 } from "./dense_q15";
import {
  BLOCK,
  LAYER_GRU_BEFORE,
  RECORD_KIND,
  RECORD_SHIFT_H,
  RECORD_SHIFT_X,
  RECORD_SIZE,
  RECORD_SIZE_IN,
  RECORD_SIZE_OUT,
} from "./format";
import { blocks } from "./image";
import { mac48Q15, PAIR_BYTES } from "./mac_q15";
import { I16s } from "./memory";

// Data of a GRU layer, blocks of 16 units (FORMAT.md 5.2); weights are i16 (SIMD) or i8 (scalar):
//
//   bias         i32[blocks][2][3][16]       b of r, z, n; c of r, z, n
//   multipliers  i32[blocks][4][16]          pairs (mx, mh) of r and of z; reset-after: mx of n as i16[16] in 32 bytes of the
//                                            third vector, mh of n as the fourth; reset-before: pairs of n as the third
//   W            [blocks][pairs of N][3][16][2]
//   U            [blocks][pairs of H][3][16][2]      reset-before: three dense matrices [3][blocks][pairs of H][16][2]
//
// Accumulators in the scratch: i32[blocks][2][3][16], then q = r * h as i16[H padded to 8] (reset-before).

/** Bytes of the accumulators of one block. */
const ACCUMULATORS: i32 = 384;

/**
 * Advances one GRU layer by one time step by the equations of FORMAT.md 5.2. `h` is updated in place.
 *
 * @param record  layer record, its data behind it
 * @param table  tanh table
 * @param x  input, i16[N], one element more readable when N is odd
 * @param h  hidden state, i16[H padded to 8], Q15
 * @param t  accumulators; undefined on return
 */
export function gruQ15(record: usize, table: usize, x: usize, h: usize, t: usize): void {
  const sizeIn = load<i32>(record, RECORD_SIZE_IN);
  const size = load<i32>(record, RECORD_SIZE_OUT);
  const before = load<i32>(record, RECORD_KIND) === LAYER_GRU_BEFORE;
  const count = blocks(size);
  const multipliers = record + RECORD_SIZE + usize(count * ACCUMULATORS);
  const pairsOfX = 3 * PAIR_BYTES * ((sizeIn + 1) >> 1);
  const pairsOfH = 3 * PAIR_BYTES * ((size + 1) >> 1);
  const hEnd = h + I16s.bytes(size);
  let b = record + RECORD_SIZE;
  let w = multipliers + usize(count << 8);
  let u = w + usize(count * pairsOfX);
  let a = t;
  for (let left = size; left > 0; left -= BLOCK) {
    mac48Q15(w, x, x + I16s.bytes(sizeIn), b, a, left);
    if (!before) mac48Q15(u, h, hEnd, b + 192, a + 192, left);
    b += ACCUMULATORS;
    a += ACCUMULATORS;
    w += usize(pairsOfX);
    u += usize(pairsOfH);
  }
  const shiftX = load<i32>(record, RECORD_SHIFT_X);
  const shiftH = load<i32>(record, RECORD_SHIFT_H);
  if (before) {
    resetBefore(record, table, h, t, shiftX, shiftH);
    return;
  }
  if (ASC_FEATURE_SIMD) {
    // Two loops, as in gru_f32.ts; the pre-activation of n waits in the place of the first sums of r.
    for (let i = 0; i < size; i += 8) {
      const at = unit(t, i);
      const m = pair(multipliers, i);
      const r = Lanes16.sigmoidOfTanh(Lanes16.tanh(gate(at, m, shiftX, shiftH), table));
      const a = Lanes16.narrow(at + 320, shiftH);
      // The high half of a word of mh is 0, so the dot product with (ah, ah) is ah mh.
      const c = Lanes16.preact(Lanes16.low(a, a), v128.load(m, 192), Lanes16.high(a, a), v128.load(m, 208));
      const x = Lanes16.narrow(at + 128, shiftX);
      const mx = v128.load(m - usize((i & 15) << 1), 128);
      const q = i16x8.shr_u(r, 1);
      v128.store(at, Lanes16.preact(Lanes16.low(x, c), Lanes16.low(mx, q), Lanes16.high(x, c), Lanes16.high(mx, q)));
    }
    for (let i = 0; i < size; i += 8) {
      const at = unit(t, i);
      const z = Lanes16.sigmoidOfTanh(Lanes16.tanh(gate(at + 64, pair(multipliers, i) + 64, shiftX, shiftH), table));
      v128.store(h, Lanes16.blend(Lanes16.tanh(v128.load(at), table), z, v128.load(h)));
      h += 16;
    }
  } else {
    for (let i = 0; i < size; i++) {
      const at = unit(t, i);
      const m = pair(multipliers, i);
      const r = sigmoidQ15(preact(at, m, shiftX, shiftH), table) >> 1;
      const c = (sat16(load<i32>(at, 320) >> shiftH) * load<i32>(m, 192) + 8192) >> 14;
      const mx = i32(load<i16>(m - usize((i & 15) << 1), 128));
      const v = sat16((sat16(load<i32>(at, 128) >> shiftX) * mx + c * r + 8192) >> 14);
      blend(h, tanhQ15(v, table), sigmoidQ15(preact(at + 64, m + 64, shiftX, shiftH), table));
      h += 2;
    }
  }
}

/** v = sat16((ax mx + ah mh + 8192) >> 14) of one row: b + W x at `at`, c + U h 192 bytes on. */
function preact(at: usize, m: usize, shiftX: i32, shiftH: i32): i32 {
  const x = sat16(load<i32>(at) >> shiftX) * i32(load<i16>(m));
  return sat16((x + sat16(load<i32>(at, 192) >> shiftH) * i32(load<i16>(m, 2)) + 8192) >> 14);
}

/** h' = n + ((z (h - n) + 16384) >> 15). */
function blend(h: usize, n: i32, z: i32): void {
  store<i16>(h, n + ((z * (i32(load<i16>(h)) - n) + 16384) >> 15));
}

/** `preact` of eight rows. */
function gate(at: usize, m: usize, shiftX: i32, shiftH: i32): v128 {
  const x = Lanes16.narrow(at, shiftX);
  const h = Lanes16.narrow(at + 192, shiftH);
  return Lanes16.preact(Lanes16.low(x, h), v128.load(m), Lanes16.high(x, h), v128.load(m, 16));
}

/** The rest of a reset-before step, W x being done: U of gate n multiplies q = r * h. */
function resetBefore(record: usize, table: usize, h: usize, t: usize, shiftX: i32, shiftH: i32): void {
  const sizeIn = load<i32>(record, RECORD_SIZE_IN);
  const size = load<i32>(record, RECORD_SIZE_OUT);
  const count = blocks(size);
  const multipliers = record + RECORD_SIZE + usize(count * ACCUMULATORS);
  const matrix = usize(count * PAIR_BYTES * ((size + 1) >> 1));
  const b = record + RECORD_SIZE + 192;
  const q = t + usize(count * ACCUMULATORS);
  let u = multipliers + usize(count << 8) + usize(count * 3 * PAIR_BYTES * ((sizeIn + 1) >> 1));
  for (let gate: usize = 0; gate < 192; gate += 64) {
    if (gate === 128) {
      for (let i = 0; i < size; i++) {
        const r = sigmoidQ15(preact(unit(t, i), pair(multipliers, i), shiftX, shiftH), table) >> 1;
        I16s.put(q, i, (r * I16s.at(h, i) + 8192) >> 14);
      }
    }
    rowsQ15<i8>(b + gate, u, gate === 128 ? q : h, t + 192 + gate, size, size, ACCUMULATORS);
    u += matrix;
  }
  for (let i = 0; i < size; i++) {
    const at = unit(t, i);
    const m = pair(multipliers, i);
    const n = tanhQ15(preact(at + 128, m + 128, shiftX, shiftH), table);
    blend(h + I16s.bytes(i), n, sigmoidQ15(preact(at + 64, m + 64, shiftX, shiftH), table));
  }
}

/** Address of the first accumulator of unit i. */
function unit(t: usize, i: i32): usize {
  return t + usize((i >> 4) * ACCUMULATORS + ((i & 15) << 2));
}

/** Address of the first multiplier pair of unit i. */
function pair(multipliers: usize, i: i32): usize {
  return multipliers + usize(((i >> 4) << 8) + ((i & 15) << 2));
}
