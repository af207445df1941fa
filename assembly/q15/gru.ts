import { blocks } from "../image";
import {
  LAYER_GRU_BEFORE,
  RECORD_KIND,
  RECORD_SHIFT_H,
  RECORD_SHIFT_X,
  RECORD_SIZE,
  RECORD_SIZE_IN,
  RECORD_SIZE_OUT,
} from "../layout";
import { copy, I16s } from "../memory";
import { requantize, sat16, sigmoidQ15, tanhQ15 } from "./activations";
import { Lanes16 } from "./lanes";
import { dotQ15, gateSumsQ15, PAIR_BYTES, rowSumsQ15 } from "./mac";

// Data of a GRU layer, blocks of 16 units (FORMAT.md 5.2); weights are i16 (SIMD) or i8 (scalar):
//
//   bias         i32[blocks][2][3][16]       b of n, r, z; c of n, r, z
//   multipliers  i16[blocks][2][3][16]       mx of n, r, z; mh of n, r, z
//   W            [blocks][pairs of N][3][16][2]      n, r, z
//   U            [blocks][pairs of H][3][16][2]      n, r, z

/** Bytes of one gate of a block of 16 units: of its biases or sums, i32, and of its multipliers, i16. */
const GATE: i32 = 64;
const FACTORS: i32 = 32;

/** Bytes of the three gates over one vector. */
const GATES: i32 = 3 * GATE;
const GATES_FACTORS: i32 = 3 * FACTORS;

/** Bytes of the biases, and of the sums, of one block. */
const SUMS: i32 = 2 * GATES;

/** Bytes of the multipliers of one block. */
const MULTIPLIERS: i32 = 2 * GATES_FACTORS;

/** Bytes of the weights of a block over one pair of columns. */
const WEIGHTS: i32 = 3 * PAIR_BYTES;

// Gates in the order of the data, behind n.
const R: i32 = 1;
const Z: i32 = 2;

/** Places of a layer's data, and of a unit in it: of gate n over x; other gates lie that many times GATE or FACTORS on, over h GATES or GATES_FACTORS. */
class Gru {
  @inline static biases(record: usize): usize {
    return record + RECORD_SIZE;
  }

  @inline static multipliers(record: usize): usize {
    return Gru.biases(record) + usize(blocks(load<i32>(record, RECORD_SIZE_OUT)) * SUMS);
  }

  @inline static W(record: usize): usize {
    return Gru.multipliers(record) + usize(blocks(load<i32>(record, RECORD_SIZE_OUT)) * MULTIPLIERS);
  }

  /** Bytes of the weights of a block over `columns`. */
  @inline static blockBytes(columns: i32): usize {
    return usize(WEIGHTS * ((columns + 1) >> 1));
  }

  @inline static U(record: usize): usize {
    return (
      Gru.W(record) +
      usize(blocks(load<i32>(record, RECORD_SIZE_OUT))) * Gru.blockBytes(load<i32>(record, RECORD_SIZE_IN))
    );
  }
}

/** Address of the biases, or of the sums, of unit i. */
function sumsOf(at: usize, i: i32): usize {
  return at + usize((i >> 4) * SUMS + ((i & 15) << 2));
}

/** Address of the multipliers of unit i. */
function multipliersOf(m: usize, i: i32): usize {
  return m + usize((i >> 4) * MULTIPLIERS + ((i & 15) << 1));
}

/** Address of the weights of unit i in a matrix of so many columns; other gates lie that many times PAIR_BYTES on. */
function weightsOf(w: usize, i: i32, columns: i32): usize {
  return w + usize(i >> 4) * Gru.blockBytes(columns) + usize((i & 15) << 1);
}

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
  if (ASC_FEATURE_SIMD) gruLanes(record, table, x, h, t);
  else gruUnits(record, table, x, h, t);
}

