// The gates of a q15 GRU unit (FORMAT.md 5.2), as the modules for microcontrollers compute them: the same integers as q15/gru.ts in fewer operations.
// An interpreter pays for each operation, so the tanh table is cut to where tanh is not flat and stands at a fixed address, and clamping to its
// ends replaces the saturation of v.
//
// Sums come with the saturation of FORMAT.md 5.2 done (mac_limits.ts): shifted they fit i16. Only the functions for little code saturate here, which is
// slower and shorter: those with `Sat` in their names.

import { MCU_TABLE, MCU_TABLE_OFFSET, MCU_TABLE_SPAN } from "../layout";
import { sat16 } from "../q15/activations";

/** Rounding of a sum, and the offset of the table, before the shift by 14. */
const TANH_ROUND: i32 = 8192 + (MCU_TABLE_OFFSET << 14);

/** From here on a shifted unsigned sum stands for a negative one: sums end at (2^31 - 2^16 + TANH_ROUND) >> 14 = 152316. */
const TANH_NEGATIVE: i32 = 152320;

// The sums of a reset-after unit, and its multipliers, by place: over x and over h, gates r, z, n.
const X_R: i32 = 0;
const X_Z: i32 = 1;
const X_N: i32 = 2;
const H_R: i32 = 3;
const H_Z: i32 = 4;
const H_N: i32 = 5;

// Those of a reset-before unit: gate r in its first pass, z and n in its second, where q = r h stands for h in gate n.
const X_FIRST: i32 = 0;
const H_FIRST: i32 = 1;
const X_SECOND: i32 = 2;
const Q_SECOND: i32 = 3;

/** Bytes of the sums, i32, and of the multipliers, i16, of one place of four units. */
export const SUMS_OF_4: i32 = 16;
export const MULTIPLIERS_OF_4: i32 = 8;

/** The same of two units. */
export const SUMS_OF_2: i32 = 8;
export const MULTIPLIERS_OF_2: i32 = 4;

/** Places of the sums of a reset-after unit. */
export const PLACES: i32 = 6;

/** Parts of a GRU unit. */
export class Unit {
  /** (sum >> shift) times a multiplier. */
  @inline static part(sum: i32, shift: i32, multiplier: i16): i32 {
    return (sum >> shift) * i32(multiplier);
  }

  /** The same, saturated when `saturates`. */
  @inline static partBy(sum: i32, shift: i32, multiplier: i16, saturates: bool): i32 {
    return saturates ? sat16(sum >> shift) * i32(multiplier) : Unit.part(sum, shift, multiplier);
  }

  /** T(sat16((sum + 8192) >> 14)) of a sum of products with multipliers, |sum| <= 2^31 - 2^16. */
  @inline static tanhOf(sum: i32): i32 {
    // As an unsigned number the sum with its offset does not overflow; what is below 0 comes out above what any sum reaches.
    let v = (sum + TANH_ROUND) >>> 14;
    if (u32(v) > u32(MCU_TABLE_SPAN)) v = v < TANH_NEGATIVE ? MCU_TABLE_SPAN : 0;
    return Unit.entry(v);
  }

  /** T of an i16 (FORMAT.md 5.3). */
  @inline static tanh(value: i32): i32 {
    let v = value + MCU_TABLE_OFFSET;
    if (u32(v) > u32(MCU_TABLE_SPAN)) v = v < 0 ? 0 : MCU_TABLE_SPAN;
    return Unit.entry(v);
  }

  /** T of v counted from the start of the table. */
  @inline static entry(v: i32): i32 {
    const entry = usize((v >>> 8) << 2);
    return i32(load<i16>(entry, MCU_TABLE)) + ((i32(load<i16>(entry, MCU_TABLE + 2)) * (v & 255)) >> 8);
  }

  /** h' = n + ((z (h - n) + 16384) >> 15), stored. */
  @inline static blend(to: usize, n: i32, z: i32, h: i32): void {
    store<i16>(to, n + ((z * (h - n) + 16384) >> 15));
  }

