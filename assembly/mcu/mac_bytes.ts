// Multiply-accumulate for interpreters, weights of 1 byte: for small memories. As mac_wide.ts, but a word of 64 bits holds two rows over four columns,
// byte k of its lower half the weight of the lower row and column k, byte k of its upper half that of the upper row, each plus 128. Two bytes of
// a word under the mask are again w_a + w_b 2^32; what the 128s add up to, 128 Σ x in each sum, is taken off at the start.

import { BOTH, OFFSET } from "./mac_limits";

/** The bytes of two rows over one column. */
const COLUMN: i64 = 0x000000ff000000ff;

/**
 * Computes `bias + W x` of groups of four rows.
 *
 * @param b  biases, i32[groups][4], the even ones offset; then weights, u8[groups][columns padded to 4, by 4][2][2][4]: pair of rows, row, column
 * @param x  vector, i16, readable to the next multiple of 4 elements
 * @param end  address after the last multiple of 4 elements
 * @param t  sums, i32[groups][4], written
 * @param tEnd  address after them
 * @param total  128 Σ x
 * @returns the address after the weights
 */
export function rowSumsBytes(b: usize, x: usize, end: usize, t: usize, tEnd: usize, total: i32): usize {
  const offset = i64(total) * BOTH;
  let w = b + (tEnd - t);
  do {
    let a0 = load<i64>(b) - offset;
    let a1 = load<i64>(b, 8) - offset;
    let k = x;
    do {
      const x0 = i64(load<i16>(k));
      const x1 = i64(load<i16>(k, 2));
      const x2 = i64(load<i16>(k, 4));
      const x3 = i64(load<i16>(k, 6));
      const t0 = load<i64>(w);
      a0 += x0 * (t0 & COLUMN) + x1 * ((t0 >> 8) & COLUMN) + x2 * ((t0 >> 16) & COLUMN) + x3 * ((t0 >> 24) & COLUMN);
      const t1 = load<i64>(w, 8);
      a1 += x0 * (t1 & COLUMN) + x1 * ((t1 >> 8) & COLUMN) + x2 * ((t1 >> 16) & COLUMN) + x3 * ((t1 >> 24) & COLUMN);
      w += 16;
      k += 8;
    } while (k < end);
    store<i64>(t, a0 ^ OFFSET);
    store<i64>(t, a1 ^ OFFSET, 8);
    b += 16;
    t += 16;
  } while (t < tEnd);
  return w;
}

/** 128 Σ x over the elements from x to end. */
export function total128(x: usize, end: usize): i32 {
  let sum = 0;
  do {
    sum += i32(load<i16>(x));
    x += 2;
  } while (x < end);
  return sum << 7;
}
