// Multiply-accumulate: the inner loops of the q15 form, exact in int32. Columns go in pairs (k, k + 1), so that the SIMD build can use
// i32x4.dot_i16x8_s; an odd last column is padded with a zero weight. Weights are i16 in the SIMD build and i8 in the scalar build.

/** Bytes of the weights of 16 rows over one pair of columns. */
export const PAIR_BYTES: i32 = ASC_FEATURE_SIMD ? 64 : 32;

/**
 * SIMD build: adds `W x` to the 48 sums of 16 units of a GRU layer, as gateSumsF32 does.
 *
 * @param w  weights, i16[pairs][3][16][2]: gates n, r, z
 * @param x  vector, i16[k]; with an odd k one element more is read, for a zero weight
 * @param end  address after x
 * @param n  what the sums of n start from, i32[16]
 * @param rz  what the sums of r and z start from, i32[2][16]
 * @param to  sums of n, r and z, i32[3][16], written
 */
export function gateSumsQ15(w: usize, x: usize, end: usize, n: usize, rz: usize, to: usize): void {
  let a0 = v128.load(n);
  let a1 = v128.load(n, 16);
  let a2 = v128.load(n, 32);
  let a3 = v128.load(n, 48);
  let a4 = v128.load(rz);
  let a5 = v128.load(rz, 16);
  let a6 = v128.load(rz, 32);
  let a7 = v128.load(rz, 48);
  let a8 = v128.load(rz, 64);
  let a9 = v128.load(rz, 80);
  let a10 = v128.load(rz, 96);
  let a11 = v128.load(rz, 112);
  // `while`: TurboFan of Node 20 schedules do/while 1.9 x slower.
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
  v128.store(to, a0);
  v128.store(to, a1, 16);
  v128.store(to, a2, 32);
  v128.store(to, a3, 48);
  v128.store(to, a4, 64);
  v128.store(to, a5, 80);
  v128.store(to, a6, 96);
  v128.store(to, a7, 112);
  v128.store(to, a8, 128);
  v128.store(to, a9, 144);
  v128.store(to, a10, 160);
  v128.store(to, a11, 176);
}

/**
 * SIMD build: computes 4 sums, `t = b + W x`.
 *
 * @param w  weights, i16[4][2] for each pair of elements of x, `stride` bytes apart
 * @param x  vector, i16[k], as for gateSumsQ15
 * @param end  address after x
 * @param b  what they start from, i32[4]; may be t
 * @param t  sums, i32[4]
 */
export function rowSumsQ15(w: usize, x: usize, end: usize, b: usize, t: usize, stride: usize): void {
  let a = v128.load(b);
  while (x < end) {
    a = i32x4.add(a, i32x4.dot_i16x8_s(v128.load_splat<i32>(x), v128.load(w)));
    x += 4;
    w += stride;
  }
  v128.store(t, a);
}

/**
 * Scalar build: adds the products of one row to `sum`.
 *
 * @param w  weights of the row, pairs of T, `stride` bytes apart
 * @param x  vector, i16[k], as for gateSumsQ15
 * @param end  address after x
 */
export function dotQ15<T>(w: usize, x: usize, end: usize, sum: i32, stride: usize): i32 {
  while (x < end) {
    sum += i32(load<i16>(x)) * i32(load<T>(w)) + i32(load<i16>(x, 2)) * i32(load<T>(w, sizeof<T>()));
    x += 4;
    w += stride;
  }
  return sum;
}
