// The gates of a q15 GRU unit (FORMAT.md 5.2), as the modules for microcontrollers compute them: the same integers as gru_q15.ts in fewer operations.
// An interpreter pays for each operation, so the tanh table is cut to where tanh is not flat and stands at a fixed address, and clamping to its
// ends replaces the saturation of v.
//
// Sums come with the saturation of FORMAT.md 5.2 done (mac_limits.ts): shifted they fit i16. Only the functions for little code saturate here, which is
// slower and shorter, where type parameter P is i32.

import { DEVICE_TABLE, DEVICE_TABLE_OFFSET, DEVICE_TABLE_SPAN } from "../layout";
import { sat16 } from "../q15/activations";

/** Rounding of a sum, and the offset of the table, before the shift by 14. */
const TANH_ROUND: i32 = 8192 + (DEVICE_TABLE_OFFSET << 14);

/** From here on a shifted unsigned sum stands for a negative one: sums end at (2^31 - 2^16 + TANH_ROUND) >> 14 = 152316. */
const TANH_NEGATIVE: i32 = 152320;

/** Parts of a GRU unit. */
export class Unit {
  /** (sum >> shift) times a multiplier. */
  @inline static part(sum: i32, shift: i32, multiplier: i16): i32 {
    return (sum >> shift) * i32(multiplier);
  }

  /** The same, saturated where P is i32. */
  @inline static partBy<P>(sum: i32, shift: i32, multiplier: i16): i32 {
    return sizeof<P>() === 4 ? sat16(sum >> shift) * i32(multiplier) : Unit.part(sum, shift, multiplier);
  }

  /** T(sat16((sum + 8192) >> 14)) of a sum of products with multipliers, |sum| <= 2^31 - 2^16. */
  @inline static tanhOf(sum: i32): i32 {
    // As an unsigned number the sum with its offset does not overflow; what is below 0 comes out above what any sum reaches.
    let v = (sum + TANH_ROUND) >>> 14;
    if (u32(v) > u32(DEVICE_TABLE_SPAN)) v = v < TANH_NEGATIVE ? DEVICE_TABLE_SPAN : 0;
    return Unit.entry(v);
  }

  /** T of an i16 (FORMAT.md 5.3). */
  @inline static tanh(value: i32): i32 {
    let v = value + DEVICE_TABLE_OFFSET;
    if (u32(v) > u32(DEVICE_TABLE_SPAN)) v = v < 0 ? 0 : DEVICE_TABLE_SPAN;
    return Unit.entry(v);
  }

  /** T of v counted from the start of the table. */
  @inline static entry(v: i32): i32 {
    const entry = usize((v >>> 8) << 2);
    return i32(load<i16>(entry, DEVICE_TABLE)) + ((i32(load<i16>(entry, DEVICE_TABLE + 2)) * (v & 255)) >> 8);
  }

  /** h' = n + ((z (h - n) + 16384) >> 15), stored. */
  @inline static blend(to: usize, n: i32, z: i32, h: i32): void {
    store<i16>(to, n + ((z * (h - n) + 16384) >> 15));
  }

  /**
   * Computes the new state of a unit from its sums (reset-after).
   *
   * @param t  its sums among four units, i32[2][3][4]: over x, over h; gates r, z, n
   * @param m  multipliers among four units, i16[2][3][4]
   * @param h  its state, i16
   * @param to  its new state, written
   */
  @inline static after(t: usize, m: usize, h: usize, to: usize, shiftX: i32, shiftH: i32): void {
    const ar = Unit.part(load<i32>(t), shiftX, load<i16>(m)) + Unit.part(load<i32>(t, 48), shiftH, load<i16>(m, 24));
    const r = (Unit.tanhOf(ar) + 32769) >> 2;
    const az =
      Unit.part(load<i32>(t, 16), shiftX, load<i16>(m, 8)) + Unit.part(load<i32>(t, 64), shiftH, load<i16>(m, 32));
    const z = (Unit.tanhOf(az) + 32769) >> 1;
    const c = (Unit.part(load<i32>(t, 80), shiftH, load<i16>(m, 40)) + 8192) >> 14;
    const n = Unit.tanhOf(Unit.part(load<i32>(t, 32), shiftX, load<i16>(m, 16)) + c * r);
    Unit.blend(to, n, z, i32(load<i16>(h)));
  }

