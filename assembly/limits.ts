// The streaming limit of one core, for `npm run bench`: a matrix times a vector with nothing around it. No part of any product module.

/** f32: adds `w * x` into 12 accumulators, `passes` times over `bytes` of weights (a multiple of 192), one x for each 192. */
export function stream_f32(w: usize, x: usize, bytes: usize, passes: i32): void {
  let a0 = f32x4.splat(0);
  let a1 = a0;
  let a2 = a0;
  let a3 = a0;
  let a4 = a0;
  let a5 = a0;
  let a6 = a0;
  let a7 = a0;
  let a8 = a0;
  let a9 = a0;
  let a10 = a0;
  let a11 = a0;
  for (; passes > 0; passes--) {
    let v = w;
    let p = x;
    const end = w + bytes;
    while (v < end) {
      const s = v128.load_splat<f32>(p);
      a0 = f32x4.add(a0, f32x4.mul(s, v128.load(v)));
      a1 = f32x4.add(a1, f32x4.mul(s, v128.load(v, 16)));
      a2 = f32x4.add(a2, f32x4.mul(s, v128.load(v, 32)));
      a3 = f32x4.add(a3, f32x4.mul(s, v128.load(v, 48)));
      a4 = f32x4.add(a4, f32x4.mul(s, v128.load(v, 64)));
      a5 = f32x4.add(a5, f32x4.mul(s, v128.load(v, 80)));
      a6 = f32x4.add(a6, f32x4.mul(s, v128.load(v, 96)));
      a7 = f32x4.add(a7, f32x4.mul(s, v128.load(v, 112)));
      a8 = f32x4.add(a8, f32x4.mul(s, v128.load(v, 128)));
      a9 = f32x4.add(a9, f32x4.mul(s, v128.load(v, 144)));
      a10 = f32x4.add(a10, f32x4.mul(s, v128.load(v, 160)));
      a11 = f32x4.add(a11, f32x4.mul(s, v128.load(v, 176)));
      p += 4;
      v += 192;
    }
  }
  a0 = f32x4.add(f32x4.add(f32x4.add(a0, a1), f32x4.add(a2, a3)), f32x4.add(f32x4.add(a4, a5), f32x4.add(a6, a7)));
  v128.store(x, f32x4.add(a0, f32x4.add(f32x4.add(a8, a9), f32x4.add(a10, a11))));
}

/** int8: the same with weights widened as they are loaded, pairs by i32x4.dot_i16x8_s; `bytes` is a multiple of 96, two x for each 96. */
export function stream_i8(w: usize, x: usize, bytes: usize, passes: i32): void {
  let a0 = i32x4.splat(0);
  let a1 = a0;
  let a2 = a0;
  let a3 = a0;
  let a4 = a0;
  let a5 = a0;
  let a6 = a0;
  let a7 = a0;
  let a8 = a0;
  let a9 = a0;
  let a10 = a0;
  let a11 = a0;
  for (; passes > 0; passes--) {
    let v = w;
    let p = x;
    const end = w + bytes;
    while (v < end) {
      const s = v128.load_splat<i32>(p);
      a0 = i32x4.add(a0, i32x4.dot_i16x8_s(s, v128.load_ext<i8>(v)));
      a1 = i32x4.add(a1, i32x4.dot_i16x8_s(s, v128.load_ext<i8>(v, 8)));
      a2 = i32x4.add(a2, i32x4.dot_i16x8_s(s, v128.load_ext<i8>(v, 16)));
      a3 = i32x4.add(a3, i32x4.dot_i16x8_s(s, v128.load_ext<i8>(v, 24)));
      a4 = i32x4.add(a4, i32x4.dot_i16x8_s(s, v128.load_ext<i8>(v, 32)));
      a5 = i32x4.add(a5, i32x4.dot_i16x8_s(s, v128.load_ext<i8>(v, 40)));
      a6 = i32x4.add(a6, i32x4.dot_i16x8_s(s, v128.load_ext<i8>(v, 48)));
      a7 = i32x4.add(a7, i32x4.dot_i16x8_s(s, v128.load_ext<i8>(v, 56)));
      a8 = i32x4.add(a8, i32x4.dot_i16x8_s(s, v128.load_ext<i8>(v, 64)));
      a9 = i32x4.add(a9, i32x4.dot_i16x8_s(s, v128.load_ext<i8>(v, 72)));
      a10 = i32x4.add(a10, i32x4.dot_i16x8_s(s, v128.load_ext<i8>(v, 80)));
      a11 = i32x4.add(a11, i32x4.dot_i16x8_s(s, v128.load_ext<i8>(v, 88)));
      p += 4;
      v += 96;
    }
  }
  a0 = i32x4.add(i32x4.add(i32x4.add(a0, a1), i32x4.add(a2, a3)), i32x4.add(i32x4.add(a4, a5), i32x4.add(a6, a7)));
  v128.store(x, i32x4.add(a0, i32x4.add(i32x4.add(a8, a9), i32x4.add(a10, a11))));
}

/** int8 weights already widened to i16, as the SIMD build keeps them: `bytes` is a multiple of 192, two x for each 192. */
export function stream_i16(w: usize, x: usize, bytes: usize, passes: i32): void {
  let a0 = i32x4.splat(0);
  let a1 = a0;
  let a2 = a0;
  let a3 = a0;
  let a4 = a0;
  let a5 = a0;
  let a6 = a0;
  let a7 = a0;
  let a8 = a0;
  let a9 = a0;
  let a10 = a0;
  let a11 = a0;
  for (; passes > 0; passes--) {
    let v = w;
    let p = x;
    const end = w + bytes;
    while (v < end) {
      const s = v128.load_splat<i32>(p);
      a0 = i32x4.add(a0, i32x4.dot_i16x8_s(s, v128.load(v)));
      a1 = i32x4.add(a1, i32x4.dot_i16x8_s(s, v128.load(v, 16)));
      a2 = i32x4.add(a2, i32x4.dot_i16x8_s(s, v128.load(v, 32)));
      a3 = i32x4.add(a3, i32x4.dot_i16x8_s(s, v128.load(v, 48)));
      a4 = i32x4.add(a4, i32x4.dot_i16x8_s(s, v128.load(v, 64)));
      a5 = i32x4.add(a5, i32x4.dot_i16x8_s(s, v128.load(v, 80)));
      a6 = i32x4.add(a6, i32x4.dot_i16x8_s(s, v128.load(v, 96)));
      a7 = i32x4.add(a7, i32x4.dot_i16x8_s(s, v128.load(v, 112)));
      a8 = i32x4.add(a8, i32x4.dot_i16x8_s(s, v128.load(v, 128)));
      a9 = i32x4.add(a9, i32x4.dot_i16x8_s(s, v128.load(v, 144)));
      a10 = i32x4.add(a10, i32x4.dot_i16x8_s(s, v128.load(v, 160)));
      a11 = i32x4.add(a11, i32x4.dot_i16x8_s(s, v128.load(v, 176)));
      p += 4;
      v += 192;
    }
  }
  a0 = i32x4.add(i32x4.add(i32x4.add(a0, a1), i32x4.add(a2, a3)), i32x4.add(i32x4.add(a4, a5), i32x4.add(a6, a7)));
  v128.store(x, i32x4.add(a0, i32x4.add(i32x4.add(a8, a9), i32x4.add(a10, a11))));
}
