/**
 * ln(v) of a normal number above 0, within 1e-7 of the greater of 1 and itself: v = 2^k m with m from √½ to √2, and
 * ln m = 2 atanh(s), s = (m - 1) / (m + 1), as a series to the power 11.
 */
export function logF32(v: f32): f32 {
  const bits = reinterpret<i32>(v);
  const k = (bits - 0x3f3504f3) >> 23;
  const m = reinterpret<f32>(bits - (k << 23));
  const s = (m - f32(1)) / (m + f32(1));
  const q = s * s;
  let p: f32 = q * f32(0.0909090936) + f32(0.111111112);
  p = p * q + f32(0.142857149);
  p = p * q + f32(0.2);
  p = p * q + f32(0.333333343);
  p = p * q + f32(1);
  return f32(k) * f32(0.693147182) + f32(2) * s * p;
}
