import { Lanes16, requantize, sat16, sigmoidQ15, tanhQ15 } from "./activations_q15";
import {
  LAYER_GRU_BEFORE,
  RECORD_KIND,
  RECORD_SHIFT_H,
  RECORD_SHIFT_X,
  RECORD_SIZE,
  RECORD_SIZE_IN,
  RECORD_SIZE_OUT,
} from "./format";
import { blocks } from "./image";
import { dotQ15, gateSumsQ15, PAIR_BYTES, rowSumsQ15 } from "./mac_q15";
import { copy, I16s } from "./memory";

// Data of a GRU layer, blocks of 16 units (FORMAT.md 5.2); weights are i16 (SIMD) or i8 (scalar):
//
//   bias         i32[blocks][2][3][16]       b of n, r, z; c of n, r, z
//   multipliers  i16[blocks][6][16]          mx of n; mh of n; pairs (mx, mh) of r; pairs of z
//   W            [blocks][pairs of N][3][16][2]      n, r, z
//   U            [blocks][pairs of H][3][16][2]      n, r, z

/** Bytes of the biases, and of the sums, of one block. */
const SUMS: i32 = 384;

/** Bytes of the multipliers of one block. */
const MULTIPLIERS: i32 = 192;

/**
 * Advances one GRU layer by one time step by the equations of FORMAT.md 5.2. `h` is updated in place.
 *
 * @param record  layer record, its data behind it
 * @param table  tanh table
 * @param x  input, i16[N], one element more readable when N is odd
 * @param h  hidden state, i16[H padded to 8], Q15
 * @param t  work space, i32[blocks][2][3][16] and i16[H padded to 8]; undefined on return
 */
export function gruQ15(record: usize, table: usize, x: usize, h: usize, t: usize): void {
  const count = blocks(load<i32>(record, RECORD_SIZE_OUT));
  const m = record + RECORD_SIZE + usize(count * SUMS);
  const w = m + usize(count * MULTIPLIERS);
  if (ASC_FEATURE_SIMD) gruLanes(record, table, m, w, x, h, t);
  else gruUnits(record, table, m, w, x, h, t);
}

/** The SIMD build: all sums of a block, then the gates eight units at a time. */
function gruLanes(record: usize, table: usize, m: usize, w: usize, x: usize, h: usize, t: usize): void {
  const sizeIn = load<i32>(record, RECORD_SIZE_IN);
  const size = load<i32>(record, RECORD_SIZE_OUT);
  const before = load<i32>(record, RECORD_KIND) === LAYER_GRU_BEFORE;
  const pairsOfX = usize(3 * PAIR_BYTES * ((sizeIn + 1) >> 1));
  const pairsOfH = usize(3 * PAIR_BYTES * ((size + 1) >> 1));
  const q = t + usize(blocks(size) * SUMS);
  let b = record + RECORD_SIZE;
  let u = w + usize(blocks(size)) * pairsOfX;
  for (let a = t; a < q; a += SUMS) {
    gateSumsQ15(w, x, x + I16s.bytes(sizeIn), b, b + 64, a, a + 64);
    gateSumsQ15(u, h, h + I16s.bytes(size), b + 192, b + 256, a + 192, a + 256);
    b += SUMS;
    w += pairsOfX;
    u += pairsOfH;
  }
  const shiftX = load<i32>(record, RECORD_SHIFT_X);
  const shiftH = load<i32>(record, RECORD_SHIFT_H);
  // Two loops, as in gru_f32.ts: first r, and r * h (reset-before) or r * (Un h + cn), which replaces the sums of Un h.
  const zero = i16x8.splat(0);
  for (let i = 0; i < size; i += 8) {
    const at = sumsOf(t, i);
    const n = candidateOf(m, i);
    const r = i16x8.shr_u(gate(at + 64, pairOf(m, i), shiftX, shiftH, table), 1);
    if (before) {
      const hi = v128.load(h + I16s.bytes(i));
      const low = Lanes16.low(hi, zero);
      v128.store(q + I16s.bytes(i), Lanes16.preact(low, Lanes16.low(r, zero), Lanes16.high(hi, zero), Lanes16.high(r, zero)));
    } else {
      const a = Lanes16.narrow(at + 192, shiftH);
      const mh = v128.load(n, 32);
      const c = Lanes16.preact(Lanes16.low(a, zero), Lanes16.low(mh, zero), Lanes16.high(a, zero), Lanes16.high(mh, zero));
      const ax = Lanes16.narrow(at, shiftX);
      const mx = v128.load(n);
      v128.store(at, Lanes16.preact(Lanes16.low(ax, c), Lanes16.low(mx, r), Lanes16.high(ax, c), Lanes16.high(mx, r)));
    }
  }
  if (before) {
    b = record + RECORD_SIZE + 192;
    u -= usize(blocks(size)) * pairsOfH;
    for (let a = t + 192; a < q; a += SUMS) {
      rowSumsQ15(u, q, q + I16s.bytes(size), b, a, 192);
      b += SUMS;
      u += pairsOfH;
    }
  }
  for (let i = 0; i < size; i += 8) {
    const at = sumsOf(t, i);
    const z = gate(at + 128, pairOf(m, i) + 64, shiftX, shiftH, table);
    let v = v128.load(at);
    if (before) {
      const n = candidateOf(m, i);
      const ax = Lanes16.narrow(at, shiftX);
      const ah = Lanes16.narrow(at + 192, shiftH);
      const mx = v128.load(n);
      const mh = v128.load(n, 32);
      v = Lanes16.preact(Lanes16.low(ax, ah), Lanes16.low(mx, mh), Lanes16.high(ax, ah), Lanes16.high(mx, mh));
    }
    v128.store(h, Lanes16.blend(Lanes16.tanh(v, table), z, v128.load(h)));
    h += 16;
  }
}

