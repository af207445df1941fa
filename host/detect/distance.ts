import { log2 } from "./log2.ts";
import type { Block } from "./parameters.ts";

const MAX_DISTANCE = 1 << 30;

/**
 * The squared distance of features from their mean, in units of how they vary together, Q8:
 *
 *     u_r = clamp((sum_j W[r][j] (f_j - mean_j)) >> shift_r)     Q5, W lower triangular
 *     D   = min(D + ((u_r u_r) >> 2), 2^30)
 *
 * @param stride  features are `features[start + j * stride]`
 */
export function distance(block: Block, features: ArrayLike<number>, start = 0, stride = 1): number {
  const { mean, weights, shifts } = block;
  let squared = 0;
  let at = 0;
  for (let row = 0; row < shifts.length; row++) {
    let sum = 0;
    for (let j = 0; j <= row; j++) {
      const deviation = (features[start + j * stride] as number) - (mean[j] as number);
      sum += (weights[at++] as number) * Math.min(Math.max(deviation, -32768), 32767);
    }
    const u = Math.min(Math.max(sum >> (shifts[row] as number), -32767), 32767);
    squared = Math.min(squared + ((u * u) >> 2), MAX_DISTANCE);
  }
  return squared;
}

/** The score of a squared distance: its binary logarithm, Q11. */
export function scoreOf(squared: number): number {
  return log2(squared + 4) - (8 << 11);
}