  /** r in Q14 of the sum of its products with multipliers. */
  @inline static r14(sum: i32): i32 {
    return (Unit.tanhOf(sum) + 32769) >> 2;
  }

  /** z in Q15, likewise. */
  @inline static z15(sum: i32): i32 {
    return (Unit.tanhOf(sum) + 32769) >> 1;
  }

  /**
   * Computes the new state of a unit from its sums (reset-after).
   *
   * @param t  its sums among four units, i32[6][4], by place
   * @param m  multipliers among four units, i16[6][4], by place
   * @param h  its state, i16
   * @param to  its new state, written
   */
  @inline static after(t: usize, m: usize, h: usize, to: usize, shiftX: i32, shiftH: i32): void {
    const r = Unit.r14(
      Unit.part(load<i32>(t, X_R * SUMS_OF_4), shiftX, load<i16>(m, X_R * MULTIPLIERS_OF_4)) +
        Unit.part(load<i32>(t, H_R * SUMS_OF_4), shiftH, load<i16>(m, H_R * MULTIPLIERS_OF_4)),
    );
    const z = Unit.z15(
      Unit.part(load<i32>(t, X_Z * SUMS_OF_4), shiftX, load<i16>(m, X_Z * MULTIPLIERS_OF_4)) +
        Unit.part(load<i32>(t, H_Z * SUMS_OF_4), shiftH, load<i16>(m, H_Z * MULTIPLIERS_OF_4)),
    );
    const c = (Unit.part(load<i32>(t, H_N * SUMS_OF_4), shiftH, load<i16>(m, H_N * MULTIPLIERS_OF_4)) + 8192) >> 14;
    const n = Unit.tanhOf(
      Unit.part(load<i32>(t, X_N * SUMS_OF_4), shiftX, load<i16>(m, X_N * MULTIPLIERS_OF_4)) + c * r,
    );
    Unit.blend(to, n, z, i32(load<i16>(h)));
  }

  /** The same among two units, i32[6][2] and i16[6][2]. */
  @inline static afterOf2(t: usize, m: usize, h: usize, to: usize, shiftX: i32, shiftH: i32): void {
    const r = Unit.r14(
      Unit.part(load<i32>(t, X_R * SUMS_OF_2), shiftX, load<i16>(m, X_R * MULTIPLIERS_OF_2)) +
        Unit.part(load<i32>(t, H_R * SUMS_OF_2), shiftH, load<i16>(m, H_R * MULTIPLIERS_OF_2)),
    );
    const z = Unit.z15(
      Unit.part(load<i32>(t, X_Z * SUMS_OF_2), shiftX, load<i16>(m, X_Z * MULTIPLIERS_OF_2)) +
        Unit.part(load<i32>(t, H_Z * SUMS_OF_2), shiftH, load<i16>(m, H_Z * MULTIPLIERS_OF_2)),
    );
    const c = (Unit.part(load<i32>(t, H_N * SUMS_OF_2), shiftH, load<i16>(m, H_N * MULTIPLIERS_OF_2)) + 8192) >> 14;
    const n = Unit.tanhOf(
      Unit.part(load<i32>(t, X_N * SUMS_OF_2), shiftX, load<i16>(m, X_N * MULTIPLIERS_OF_2)) + c * r,
    );
    Unit.blend(to, n, z, i32(load<i16>(h)));
  }

  /** The sum that T is taken of, of the first gate of a pass over a reset-before unit. */
  @inline static firstSum(t: usize, m: usize, shiftX: i32, shiftH: i32, saturates: bool): i32 {
    return (
      Unit.partBy(load<i32>(t, X_FIRST * SUMS_OF_4), shiftX, load<i16>(m, X_FIRST * MULTIPLIERS_OF_4), saturates) +
      Unit.partBy(load<i32>(t, H_FIRST * SUMS_OF_4), shiftH, load<i16>(m, H_FIRST * MULTIPLIERS_OF_4), saturates)
    );
  }

