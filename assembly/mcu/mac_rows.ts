// Multiply-accumulate for compilers to 32-bit machine code (wasm2c, ahead-of-time compilers): plain 32-bit products of int8 weights, six or
// four rows at once, as many as the registers of a Cortex-M hold.

import { clampSums, Limit } from "./mac_limits";

/** The inner loops. */
export class Rows {
  /**
   * Computes `bias + W x` of the three gates of two units.
   *
   * @param b  biases, i32[3][2]: gates r, z, n; unit; then weights, i8[columns padded to 4][3][2]
   * @param x  vector, i16, readable to the next multiple of 4 elements
   * @param count  number of fours of columns
   * @param t  sums, i32[3][2], written
   * @param mask  half of that of mac_limits.ts; when `asks`, sums that pass i16 are clamped
   * @returns the address after the weights
   */
  @inline static gates(b: usize, x: usize, count: i32, t: usize, mask: i32, asks: bool): usize {
    let w = b + 24;
    let a0 = load<i32>(b);
    let a1 = load<i32>(b, 4);
    let a2 = load<i32>(b, 8);
    let a3 = load<i32>(b, 12);
    let a4 = load<i32>(b, 16);
    let a5 = load<i32>(b, 20);
    do {
      let s = i32(load<i16>(x));
      a0 += s * i32(load<i8>(w));
      a1 += s * i32(load<i8>(w, 1));
      a2 += s * i32(load<i8>(w, 2));
      a3 += s * i32(load<i8>(w, 3));
      a4 += s * i32(load<i8>(w, 4));
      a5 += s * i32(load<i8>(w, 5));
      x += 2;
      w += 6;
      s = i32(load<i16>(x));
      a0 += s * i32(load<i8>(w));
      a1 += s * i32(load<i8>(w, 1));
      a2 += s * i32(load<i8>(w, 2));
      a3 += s * i32(load<i8>(w, 3));
      a4 += s * i32(load<i8>(w, 4));
      a5 += s * i32(load<i8>(w, 5));
      x += 2;
      w += 6;
      s = i32(load<i16>(x));
      a0 += s * i32(load<i8>(w));
      a1 += s * i32(load<i8>(w, 1));
      a2 += s * i32(load<i8>(w, 2));
      a3 += s * i32(load<i8>(w, 3));
      a4 += s * i32(load<i8>(w, 4));
      a5 += s * i32(load<i8>(w, 5));
      x += 2;
      w += 6;
      s = i32(load<i16>(x));
      a0 += s * i32(load<i8>(w));
      a1 += s * i32(load<i8>(w, 1));
      a2 += s * i32(load<i8>(w, 2));
      a3 += s * i32(load<i8>(w, 3));
      a4 += s * i32(load<i8>(w, 4));
      a5 += s * i32(load<i8>(w, 5));
      x += 2;
      w += 6;
    } while (--count > 0);
    store<i32>(t, a0);
    store<i32>(t, a1, 4);
    store<i32>(t, a2, 8);
    store<i32>(t, a3, 12);
    store<i32>(t, a4, 16);
    store<i32>(t, a5, 20);
    if (asks) {
      const limit = Limit.ofOne(mask);
      const over = (a0 + limit) | (a1 + limit) | (a2 + limit) | (a3 + limit) | (a4 + limit) | (a5 + limit);
      if ((over & mask) !== 0) clampSums(t, 6, limit);
    }
    return w;
  }

  /** One gate of four units: biases and sums are i32[4]; weights i8[columns padded to 4][4]. Otherwise as gates. */
  @inline static rows(b: usize, x: usize, end: usize, t: usize, mask: i32, asks: bool): usize {
    let w = b + 16;
    let a0 = load<i32>(b);
    let a1 = load<i32>(b, 4);
    let a2 = load<i32>(b, 8);
    let a3 = load<i32>(b, 12);
    do {
      let s = i32(load<i16>(x));
      a0 += s * i32(load<i8>(w));
      a1 += s * i32(load<i8>(w, 1));
      a2 += s * i32(load<i8>(w, 2));
      a3 += s * i32(load<i8>(w, 3));
      s = i32(load<i16>(x, 2));
      a0 += s * i32(load<i8>(w, 4));
      a1 += s * i32(load<i8>(w, 5));
      a2 += s * i32(load<i8>(w, 6));
      a3 += s * i32(load<i8>(w, 7));
      s = i32(load<i16>(x, 4));
      a0 += s * i32(load<i8>(w, 8));
      a1 += s * i32(load<i8>(w, 9));
      a2 += s * i32(load<i8>(w, 10));
      a3 += s * i32(load<i8>(w, 11));
      s = i32(load<i16>(x, 6));
      a0 += s * i32(load<i8>(w, 12));
      a1 += s * i32(load<i8>(w, 13));
      a2 += s * i32(load<i8>(w, 14));
      a3 += s * i32(load<i8>(w, 15));
      x += 8;
      w += 16;
    } while (x < end);
    store<i32>(t, a0);
    store<i32>(t, a1, 4);
    store<i32>(t, a2, 8);
    store<i32>(t, a3, 12);
    if (asks) {
      const limit = Limit.ofOne(mask);
      const over = (a0 + limit) | (a1 + limit) | (a2 + limit) | (a3 + limit);
      if ((over & mask) !== 0) clampSums(t, 4, limit);
    }
    return w;
  }
}

/** Rows.rows of sums that are proven to fit. */
export function rowSumsRows(b: usize, x: usize, end: usize, t: usize): usize {
  return Rows.rows(b, x, end, t, 0, false);
}

/** Rows.rows, clamped. */
export function rowSumsRowsSat(b: usize, x: usize, end: usize, t: usize, mask: i32): usize {
  return Rows.rows(b, x, end, t, mask, true);
}
