// A GRU layer in the modules for microcontrollers: how the units of a layer are gone through, for three ways to store the weights.
//
// K: u64 for mac_wide.ts, u8 for mac_bytes.ts, i8 for mac_rows.ts. P: mac_limits.ts.
//
// Data of a reset-after layer, for each group of G = 4 units (G = 2 of rows):
//
//   bias          i32[2][3][G]        b, c; gates r, z, n; unit. Wide and bytes: those of even units offset by 2^31
//   multipliers   i16[2][3][G]        mx, mh; gates r, z, n; unit
//   W, U          wide: as gateSumsWide reads them; bytes: each gate as rowSumsBytes; rows: as Rows.gates
//
// and of a reset-before layer, gate r of all groups first, then z and n of all groups:
//
//   bias          i32[1 or 2][2][4]   gates; b, c; unit
//   multipliers   i16[1 or 2][2][4]   gates; mx, mh; unit
//   W, U          of each gate, as rowSums… reads them

import { gate, Unit, unitBefore, unitReset } from "./cell";
import { rowSumsBytes, total128 } from "./mac_bytes";
import { limitOf, maskOf } from "./mac_limits";
import { Rows, rowSumsRows } from "./mac_rows";
import { gateSumsWide, rowSumsWide } from "./mac_wide";

/** The inner loops of a way to store weights. */
class Mac {
  /** The sums of one vector, one gate of four units. */
  @inline static rows<K, P>(
    b: usize,
    w: usize,
    x: usize,
    end: usize,
    t: usize,
    total: i32,
    shift: i32,
    limit: i64,
    mask: i64,
  ): usize {
    if (sizeof<K>() === 8) return rowSumsWide<P>(b, w, x, end, t, shift, limit, mask);
    if (isSigned<K>()) return rowSumsRows<P>(b, w, x, end, t, shift, 1 << (15 + shift), i32(mask));
    return rowSumsBytes(b, w, x, end, t, t + 16, total);
  }

  /** unitReset, which saturates where the inner loops do not. */
  @inline static reset<K, P>(t: usize, m: usize, h: usize, to: usize, shiftX: i32, shiftH: i32): void {
    if (sizeof<K>() === 1 && !isSigned<K>()) unitReset<P>(t, m, h, to, shiftX, shiftH);
    else unitReset<i64>(t, m, h, to, shiftX, shiftH);
  }

  /** unitBefore, likewise. */
  @inline static before<K, P>(t: usize, m: usize, h: usize, to: usize, shiftX: i32, shiftH: i32): void {
    if (sizeof<K>() === 1 && !isSigned<K>()) unitBefore<P>(t, m, h, to, shiftX, shiftH);
    else unitBefore<i64>(t, m, h, to, shiftX, shiftH);
  }

  @inline static limit<P>(shift: i32): i64 {
    return sizeof<P>() === 4 ? limitOf(shift) : 0;
  }

  @inline static mask<P>(shift: i32): i64 {
    return sizeof<P>() === 4 ? maskOf(shift) : 0;
  }

  /** Copies `bytes`, a multiple of 8, from the last to the first. */
  @inline static copyBack(to: usize, from: usize, bytes: usize): void {
    do {
      bytes -= 8;
      store<i64>(to + bytes, load<i64>(from + bytes));
    } while (bytes > 0);
  }

  /** What the inner loops of bytes must know of a vector. */
  @inline static total<K>(x: usize, end: usize): i32 {
    return sizeof<K>() === 1 && !isSigned<K>() ? total128(x, end) : 0;
  }
}

/** A GRU layer. */
export class Layer {
  /**
   * Advances a reset-after layer by one time step. `h` is updated in place.
   *
   * @param data  biases, multipliers and weights as drawn above
   * @param x  input, i16
   * @param xEnd  address after the last column, padded as the inner loop asks
   * @param h  hidden state, i16[H padded to 8]
   * @param hEnd  as xEnd
   * @param units  bytes of the state of all groups: 2 H, padded to 8
   * @param t  work space: sums of a group, 24 G bytes, then the new state
   */
  @inline static afterWide<P>(
    data: usize,
    x: usize,
    xEnd: usize,
    h: usize,
    hEnd: usize,
    units: usize,
    t: usize,
    shiftX: i32,
    shiftH: i32,
  ): void {
    const limitX = Mac.limit<P>(shiftX);
    const limitH = Mac.limit<P>(shiftH);
    const maskX = Mac.mask<P>(shiftX);
    const maskH = Mac.mask<P>(shiftH);
    const fresh = t + 96;
    const last = h + units;
    let from = h;
    let to = fresh;
    do {
      let w = gateSumsWide<P>(data, data + 144, x, xEnd, t, shiftX, limitX, maskX);
      w = gateSumsWide<P>(data + 48, w, h, hEnd, t + 48, shiftH, limitH, maskH);
      pair(t, data + 96, from, to, shiftX, shiftH);
      pair(t + 8, data + 100, from + 4, to + 4, shiftX, shiftH);
      data = w;
      from += 8;
      to += 8;
    } while (from < last);
    Mac.copyBack(h, fresh, units);
  }