  /** Likewise of its second gate. */
  @inline static secondSum(t: usize, m: usize, shiftX: i32, shiftH: i32, saturates: bool): i32 {
    return (
      Unit.partBy(load<i32>(t, X_SECOND * SUMS_OF_4), shiftX, load<i16>(m, X_SECOND * MULTIPLIERS_OF_4), saturates) +
      Unit.partBy(load<i32>(t, Q_SECOND * SUMS_OF_4), shiftH, load<i16>(m, Q_SECOND * MULTIPLIERS_OF_4), saturates)
    );
  }

  /** The sum that T is taken of, of a gate of a reset-after unit; r as in `gate`. */
  @inline static gateSum(t: usize, m: usize, shiftX: i32, shiftH: i32, r: i32, saturates: bool): i32 {
    let c = Unit.partBy(load<i32>(t, H_R * SUMS_OF_4), shiftH, load<i16>(m, H_R * MULTIPLIERS_OF_4), saturates);
    if (r >= 0) c = ((c + 8192) >> 14) * r;
    return Unit.partBy(load<i32>(t), shiftX, load<i16>(m), saturates) + c;
  }

  /** Stores r h, rounded. */
  @inline static gated(to: usize, r: i32, h: i32): void {
    store<i16>(to, (r * h + 8192) >> 14);
  }
}

/** Unit.tanhOf as a function. */
function tanhOf(sum: i32): i32 {
  return Unit.tanhOf(sum);
}

/**
 * T of a gate of a unit, for little code.
 *
 * @param t  its sum over x among four units, that over h three places on, as in Unit.after
 * @param m  multipliers, likewise
 * @param r  of the candidate: gate r in Q14; of other gates: -1
 */
export function gate(t: usize, m: usize, shiftX: i32, shiftH: i32, r: i32): i32 {
  return Unit.tanhOf(Unit.gateSum(t, m, shiftX, shiftH, r, false));
}

/** The same of any sums. */
export function gateSat(t: usize, m: usize, shiftX: i32, shiftH: i32, r: i32): i32 {
  return Unit.tanhOf(Unit.gateSum(t, m, shiftX, shiftH, r, true));
}

/**
 * Computes r * h of a unit (reset-before, first pass).
 *
 * @param t  its sums of gate r among four units, i32[2][4]: over x, over h
 * @param m  multipliers among four units, i16[2][4]
 */
export function unitReset(t: usize, m: usize, h: usize, to: usize, shiftX: i32, shiftH: i32): void {
  const r = (tanhOf(Unit.firstSum(t, m, shiftX, shiftH, false)) + 32769) >> 2;
  Unit.gated(to, r, i32(load<i16>(h)));
}

/** The same of any sums. */
export function unitResetSat(t: usize, m: usize, h: usize, to: usize, shiftX: i32, shiftH: i32): void {
  const r = (tanhOf(Unit.firstSum(t, m, shiftX, shiftH, true)) + 32769) >> 2;
  Unit.gated(to, r, i32(load<i16>(h)));
}

/**
 * Computes the new state of a unit (reset-before, second pass).
 *
 * @param t  its sums among four units, i32[4][4]: of z over x and over h, of n over x and over r * h
 * @param m  multipliers among four units, i16[4][4]
 */
export function unitBefore(t: usize, m: usize, h: usize, to: usize, shiftX: i32, shiftH: i32): void {
  const z = (tanhOf(Unit.firstSum(t, m, shiftX, shiftH, false)) + 32769) >> 1;
  const n = tanhOf(Unit.secondSum(t, m, shiftX, shiftH, false));
  Unit.blend(to, n, z, i32(load<i16>(h)));
}

/** The same of any sums. */
export function unitBeforeSat(t: usize, m: usize, h: usize, to: usize, shiftX: i32, shiftH: i32): void {
  const z = (tanhOf(Unit.firstSum(t, m, shiftX, shiftH, true)) + 32769) >> 1;
  const n = tanhOf(Unit.secondSum(t, m, shiftX, shiftH, true));
  Unit.blend(to, n, z, i32(load<i16>(h)));
}
