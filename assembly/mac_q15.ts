// Multiply-accumulate: the inner loops of the q15 form, exact in int32. Columns go in pairs (k, k + 1), so that the SIMD build can use
// i32x4.dot_i16x8_s; an odd last column is padded with a zero weight. Weights are i16 in the SIMD build and i8 in the scalar build.

import { BLOCK } from "./format";

/** Bytes of one row pair of 16 rows. */
export const PAIR_BYTES: i32 = ASC_FEATURE_SIMD ? 64 : 32;

/**
 * Computes 48 accumulators, `t = b + W x`: 16 units, three gates.
 *
 * @param w  weights, [pairs][3][16][2]
 * @param x  vector, i16[n]; with an odd n one element more is read, for a zero weight
 * @param end  address after x
 * @param b  what they start from, i32[3][16]
 * @param t  accumulators, i32[3][16]
 * @param lanes  scalar build: units to compute, at most 16 of them (SIMD always does 16)
 */
export function mac48Q15(w: usize, x: usize, end: usize, b: usize, t: usize, lanes: i32): void {
  if (ASC_FEATURE_SIMD) {
    let a0 = v128.load(b);
    let a1 = v128.load(b, 16);
    let a2 = v128.load(b, 32);
    let a3 = v128.load(b, 48);
    let a4 = v128.load(b, 64);
    let a5 = v128.load(b, 80);
    let a6 = v128.load(b, 96);
    let a7 = v128.load(b, 112);
    let a8 = v128.load(b, 128);
    let a9 = v128.load(b, 144);
    let a10 = v128.load(b, 160);
    let a11 = v128.load(b, 176);
    while (x < end) {
      const s = v128.load_splat<i32>(x);
      a0 = i32x4.add(a0, i32x4.dot_i16x8_s(s, v128.load(w)));
      a1 = i32x4.add(a1, i32x4.dot_i16x8_s(s, v128.load(w, 16)));
      a2 = i32x4.add(a2, i32x4.dot_i16x8_s(s, v128.load(w, 32)));
      a3 = i32x4.add(a3, i32x4.dot_i16x8_s(s, v128.load(w, 48)));
      a4 = i32x4.add(a4, i32x4.dot_i16x8_s(s, v128.load(w, 64)));
      a5 = i32x4.add(a5, i32x4.dot_i16x8_s(s, v128.load(w, 80)));
      a6 = i32x4.add(a6, i32x4.dot_i16x8_s(s, v128.load(w, 96)));
      a7 = i32x4.add(a7, i32x4.dot_i16x8_s(s, v128.load(w, 112)));
      a8 = i32x4.add(a8, i32x4.dot_i16x8_s(s, v128.load(w, 128)));
      a9 = i32x4.add(a9, i32x4.dot_i16x8_s(s, v128.load(w, 144)));
      a10 = i32x4.add(a10, i32x4.dot_i16x8_s(s, v128.load(w, 160)));
      a11 = i32x4.add(a11, i32x4.dot_i16x8_s(s, v128.load(w, 176)));
      x += 4;
      w += 192;
    }
    v128.store(t, a0);
    v128.store(t, a1, 16);
    v128.store(t, a2, 32);
    v128.store(t, a3, 48);
    v128.store(t, a4, 64);
    v128.store(t, a5, 80);
    v128.store(t, a6, 96);
    v128.store(t, a7, 112);
    v128.store(t, a8, 128);
    v128.store(t, a9, 144);
    v128.store(t, a10, 160);
    v128.store(t, a11, 176);
  } else {
    for (const tEnd = t + (usize(min(lanes, BLOCK)) << 2); t < tEnd; t += 4) {
      let a0 = load<i32>(b);
      let a1 = load<i32>(b, 64);
      let a2 = load<i32>(b, 128);
      let v = w;
      for (let p = x; p < end; p += 4) {
        const s = i32(load<i16>(p));
        const s1 = i32(load<i16>(p, 2));
        a0 += s * i32(load<i8>(v)) + s1 * i32(load<i8>(v, 1));
        a1 += s * i32(load<i8>(v, 32)) + s1 * i32(load<i8>(v, 33));
        a2 += s * i32(load<i8>(v, 64)) + s1 * i32(load<i8>(v, 65));
        v += 96;
      }
      store<i32>(t, a0);
      store<i32>(t, a1, 64);
      store<i32>(t, a2, 128);
      b += 4;
      w += 2;
    }
  }
}

/**
 * Computes 16 accumulators, `t = b + W x`: 16 rows of a dense layer.
 *
 * @param w  weights of type T (i16 in the SIMD build), T[pairs][16][2]
 * @param x  vector, i16[n], as for mac48Q15
 * @param end  address after x
 * @param b  what they start from, i32[16]; may be t
 * @param t  accumulators, i32[16]
 * @param lanes  scalar build: rows to compute, at most 16 of them
 */
export function mac16Q15<T>(w: usize, x: usize, end: usize, b: usize, t: usize, lanes: i32): void {
  if (ASC_FEATURE_SIMD) {
    let a0 = v128.load(b);
    let a1 = v128.load(b, 16);
    let a2 = v128.load(b, 32);
    let a3 = v128.load(b, 48);
    while (x < end) {
      const s = v128.load_splat<i32>(x);
      a0 = i32x4.add(a0, i32x4.dot_i16x8_s(s, v128.load(w)));
      a1 = i32x4.add(a1, i32x4.dot_i16x8_s(s, v128.load(w, 16)));
      a2 = i32x4.add(a2, i32x4.dot_i16x8_s(s, v128.load(w, 32)));
      a3 = i32x4.add(a3, i32x4.dot_i16x8_s(s, v128.load(w, 48)));
      x += 4;
      w += 64;
    }
    v128.store(t, a0);
    v128.store(t, a1, 16);
    v128.store(t, a2, 32);
    v128.store(t, a3, 48);
  } else {
    for (const tEnd = t + (usize(min(lanes, BLOCK)) << 2); t < tEnd; t += 4) {
      let a = load<i32>(b);
      let v = w;
      for (let p = x; p < end; p += 4) {
        a += i32(load<i16>(p)) * i32(load<T>(v)) + i32(load<i16>(p, 2)) * i32(load<T>(v, sizeof<T>()));
        v += 32 * sizeof<T>();
      }
      store<i32>(t, a);
      b += 4;
      w += 2 * sizeof<T>();
    }
  }
}
