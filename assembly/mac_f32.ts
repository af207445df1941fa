// Multiply-accumulate: the two inner loops of the f32 form. Lanes are rows, so each row adds its products in ascending k in every build.

import { BLOCK } from "./format";

/**
 * Adds `W x` to the 48 sums of 16 units of a GRU layer. The candidate's sums may come from and go to another place than those of r and
 * z, since its two products stay apart. One loop in a function of its own: with the loops over x and h together, TurboFan of Node 20
 * spills and takes 1.5 x as long.
 *
 * @param w  weights, f32[k][3][16]: gates n, r, z
 * @param x  vector, f32[k]
 * @param end  address after x
 * @param n  what the sums of n start from, f32[16]
 * @param rz  what the sums of r and z start from, f32[2][16]
 * @param toN  sums of n, written
 * @param toRz  sums of r and z, written
 * @param lanes  scalar build: units to compute, at most 16 of them (SIMD always does 16)
 */
export function gateSumsF32(
  w: usize,
  x: usize,
  end: usize,
  n: usize,
  rz: usize,
  toN: usize,
  toRz: usize,
  lanes: i32,
): void {
  if (ASC_FEATURE_SIMD) {
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
      const s = v128.load_splat<f32>(x);
      a0 = f32x4.add(a0, f32x4.mul(s, v128.load(w)));
      a1 = f32x4.add(a1, f32x4.mul(s, v128.load(w, 16)));
      a2 = f32x4.add(a2, f32x4.mul(s, v128.load(w, 32)));
      a3 = f32x4.add(a3, f32x4.mul(s, v128.load(w, 48)));
      a4 = f32x4.add(a4, f32x4.mul(s, v128.load(w, 64)));
      a5 = f32x4.add(a5, f32x4.mul(s, v128.load(w, 80)));
      a6 = f32x4.add(a6, f32x4.mul(s, v128.load(w, 96)));
      a7 = f32x4.add(a7, f32x4.mul(s, v128.load(w, 112)));
      a8 = f32x4.add(a8, f32x4.mul(s, v128.load(w, 128)));
      a9 = f32x4.add(a9, f32x4.mul(s, v128.load(w, 144)));
      a10 = f32x4.add(a10, f32x4.mul(s, v128.load(w, 160)));
      a11 = f32x4.add(a11, f32x4.mul(s, v128.load(w, 176)));
      x += 4;
      w += 192;
    }
    v128.store(toN, a0);
    v128.store(toN, a1, 16);
    v128.store(toN, a2, 32);
    v128.store(toN, a3, 48);
    v128.store(toRz, a4);
    v128.store(toRz, a5, 16);
    v128.store(toRz, a6, 32);
    v128.store(toRz, a7, 48);
    v128.store(toRz, a8, 64);
    v128.store(toRz, a9, 80);
    v128.store(toRz, a10, 96);
    v128.store(toRz, a11, 112);
  } else {
    lanes = min(lanes, BLOCK) << 2;
    for (let i: usize = 0; i < usize(lanes); i += 4) {
      let sumN = load<f32>(n + i);
      let sumR = load<f32>(rz + i);
      let sumZ = load<f32>(rz + i, 64);
      let v = w + i;
      for (let p = x; p < end; p += 4) {
        const s = load<f32>(p);
        sumN += s * load<f32>(v);
        sumR += s * load<f32>(v, 64);
        sumZ += s * load<f32>(v, 128);
        v += 192;
      }
      store<f32>(toN + i, sumN);
      store<f32>(toRz + i, sumR);
      store<f32>(toRz + i, sumZ, 64);
    }
  }
}

/**
 * Computes 16 accumulators, `t = b + W x`: 16 rows of a dense layer.
 *
 * @param w  weights, f32[n][16]
 * @param x  vector, f32[n]
 * @param end  address after x
 * @param b  what they start from, f32[16]
 * @param t  accumulators, f32[16]; may be b
 * @param lanes  scalar build: rows to compute, at most 16 of them
 */
export function mac16F32(w: usize, x: usize, end: usize, b: usize, t: usize, lanes: i32): void {
  if (ASC_FEATURE_SIMD) {
    let a0 = v128.load(b);
    let a1 = v128.load(b, 16);
    let a2 = v128.load(b, 32);
    let a3 = v128.load(b, 48);
    while (x < end) {
      const s = v128.load_splat<f32>(x);
      a0 = f32x4.add(a0, f32x4.mul(s, v128.load(w)));
      a1 = f32x4.add(a1, f32x4.mul(s, v128.load(w, 16)));
      a2 = f32x4.add(a2, f32x4.mul(s, v128.load(w, 32)));
      a3 = f32x4.add(a3, f32x4.mul(s, v128.load(w, 48)));
      x += 4;
      w += 64;
    }
    v128.store(t, a0);
    v128.store(t, a1, 16);
    v128.store(t, a2, 32);
    v128.store(t, a3, 48);
  } else {
    for (const tEnd = t + (usize(min(lanes, BLOCK)) << 2); t < tEnd; t += 4) {
      let a = load<f32>(b);
      let v = w;
      for (let p = x; p < end; p += 4) {
        a += load<f32>(p) * load<f32>(v);
        v += 64;
      }
      store<f32>(t, a);
      b += 4;
      w += 4;
    }
  }
}
