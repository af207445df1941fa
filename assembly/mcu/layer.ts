// A GRU layer in the modules for microcontrollers: how its units are gone through. P: a pack, one of packs.ts.
//
// Data of a reset-after layer, for each group of G = 4 units (G = 2 of rows):
//
//   b, W          i32[3][G], then weights: gates r, z, n, as gateSumsWide, rowSumsBytes or Rows.gates reads them
//   c, U          likewise
//   multipliers   i16[2][3][G]        mx, mh; gates r, z, n; unit
//
// and of a reset-before layer, gate r of all groups of four first, then z and n of all groups:
//
//   b, W, c, U    of each gate, as rowSums… reads them
//   multipliers   i16[1 or 2][2][4]   gates; mx, mh; unit

import { OVER_SHIFT } from "../layout";
import { MULTIPLIERS_OF_2, MULTIPLIERS_OF_4, PLACES, SUMS_OF_2, SUMS_OF_4, Unit } from "./cell";
import { rowSumsBytes, total128 } from "./mac_bytes";
// biome-ignore lint/style/useImportType: asc knows no import type
import { Pack } from "./packs";

/** Bytes of the state of a unit, and of its multiplier of one place. */
const UNIT: usize = 2;
const UNIT_MULTIPLIER: usize = 2;

/** Bytes of a unit's sum of one place. */
const UNIT_SUM: usize = 4;

/**
 * What a layer must know of one of its vectors, in one number: the bytes that hold it, and from bit OVER_SHIFT on the shift of the sums over it. A
 * constant of a call costs nothing where the linker puts the call into the step.
 */
class Over {
  @inline static bytes(over: i32): usize {
    return usize(over & ((1 << OVER_SHIFT) - 1));
  }

  @inline static shift(over: i32): i32 {
    return over >>> OVER_SHIFT;
  }
}

/** Copies `bytes`, a multiple of 8, from the last to the first. */
class Words {
  @inline static copyBack(to: usize, from: usize, bytes: usize): void {
    do {
      bytes -= 8;
      store<i64>(to + bytes, load<i64>(from + bytes));
    } while (bytes > 0);
  }
}

/** A GRU layer. */
export class Layer {
  /**
   * Advances a reset-after layer by one time step. `h` is updated in place.
   *
   * @param data  biases, weights and multipliers as drawn above
   * @param x  input, i16[N], readable to the next multiple of 8 elements
   * @param h  hidden state, i16[H padded to 8]
   * @param t  work space: the sums of a group, then the new state
   * @param overX  bytes of x, N padded to a multiple of 8 elements, and shift_x
   * @param overH  bytes of the state of all groups, and shift_h
   */
  @inline static afterWide<P extends Pack<K>, K>(
    data: usize,
    x: usize,
    h: usize,
    t: usize,
    overX: i32,
    overH: i32,
  ): void {
    const pack = changetype<P>(0);
    const bytes = Over.bytes(overH);
    const xEnd = x + Over.bytes(overX);
    // The inner loop takes eight elements at once.
    const hEnd = h + ((bytes + 15) & ~15);
    const ofX = pack.known(x, xEnd, Over.shift(overX));
    const ofH = pack.known(h, hEnd, Over.shift(overH));
    const fresh = t + PLACES * SUMS_OF_4;
    const last = h + bytes;
    let from = h;
    let to = fresh;
    do {
      const c = pack.gates(data, x, xEnd, t, ofX);
      const m = pack.gates(c, h, hEnd, t + 3 * SUMS_OF_4, ofH);
      pair(t, m, from, to, Over.shift(overX), Over.shift(overH));
      pair(
        t + 2 * UNIT_SUM,
        m + 2 * UNIT_MULTIPLIER,
        from + 2 * UNIT,
        to + 2 * UNIT,
        Over.shift(overX),
        Over.shift(overH),
      );
      data = m + PLACES * MULTIPLIERS_OF_4;
      from += 4 * UNIT;
      to += 4 * UNIT;
    } while (from < last);
    Words.copyBack(h, fresh, bytes);
  }

  /** The same for rows, two units at a time; x is readable to the next multiple of 4 elements. */
  @inline static afterRows<P extends Pack<K>, K>(
    data: usize,
    x: usize,
    h: usize,
    t: usize,
    overX: i32,
    overH: i32,
  ): void {
    const pack = changetype<P>(0);
    const bytes = Over.bytes(overH);
    const xEnd = x + Over.bytes(overX);
    const last = h + bytes;
    const ofX = pack.known(x, xEnd, Over.shift(overX));
    const ofH = pack.known(h, last, Over.shift(overH));
    const fresh = t + PLACES * SUMS_OF_2;
    let from = h;
    let to = fresh;
    do {
      const c = pack.gates(data, x, xEnd, t, ofX);
      const m = pack.gates(c, h, last, t + 3 * SUMS_OF_2, ofH);
      Unit.afterOf2(t, m, from, to, Over.shift(overX), Over.shift(overH));
      Unit.afterOf2(t + UNIT_SUM, m + UNIT_MULTIPLIER, from + UNIT, to + UNIT, Over.shift(overX), Over.shift(overH));
      data = m + PLACES * MULTIPLIERS_OF_2;
      from += 2 * UNIT;
      to += 2 * UNIT;
    } while (from < last);
    Words.copyBack(h, fresh, bytes);
  }