/** Eight values of a gate that passes a sigmoid: sums over x at `at`, over h 192 bytes on, multiplier pairs at `m`. */
function gate(at: usize, m: usize, shiftX: i32, shiftH: i32, table: usize): v128 {
  const ax = Lanes16.narrow(at, shiftX);
  const ah = Lanes16.narrow(at + 192, shiftH);
  const v = Lanes16.preact(Lanes16.low(ax, ah), v128.load(m), Lanes16.high(ax, ah), v128.load(m, 16));
  return Lanes16.sigmoidOfTanh(Lanes16.tanh(v, table));
}

/** Address of the biases, or of the sums, of unit i: n over x; r and z 64 and 128 bytes on; over h 192 bytes on. */
function sumsOf(at: usize, i: i32): usize {
  return at + usize((i >> 4) * SUMS + ((i & 15) << 2));
}

/** Address of the multiplier mx of candidate i; mh is 32 bytes on. */
function candidateOf(m: usize, i: i32): usize {
  return m + usize((i >> 4) * MULTIPLIERS + ((i & 15) << 1));
}

/** Address of the multiplier pair of gate r of unit i; that of z is 64 bytes on. */
function pairOf(m: usize, i: i32): usize {
  return m + 64 + usize((i >> 4) * MULTIPLIERS + ((i & 15) << 2));
}

/** The scalar build: unit by unit. t: the new h, then q = r * h. */
function gruUnits(record: usize, table: usize, m: usize, w: usize, x: usize, h: usize, t: usize): void {
  const sizeIn = load<i32>(record, RECORD_SIZE_IN);
  const size = load<i32>(record, RECORD_SIZE_OUT);
  const before = load<i32>(record, RECORD_KIND) === LAYER_GRU_BEFORE;
  const u = w + usize(blocks(size) * 3 * PAIR_BYTES * ((sizeIn + 1) >> 1));
  const bytes = I16s.bytes(size);
  const q = t + bytes;
  for (let pass = i32(!before); pass < 2; pass++) {
    for (let i = 0; i < size; i++) {
      const b = sumsOf(record + RECORD_SIZE, i);
      const n = candidateOf(m, i);
      const rz = pairOf(m, i);
      const wi = weightsOf(w, i, sizeIn);
      const ui = weightsOf(u, i, size);
      const at = I16s.bytes(i);
      let over = h;
      let r = 16384;
      if (!before || pass === 0) {
        const sum = partX(record, wi + PAIR_BYTES, x, b + 64, rz) + partH(record, ui + PAIR_BYTES, h, b + 256, rz + 2);
        r = sigmoidQ15(requantize(sum), table) >> 1;
      } else over = q;
      if (pass === 0) {
        // Reset-before needs r * h of all units first.
        store<i16>(q + at, requantize(r * i32(load<i16>(h + at))));
        continue;
      }
      const c = partH(record, ui, over, b + 192, n + 32);
      const v = partX(record, wi, x, b, n) + (before ? c : ((c + 8192) >> 14) * r);
      const sum = partX(record, wi + 2 * PAIR_BYTES, x, b + 128, rz + 64) + partH(record, ui + 2 * PAIR_BYTES, h, b + 320, rz + 66);
      store<i16>(t + at, blend(tanhQ15(requantize(v), table), sigmoidQ15(requantize(sum), table), i32(load<i16>(h + at))));
    }
  }
  copy(h, t, bytes);
}

/** h' = n + ((z (h - n) + 16384) >> 15). */
export function blend(n: i32, z: i32, h: i32): i32 {
  return n + ((z * (h - n) + 16384) >> 15);
}

/** ax mx: sat16((b + W x) >> shift_x) times a multiplier. */
function partX(record: usize, w: usize, x: usize, b: usize, m: usize): i32 {
  const end = x + I16s.bytes(load<i32>(record, RECORD_SIZE_IN));
  return part(dotQ15<i8>(w, x, end, load<i32>(b), 3 * PAIR_BYTES) >> load<i32>(record, RECORD_SHIFT_X), m);
}

/** ah mh: sat16((c + U h) >> shift_h) times a multiplier. */
function partH(record: usize, u: usize, h: usize, b: usize, m: usize): i32 {
  const end = h + I16s.bytes(load<i32>(record, RECORD_SIZE_OUT));
  return part(dotQ15<i8>(u, h, end, load<i32>(b), 3 * PAIR_BYTES) >> load<i32>(record, RECORD_SHIFT_H), m);
}

/** sat16(sum) times the multiplier at m. */
function part(sum: i32, m: usize): i32 {
  return sat16(sum) * i32(load<i16>(m));
}

/** Address of the weights of gate n of unit i in a packed matrix of `columns`; r and z are PAIR_BYTES and twice that on. */
function weightsOf(w: usize, i: i32, columns: i32): usize {
  return w + usize(((i >> 4) * 3 * PAIR_BYTES * ((columns + 1) >> 1)) + ((i & 15) << 1));
}
