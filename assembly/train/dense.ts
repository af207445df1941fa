// A dense layer over the columns of a batch: its activation there and back. The sums are product.ts's.

import { expF32, sigmoidF32, tanhF32 } from "../f32/activations";
import { functionF32 } from "../f32/functions";
import {
  LAYER_ELU,
  LAYER_HARDSIGMOID,
  LAYER_HARDTANH,
  LAYER_LINEAR,
  LAYER_PRELU,
  LAYER_RELU,
  LAYER_SIGMOID,
  LAYER_SOFTMAX,
} from "../layout";
import { F32s } from "../memory";
import { slopeF32 } from "./slopes";

/**
 * Applies an activation to sums, as activateF32 does. A sigmoid's sums come halved.
 *
 * @param a  sums, f32[size][B]
 * @param y  f32[size][B], written; may be a
 * @param p  f32[P][size], its parameters
 */
export function activate(a: usize, y: usize, p: usize, size: i32, B: i32, kind: i32): void {
  if (kind === LAYER_SOFTMAX) {
    for (let b = 0; b < B; b++) softmax(a + F32s.bytes(b), y + F32s.bytes(b), size, F32s.bytes(B));
    return;
  }
  const hasSecond = kind === LAYER_HARDTANH || kind === LAYER_HARDSIGMOID;
  const hasFirst = hasSecond || kind === LAYER_PRELU || kind === LAYER_ELU;
  for (let i = 0; i < size; i++) {
    const first = hasFirst ? F32s.at(p, i) : 0;
    const second = hasSecond ? F32s.at(p, size + i) : 0;
    for (let b = 0; b < B; b++) {
      const v = F32s.at(a, b);
      let value: f32;
      if (kind === LAYER_LINEAR) value = v;
      else if (kind >= LAYER_PRELU) value = functionF32(kind, v, first, second);
      else value = kind === LAYER_RELU ? max<f32>(v, 0) : kind === LAYER_SIGMOID ? sigmoidF32(v) : tanhF32(v);
      F32s.put(y, b, value);
    }
    a += F32s.bytes(B);
    y += F32s.bytes(B);
  }
}

/** softmaxF32 of one column, whose elements are `next` bytes apart. */
function softmax(a: usize, y: usize, size: i32, next: usize): void {
  let top = load<f32>(a);
  for (let i = 1; i < size; i++) top = max<f32>(top, load<f32>(a + usize(i) * next));
  let sum: f32 = 0;
  for (let i = 0; i < size; i++) {
    const e = expF32(load<f32>(a + usize(i) * next) - top);
    sum += e;
    store<f32>(y + usize(i) * next, e);
  }
  for (let i = 0; i < size; i++) {
    const at = y + usize(i) * next;
    store<f32>(at, load<f32>(at) / sum);
  }
}

/**
 * Turns the gradient of values into that of the sums, in place.
 *
 * @param a  sums, f32[size][B]; looked at by those activations that only f32 has
 * @param y  values, f32[size][B]
 * @param d  gradient, f32[size][B]
 */
export function activateBack(a: usize, y: usize, d: usize, p: usize, size: i32, B: i32, kind: i32): void {
  if (kind === LAYER_LINEAR) return;
  if (kind === LAYER_SOFTMAX) {
    for (let b = 0; b < B; b++) softmaxBack(y + F32s.bytes(b), d + F32s.bytes(b), size, F32s.bytes(B));
    return;
  }
  const hasSecond = kind === LAYER_HARDTANH || kind === LAYER_HARDSIGMOID;
  const hasFirst = hasSecond || kind === LAYER_PRELU || kind === LAYER_ELU;
  for (let i = 0; i < size; i++) {
    const first = hasFirst ? F32s.at(p, i) : 0;
    const second = hasSecond ? F32s.at(p, size + i) : 0;
    for (let b = 0; b < B; b++) {
      const v = F32s.at(y, b);
      let slope: f32;
      if (kind >= LAYER_PRELU) slope = slopeF32(kind, F32s.at(a, b), v, first, second);
      else if (kind === LAYER_RELU) slope = v > 0 ? 1 : 0;
      else slope = kind === LAYER_SIGMOID ? v * (f32(1) - v) : f32(1) - v * v;
      F32s.put(d, b, F32s.at(d, b) * slope);
    }
    a += F32s.bytes(B);
    y += F32s.bytes(B);
    d += F32s.bytes(B);
  }
}

/** y (d - Σ d y) of one column. */
function softmaxBack(y: usize, d: usize, size: i32, next: usize): void {
  let sum: f32 = 0;
  const end = y + usize(size) * next;
  let from = d;
  for (let at = y; at < end; at += next) {
    sum += load<f32>(from) * load<f32>(at);
    from += next;
  }
  for (let at = y; at < end; at += next) {
    store<f32>(d, load<f32>(at) * (load<f32>(d) - sum));
    d += next;
  }
}

/**
 * Adds the gradient of the slopes of prelu: Σ d a over sums that are not above 0.
 *
 * @param g  f32[size], updated
 */
export function slopesBack(a: usize, d: usize, g: usize, size: i32, B: i32): void {
  for (let i = 0; i < size; i++) {
    let sum: f32 = 0;
    for (let b = 0; b < B; b++) sum += F32s.at(a, b) > 0 ? 0 : F32s.at(a, b) * F32s.at(d, b);
    F32s.put(g, i, F32s.at(g, i) + sum);
    a += F32s.bytes(B);
    d += F32s.bytes(B);
  }
}