  /** The same for bytes, in as little code as can be: where memory is scarce, an interpreter's code is too. */
  @inline static afterBytes<P extends Pack<K>, K>(
    data: usize,
    x: usize,
    h: usize,
    t: usize,
    overX: i32,
    overH: i32,
  ): void {
    const pack = changetype<P>(0);
    const bytes = Over.bytes(overH);
    const xEnd = x + Over.bytes(overX);
    const hEnd = h + bytes;
    const shiftX = Over.shift(overX);
    const shiftH = Over.shift(overH);
    const ofX = pack.known(x, xEnd, shiftX);
    const ofH = pack.known(h, hEnd, shiftH);
    const fresh = t + PLACES * SUMS_OF_4;
    let at: usize = 0;
    do {
      const c = pack.gates(data, x, xEnd, t, ofX);
      let m = pack.gates(c, h, hEnd, t + 3 * SUMS_OF_4, ofH);
      data = m + PLACES * MULTIPLIERS_OF_4;
      let s = t;
      do {
        const r = (pack.gate(s, m, shiftX, shiftH, -1) + 32769) >> 2;
        const z = (pack.gate(s + SUMS_OF_4, m + MULTIPLIERS_OF_4, shiftX, shiftH, -1) + 32769) >> 1;
        const n = pack.gate(s + 2 * SUMS_OF_4, m + 2 * MULTIPLIERS_OF_4, shiftX, shiftH, r);
        Unit.blend(fresh + at, n, z, i32(load<i16>(h + at)));
        at += UNIT;
        m += UNIT_MULTIPLIER;
        s += UNIT_SUM;
      } while ((at & 7) !== 0);
    } while (at < bytes);
    Words.copyBack(h, fresh, bytes);
  }

  /**
   * Advances a reset-before layer by one time step. Parameters as of afterWide, but x is readable to the next multiple of 4 elements, and t holds
   * r * h behind the new state.
   */
  @inline static before<P extends Pack<K>, K>(data: usize, x: usize, h: usize, t: usize, overX: i32, overH: i32): void {
    const pack = changetype<P>(0);
    const bytes = Over.bytes(overH);
    const xEnd = x + Over.bytes(overX);
    const hEnd = h + bytes;
    const shiftX = Over.shift(overX);
    const shiftH = Over.shift(overH);
    const ofX = pack.known(x, xEnd, shiftX);
    const ofH = pack.known(h, hEnd, shiftH);
    const fresh = t + PLACES * SUMS_OF_4;
    const q = fresh + bytes;
    for (let at: usize = 0; at < bytes; at += 4 * UNIT) {
      const c = pack.rows(data, x, xEnd, t, ofX);
      const m = pack.rows(c, h, hEnd, t + SUMS_OF_4, ofH);
      for (let i: usize = 0; i < 4 * UNIT; i += UNIT) {
        pack.reset(t + 2 * i, m + i, h + at + i, q + at + i, shiftX, shiftH);
      }
      data = m + 2 * MULTIPLIERS_OF_4;
    }
    const qEnd = q + bytes;
    const ofQ = pack.known(q, qEnd, shiftH);
    for (let at: usize = 0; at < bytes; at += 4 * UNIT) {
      let m = pack.rows(data, x, xEnd, t, ofX);
      m = pack.rows(m, h, hEnd, t + SUMS_OF_4, ofH);
      m = pack.rows(m, x, xEnd, t + 2 * SUMS_OF_4, ofX);
      m = pack.rows(m, q, qEnd, t + 3 * SUMS_OF_4, ofQ);
      for (let i: usize = 0; i < 4 * UNIT; i += UNIT) {
        pack.before(t + 2 * i, m + i, h + at + i, fresh + at + i, shiftX, shiftH);
      }
      data = m + 4 * MULTIPLIERS_OF_4;
    }
    Words.copyBack(h, fresh, bytes);
  }
}

/** Two units of a reset-after layer. */
function pair(t: usize, m: usize, h: usize, to: usize, shiftX: i32, shiftH: i32): void {
  Unit.after(t, m, h, to, shiftX, shiftH);
  Unit.after(t + UNIT_SUM, m + UNIT_MULTIPLIER, h + UNIT, to + UNIT, shiftX, shiftH);
}

/**
 * Computes `t = b + W x` of a dense layer by the inner loop of bytes, for rows padded to four.
 *
 * @param data  i32 b[rows], those of even rows offset, then W as rowSumsBytes reads it
 * @param rows  padded number of rows
 */
export function affineBytes(data: usize, x: usize, end: usize, t: usize, rows: i32): void {
  rowSumsBytes(data, x, end, t, t + (usize(rows) << 2), total128(x, end));
}
