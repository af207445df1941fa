// Products of a matrix with B columns side by side: the inner loops of training. Vectors are columns, so every column adds its products
// in the order in which the runtime adds them (FORMAT.md 4), in every build. B is a multiple of COLUMNS.
//
// Weights are packed four rows at a time, f32[rows/4][K][4], what is left of the rows one by one, f32[K].

import { Vec } from "./vector";

/** Adds `W x` to y, or to a bias: y[rows][B] from x[K][B]; k ascending. `bias` 0 for y itself. */
export function product<V>(w: usize, x: usize, y: usize, bias: usize, rows: i32, K: i32, B: i32): void {
  const row = usize(B) << 2;
  const end = usize(K) * row;
  let left = rows;
  while (left >= 4) {
    for (let at: usize = 0; at < row; at += 2 * sizeof<V>()) tile<V>(w, x + at, x + at + end, y + at, row, bias);
    w += usize(K) << 4;
    y += row << 2;
    bias += bias > 0 ? 16 : 0;
    left -= 4;
  }
  while (left > 0) {
    for (let at: usize = 0; at < row; at += 2 * sizeof<V>()) tileRow<V>(w, x + at, x + at + end, y + at, row, bias);
    w += usize(K) << 2;
    y += row;
    bias += bias > 0 ? 4 : 0;
    left--;
  }
}

/** Four rows, two vectors: eight sums, which is what the registers hold beside their factors. */
function tile<V>(w: usize, x: usize, end: usize, y: usize, row: usize, bias: usize): void {
  const y2 = y + 2 * row;
  let a0: V, a1: V, a2: V, a3: V, a4: V, a5: V, a6: V, a7: V;
  if (bias > 0) {
    a0 = Vec.splatAt<V>(bias);
    a1 = a0;
    a2 = Vec.splatAt<V>(bias + 4);
    a3 = a2;
    a4 = Vec.splatAt<V>(bias + 8);
    a5 = a4;
    a6 = Vec.splatAt<V>(bias + 12);
    a7 = a6;
  } else {
    a0 = load<V>(y);
    a1 = load<V>(y, sizeof<V>());
    a2 = load<V>(y + row);
    a3 = load<V>(y + row, sizeof<V>());
    a4 = load<V>(y2);
    a5 = load<V>(y2, sizeof<V>());
    a6 = load<V>(y2 + row);
    a7 = load<V>(y2 + row, sizeof<V>());
  }
  while (x < end) {
    const u = load<V>(x);
    const v = load<V>(x, sizeof<V>());
    let s = Vec.splatAt<V>(w);
    a0 = Vec.add<V>(a0, Vec.mul<V>(s, u));
    a1 = Vec.add<V>(a1, Vec.mul<V>(s, v));
    s = Vec.splatAt<V>(w + 4);
    a2 = Vec.add<V>(a2, Vec.mul<V>(s, u));
    a3 = Vec.add<V>(a3, Vec.mul<V>(s, v));
    s = Vec.splatAt<V>(w + 8);
    a4 = Vec.add<V>(a4, Vec.mul<V>(s, u));
    a5 = Vec.add<V>(a5, Vec.mul<V>(s, v));
    s = Vec.splatAt<V>(w + 12);
    a6 = Vec.add<V>(a6, Vec.mul<V>(s, u));
    a7 = Vec.add<V>(a7, Vec.mul<V>(s, v));
    x += row;
    w += 16;
  }
  store<V>(y, a0);
  store<V>(y, a1, sizeof<V>());
  store<V>(y + row, a2);
  store<V>(y + row, a3, sizeof<V>());
  store<V>(y2, a4);
  store<V>(y2, a5, sizeof<V>());
  store<V>(y2 + row, a6);
  store<V>(y2 + row, a7, sizeof<V>());
}

/** One row, two vectors. */
function tileRow<V>(w: usize, x: usize, end: usize, y: usize, row: usize, bias: usize): void {
  let a0: V = bias > 0 ? Vec.splatAt<V>(bias) : load<V>(y);
  let a1: V = bias > 0 ? a0 : load<V>(y, sizeof<V>());
  while (x < end) {
    const s = Vec.splatAt<V>(w);
    a0 = Vec.add<V>(a0, Vec.mul<V>(s, load<V>(x)));
    a1 = Vec.add<V>(a1, Vec.mul<V>(s, load<V>(x, sizeof<V>())));
    x += row;
    w += 4;
  }
  store<V>(y, a0);
  store<V>(y, a1, sizeof<V>());
}

/**
 * The same with each sum split in four by k modulo 4, as the runtime splits those of dense layers.
 *
 * @param w  weights, f32[rows][K]
 */
export function splitProduct<V>(w: usize, x: usize, y: usize, bias: usize, rows: i32, K: i32, B: i32): void {
  const row = usize(B) << 2;
  const end = usize(K) * row;
  while (rows > 0) {
    for (let at: usize = 0; at < row; at += 2 * sizeof<V>()) splitTile<V>(w, x + at, x + at + end, y + at, row, bias);
    w += usize(K) << 2;
    y += row;
    bias += bias > 0 ? 4 : 0;
    rows--;
  }
}

/** One row, two vectors, four sums each. */
function splitTile<V>(w: usize, x: usize, end: usize, y: usize, row: usize, bias: usize): void {
  let a0: V = bias > 0 ? Vec.splatAt<V>(bias) : load<V>(y);
  let b0: V = bias > 0 ? a0 : load<V>(y, sizeof<V>());
  let a1 = Vec.splat<V>(0);
  let a2 = a1;
  let a3 = a1;
  let b1 = a1;
  let b2 = a1;
  let b3 = a1;
  const next = row << 2;
  while (x + next <= end) {
    let s = Vec.splatAt<V>(w);
    a0 = Vec.add<V>(a0, Vec.mul<V>(s, load<V>(x)));
    b0 = Vec.add<V>(b0, Vec.mul<V>(s, load<V>(x, sizeof<V>())));
    s = Vec.splatAt<V>(w + 4);
    x += row;
    a1 = Vec.add<V>(a1, Vec.mul<V>(s, load<V>(x)));
    b1 = Vec.add<V>(b1, Vec.mul<V>(s, load<V>(x, sizeof<V>())));
    s = Vec.splatAt<V>(w + 8);
    x += row;
    a2 = Vec.add<V>(a2, Vec.mul<V>(s, load<V>(x)));
    b2 = Vec.add<V>(b2, Vec.mul<V>(s, load<V>(x, sizeof<V>())));
    s = Vec.splatAt<V>(w + 12);
    x += row;
    a3 = Vec.add<V>(a3, Vec.mul<V>(s, load<V>(x)));
    b3 = Vec.add<V>(b3, Vec.mul<V>(s, load<V>(x, sizeof<V>())));
    x += row;
    w += 16;
  }
  while (x < end) {
    const s = Vec.splatAt<V>(w);
    a0 = Vec.add<V>(a0, Vec.mul<V>(s, load<V>(x)));
    b0 = Vec.add<V>(b0, Vec.mul<V>(s, load<V>(x, sizeof<V>())));
    x += row;
    w += 4;
  }
  store<V>(y, Vec.add<V>(Vec.add<V>(a0, a1), Vec.add<V>(a2, a3)));
  store<V>(y, Vec.add<V>(Vec.add<V>(b0, b1), Vec.add<V>(b2, b3)), sizeof<V>());
}
