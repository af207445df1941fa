// The streaming limit of one core, for `npm run bench`: the weights times a vector through 12 accumulators, with nothing around it.
// No part of any product module.

import { gateSumsF32 } from "../f32/mac";
import { gateSumsQ15 } from "../q15/mac";

/** f32: `passes` times over `bytes` of weights (a multiple of 192), one x for each 192; accumulators at t, 192 bytes. */
export function stream_f32(w: usize, x: usize, t: usize, bytes: usize, passes: i32): void {
  const end = x + (bytes / 192) * 4;
  for (; passes > 0; passes--) gateSumsF32(w, x, end, t, t + 64, t, t + 64);
}

/** int8 weights widened to i16 beforehand, as the SIMD build keeps them: two x for each 192 bytes. */
export function stream_i16(w: usize, x: usize, t: usize, bytes: usize, passes: i32): void {
  const end = x + (bytes / 192) * 4;
  for (; passes > 0; passes--) gateSumsQ15(w, x, end, t, t + 64, t);
}

/** int8 weights widened as they are loaded: two x for each 96 bytes. */
export function stream_i8(w: usize, x: usize, t: usize, bytes: usize, passes: i32): void {
  const end = x + (bytes / 96) * 4;
  for (; passes > 0; passes--) mac48I8(w, x, end, t);
}

/** 48 accumulators over int8 weights, i8[pairs][3][16][2]. */
function mac48I8(w: usize, x: usize, end: usize, t: usize): void {
  let a0 = v128.load(t);
  let a1 = v128.load(t, 16);
  let a2 = v128.load(t, 32);
  let a3 = v128.load(t, 48);
  let a4 = v128.load(t, 64);
  let a5 = v128.load(t, 80);
  let a6 = v128.load(t, 96);
  let a7 = v128.load(t, 112);
  let a8 = v128.load(t, 128);
  let a9 = v128.load(t, 144);
  let a10 = v128.load(t, 160);
  let a11 = v128.load(t, 176);
  while (x < end) {
    const s = v128.load_splat<i32>(x);
    a0 = i32x4.add(a0, i32x4.dot_i16x8_s(s, v128.load_ext<i8>(w)));
    a1 = i32x4.add(a1, i32x4.dot_i16x8_s(s, v128.load_ext<i8>(w, 8)));
    a2 = i32x4.add(a2, i32x4.dot_i16x8_s(s, v128.load_ext<i8>(w, 16)));
    a3 = i32x4.add(a3, i32x4.dot_i16x8_s(s, v128.load_ext<i8>(w, 24)));
    a4 = i32x4.add(a4, i32x4.dot_i16x8_s(s, v128.load_ext<i8>(w, 32)));
    a5 = i32x4.add(a5, i32x4.dot_i16x8_s(s, v128.load_ext<i8>(w, 40)));
    a6 = i32x4.add(a6, i32x4.dot_i16x8_s(s, v128.load_ext<i8>(w, 48)));
    a7 = i32x4.add(a7, i32x4.dot_i16x8_s(s, v128.load_ext<i8>(w, 56)));
    a8 = i32x4.add(a8, i32x4.dot_i16x8_s(s, v128.load_ext<i8>(w, 64)));
    a9 = i32x4.add(a9, i32x4.dot_i16x8_s(s, v128.load_ext<i8>(w, 72)));
    a10 = i32x4.add(a10, i32x4.dot_i16x8_s(s, v128.load_ext<i8>(w, 80)));
    a11 = i32x4.add(a11, i32x4.dot_i16x8_s(s, v128.load_ext<i8>(w, 88)));
    x += 4;
    w += 96;
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
}
