// Features → score (FORMAT.md 8.3): the twin of host/detect/distance.ts.

import { dotBytes } from "./dot";
import { DISTANCE_LIMIT } from "./layout";
import { clamp, log2 } from "./log2";

/**
 * The squared distance of features from their mean, in units of how they vary together, Q8:
 *
 *     g_j = clamp(f_j - mean_j)
 *     u_r = clamp((sum_j W[r][j] g_j) >> shift_r)     Q5, W lower triangular
 *     D   = min(D + ((u_r u_r) >> 2), 2^30)
 *
 * @param block  i16[size] means, u8[size] shifts, i8[size(size+1)/2] weights
 * @param features  i16, `stride` bytes apart
 * @param g  i16[size], written; 16 bytes behind it may be read
 */
export function distance(block: usize, features: usize, stride: usize, size: i32, g: usize): i32 {
  let shifts = block + (usize(size) << 1);
  let weights = shifts + usize(size);
  let squared = 0;
  for (let to = g; block < shifts; to += 2) {
    store<i16>(to, clamp(i32(load<i16>(features)) - i32(load<i16>(block)), -32768, 32767));
    block += 2;
    features += stride;
  }
  for (let count = 1; count <= size; count++) {
    const u = clamp(dotBytes(weights, g, count) >> i32(load<u8>(shifts++)), -32767, 32767);
    weights += count;
    squared = min(squared + ((u * u) >> 2), DISTANCE_LIMIT);
  }
  return squared;
}

/** Bytes of a block of a size. */
export function blockBytes(size: i32): usize {
  return usize((3 * size + ((size * (size + 1)) >> 1) + 3) & ~3);
}

/** The score of a squared distance: its binary logarithm, Q11. */
export function scoreOf(squared: i32): i32 {
  return log2(squared + 4) - (8 << 11);
}