  /** The same among two units, i32[2][3][2] and i16[2][3][2]. */
  @inline static afterRows(t: usize, m: usize, h: usize, to: usize, shiftX: i32, shiftH: i32): void {
    const ar = Unit.part(load<i32>(t), shiftX, load<i16>(m)) + Unit.part(load<i32>(t, 24), shiftH, load<i16>(m, 12));
    const r = (Unit.tanhOf(ar) + 32769) >> 2;
    const az =
      Unit.part(load<i32>(t, 8), shiftX, load<i16>(m, 4)) + Unit.part(load<i32>(t, 32), shiftH, load<i16>(m, 16));
    const z = (Unit.tanhOf(az) + 32769) >> 1;
    const c = (Unit.part(load<i32>(t, 40), shiftH, load<i16>(m, 20)) + 8192) >> 14;
    const n = Unit.tanhOf(Unit.part(load<i32>(t, 16), shiftX, load<i16>(m, 8)) + c * r);
    Unit.blend(to, n, z, i32(load<i16>(h)));
  }
}

/** Unit.tanhOf as a function. */
function tanhOf(sum: i32): i32 {
  return Unit.tanhOf(sum);
}

/**
 * T of a gate of a unit, sums and multipliers as in Unit.after; for little code.
 *
 * @param r  of the candidate: gate r in Q14; of other gates: -1
 */
export function gate<P>(t: usize, m: usize, shiftX: i32, shiftH: i32, r: i32): i32 {
  let c = Unit.partBy<P>(load<i32>(t, 48), shiftH, load<i16>(m, 24));
  if (r >= 0) c = ((c + 8192) >> 14) * r;
  return Unit.tanhOf(Unit.partBy<P>(load<i32>(t), shiftX, load<i16>(m)) + c);
}

/**
 * Computes r * h of a unit (reset-before, first pass).
 *
 * @param t  its sums of gate r among four units: i32 over x at 0, over h at 16
 * @param m  multipliers among four units: i16 mx at 0, mh at 8
 */
export function unitReset<P>(t: usize, m: usize, h: usize, to: usize, shiftX: i32, shiftH: i32): void {
  const a =
    Unit.partBy<P>(load<i32>(t), shiftX, load<i16>(m)) + Unit.partBy<P>(load<i32>(t, 16), shiftH, load<i16>(m, 8));
  const r = (tanhOf(a) + 32769) >> 2;
  store<i16>(to, (r * i32(load<i16>(h)) + 8192) >> 14);
}

/**
 * Computes the new state of a unit (reset-before, second pass).
 *
 * @param t  its sums among four units: i32 of z over x at 0 and over h at 16, of n over x at 32 and over r * h at 48
 * @param m  multipliers among four units: i16 at 0, 8, 16, 24 in the same order
 */
export function unitBefore<P>(t: usize, m: usize, h: usize, to: usize, shiftX: i32, shiftH: i32): void {
  const z =
    (tanhOf(
      Unit.partBy<P>(load<i32>(t), shiftX, load<i16>(m)) + Unit.partBy<P>(load<i32>(t, 16), shiftH, load<i16>(m, 8)),
    ) +
      32769) >>
    1;
  const n = tanhOf(
    Unit.partBy<P>(load<i32>(t, 32), shiftX, load<i16>(m, 16)) +
      Unit.partBy<P>(load<i32>(t, 48), shiftH, load<i16>(m, 24)),
  );
  Unit.blend(to, n, z, i32(load<i16>(h)));
}
