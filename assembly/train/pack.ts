// Weights as product.ts reads them.

import { F32s } from "../memory";

/** Address of weight (row, k) of a packed matrix [rows][K]. */
class Packed {
  @inline static at(w: usize, rows: i32, K: i32, row: i32, k: i32): usize {
    const four = row & ~3;
    return w + F32s.bytes(four + 4 <= rows ? four * K + (k << 2) + (row & 3) : row * K + k);
  }
}

/**
 * Packs a matrix as columns `first` and following of one of K columns, times a factor.
 *
 * @param w  f32[rows][columns]
 */
export function pack(to: usize, w: usize, rows: i32, columns: i32, K: i32, first: i32, factor: f32): void {
  for (let row = 0; row < rows; row++) {
    for (let k = 0; k < columns; k++) {
      store<f32>(Packed.at(to, rows, K, row, first + k), load<f32>(w) * factor);
      w += 4;
    }
  }
}

/**
 * Packs a matrix on its side: its rows become columns `first` and following of one of K columns.
 *
 * @param w  f32[rows][columns]
 */
export function packAside(to: usize, w: usize, rows: i32, columns: i32, K: i32, first: i32): void {
  for (let row = 0; row < rows; row++) {
    for (let k = 0; k < columns; k++) {
      store<f32>(Packed.at(to, columns, K, k, first + row), load<f32>(w));
      w += 4;
    }
  }
}

/** to = w · factor, f32[count]. */
export function scaled(to: usize, w: usize, count: i32, factor: f32): void {
  for (let i = 0; i < count; i++) F32s.put(to, i, F32s.at(w, i) * factor);
}

/**
 * Biases of a GRU layer as its sums start from them: n, r, z, and the second of n.
 *
 * @param b, c  f32[3H], rows rzn
 * @param factor  of the rows of r and z
 * @param before  reset-before: both biases of n start one sum
 */
export function packBias(to: usize, b: usize, c: usize, H: i32, factor: f32, before: bool): void {
  for (let i = 0; i < H; i++) {
    const n = F32s.at(b, 2 * H + i);
    const second = F32s.at(c, 2 * H + i);
    F32s.put(to, i, before ? n + second : n);
    F32s.put(to, H + i, factor * (F32s.at(b, i) + F32s.at(c, i)));
    F32s.put(to, 2 * H + i, factor * (F32s.at(b, H + i) + F32s.at(c, H + i)));
    F32s.put(to, 3 * H + i, before ? 0 : second);
  }
}
