// What stands before and behind the GRU layers in a q15 module for a microcontroller: input, embedding, window, dense layers, output (FORMAT.md 5.1, 5.4, 5.5).

import { LAYER_RELU, LAYER_SIGMOID, LAYER_SOFTMAX, LAYER_TANH, STATUS_BAD_TOKEN, STATUS_OK } from "../layout";
import { copy, I16s, I32s } from "../memory";
import { requantize, sat16 } from "../q15/activations";
import { Unit } from "./cell";

class Ends {
  /** (a m) >> 16, 0 <= m <= 32767: an output's sum brought to real units. */
  @inline static scale(a: i32, m: i32): i32 {
    return i32((i64(a) * i64(m)) >> 16);
  }
}

/** Computes x = sat16(raw - offset) for `count` inputs. */
export function inputQ15(raw: usize, offset: usize, x: usize, count: i32): void {
  let at = I32s.bytes(count);
  do {
    at -= 4;
    const v = load<i32>(raw + at) - load<i32>(offset + at);
    const to = x + (at >> 1);
    store<i16>(to, v);
    // Rarely out of range: asking once costs an interpreter less than clamping both ends.
    if (u32(v - i32(i16.MIN_VALUE)) > u32(u16.MAX_VALUE)) store<i16>(to, v < 0 ? i16.MIN_VALUE : i16.MAX_VALUE);
  } while (at > 0);
}

/** Copies row `token` of an embedding, `bytes` each, a multiple of 8, to x. Returns a status. */
export function embedQ15(token: usize, rows: usize, vocabulary: i32, bytes: usize, x: usize): i32 {
  const row = load<u32>(token);
  if (row >= u32(vocabulary)) return STATUS_BAD_TOKEN;
  copy<i64>(x, rows + usize(row) * bytes, bytes);
  return STATUS_OK;
}

/** Moves the window on by one input: drops the oldest `bytes` of `rest + bytes`, appends x. */
export function pushQ15(window: usize, x: usize, rest: usize, bytes: usize): void {
  copy<i16>(window, window + bytes, rest);
  copy<i16>(window + rest, x, bytes);
}

/**
 * Computes `t = b + W x` for `size` rows.
 *
 * @param data  i32 b[size], then T W[size][columns padded to 4]
 * @param x  vector, i16
 * @param end  address after the last multiple of 4 elements; what stands in the padding meets zero weights
 * @param t  i32[size], written
 */
export function affineMcu<T>(data: usize, x: usize, end: usize, t: usize, size: i32): void {
  let w = data + I32s.bytes(size);
  const last = w;
  do {
    let sum = load<i32>(data);
    let k = x;
    do {
      sum +=
        i32(load<i16>(k)) * i32(load<T>(w)) +
        i32(load<i16>(k, 2)) * i32(load<T>(w, sizeof<T>())) +
        i32(load<i16>(k, 4)) * i32(load<T>(w, 2 * sizeof<T>())) +
        i32(load<i16>(k, 6)) * i32(load<T>(w, 3 * sizeof<T>()));
      k += 8;
      w += 4 * sizeof<T>();
    } while (k < end);
    store<i32>(t, sum);
    t += 4;
    data += 4;
  } while (data < last);
}

/**
 * Applies the activation of a dense layer that is not open (FORMAT.md 5.4).
 *
 * @param t  sums, i32[size]; u of FORMAT.md 5.5 on return, the logits of a softmax
 * @param m  multipliers, i16[size]
 * @param y  i16[size], written
 * @param kind  LAYER_*
 */
export function activateQ15(t: usize, m: usize, y: usize, size: i32, shift: i32, kind: i32): void {
  for (let i = 0; i < size; i++) {
    let v = requantize(sat16(I32s.at(t, i) >> shift) * I16s.at(m, i));
    if (kind === LAYER_RELU) v = max(v, 0);
    else if (kind === LAYER_TANH || kind === LAYER_SIGMOID) {
      v = Unit.tanh(v);
      if (kind === LAYER_SIGMOID) v = (v + 32769) >> 1;
    }
    I16s.put(y, i, v);
    I32s.put(t, i, kind === LAYER_SOFTMAX ? v : v << 8);
  }
}

/** max(u, 0) of the sums of a last layer that is relu. */
export function reluQ15(t: usize, size: i32): void {
  for (let i = 0; i < size; i++) I32s.put(t, i, max(I32s.at(t, i), 0));
}

/** u of FORMAT.md 5.5 of a last layer that is a GRU. */
export function widenQ15(h: usize, t: usize, size: i32): void {
  for (let i = 0; i < size; i++) I32s.put(t, i, I16s.at(h, i) << 8);
}

/**
 * Brings the outputs to real units (FORMAT.md 5.5).
 *
 * @param t  u, i32[size]
 * @param data  i32 offset[size], multiplier[size]
 * @param to  i32[size], written
 */
export function outputQ15(t: usize, data: usize, to: usize, size: i32): void {
  const bytes = I32s.bytes(size);
  const multipliers = data + bytes;
  let at = bytes;
  do {
    at -= 4;
    store<i32>(to + at, Ends.scale(load<i32>(t + at), load<i32>(multipliers + at)) + load<i32>(data + at));
  } while (at > 0);
}

/** Adds the skip to the outputs: s in t, i32[size], multipliers i32[size]. */
export function addSkipQ15(t: usize, multipliers: usize, to: usize, size: i32): void {
  for (let i = 0; i < size; i++) {
    I32s.put(to, i, I32s.at(to, i) + Ends.scale(I32s.at(t, i), I32s.at(multipliers, i)));
  }
}
