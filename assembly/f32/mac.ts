// Multiply-accumulate: the inner loops of the f32 form. Lanes are rows, so each row adds its products in ascending k in every build.

/**
 * SIMD build: adds `W x` to the 48 sums of 16 units of a GRU layer. The candidate's sums may come from and go to another place than
 * those of r and z, since its two products stay apart. One loop in a function of its own: with the loops over x and h together,
 * TurboFan of Node 20 spills and takes 1.5 x as long.
 *
 * @param w  weights, f32[k][3][16]: gates n, r, z
 * @param x  vector, f32[k]
 * @param end  address after x
 * @param n  what the sums of n start from, f32[16]
 * @param rz  what the sums of r and z start from, f32[2][16]
 * @param toN  sums of n, written
 * @param toRz  sums of r and z, written
 */
export function gateSumsF32(w: usize, x: usize, end: usize, n: usize, rz: usize, toN: usize, toRz: usize): void {
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
}

/**
 * SIMD build: computes 4 sums, `t = b + W x`. Each is split in four by k modulo 4, because one chain of additions would wait for itself:
 * a head of few outputs over many units takes a quarter of the time.
 *
 * @param w  weights, f32[4] for each element of x, `stride` bytes apart
 * @param x  vector, f32[k]
 * @param end  address after x
 * @param b  what they start from, f32[4]; may be t
 * @param t  sums, f32[4]
 */
export function rowSumsF32(w: usize, x: usize, end: usize, b: usize, t: usize, stride: usize): void {
  let a0 = v128.load(b);
  let a1 = f32x4.splat(0);
  let a2 = a1;
  let a3 = a1;
  while (x + 16 <= end) {
    a0 = f32x4.add(a0, f32x4.mul(v128.load_splat<f32>(x), v128.load(w)));
    w += stride;
    a1 = f32x4.add(a1, f32x4.mul(v128.load_splat<f32>(x, 4), v128.load(w)));
    w += stride;
    a2 = f32x4.add(a2, f32x4.mul(v128.load_splat<f32>(x, 8), v128.load(w)));
    w += stride;
    a3 = f32x4.add(a3, f32x4.mul(v128.load_splat<f32>(x, 12), v128.load(w)));
    w += stride;
    x += 16;
  }
  while (x < end) {
    a0 = f32x4.add(a0, f32x4.mul(v128.load_splat<f32>(x), v128.load(w)));
    w += stride;
    x += 4;
  }
  v128.store(t, f32x4.add(f32x4.add(a0, a1), f32x4.add(a2, a3)));
}

/**
 * SIMD build: `sum` plus the products of one row whose weights follow each other. Lane i takes the elements k = i modulo 4, as the four
 * sums of rowSumsF32 do.
 */
export function narrowSumF32(w: usize, x: usize, end: usize, sum: f32): f32 {
  let a = f32x4.replace_lane(f32x4.splat(0), 0, sum);
  while (x + 16 <= end) {
    a = f32x4.add(a, f32x4.mul(v128.load(x), v128.load(w)));
    w += 16;
    x += 16;
  }
  const first = dotF32(w, x, end, f32x4.extract_lane(a, 0), 4);
  return first + f32x4.extract_lane(a, 1) + (f32x4.extract_lane(a, 2) + f32x4.extract_lane(a, 3));
}

/** Scalar build: `sum` plus the products of one row, split as rowSumsF32 splits them. */
export function rowSumF32(w: usize, x: usize, end: usize, sum: f32, stride: usize): f32 {
  let a1: f32 = 0;
  let a2: f32 = 0;
  let a3: f32 = 0;
  while (x + 16 <= end) {
    sum += load<f32>(x) * load<f32>(w);
    w += stride;
    a1 += load<f32>(x, 4) * load<f32>(w);
    w += stride;
    a2 += load<f32>(x, 8) * load<f32>(w);
    w += stride;
    a3 += load<f32>(x, 12) * load<f32>(w);
    w += stride;
    x += 16;
  }
  return dotF32(w, x, end, sum, stride) + a1 + (a2 + a3);
}

/**
 * Adds the products of one row to `sum`.
 *
 * @param w  weights of the row, `stride` bytes apart
 * @param x  vector, f32[k]
 * @param end  address after x
 */
export function dotF32(w: usize, x: usize, end: usize, sum: f32, stride: usize): f32 {
  while (x < end) {
    sum += load<f32>(x) * load<f32>(w);
    x += 4;
    w += stride;
  }
  return sum;
}
