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
        outerLanes(from, end, dNext, x + usize(k) * row, xNext, to + F32s.bytes(k), gNext, row);
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
  for (let i = 0; i < rows; i++) {
    let a0: f32 = 0;
    let a1: f32 = 0;
    let a2: f32 = 0;
    let a3: f32 = 0;
    let from = d + usize(i) * row;
    for (let t = 0; t < steps; t++) {
      for (let at: usize = 0; at < row; at += 16) {
        a0 += load<f32>(from + at);
        a1 += load<f32>(from + at, 4);
        a2 += load<f32>(from + at, 8);
        a3 += load<f32>(from + at, 12);
      }
      from += dNext;
    }
    F32s.put(g, i, a0 + a1 + (a2 + a3));
  }
}
