import { sat16 } from "./activations_q15";
import { activateQ15, rowsQ15 } from "./dense_q15";
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
  LAYER_LINEAR,
  LAYER_RELU,
  LAYER_SOFTMAX,
  RECORD_KIND,
  RECORD_NEXT,
  RECORD_SHIFT_X,
  RECORD_SIZE,
  RECORD_SIZE_OUT,
  STATUS_BAD_TOKEN,
  STATUS_OK,
  TABLE_SIZE,
} from "./format";
import { gruQ15 } from "./gru_q15";
import { blocks, paddedBytes } from "./image";
import { clear, copy, I16s, I32s } from "./memory";

/**
 * Advances one session by one time step through the whole network (FORMAT.md 5).
 *
 * @param image  a checked image (format.ts)
 * @param state  the session's state block, updated in place
 * @param sample  i32[I] raw values, or i32[1] holding a token; SIMD: readable to the next multiple of 16 bytes
 * @param prediction  i32[O], written; SIMD: written to the next multiple of 16 bytes
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
      copy(state, state + I16s.bytes(size), rest);
      copy(state + rest, x, I16s.bytes(size));
    }
    at += paddedBytes<i32>(size);
  }
  let h = state + paddedBytes<i16>(window);
  let wide = false; // the last layer's outputs are the words at t, not i16 at x
  for (let left = load<i32>(image, HEADER_LAYERS); left > 0; left--) {
    const kind = load<i32>(at, RECORD_KIND);
    const sizeIn = size;
    size = load<i32>(at, RECORD_SIZE_OUT);
    if (kind >= LAYER_GRU_AFTER) {
      gruQ15(at, table, x, h, t);
      x = h;
      h += paddedBytes<i16>(size);
    } else {
      // The two work vectors take turns, so that a dense layer never writes what it reads.
      const y = x === scratch ? scratch + vector : scratch;
      const m = at + RECORD_SIZE + (blocks(size) << 6);
      rowsQ15<i8>(at + RECORD_SIZE, m + (blocks(size) << 6), x, t, sizeIn, size, 64);
      wide = left === 1 && (kind === LAYER_LINEAR || kind === LAYER_RELU || kind === LAYER_SOFTMAX);
      if (!wide || kind === LAYER_SOFTMAX) activateQ15(image, table, t, m, y, size, kind, load<i32>(at, RECORD_SHIFT_X));
      else if (kind === LAYER_RELU) for (let i = 0; i < size; i++) I32s.put(t, i, max(I32s.at(t, i), 0));
      if (kind === LAYER_SOFTMAX) for (let i = 0; i < size; i++) I32s.put(t, i, I32s.at(t, i) << 8);
      x = y;
    }
    at += load<u32>(at, RECORD_NEXT);
  }
  const m = image + load<u32>(image, HEADER_OUTPUT);
  const skip = m + paddedBytes<i32>(size);
  const offset = skip + paddedBytes<i32>(size);
  if (wide) {
    for (let i = 0; i < size; i++) {
      I32s.put(prediction, i, scale(I32s.at(t, i), I32s.at(m, i)) + I32s.at(offset, i));
    }
  } else if (ASC_FEATURE_SIMD) {
    for (let i = 0; i < size; i += 4) {
      // ((y << 8) * multiplier) >> 16 fits 32 bits as it stands.
      const u = i32x4.shr_s(i32x4.mul(v128.load_ext<i16>(x + I16s.bytes(i)), v128.load(m + I32s.bytes(i))), 8);
      v128.store(prediction + I32s.bytes(i), i32x4.add(u, v128.load(offset + I32s.bytes(i))));
    }
  } else {
    for (let i = 0; i < size; i++) {
      I32s.put(prediction, i, ((I16s.at(x, i) * I32s.at(m, i)) >> 8) + I32s.at(offset, i));
    }
  }
  if (window > 0) {
    const rows = blocks(size) << 6;
    clear(t, rows);
    rowsQ15<i16>(t, at, state, t, window, size, 64);
    for (let i = 0; i < size; i++) {
      I32s.put(prediction, i, I32s.at(prediction, i) + scale(I32s.at(t, i), I32s.at(skip, i)));
    }
  }
  return STATUS_OK;
}

/** (a m) >> 16 in 32 bits, 0 <= m <= 32767. */
function scale(a: i32, m: i32): i32 {
  return (a >> 16) * m + (((a & 0xffff) * m) >>> 16);
}
