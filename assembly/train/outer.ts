// Gradients of weights: sums over all steps and columns of d[row] times x[k]. Four sums, one for each column modulo 4, are added at the
// end, in every build.

import { F32s } from "../memory";

/**
 * Computes `g[row][k] = Σ d[t][row][b] x[t][k][b]` over t and b.
 *
 * @param d  f32[steps][..][B], its steps `dNext` bytes apart
 * @param x  f32[steps][..][B], its steps `xNext` bytes apart
 * @param g  f32[rows][columns], its rows `gNext` bytes apart
 */
export function outer(
  d: usize,
  dNext: usize,
  x: usize,
  xNext: usize,
  g: usize,
  gNext: usize,
  rows: i32,
  columns: i32,
  steps: i32,
  B: i32,
): void {
  const row = usize(B) << 2;
  const end = d + usize(steps) * dNext;
  for (let i = 0; i < rows; ) {
    const isFour = ASC_FEATURE_SIMD && rows - i >= 4;
    let k = 0;
    const to = g + usize(i) * gNext;
    const from = d + usize(i) * row;
    if (ASC_FEATURE_SIMD && isFour) {
      for (; k + 1 < columns; k += 2) {
        const column = x + usize(k) * row;
        if (row === 128) outerLanes32(from, end, dNext, column, xNext, to + F32s.bytes(k), gNext);
        else outerLanes(from, end, dNext, column, xNext, to + F32s.bytes(k), gNext, row);
      }
    }
    const until = isFour ? 4 : 1;
    for (; k < columns; k++) {
      for (let n = 0; n < until; n++) {
        const at = from + usize(n) * row;
        const sum = ASC_FEATURE_SIMD
          ? dotLanes(at, end, dNext, x + usize(k) * row, xNext, row)
          : dotScalar(at, end, dNext, x + usize(k) * row, xNext, row);
        store<f32>(to + usize(n) * gNext + F32s.bytes(k), sum);
      }
    }
    i += until;
  }
}

/** Four rows by two columns. */
function outerLanes(
  d: usize,
  end: usize,
  dNext: usize,
  x: usize,
  xNext: usize,
  g: usize,
  gNext: usize,
  row: usize,
): void {
  let a0 = f32x4.splat(0);
  let a1 = a0;
  let a2 = a0;
  let a3 = a0;
  let a4 = a0;
  let a5 = a0;
  let a6 = a0;
  let a7 = a0;
  const row3 = row + (row << 1);
  while (d < end) {
    const next = d + row;
    let at = d;
    let to = x;
    while (at < next) {
      const u = v128.load(to);
      const v = v128.load(to + row);
      let s = v128.load(at);
      a0 = f32x4.add(a0, f32x4.mul(s, u));
      a1 = f32x4.add(a1, f32x4.mul(s, v));
      s = v128.load(at + row);
      a2 = f32x4.add(a2, f32x4.mul(s, u));
      a3 = f32x4.add(a3, f32x4.mul(s, v));
      s = v128.load(at + (row << 1));
      a4 = f32x4.add(a4, f32x4.mul(s, u));
      a5 = f32x4.add(a5, f32x4.mul(s, v));
      s = v128.load(at + row3);
      a6 = f32x4.add(a6, f32x4.mul(s, u));
      a7 = f32x4.add(a7, f32x4.mul(s, v));
      at += 16;
      to += 16;
    }
    d += dNext;
    x += xNext;
  }
  store<f32>(g, total(a0));
  store<f32>(g, total(a1), 4);
  store<f32>(g + gNext, total(a2));
  store<f32>(g + gNext, total(a3), 4);
  store<f32>(g + (gNext << 1), total(a4));
  store<f32>(g + (gNext << 1), total(a5), 4);
  store<f32>(g + (gNext << 1) + gNext, total(a6));
  store<f32>(g + (gNext << 1) + gNext, total(a7), 4);
}

