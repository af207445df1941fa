// Saturation of sums (FORMAT.md 5.2: sat16(sum >> shift)) in the modules for microcontrollers. It is rare, so the inner loops only ask, for all their
// sums at once, whether any passes i16; then the sums are clamped in memory to what the shift brings to -32768 or 32767. Layers of which the packer
// has proven that none can pass do not even ask: the functions without `Sat` in their names.
//
// A sum fits when sum + 2^(15 + shift) has no bit from 16 + shift on. Two sums in a word of 64 bits are asked together: if the lower one is too low, it
// borrows from the upper, but then bits of its own tell.

/** 2^32 + 1: a number in both halves of a word. */
export const BOTH: i64 = 0x0000000100000001;

/** Bit 31: what the lower of two sums is offset by (mac_wide.ts). */
export const OFFSET: i64 = 0x80000000;

/** The bits that must be 0 in both halves of a word, then: none when the shift leaves no more than 16. */
export function maskOf(shift: i32): i64 {
  return ((i64(-1) << (16 + shift)) & 0xffffffff) * BOTH;
}

/** What to add to a word of two sums, the lower one offset: 2^(15 + shift) in both halves, the offset taken off, from the mask. */
export class Limit {
  @inline static of(mask: i64): i64 {
    return i64.MIN_VALUE - (mask >>> 1);
  }

  /** The same of one sum and the half of a mask. */
  @inline static ofOne(mask: i32): i32 {
    return i32.MIN_VALUE - (mask >>> 1);
  }
}

/**
 * Clamps `count` sums, i32, so that shifted they fit i16.
 *
 * @param limit  2^(15 + shift), the shift below 16: beyond, nothing passes i16
 */
export function clampSums(t: usize, count: i32, limit: i32): void {
  for (const end = t + (usize(count) << 2); t < end; t += 4) {
    store<i32>(t, max(min(load<i32>(t), limit - 1), -limit));
  }
}
