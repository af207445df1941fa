// Losses of predictions, and their gradients. One number a time: there are few outputs.

import { F32s } from "../memory";
import { LOSS_CATEGORICAL, LOSS_HUBER, LOSS_MSE, LOSS_SPARSE } from "./layout";
import { logF32 } from "./log";

/**
 * Adds the losses of a step, each times the weight of its column, and writes the gradient, times weight and `factor`. A target that is
 * NaN, and a column of weight 0, do not count.
 *
 * @param y  predictions, f32[size][B]
 * @param target  f32[size][B]; LOSS_SPARSE: f32[B]
 * @param weight  f32[B]
 * @param d  gradient, f32[size][B], written
 * @param factor  1 / what the losses are divided by
 */
export function loss(
  y: usize,
  target: usize,
  weight: usize,
  d: usize,
  size: i32,
  B: i32,
  kind: i32,
  delta: f32,
  factor: f32,
): f64 {
  let sum: f64 = 0;
  for (let b = 0; b < B; b++) {
    const at = F32s.bytes(b);
    const w = F32s.at(weight, b);
    if (kind >= LOSS_CATEGORICAL) sum += classes(y + at, target + at, d + at, size, F32s.bytes(B), kind, w, factor);
    else sum += values(y + at, target + at, d + at, size, F32s.bytes(B), kind, delta, w, factor);
  }
  return sum;
}

/** The losses of one column that has one for each output. */
function values(
  y: usize,
  target: usize,
  d: usize,
  size: i32,
  next: usize,
  kind: i32,
  delta: f32,
  weight: f32,
  factor: f32,
): f64 {
  let sum: f64 = 0;
  for (let i = 0; i < size; i++) {
    const v = load<f32>(y);
    const t = load<f32>(target);
    const e = v - t;
    let cost: f32 = 0;
    let slope: f32 = 0;
    if (weight !== 0 && !F32.isNaN(t)) {
      if (kind === LOSS_MSE) {
        cost = e * e;
        slope = e + e;
      } else if (kind === LOSS_HUBER) {
        const size = abs<f32>(e);
        cost = size <= delta ? f32(0.5) * e * e : delta * (size - f32(0.5) * delta);
        slope = max<f32>(min<f32>(e, delta), -delta);
      } else {
        cost = -t * cutLog(v) - (f32(1) - t) * cutLog(f32(1) - v);
        slope = e;
      }
    }
    sum += f64(weight * cost);
    store<f32>(d, weight * factor * slope);
    y += next;
    target += next;
    d += next;
  }
  return sum;
}

/** The loss of one column that has one for all outputs. */
function classes(y: usize, target: usize, d: usize, size: i32, next: usize, kind: i32, weight: f32, factor: f32): f64 {
  const isSparse = kind === LOSS_SPARSE;
  let isKnown = weight !== 0;
  let mass: f32 = isSparse ? 1 : 0;
  const targets = isSparse ? 1 : size;
  for (let i = 0; i < targets; i++) {
    const t = load<f32>(target + usize(i) * next);
    isKnown = isKnown && !F32.isNaN(t);
    if (!isSparse) mass += t;
  }
  let sum: f64 = 0;
  for (let i = 0; i < size; i++) {
    const v = load<f32>(y);
    const t: f32 = isSparse ? f32(f32(i) === load<f32>(target)) : load<f32>(target + usize(i) * next);
    if (isKnown && t !== 0) sum -= f64(t * cutLog(v));
    // Of Σ -t log softmax: v Σ t - t.
    store<f32>(d, isKnown ? weight * factor * (v * mass - t) : 0);
    y += next;
    d += next;
  }
  return isKnown ? f64(weight) * sum : 0;
}

/** The logarithm of a number that is kept between 1e-7 and 1 - 1e-7. */
function cutLog(v: f32): f32 {
  return logF32(max<f32>(min<f32>(v, f32(0.9999999)), f32(1e-7)));
}
