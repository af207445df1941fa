// Limits of the whole numbers of the q15 form (FORMAT.md 5), each under one name.

/** Greatest int8 weight; the least is its negative, −128 is not used. */
export const I8_MAX = 127;

/** Greatest i16, and greatest multiplier. */
export const I16_MAX = 32767;

/** Greatest magnitude of an i16, that of the least: what a bound of a sum of products counts for each weight. */
export const I16_REACH = 32768;

/** Greatest i32. */
export const I32_MAX = 2 ** 31 - 1;

/** Greatest magnitude of a raw integer of an input (FORMAT.md 5.1). */
export const RAW_MAX = 2 ** 30;

/** Greatest multiplier of a recurrent row of a reset-after candidate (FORMAT.md 5.2). */
export const CANDIDATE_MULTIPLIER_MAX = 16384;

/** Real value of one unit of a Q15 vector. */
export const Q15_UNIT = 2 ** -15;

/** Real value of one unit of a Q12 vector. */
export const Q12_UNIT = 2 ** -12;

/** The raw integer of a real value: floor(value · 2^fraction + 0.5), clamped (FORMAT.md 5.1). */
export function rawOf(value: number, fraction: number): number {
  return Math.max(-RAW_MAX, Math.min(RAW_MAX, Math.floor(value * 2 ** fraction + 0.5)));
}
