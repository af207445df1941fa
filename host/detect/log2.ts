// Logarithms of whole numbers, in whole numbers: the same bits on every processor.

/** round(2048 log2(1 + i/64)), i from 0 to 64. */
const TABLE = Int32Array.from({ length: 65 }, (_, i) => Math.round(2048 * Math.log2(1 + i / 64)));

/**
 * The binary logarithm of v, 1 to 2^32 - 1, in Q11: exponent and a table of the mantissa's 6 upper bits, interpolated. 0 counts
 * as 1. Largest error 1.5 / 2048.
 */
export function log2(v: number): number {
  const value = v === 0 ? 1 : v;
  const exponent = 31 - Math.clz32(value);
  const mantissa = (exponent <= 20 ? value << (20 - exponent) : value >>> (exponent - 20)) - (1 << 20);
  const index = mantissa >> 14;
  const low = TABLE[index] as number;
  const rise = (TABLE[index + 1] as number) - low;
  return (exponent << 11) + low + ((rise * (mantissa & 16383)) >> 14);
}

/** Three standard deviations, Q11. */
const LINEAR = 3 << 11;
const LOG2_LINEAR = log2(LINEAR);
/** 3 ln 2 in Q11. */
const SLOPE = 4259;

/**
 * Squashes a deviation: as it is up to 3, 3 (1 + ln(|z| / 3)) beyond, at most 16. Q11 in and out; the slope is the same on
 * both sides of 3.
 *
 * @param z  i32
 * @returns i16
 */
export function squash(z: number): number {
  const magnitude = Math.abs(z);
  if (magnitude <= LINEAR) return z;
  const squashed = Math.min(32767, LINEAR + (((log2(magnitude) - LOG2_LINEAR) * SLOPE) >> 11));
  return z < 0 ? -squashed : squashed;
}