/** The SIMD build: all sums of a block, then the gates eight units at a time. */
function gruLanes(record: usize, table: usize, x: usize, h: usize, t: usize): void {
  const sizeIn = load<i32>(record, RECORD_SIZE_IN);
  const size = load<i32>(record, RECORD_SIZE_OUT);
  const before = load<i32>(record, RECORD_KIND) === LAYER_GRU_BEFORE;
  const multipliers = Gru.multipliers(record);
  const pairsOfX = Gru.blockBytes(sizeIn);
  const pairsOfH = Gru.blockBytes(size);
  const q = t + usize(blocks(size) * SUMS);
  let b = Gru.biases(record);
  let w = Gru.W(record);
  let u = Gru.U(record);
  for (let a = t; a < q; a += SUMS) {
    gateSumsQ15(w, x, x + I16s.bytes(sizeIn), b, b + GATE, a);
    gateSumsQ15(u, h, h + I16s.bytes(size), b + GATES, b + GATES + GATE, a + GATES);
    b += SUMS;
    w += pairsOfX;
    u += pairsOfH;
  }
  const shiftX = load<i32>(record, RECORD_SHIFT_X);
  const shiftH = load<i32>(record, RECORD_SHIFT_H);
  // r and z of all units, then n: the chain from r through n to h' is longer than the processor looks ahead.
  for (let i = 0; i < size; i += 8) {
    for (let gate = R * GATE; gate <= Z * GATE; gate += GATE) {
      const at = sumsOf(t, i) + usize(gate);
      const m = multipliersOf(multipliers, i) + usize(gate >> 1);
      const ax = Lanes16.narrow(at, shiftX);
      const ah = Lanes16.narrow(at + GATES, shiftH);
      const v = Lanes16.preact(ax, ah, v128.load(m), v128.load(m, GATES_FACTORS));
      v128.store(at, Lanes16.sigmoidOfTanh(Lanes16.tanh(v, table)));
    }
  }
  if (before) {
    for (let i = 0; i < size; i++) {
      const r = i32(load<u16>(sumsOf(t, i & ~7) + I16s.bytes(i & 7), R * GATE)) >> 1;
      I16s.put(q, i, (r * I16s.at(h, i) + 8192) >> 14);
    }
    u -= usize(blocks(size)) * pairsOfH;
    for (let i = 0; i < size; i += 4) {
      const row = u + usize(i >> 4) * pairsOfH + (usize(i & 15) << 2);
      rowSumsQ15(row, q, q + I16s.bytes(size), sumsOf(Gru.biases(record), i) + GATES, sumsOf(t, i) + GATES, WEIGHTS);
    }
  }
  const zero = Lanes16.zero();
  for (let i = 0; i < size; i += 8) {
    const at = sumsOf(t, i);
    const m = multipliersOf(multipliers, i);
    let c = Lanes16.narrow(at + GATES, shiftH);
    let k = v128.load(m, GATES_FACTORS);
    if (!before) {
      c = Lanes16.preact(c, zero, k, zero);
      k = i16x8.shr_u(v128.load(at, R * GATE), 1);
    }
    const v = Lanes16.preact(Lanes16.narrow(at, shiftX), c, v128.load(m), k);
    v128.store(h, Lanes16.blend(Lanes16.tanh(v, table), v128.load(at, Z * GATE), v128.load(h)));
    h += 16;
  }
}

/** The scalar build: unit by unit. t: the new h, then q = r * h. */
function gruUnits(record: usize, table: usize, x: usize, h: usize, t: usize): void {
  const sizeIn = load<i32>(record, RECORD_SIZE_IN);
  const size = load<i32>(record, RECORD_SIZE_OUT);
  const before = load<i32>(record, RECORD_KIND) === LAYER_GRU_BEFORE;
  const multipliers = Gru.multipliers(record);
  const w = Gru.W(record);
  const u = Gru.U(record);
  const bytes = I16s.bytes(size);
  const q = t + bytes;
  for (let pass = i32(!before); pass < 2; pass++) {
    for (let i = 0; i < size; i++) {
      const b = sumsOf(Gru.biases(record), i);
      const m = multipliersOf(multipliers, i);
      const wi = weightsOf(w, i, sizeIn);
      const ui = weightsOf(u, i, size);
      const at = I16s.bytes(i);
      let over = h;
      let r = 16384;
      if (!before || pass === 0) {
        const sum =
          partX(record, wi + R * PAIR_BYTES, x, b + R * GATE, m + R * FACTORS) +
          partH(record, ui + R * PAIR_BYTES, h, b + GATES + R * GATE, m + GATES_FACTORS + R * FACTORS);
        r = sigmoidQ15(requantize(sum), table) >> 1;
      } else over = q;
      if (pass === 0) {
        // Reset-before needs r * h of all units first.
        store<i16>(q + at, (r * i32(load<i16>(h + at)) + 8192) >> 14);
        continue;
      }
      const c = partH(record, ui, over, b + GATES, m + GATES_FACTORS);
      const v = partX(record, wi, x, b, m) + (before ? c : ((c + 8192) >> 14) * r);
      const sum =
        partX(record, wi + Z * PAIR_BYTES, x, b + Z * GATE, m + Z * FACTORS) +
        partH(record, ui + Z * PAIR_BYTES, h, b + GATES + Z * GATE, m + GATES_FACTORS + Z * FACTORS);
      store<i16>(
        t + at,
        blend(tanhQ15(requantize(v), table), sigmoidQ15(requantize(sum), table), i32(load<i16>(h + at))),
      );
    }
  }
  copy<i16>(h, t, bytes);
}

/** h' = n + ((z (h - n) + 16384) >> 15). */
export function blend(n: i32, z: i32, h: i32): i32 {
  return n + ((z * (h - n) + 16384) >> 15);
}

/** ax mx: sat16((b + W x) >> shift_x) times a multiplier. */
function partX(record: usize, w: usize, x: usize, b: usize, m: usize): i32 {
  const end = x + I16s.bytes(load<i32>(record, RECORD_SIZE_IN));
  return part(dotQ15<i8>(w, x, end, load<i32>(b), WEIGHTS) >> load<i32>(record, RECORD_SHIFT_X), m);
}

/** ah mh: sat16((c + U h) >> shift_h) times a multiplier. */
function partH(record: usize, u: usize, h: usize, b: usize, m: usize): i32 {
  const end = h + I16s.bytes(load<i32>(record, RECORD_SIZE_OUT));
  return part(dotQ15<i8>(u, h, end, load<i32>(b), WEIGHTS) >> load<i32>(record, RECORD_SHIFT_H), m);
}

/** sat16(sum) times the multiplier at m. */
function part(sum: i32, m: usize): i32 {
  return sat16(sum) * i32(load<i16>(m));
}
