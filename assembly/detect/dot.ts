// The inner products of a detector, eight products at a time in the SIMD build. Sums of whole numbers: the same bits in any order.

import { LAG_COUNT } from "./layout";

class Lanes {
  /** The sum of four lanes. */
  @inline static sum(v: v128): i32 {
    const pairs = i32x4.add(v, i32x4.shuffle(v, v, 2, 3, 0, 1));
    return i32x4.extract_lane(pairs, 0) + i32x4.extract_lane(pairs, 1);
  }

  /** All ones in the first `count` of eight lanes, 1 to 8. */
  @inline static first(count: i32): v128 {
    return i16x8.lt_s(i16x8(0, 1, 2, 3, 4, 5, 6, 7), i16x8.splat(i16(count)));
  }
}

/**
 * sum of weights[j] g[j] for j below `count`. The SIMD build reads up to 7 elements beyond either.
 *
 * @param weights  i8[count]
 * @param g  i16[count]
 */
export function dotBytes(weights: usize, g: usize, count: i32): i32 {
  if (ASC_FEATURE_SIMD) {
    let sums = i32x4.splat(0);
    for (; count > 8; count -= 8) {
      sums = i32x4.add(sums, i32x4.dot_i16x8_s(v128.load_ext<i8>(weights), v128.load(g)));
      weights += 8;
      g += 16;
    }
    const rest = v128.and(v128.load(g), Lanes.first(count));
    return Lanes.sum(i32x4.add(sums, i32x4.dot_i16x8_s(v128.load_ext<i8>(weights), rest)));
  }
  let sum = 0;
  for (const end = g + (usize(count) << 1); g < end; g += 2) sum += i32(load<i8>(weights++)) * i32(load<i16>(g));
  return sum;
}

/** sum of weights[j] lags[j], i16[8] each. */
export function dotLags(weights: usize, lags: usize): i32 {
  if (ASC_FEATURE_SIMD) return Lanes.sum(i32x4.dot_i16x8_s(v128.load(weights), v128.load(lags)));
  let sum = 0;
  for (let j: usize = 0; j < 2 * LAG_COUNT; j += 2) sum += i32(load<i16>(weights + j)) * i32(load<i16>(lags + j));
  return sum;
}
