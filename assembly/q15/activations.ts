// tanh, logistic function and saturation in fixed point (FORMAT.md 5.2, 5.3). The table is in the image: 256 words, base | slope << 16.

/** `value` clamped to -32768..32767. */
export function sat16(value: i32): i32 {
  return max<i32>(min<i32>(value, i16.MAX_VALUE), i16.MIN_VALUE);
}

/** sat16((value + 8192) >> 14): a sum of products with multipliers, brought to the scale of v. */
export function requantize(value: i32): i32 {
  return sat16((value + 8192) >> 14);
}

/** (a m) >> 16 in 32 bits, 0 <= m <= 32767: an output's sum brought to real units. */
export function scale(a: i32, m: i32): i32 {
  return (a >> 16) * m + (((a & 0xffff) * m) >>> 16);
}

/** T(v): tanh of v (Q12, an i16) in Q15, -32766..32766. */
export function tanhQ15(v: i32, table: usize): i32 {
  const entry = table + ((v >>> 6) & 0x3fc);
  return i32(load<i16>(entry)) + ((i32(load<i16>(entry, 2)) * (v & 255)) >> 8);
}

/** The logistic function of 2v: (T(v) + 32769) >> 1, Q15, 1..32767. */
export function sigmoidQ15(v: i32, table: usize): i32 {
  return (tanhQ15(v, table) + 32769) >> 1;
}
