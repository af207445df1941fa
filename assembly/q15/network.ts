import { blocks, paddedBytes } from "../image";
import {
  HEADER_BYTES,
  HEADER_INPUT,
  HEADER_LAYERS,
  HEADER_OUTPUT,
  HEADER_SIZE,
  HEADER_VECTOR,
  HEADER_VOCABULARY,
  HEADER_WINDOW,
  LAYER_GRU_AFTER,
  RECORD_KIND,
  RECORD_NEXT,
  RECORD_SIZE_OUT,
  STATUS_BAD_TOKEN,
  STATUS_OK,
  TABLE_SIZE,
} from "../layout";
import { copy, I16s, I32s } from "../memory";
import { sat16, scale } from "./activations";
import { affineQ15, denseQ15 } from "./dense";
import { gruQ15 } from "./gru";

/**
 * Advances one session by one time step through the whole network, but for its ring of forecasts (FORMAT.md 5).
 *
 * @param image  a checked image (layout.ts)
 * @param state  the session's state block, updated in place
 * @param sample  i32[I] raw values, or i32[1] holding a token; SIMD: readable to the next multiple of 16 bytes
 * @param prediction  i32[O], written
 * @returns STATUS_OK, or STATUS_BAD_TOKEN with the state untouched
 */
export function stepQ15(image: usize, state: usize, sample: usize, prediction: usize): i32 {
  const scratch = image + load<u32>(image, HEADER_BYTES);
  const vector = load<u32>(image, HEADER_VECTOR);
  const t = scratch + 2 * vector;
  const window = load<i32>(image, HEADER_WINDOW);
  const vocabulary = load<u32>(image, HEADER_VOCABULARY);
  const table = image + HEADER_SIZE;
  let size = load<i32>(image, HEADER_INPUT);
  let at = table + TABLE_SIZE;
  let x = scratch;
  if (vocabulary > 0) {
    const row = paddedBytes<i16>(size);
    const token = load<u32>(sample);
    if (token >= vocabulary) return STATUS_BAD_TOKEN;
    x = at + token * row;
    at += vocabulary * row;
  } else {
    if (ASC_FEATURE_SIMD) {
      for (let i = 0; i < size; i += 4) {
        const d = i32x4.sub(v128.load(sample + I32s.bytes(i)), v128.load(at + I32s.bytes(i)));
        v128.store_lane<i64>(x + I16s.bytes(i), i16x8.narrow_i32x4_s(d, d), 0);
      }
    } else {
      for (let i = 0; i < size; i++) I16s.put(x, i, sat16(I32s.at(sample, i) - I32s.at(at, i)));
    }
    if (window > 0) {
      const rest = I16s.bytes(window - size);
      copy<i16>(state, state + I16s.bytes(size), rest);
      copy<i16>(state + rest, x, I16s.bytes(size));
    }
    at += paddedBytes<i32>(size);
  }
  let h = state + paddedBytes<i16>(window);
  for (let left = load<i32>(image, HEADER_LAYERS); left > 0; left--) {
    const kind = load<i32>(at, RECORD_KIND);
    size = load<i32>(at, RECORD_SIZE_OUT);
    if (kind >= LAYER_GRU_AFTER) {
      gruQ15(at, table, x, h, t);
      x = h;
      h += paddedBytes<i16>(size);
      if (left === 1) for (let i = 0; i < size; i++) I32s.put(t, i, I16s.at(x, i) << 8);
    } else {
      // The two work vectors take turns, so that a dense layer never writes what it reads.
      const y = x === scratch ? scratch + vector : scratch;
      denseQ15(at, table, x, y, t, left === 1);
      x = y;
    }
    at += load<u32>(at, RECORD_NEXT);
  }
  // Without a skip its multipliers are 0, and its sums may be anything.
  const skip = t + (blocks(size) << 6);
  if (window > 0) affineQ15<i16>(at, at + (blocks(size) << 6), state, skip, window, size);
  at = image + load<u32>(image, HEADER_OUTPUT);
  const row = paddedBytes<i32>(size);
  for (let i = 0; i < size << 2; i += 4) {
    const m = at + i;
    const sum = scale(load<i32>(t + i), load<i32>(m)) + scale(load<i32>(skip + i), load<i32>(m + row));
    store<i32>(prediction + i, sum + load<i32>(m + 2 * row));
  }
  return STATUS_OK;
}
