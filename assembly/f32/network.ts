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
  LAYER_GRU_AFTER_HARD,
  LAYER_GRU_BEFORE,
  LAYER_HARDSIGMOID,
  LAYER_HARDTANH,
  RECORD_KIND,
  RECORD_NEXT,
  RECORD_SIZE,
  RECORD_SIZE_OUT,
  STATUS_BAD_TOKEN,
  STATUS_OK,
} from "../layout";
import { copy, F32s } from "../memory";
import { activateF32, affineF32 } from "./dense";
import { gruF32 } from "./gru";

/**
 * Advances one session by one time step through the whole network, but for its ring of forecasts.
 *
 * @param image  a checked image (layout.ts)
 * @param state  the session's state block, updated in place
 * @param sample  f32[I], or i32[1] holding a token; SIMD: readable to the next multiple of 16 bytes
 * @param prediction  f32[O], written; SIMD: written to the next multiple of 16 bytes
 * @returns STATUS_OK, or STATUS_BAD_TOKEN with the state untouched
 */
export function stepF32(image: usize, state: usize, sample: usize, prediction: usize): i32 {
  const scratch = image + load<u32>(image, HEADER_BYTES);
  const vector = load<u32>(image, HEADER_VECTOR);
  const window = load<i32>(image, HEADER_WINDOW);
  const vocabulary = load<u32>(image, HEADER_VOCABULARY);
  let size = load<i32>(image, HEADER_INPUT);
  let at = image + HEADER_SIZE;
  let x = scratch;
  if (vocabulary > 0) {
    const row = paddedBytes<f32>(size);
    const token = load<u32>(sample);
    if (token >= vocabulary) return STATUS_BAD_TOKEN;
    x = at + token * row;
    at += vocabulary * row;
  } else {
    transform(x, sample, at, size);
    if (window > 0) {
      const rest = F32s.bytes(window - size);
      copy<f32>(state, state + F32s.bytes(size), rest);
      copy<f32>(state + rest, x, F32s.bytes(size));
    }
    at += 3 * paddedBytes<f32>(size);
  }
  let h = state + paddedBytes<f32>(window);
  for (let left = load<i32>(image, HEADER_LAYERS); left > 0; left--) {
    const kind = load<i32>(at, RECORD_KIND);
    const sizeIn = size;
    size = load<i32>(at, RECORD_SIZE_OUT);
    if (kind === LAYER_GRU_AFTER || kind === LAYER_GRU_BEFORE || kind >= LAYER_GRU_AFTER_HARD) {
      gruF32(at, x, h, scratch + 2 * vector);
      x = h;
      h += paddedBytes<f32>(size);
    } else {
      // The two work vectors take turns, so that a dense layer never writes what it reads.
      const y = x === scratch ? scratch + vector : scratch;
      const column = usize(blocks(size) << 6);
      // From the end of the layer, since few rows take less than whole blocks.
      const hasTwo = kind === LAYER_HARDTANH || kind === LAYER_HARDSIGMOID;
      const parameters = at + load<u32>(at, RECORD_NEXT) - (hasTwo ? 2 * column : column);
      affineF32(at + RECORD_SIZE, at + RECORD_SIZE + column, x, y, sizeIn, size);
      activateF32(y, size, kind, parameters, column);
      x = y;
    }
    at += load<u32>(at, RECORD_NEXT);
  }
  if (window > 0) affineF32(x, at, state, x, window, size);
  transform(prediction, x, image + load<u32>(image, HEADER_OUTPUT), size);
  return STATUS_OK;
}

/** to = (from + a) * scale + c, all f32[size]; a, scale and c follow each other at `p`, each padded to 16 bytes. */
function transform(to: usize, from: usize, p: usize, size: i32): void {
  const row = paddedBytes<f32>(size);
  const end = to + F32s.bytes(size);
  while (to < end) {
    if (ASC_FEATURE_SIMD) {
      const shifted = f32x4.add(v128.load(from), v128.load(p));
      v128.store(to, f32x4.add(f32x4.mul(shifted, v128.load(p + row)), v128.load(p + 2 * row)));
    } else {
      store<f32>(to, (load<f32>(from) + load<f32>(p)) * load<f32>(p + row) + load<f32>(p + 2 * row));
    }
    to += ASC_FEATURE_SIMD ? 16 : 4;
    from += ASC_FEATURE_SIMD ? 16 : 4;
    p += ASC_FEATURE_SIMD ? 16 : 4;
  }
}
