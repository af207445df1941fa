// The update of the weights.

import { F32s } from "../memory";
import { Vec } from "./vector";

/**
 * Adam with weight decay, over one tensor. `count` is rounded up to a multiple of 4: what lies behind a tensor is no one's.
 *
 *     m += (g - m) (1 - beta1)
 *     v += (g² - v) (1 - beta2)
 *     w  = w - decay w - rate m / (√v scale + epsilon)
 */
export function adam<V>(
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
  const end = w + usize(((count + 3) & ~3) << 2);
  for (; w < end; w += sizeof<V>()) {
    const gradient = load<V>(g);
    const m0 = load<V>(m);
    const v0 = load<V>(v);
    const m1 = Vec.add<V>(m0, Vec.mul<V>(Vec.sub<V>(gradient, m0), Vec.splat<V>(first)));
    const v1 = Vec.add<V>(v0, Vec.mul<V>(Vec.sub<V>(Vec.mul<V>(gradient, gradient), v0), Vec.splat<V>(second)));
    const root = Vec.add<V>(Vec.mul<V>(Vec.sqrt<V>(v1), Vec.splat<V>(scale)), Vec.splat<V>(epsilon));
    const kept = Vec.sub<V>(load<V>(w), Vec.mul<V>(load<V>(w), Vec.splat<V>(decay)));
    store<V>(m, m1);
    store<V>(v, v1);
    store<V>(w, Vec.sub<V>(kept, Vec.div<V>(Vec.mul<V>(m1, Vec.splat<V>(rate)), root)));
    g += sizeof<V>();
    m += sizeof<V>();
    v += sizeof<V>();
  }
}

/** Σ g² in double precision, in ascending order. */
export function squares(g: usize, count: i32): f64 {
  let sum: f64 = 0;
  for (let i = 0; i < count; i++) {
    const value = f64(F32s.at(g, i));
    sum += value * value;
  }
  return sum;
}

/** Multiplies g by a factor, and keeps it within ±limit. */
export function limit(g: usize, count: i32, factor: f32, most: f32): void {
  for (let i = 0; i < count; i++) {
    F32s.put(g, i, max<f32>(min<f32>(F32s.at(g, i) * factor, most), -most));
  }
}
