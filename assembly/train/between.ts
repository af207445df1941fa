// What moves values between the buffers of layers: copies with and without dropout, rows of an embedding.

import { F32s } from "../memory";

/**
 * Copies `steps` vectors of `bytes` bytes, those of `from` and `to` so many bytes apart.
 *
 * @param bytes  a multiple of 16
 */
export function spread(to: usize, toNext: usize, from: usize, fromNext: usize, bytes: usize, steps: i32): void {
  for (let t = 0; t < steps; t++) {
    for (let at: usize = 0; at < bytes; at += 8) store<i64>(to + at, load<i64>(from + at));
    to += toNext;
    from += fromNext;
  }
}

/**
 * The same with dropout: element i of all is kept, times `scale`, where its random number is at least `threshold`, and 0 elsewhere.
 * Given gradients, it passes them back.
 *
 * @param key  decides the random numbers
 * @param threshold  2^32 times the part that is left out
 */
export function dropout(
  to: usize,
  toNext: usize,
  from: usize,
  fromNext: usize,
  bytes: usize,
  steps: i32,
  key: u32,
  threshold: u32,
  scale: f32,
): void {
  let i: u32 = 0;
  for (let t = 0; t < steps; t++) {
    for (let at: usize = 0; at < bytes; at += 4) {
      store<f32>(to + at, mixed(key + i * 0x9e3779b9) >= threshold ? load<f32>(from + at) * scale : 0);
      i++;
    }
    to += toNext;
    from += fromNext;
  }
}

/** A number whose bits all depend on all bits of the one before (lowbias32 of Chris Wellons). */
function mixed(x: u32): u32 {
  x = (x ^ (x >>> 16)) * 0x7feb352d;
  x = (x ^ (x >>> 15)) * 0x846ca68b;
  return x ^ (x >>> 16);
}

/**
 * Gathers the rows of tokens: x[t][i][b] = w[tokens[t][b]][i].
 *
 * @param w  f32[..][size]
 * @param tokens  i32[steps][B]
 * @param x  f32[size][B] for each step, `next` bytes apart
 */
export function gather(w: usize, tokens: usize, x: usize, next: usize, size: i32, steps: i32, B: i32): void {
  for (let t = 0; t < steps; t++) {
    for (let b = 0; b < B; b++) {
      const row = w + F32s.bytes(load<i32>(tokens) * size);
      for (let i = 0; i < size; i++) F32s.put(x, i * B + b, F32s.at(row, i));
      tokens += 4;
    }
    x += next;
  }
}

/** Adds gradients to the rows of tokens, in the order of steps and columns: g[tokens[t][b]][i] += d[t][i][b]. */
export function scatter(g: usize, tokens: usize, d: usize, size: i32, steps: i32, B: i32): void {
  for (let t = 0; t < steps; t++) {
    for (let b = 0; b < B; b++) {
      const row = g + F32s.bytes(load<i32>(tokens) * size);
      for (let i = 0; i < size; i++) F32s.put(row, i, F32s.at(row, i) + F32s.at(d, i * B + b));
      tokens += 4;
    }
    d += F32s.bytes(size * B);
  }
}
