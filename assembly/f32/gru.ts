import { blocks } from "../image";
import {
  LAYER_GRU_AFTER_HARD,
  LAYER_GRU_BEFORE,
  LAYER_GRU_BEFORE_HARD,
  RECORD_KIND,
  RECORD_SIZE,
  RECORD_SIZE_IN,
  RECORD_SIZE_OUT,
} from "../layout";
import { copy, F32s } from "../memory";
import { candidateF32, gateF32 } from "./activations";
import { hardGateF32 } from "./functions";
import { Lanes } from "./lanes";
import { dotF32, gateSumsF32, rowSumF32, rowSumsF32 } from "./mac";

// Data of a GRU layer, blocks of 16 units, k ascending; rows of r and z halved, but for hard gates:
//
//   bias   f32[blocks][4][16]      nx: bn, r: br + cr, z: bz + cz, nh: cn        (reset-before: nx: bn + cn, nh: 0)
//   W      f32[blocks][N][3][16]   n, r, z
//   U      f32[blocks][H][3][16]   n, r, z

/**
 * Advances one GRU layer by one time step. `h` is updated in place.
 *
 *     r  = sigmoid(Wr x + br + Ur h + cr)
 *     z  = sigmoid(Wz x + bz + Uz h + cz)
 *     n  = tanh(Wn x + bn + r * (Un h + cn))     reset-after
 *     n  = tanh(Wn x + bn + Un (r * h) + cn)     reset-before
 *     h' = n + z * (h - n)
 *
 * Hard gates are min(max(v, 0), 1) in the place of sigmoid(v).
 *
 * @param record  layer record, its data behind it
 * @param x  input, f32[N]
 * @param h  hidden state, f32[H padded to 4]
 * @param t  work space, f32[blocks][4][16] and f32[H padded to 4]; undefined on return
 */
export function gruF32(record: usize, x: usize, h: usize, t: usize): void {
  const sizeIn = load<i32>(record, RECORD_SIZE_IN);
  const size = load<i32>(record, RECORD_SIZE_OUT);
  const kind = load<i32>(record, RECORD_KIND);
  const before = kind === LAYER_GRU_BEFORE || kind === LAYER_GRU_BEFORE_HARD;
  const hard = kind >= LAYER_GRU_AFTER_HARD;
  const b = record + RECORD_SIZE;
  const w = b + usize(blocks(size) << 8);
  const u = w + usize(blocks(size) * sizeIn * 192);
  if (ASC_FEATURE_SIMD) gruLanes(b, w, u, x, h, t, sizeIn, size, before, hard);
  else gruUnits(b, w, u, x, h, t, sizeIn, size, before, hard);
}

/** The SIMD build: all sums of a block, then the gates four units at a time. Sums in t: nx, r, z, nh, 64 bytes apart. */
function gruLanes(
  b: usize,
  w: usize,
  u: usize,
  x: usize,
  h: usize,
  t: usize,
  sizeIn: i32,
  size: i32,
  before: bool,
  hard: bool,
): void {
  const q = t + usize(blocks(size) << 8);
  const xEnd = x + F32s.bytes(sizeIn);
  const hEnd = h + F32s.bytes(size);
  const perBlock = usize(size * 192);
  for (let a = t; a < q; a += 256) {
    gateSumsF32(w, x, xEnd, b, b + 64, a, a + 64);
    gateSumsF32(u, h, hEnd, b + 192, a + 64, a + 192, a + 64);
    b += 256;
    w += usize(sizeIn * 192);
    u += perBlock;
  }
  if (hard) hardLanes(t, q);
  // Two loops, both gates in the first: their constants are loaded once for two, and the chain from r through n to h' is longer than the
  // processor looks ahead.
  for (let i = 0; i < size; i += 4) {
    const at = t + (usize(i >> 4) << 8) + (usize(i & 15) << 2);
    const r = hard ? v128.load(at, 64) : Lanes.gate(v128.load(at, 64));
    if (!hard) v128.store(at, Lanes.gate(v128.load(at, 128)), 128);
    if (before) v128.store(q + F32s.bytes(i), f32x4.mul(r, v128.load(h + F32s.bytes(i))));
    else v128.store(at, f32x4.add(v128.load(at), f32x4.mul(r, v128.load(at, 192))));
  }
  if (before) {
    u -= perBlock * usize(blocks(size));
    for (let i = 0; i < size; i += 4) {
      const at = t + (usize(i >> 4) << 8) + (usize(i & 15) << 2);
      rowSumsF32(u + usize(i >> 4) * perBlock + (usize(i & 15) << 2), q, q + F32s.bytes(size), at, at, 192);
    }
  }
  for (let i = 0; i < size; i += 4) {
    const at = t + (usize(i >> 4) << 8) + (usize(i & 15) << 2);
    const n = Lanes.candidate(v128.load(at));
    v128.store(h, f32x4.add(n, f32x4.mul(v128.load(at, 128), f32x4.sub(v128.load(h), n))));
    h += 16;
  }
}

/** Hard gates in the place of their sums, r and z of all blocks from `t` to `end`. */
function hardLanes(t: usize, end: usize): void {
  const zero = f32x4.splat(0);
  const one = f32x4.splat(1);
  for (; t < end; t += 256) {
    for (let at = t + 64; at < t + 192; at += 16) v128.store(at, f32x4.min(f32x4.max(v128.load(at), zero), one));
  }
}

/** The scalar build: unit by unit. t: the new h, then q = r * h. */
function gruUnits(
  b: usize,
  w: usize,
  u: usize,
  x: usize,
  h: usize,
  t: usize,
  sizeIn: i32,
  size: i32,
  before: bool,
  hard: bool,
): void {
  const bytes = F32s.bytes(size);
  const q = t + bytes;
  for (let pass = i32(!before); pass < 2; pass++) {
    for (let i = 0; i < size; i++) {
      const lane = F32s.bytes(i & 15);
      const bias = b + usize((i >> 4) << 8) + lane;
      const row = w + usize((i >> 4) * sizeIn * 192) + lane;
      const column = u + usize((i >> 4) * size * 192) + lane;
      const r = gate(hard, gateSum(row + 64, column + 64, x, h, load<f32>(bias, 64), sizeIn, bytes));
      const at = F32s.bytes(i);
      if (pass === 0) {
        // Reset-before needs r * h of all units first.
        store<f32>(q + at, r * load<f32>(h + at));
        continue;
      }
      const nx = dotF32(row, x, x + F32s.bytes(sizeIn), load<f32>(bias), 192);
      const nh = before
        ? rowSumF32(column, q, q + bytes, nx, 192)
        : nx + r * dotF32(column, h, h + bytes, load<f32>(bias, 192), 192);
      const n = candidateF32(nh);
      const z = gate(hard, gateSum(row + 128, column + 128, x, h, load<f32>(bias, 128), sizeIn, bytes));
      store<f32>(t + at, n + z * (load<f32>(h + at) - n));
    }
  }
  copy<f32>(h, t, bytes);
}

/** A gate of its sum. */
function gate(hard: bool, v: f32): f32 {
  return hard ? hardGateF32(v) : gateF32(v);
}

/** b + W x + U h of one row. */
function gateSum(w: usize, u: usize, x: usize, h: usize, b: f32, sizeIn: i32, bytes: usize): f32 {
  return dotF32(u, h, h + bytes, dotF32(w, x, x + F32s.bytes(sizeIn), b, 192), 192);
}