/** The same of 32 columns, the usual batch: rows at distances that are known, which takes a sixth less. */
function outerLanes32(d: usize, end: usize, dNext: usize, x: usize, xNext: usize, g: usize, gNext: usize): void {
  let a0 = f32x4.splat(0);
  let a1 = a0;
  let a2 = a0;
  let a3 = a0;
  let a4 = a0;
  let a5 = a0;
  let a6 = a0;
  let a7 = a0;
  while (d < end) {
    const next = d + 128;
    let at = d;
    let to = x;
    while (at < next) {
      const u = v128.load(to);
      const v = v128.load(to, 128);
      let s = v128.load(at);
      a0 = f32x4.add(a0, f32x4.mul(s, u));
      a1 = f32x4.add(a1, f32x4.mul(s, v));
      s = v128.load(at, 128);
      a2 = f32x4.add(a2, f32x4.mul(s, u));
      a3 = f32x4.add(a3, f32x4.mul(s, v));
      s = v128.load(at, 256);
      a4 = f32x4.add(a4, f32x4.mul(s, u));
      a5 = f32x4.add(a5, f32x4.mul(s, v));
      s = v128.load(at, 384);
      a6 = f32x4.add(a6, f32x4.mul(s, u));
      a7 = f32x4.add(a7, f32x4.mul(s, v));
      at += 16;
      to += 16;
    }
    d += dNext;
    x += xNext;
  }
  store<f32>(g, total(a0));
  store<f32>(g, total(a1), 4);
  store<f32>(g + gNext, total(a2));
  store<f32>(g + gNext, total(a3), 4);
  store<f32>(g + (gNext << 1), total(a4));
  store<f32>(g + (gNext << 1), total(a5), 4);
  store<f32>(g + (gNext << 1) + gNext, total(a6));
  store<f32>(g + (gNext << 1) + gNext, total(a7), 4);
}

/** The four lanes, added. */
function total(a: v128): f32 {
  const low = f32x4.extract_lane(a, 0) + f32x4.extract_lane(a, 1);
  return low + (f32x4.extract_lane(a, 2) + f32x4.extract_lane(a, 3));
}

function dotLanes(d: usize, end: usize, dNext: usize, x: usize, xNext: usize, row: usize): f32 {
  let a = f32x4.splat(0);
  while (d < end) {
    for (let at: usize = 0; at < row; at += 16) a = f32x4.add(a, f32x4.mul(v128.load(d + at), v128.load(x + at)));
    d += dNext;
    x += xNext;
  }
  return total(a);
}

function dotScalar(d: usize, end: usize, dNext: usize, x: usize, xNext: usize, row: usize): f32 {
  let a0: f32 = 0;
  let a1: f32 = 0;
  let a2: f32 = 0;
  let a3: f32 = 0;
  while (d < end) {
    for (let at: usize = 0; at < row; at += 16) {
      a0 += load<f32>(d + at) * load<f32>(x + at);
      a1 += load<f32>(d + at, 4) * load<f32>(x + at, 4);
      a2 += load<f32>(d + at, 8) * load<f32>(x + at, 8);
      a3 += load<f32>(d + at, 12) * load<f32>(x + at, 12);
    }
    d += dNext;
    x += xNext;
  }
  return a0 + a1 + (a2 + a3);
}

/** Computes `g[row] = Σ d[t][row][b]` over t and b. */
export function sums(d: usize, dNext: usize, g: usize, rows: i32, steps: i32, B: i32): void {
  const row = usize(B) << 2;
  const end = d + usize(steps) * dNext;
  for (let i = 0; i < rows; i++) {
    if (ASC_FEATURE_SIMD && i + 4 <= rows) {
      fourSums(d, end, dNext, g + F32s.bytes(i), row);
      d += row << 2;
      i += 3;
      continue;
    }
    F32s.put(g, i, ASC_FEATURE_SIMD ? sumLanes(d, end, dNext, row) : sumScalar(d, end, dNext, row));
    d += row;
  }
}

/** Four rows, so that no addition waits for the one before. */
function fourSums(d: usize, end: usize, dNext: usize, g: usize, row: usize): void {
  let a0 = f32x4.splat(0);
  let a1 = a0;
  let a2 = a0;
  let a3 = a0;
  while (d < end) {
    const next = d + row;
    for (let at = d; at < next; at += 16) {
      a0 = f32x4.add(a0, v128.load(at));
      a1 = f32x4.add(a1, v128.load(at + row));
      a2 = f32x4.add(a2, v128.load(at + (row << 1)));
      a3 = f32x4.add(a3, v128.load(at + (row << 1) + row));
    }
    d += dNext;
  }
  store<f32>(g, total(a0));
  store<f32>(g, total(a1), 4);
  store<f32>(g, total(a2), 8);
  store<f32>(g, total(a3), 12);
}

function sumLanes(d: usize, end: usize, dNext: usize, row: usize): f32 {
  let a = f32x4.splat(0);
  while (d < end) {
    for (let at: usize = 0; at < row; at += 16) a = f32x4.add(a, v128.load(d + at));
    d += dNext;
  }
  return total(a);
}

function sumScalar(d: usize, end: usize, dNext: usize, row: usize): f32 {
  let a0: f32 = 0;
  let a1: f32 = 0;
  let a2: f32 = 0;
  let a3: f32 = 0;
  while (d < end) {
    for (let at: usize = 0; at < row; at += 16) {
      a0 += load<f32>(d + at);
      a1 += load<f32>(d + at, 4);
      a2 += load<f32>(d + at, 8);
      a3 += load<f32>(d + at, 12);
    }
    d += dNext;
  }
  return a0 + a1 + (a2 + a3);
}
