// Entry of the module that trains. The host knows the network and where everything lies (host/train/): these functions are given
// addresses and sizes. One source for both builds: V is four lanes with SIMD, else one.

import { clear } from "../memory";
import { activate, activateBack, slopesBack } from "./dense";
import { gruBackward, gruForward } from "./gru";
import { adam } from "./optimizer";
import { product, splitProduct } from "./product";

export { dropout, gather, scatter, spread } from "./between";
export { loss } from "./loss";
export { limit, squares } from "./optimizer";
export { outer, sums } from "./outer";
export { pack, packAside, packBias, scaled } from "./pack";
// @ts-expect-error: tsc does not know that asc exports a global of its own
export { __heap_base, clear };

/** gruForward of this build. */
export function gru_forward(
  v: usize,
  a: usize,
  aNext: usize,
  rz: usize,
  wn: usize,
  un: usize,
  bias: usize,
  N: i32,
  H: i32,
  B: i32,
  steps: i32,
  flags: i32,
): void {
  if (ASC_FEATURE_SIMD) gruForward<v128>(v, a, aNext, rz, wn, un, bias, N, H, B, steps, flags);
  else gruForward<f32>(v, a, aNext, rz, wn, un, bias, N, H, B, steps, flags);
}

/** gruBackward of this build. */
export function gru_backward(
  v: usize,
  a: usize,
  aNext: usize,
  dy: usize,
  dh: usize,
  dq: usize,
  ut: usize,
  unt: usize,
  N: i32,
  H: i32,
  B: i32,
  steps: i32,
  flags: i32,
): void {
  if (ASC_FEATURE_SIMD) gruBackward<v128>(v, a, aNext, dy, dh, dq, ut, unt, N, H, B, steps, flags);
  else gruBackward<f32>(v, a, aNext, dy, dh, dq, ut, unt, N, H, B, steps, flags);
}

/**
 * A product for each of `steps` steps: y[rows][B] = W x[K][B] + bias, or added to y where bias is 0.
 *
 * @param split  whether sums are split in four and weights lie in rows (splitProduct), else packed
 */
export function products(
  w: usize,
  x: usize,
  xNext: usize,
  y: usize,
  yNext: usize,
  bias: usize,
  rows: i32,
  K: i32,
  B: i32,
  steps: i32,
  split: i32,
): void {
  for (let t = 0; t < steps; t++) {
    if (ASC_FEATURE_SIMD) {
      if (split !== 0) splitProduct<v128>(w, x, y, bias, rows, K, B);
      else product<v128>(w, x, y, bias, rows, K, B);
    } else if (split !== 0) splitProduct<f32>(w, x, y, bias, rows, K, B);
    else product<f32>(w, x, y, bias, rows, K, B);
    x += xNext;
    y += yNext;
  }
}

/** `activate` for each of `steps` steps. */
export function activations(a: usize, y: usize, p: usize, size: i32, B: i32, steps: i32, kind: i32): void {
  const next = usize(size * B) << 2;
  for (let t = 0; t < steps; t++) {
    activate(a, y, p, size, B, kind);
    a += next;
    y += next;
  }
}

/** `activateBack` for each of `steps` steps; `slopesBack` before it where there is a gradient `g` of slopes. */
export function activations_back(
  a: usize,
  y: usize,
  d: usize,
  p: usize,
  g: usize,
  size: i32,
  B: i32,
  steps: i32,
  kind: i32,
): void {
  const next = usize(size * B) << 2;
  for (let t = 0; t < steps; t++) {
    if (g > 0) slopesBack(a, d, g, size, B);
    activateBack(a, y, d, p, size, B, kind);
    a += next;
    y += next;
    d += next;
  }
}

/** `adam` of this build. */
export function update(
  w: usize,
  g: usize,
  m: usize,
  v: usize,
  count: i32,
  first: f32,
  second: f32,
  rate: f32,
  scale: f32,
  epsilon: f32,
  decay: f32,
): void {
  if (ASC_FEATURE_SIMD) adam<v128>(w, g, m, v, count, first, second, rate, scale, epsilon, decay);
  else adam<f32>(w, g, m, v, count, first, second, rate, scale, epsilon, decay);
}
