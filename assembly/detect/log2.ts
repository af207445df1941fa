// Logarithms of whole numbers, in whole numbers (FORMAT.md 8.1): the twin of host/detect/log2.ts.

/** round(2048 log2(1 + i/64)), i from 0 to 64; i16. */
const TABLE = memory.data<i16>([
  0, 46, 91, 135, 179, 222, 265, 307, 348, 389, 429, 469, 508, 546, 585, 622, 659, 696, 732, 768, 803, 838, 873, 907,
  941, 974, 1007, 1040, 1072, 1104, 1136, 1167, 1198, 1229, 1259, 1289, 1319, 1348, 1377, 1406, 1435, 1463, 1491, 1519,
  1546, 1573, 1600, 1627, 1653, 1680, 1706, 1732, 1757, 1783, 1808, 1833, 1857, 1882, 1906, 1930, 1954, 1978, 2001,
  2025, 2048,
]);

/** Three standard deviations, Q11. */
const LINEAR = 6144;
/** log2 of it, Q11. */
const LOG2_LINEAR = 25774;
/** 3 ln 2 in Q11. */
const SLOPE = 4259;

/** The binary logarithm of v in Q11; 0 counts as 1. Largest error 1.5 / 2048. */
export function log2(v: u32): i32 {
  v |= u32(v === 0);
  const zeros = clz(v);
  // The 20 bits behind the leading one.
  const mantissa = ((v << zeros) << 1) >>> 12;
  const at = TABLE + usize((mantissa >>> 14) << 1);
  const low = i32(load<i16>(at));
  return i32((31 - zeros) << 11) + low + (((i32(load<i16>(at, 2)) - low) * i32(mantissa & 16383)) >> 14);
}

/** The value of `least` to `greatest` that is next to `value`. */
export function clamp(value: i32, least: i32, greatest: i32): i32 {
  return max(min(value, greatest), least);
}

/** Squashes a deviation: as it is up to 3, 3 (1 + ln(|z| / 3)) beyond, at most 16. Q11 in, i16 Q11 out. */
export function squash(z: i32): i32 {
  if (u32(z + LINEAR) <= 2 * LINEAR) return z;
  const squashed = min(32767, LINEAR + (((log2(z < 0 ? u32(0) - u32(z) : u32(z)) - LOG2_LINEAR) * SLOPE) >> 11));
  return z < 0 ? -squashed : squashed;
}
