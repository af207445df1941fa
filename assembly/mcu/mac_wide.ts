// Multiply-accumulate for interpreters, weights of 4 bytes. A word of 64 bits holds the weights of two rows, w_a + w_b 2^32, so that one i64.mul by x
// adds to two sums: in an interpreter the number of operations decides. Every sum fits 32 bits (FORMAT.md 5), so the two never mix but for the borrow
// of a negative lower one: the biases carry 2^31 in the lower row, which keeps it positive, and `^ 2^31` takes that off at the end.
//
// Data of sums: the biases that they start from, those of even units offset, then the weights.

import { clampSums, Limit, OFFSET } from "./mac_limits";

class Wide {
  /** The three gates of four units; asked by `mask` (mac_limits.ts) when `asks`. */
  @inline static gates(b: usize, x: usize, end: usize, t: usize, mask: i64, asks: bool): usize {
    let w = b + 48;
    let a0 = load<i64>(b);
    let a1 = load<i64>(b, 16);
    let a2 = load<i64>(b, 32);
    let a3 = load<i64>(b, 8);
    let a4 = load<i64>(b, 24);
    let a5 = load<i64>(b, 40);
    do {
      const x0 = i64(load<i16>(x));
      const x1 = i64(load<i16>(x, 2));
      const x2 = i64(load<i16>(x, 4));
      const x3 = i64(load<i16>(x, 6));
      const x4 = i64(load<i16>(x, 8));
      const x5 = i64(load<i16>(x, 10));
      const x6 = i64(load<i16>(x, 12));
      const x7 = i64(load<i16>(x, 14));
      a0 += x0 * load<i64>(w) + x1 * load<i64>(w, 48) + x2 * load<i64>(w, 96) + x3 * load<i64>(w, 144);
      a0 += x4 * load<i64>(w, 192) + x5 * load<i64>(w, 240) + x6 * load<i64>(w, 288) + x7 * load<i64>(w, 336);
      a1 += x0 * load<i64>(w, 8) + x1 * load<i64>(w, 56) + x2 * load<i64>(w, 104) + x3 * load<i64>(w, 152);
      a1 += x4 * load<i64>(w, 200) + x5 * load<i64>(w, 248) + x6 * load<i64>(w, 296) + x7 * load<i64>(w, 344);
      a2 += x0 * load<i64>(w, 16) + x1 * load<i64>(w, 64) + x2 * load<i64>(w, 112) + x3 * load<i64>(w, 160);
      a2 += x4 * load<i64>(w, 208) + x5 * load<i64>(w, 256) + x6 * load<i64>(w, 304) + x7 * load<i64>(w, 352);
      a3 += x0 * load<i64>(w, 24) + x1 * load<i64>(w, 72) + x2 * load<i64>(w, 120) + x3 * load<i64>(w, 168);
      a3 += x4 * load<i64>(w, 216) + x5 * load<i64>(w, 264) + x6 * load<i64>(w, 312) + x7 * load<i64>(w, 360);
      a4 += x0 * load<i64>(w, 32) + x1 * load<i64>(w, 80) + x2 * load<i64>(w, 128) + x3 * load<i64>(w, 176);
      a4 += x4 * load<i64>(w, 224) + x5 * load<i64>(w, 272) + x6 * load<i64>(w, 320) + x7 * load<i64>(w, 368);
      a5 += x0 * load<i64>(w, 40) + x1 * load<i64>(w, 88) + x2 * load<i64>(w, 136) + x3 * load<i64>(w, 184);
      a5 += x4 * load<i64>(w, 232) + x5 * load<i64>(w, 280) + x6 * load<i64>(w, 328) + x7 * load<i64>(w, 376);
      x += 16;
      w += 384;
    } while (x < end);
    store<i64>(t, a0 ^ OFFSET);
    store<i64>(t, a1 ^ OFFSET, 16);
    store<i64>(t, a2 ^ OFFSET, 32);
    store<i64>(t, a3 ^ OFFSET, 8);
    store<i64>(t, a4 ^ OFFSET, 24);
    store<i64>(t, a5 ^ OFFSET, 40);
    if (asks) {
      const limit = Limit.of(mask);
      const over = (a0 + limit) | (a1 + limit) | (a2 + limit) | (a3 + limit) | (a4 + limit) | (a5 + limit);
      if ((over & mask) !== 0) clampSums(t, 12, Limit.ofOne(i32(mask)));
    }
    return w;
  }

  /** One gate of four units, likewise. */
  @inline static rows(b: usize, x: usize, end: usize, t: usize, mask: i64, asks: bool): usize {
    let w = b + 16;
    let a0 = load<i64>(b);
    let a1 = load<i64>(b, 8);
    do {
      const x0 = i64(load<i16>(x));
      const x1 = i64(load<i16>(x, 2));
      const x2 = i64(load<i16>(x, 4));
      const x3 = i64(load<i16>(x, 6));
      a0 += x0 * load<i64>(w) + x1 * load<i64>(w, 16) + x2 * load<i64>(w, 32) + x3 * load<i64>(w, 48);
      a1 += x0 * load<i64>(w, 8) + x1 * load<i64>(w, 24) + x2 * load<i64>(w, 40) + x3 * load<i64>(w, 56);
      x += 8;
      w += 64;
    } while (x < end);
    store<i64>(t, a0 ^ OFFSET);
    store<i64>(t, a1 ^ OFFSET, 8);
    if (asks) {
      const limit = Limit.of(mask);
      if ((((a0 + limit) | (a1 + limit)) & mask) !== 0) clampSums(t, 4, Limit.ofOne(i32(mask)));
    }
    return w;
  }
}

/**
 * Computes `bias + W x` of the three gates of four units, proven to fit.
 *
 * @param b  biases, i32[3][4]: gates r, z, n; unit; then weights, i64[columns padded to 8][2][3]: pair of units, gates
 * @param x  vector, i16, readable to the next multiple of 8 elements
 * @param end  address after the last multiple of 8 elements
 * @param t  sums, i32[3][4], written
 * @returns the address after the weights
 */
export function gateSumsWide(b: usize, x: usize, end: usize, t: usize): usize {
  return Wide.gates(b, x, end, t, 0, false);
}

/** The same, clamped. */
export function gateSumsWideSat(b: usize, x: usize, end: usize, t: usize, mask: i64): usize {
  return Wide.gates(b, x, end, t, mask, true);
}

/** One gate of four units, proven to fit: biases and sums are i32[4]; weights i64[columns padded to 4][2]. Otherwise as gateSumsWide. */
export function rowSumsWide(b: usize, x: usize, end: usize, t: usize): usize {
  return Wide.rows(b, x, end, t, 0, false);
}

/** The same, clamped. */
export function rowSumsWideSat(b: usize, x: usize, end: usize, t: usize, mask: i64): usize {
  return Wide.rows(b, x, end, t, mask, true);
}