  /** The same for rows, two units at a time. */
  @inline static afterRows<P>(
    data: usize,
    x: usize,
    xEnd: usize,
    h: usize,
    hEnd: usize,
    units: usize,
    t: usize,
    shiftX: i32,
    shiftH: i32,
  ): void {
    const countX = i32(xEnd - x) >> 3;
    const countH = i32(hEnd - h) >> 3;
    const fresh = t + 48;
    const last = h + units;
    let from = h;
    let to = fresh;
    do {
      let w = Rows.gates<P>(data, data + 72, x, countX, t, shiftX);
      w = Rows.gates<P>(data + 24, w, h, countH, t + 24, shiftH);
      Unit.afterRows(t, data + 48, from, to, shiftX, shiftH);
      Unit.afterRows(t + 4, data + 50, from + 2, to + 2, shiftX, shiftH);
      data = w;
      from += 4;
      to += 4;
    } while (from < last);
    Mac.copyBack(h, fresh, units);
  }

  /** The same for bytes, in as little code as can be: where memory is scarce, an interpreter's code is too. */
  @inline static afterBytes<P>(
    data: usize,
    x: usize,
    xEnd: usize,
    h: usize,
    hEnd: usize,
    units: usize,
    t: usize,
    shiftX: i32,
    shiftH: i32,
  ): void {
    const totalX = total128(x, xEnd);
    const totalH = total128(h, hEnd);
    const fresh = t + 96;
    let at: usize = 0;
    do {
      let w = rowSumsBytes(data, data + 144, x, xEnd, t, t + 48, totalX);
      w = rowSumsBytes(data + 48, w, h, hEnd, t + 48, fresh, totalH);
      data += 96;
      let s = t;
      do {
        const r = (gate<P>(s, data, shiftX, shiftH, -1) + 32769) >> 2;
        const z = (gate<P>(s + 16, data + 8, shiftX, shiftH, -1) + 32769) >> 1;
        const n = gate<P>(s + 32, data + 16, shiftX, shiftH, r);
        Unit.blend(fresh + at, n, z, i32(load<i16>(h + at)));
        at += 2;
        data += 2;
        s += 4;
      } while ((at & 7) !== 0);
      data = w;
    } while (at < units);
    Mac.copyBack(h, fresh, units);
  }

  /**
   * Advances a reset-before layer by one time step. Parameters as `after`, but t holds r * h, padded as the inner loop asks, behind the new state,
   * which is padded likewise.
   */
  @inline static before<K, P>(
    data: usize,
    x: usize,
    xEnd: usize,
    h: usize,
    hEnd: usize,
    units: usize,
    t: usize,
    shiftX: i32,
    shiftH: i32,
  ): void {
    const totalX = Mac.total<K>(x, xEnd);
    const totalH = Mac.total<K>(h, hEnd);
    const limitX = Mac.limit<P>(shiftX);
    const limitH = Mac.limit<P>(shiftH);
    const maskX = Mac.mask<P>(shiftX);
    const maskH = Mac.mask<P>(shiftH);
    const fresh = t + 96;
    const gated = fresh + (hEnd - h);
    for (let at: usize = 0; at < units; at += 8) {
      let w = Mac.rows<K, P>(data, data + 48, x, xEnd, t, totalX, shiftX, limitX, maskX);
      w = Mac.rows<K, P>(data + 16, w, h, hEnd, t + 16, totalH, shiftH, limitH, maskH);
      for (let i: usize = 0; i < 8; i += 2) {
        Mac.reset<K, P>(t + 2 * i, data + 32 + i, h + at + i, gated + at + i, shiftX, shiftH);
      }
      data = w;
    }
    const gatedEnd = gated + (hEnd - h);
    const totalQ = Mac.total<K>(gated, gatedEnd);
    for (let at: usize = 0; at < units; at += 8) {
      let w = Mac.rows<K, P>(data, data + 96, x, xEnd, t, totalX, shiftX, limitX, maskX);
      w = Mac.rows<K, P>(data + 16, w, h, hEnd, t + 16, totalH, shiftH, limitH, maskH);
      w = Mac.rows<K, P>(data + 32, w, x, xEnd, t + 32, totalX, shiftX, limitX, maskX);
      w = Mac.rows<K, P>(data + 48, w, gated, gatedEnd, t + 48, totalQ, shiftH, limitH, maskH);
      for (let i: usize = 0; i < 8; i += 2) {
        Mac.before<K, P>(t + 2 * i, data + 64 + i, h + at + i, fresh + at + i, shiftX, shiftH);
      }
      data = w;
    }
    Mac.copyBack(h, fresh, units);
  }
}

/** Two units of a reset-after layer. */
function pair(t: usize, m: usize, h: usize, to: usize, shiftX: i32, shiftH: i32): void {
  Unit.after(t, m, h, to, shiftX, shiftH);
  Unit.after(t + 4, m + 2, h + 2, to + 2, shiftX, shiftH);
}

/**
 * Computes `t = b + W x` of a dense layer by the inner loop of bytes, for rows padded to four.
 *
 * @param data  i32 b[rows], those of even rows offset, then W as rowSumsBytes reads it
 * @param rows  padded number of rows
 */
export function affineBytes(data: usize, x: usize, end: usize, t: usize, rows: i32): void {
  const bytes = usize(rows) << 2;
  rowSumsBytes(data, data + bytes, x, end, t, t + bytes, total128(x, end));
}
