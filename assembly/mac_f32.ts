// Multiply-accumulate: the two inner loops of the f32 form. Lanes are rows, so each row adds its products in ascending k in every build.

import { BLOCK } from "./format";

/**
 * Computes 48 accumulators, `t = b + W x`: 16 units, three gates.
 *
 * @param w  weights, f32[n][3][16]
 * @param x  vector, f32[n]
 * @param end  address after x
 * @param b  what they start from, f32[3][16]
 * @param t  accumulators, f32[3][16]; may be b
 * @param lanes  scalar build: units to compute, at most 16 of them (SIMD always does 16)
 */
export function mac48F32(w: usize, x: usize, end: usize, b: usize, t: usize, lanes: i32): void {
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
      let a0 = load<f32>(b);
      let a1 = load<f32>(b, 64);
      let a2 = load<f32>(b, 128);
      let v = w;
      for (let p = x; p < end; p += 4) {
        const s = load<f32>(p);
        a0 += s * load<f32>(v);
        a1 += s * load<f32>(v, 64);
        a2 += s * load<f32>(v, 128);
        v += 192;
      }
      store<f32>(t, a0);
      store<f32>(t, a1, 64);
      store<f32>(t, a2, 128);
      b += 4;
      w += 4;
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
