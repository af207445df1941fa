// The packs, ways to store the weights of a layer (mac_wide.ts, mac_bytes.ts, mac_rows.ts), each for sums proven to fit i16 and for any sums
// (mac_limits.ts). Their classes have no fields: `changetype<P>(0)` is an instance, and every call of it is inlined.

import { gate, gateSat, SUMS_OF_4, unitBefore, unitBeforeSat, unitReset, unitResetSat } from "./cell";
import { rowSumsBytes, total128 } from "./mac_bytes";
import { maskOf } from "./mac_limits";
import { Rows as Loops, rowSumsRows, rowSumsRowsSat } from "./mac_rows";
import { gateSumsWide, gateSumsWideSat, rowSumsWide, rowSumsWideSat } from "./mac_wide";

/** What layers need of a pack. K: the type of what its inner loops must know of a vector, besides its elements. */
export interface Pack<K> {
  /** What the inner loops must know of a vector, computed once in a step. */
  known(x: usize, end: usize, shift: i32): K;
  /** The sums of three gates of a group of a reset-after layer over one vector. Returns the address after the weights. */
  gates(b: usize, x: usize, end: usize, t: usize, known: K): usize;
  /** The sums of one gate of four units, likewise. */
  rows(b: usize, x: usize, end: usize, t: usize, known: K): usize;
  /** `gate` of cell.ts, which saturates where the inner loops do not. */
  gate(t: usize, m: usize, shiftX: i32, shiftH: i32, r: i32): i32;
  /** unitReset, likewise. */
  reset(t: usize, m: usize, h: usize, to: usize, shiftX: i32, shiftH: i32): void;
  /** unitBefore, likewise. */
  before(t: usize, m: usize, h: usize, to: usize, shiftX: i32, shiftH: i32): void;
}

/** 4 bytes a weight, sums proven to fit. */
export class Wide implements Pack<i32> {
  @inline known(_x: usize, _end: usize, _shift: i32): i32 {
    return 0;
  }

  @inline gates(b: usize, x: usize, end: usize, t: usize, _known: i32): usize {
    return gateSumsWide(b, x, end, t);
  }

  @inline rows(b: usize, x: usize, end: usize, t: usize, _known: i32): usize {
    return rowSumsWide(b, x, end, t);
  }

  @inline gate(t: usize, m: usize, shiftX: i32, shiftH: i32, r: i32): i32 {
    return gate(t, m, shiftX, shiftH, r);
  }

  @inline reset(t: usize, m: usize, h: usize, to: usize, shiftX: i32, shiftH: i32): void {
    unitReset(t, m, h, to, shiftX, shiftH);
  }

  @inline before(t: usize, m: usize, h: usize, to: usize, shiftX: i32, shiftH: i32): void {
    unitBefore(t, m, h, to, shiftX, shiftH);
  }
}

/** 4 bytes a weight, any sums. */
export class WideSat implements Pack<i64> {
  @inline known(_x: usize, _end: usize, shift: i32): i64 {
    return maskOf(shift);
  }

  @inline gates(b: usize, x: usize, end: usize, t: usize, known: i64): usize {
    return gateSumsWideSat(b, x, end, t, known);
  }

  @inline rows(b: usize, x: usize, end: usize, t: usize, known: i64): usize {
    return rowSumsWideSat(b, x, end, t, known);
  }

  @inline gate(t: usize, m: usize, shiftX: i32, shiftH: i32, r: i32): i32 {
    return gate(t, m, shiftX, shiftH, r);
  }

  @inline reset(t: usize, m: usize, h: usize, to: usize, shiftX: i32, shiftH: i32): void {
    unitReset(t, m, h, to, shiftX, shiftH);
  }

  @inline before(t: usize, m: usize, h: usize, to: usize, shiftX: i32, shiftH: i32): void {
    unitBefore(t, m, h, to, shiftX, shiftH);
  }
}

/** 1 byte a weight, sums proven to fit. */
export class Bytes implements Pack<i32> {
  @inline known(x: usize, end: usize, _shift: i32): i32 {
    return total128(x, end);
  }

  @inline gates(b: usize, x: usize, end: usize, t: usize, known: i32): usize {
    return rowSumsBytes(b, x, end, t, t + 3 * SUMS_OF_4, known);
  }

  @inline rows(b: usize, x: usize, end: usize, t: usize, known: i32): usize {
    return rowSumsBytes(b, x, end, t, t + SUMS_OF_4, known);
  }

  @inline gate(t: usize, m: usize, shiftX: i32, shiftH: i32, r: i32): i32 {
    return gate(t, m, shiftX, shiftH, r);
  }

  @inline reset(t: usize, m: usize, h: usize, to: usize, shiftX: i32, shiftH: i32): void {
    unitReset(t, m, h, to, shiftX, shiftH);
  }

  @inline before(t: usize, m: usize, h: usize, to: usize, shiftX: i32, shiftH: i32): void {
    unitBefore(t, m, h, to, shiftX, shiftH);
  }
}

/** 1 byte a weight, any sums: they saturate where they are used, in less code. */
export class BytesSat implements Pack<i32> {
  @inline known(x: usize, end: usize, _shift: i32): i32 {
    return total128(x, end);
  }

  @inline gates(b: usize, x: usize, end: usize, t: usize, known: i32): usize {
    return rowSumsBytes(b, x, end, t, t + 3 * SUMS_OF_4, known);
  }

  @inline rows(b: usize, x: usize, end: usize, t: usize, known: i32): usize {
    return rowSumsBytes(b, x, end, t, t + SUMS_OF_4, known);
  }

  @inline gate(t: usize, m: usize, shiftX: i32, shiftH: i32, r: i32): i32 {
    return gateSat(t, m, shiftX, shiftH, r);
  }

  @inline reset(t: usize, m: usize, h: usize, to: usize, shiftX: i32, shiftH: i32): void {
    unitResetSat(t, m, h, to, shiftX, shiftH);
  }

  @inline before(t: usize, m: usize, h: usize, to: usize, shiftX: i32, shiftH: i32): void {
    unitBeforeSat(t, m, h, to, shiftX, shiftH);
  }
}

/** 1 byte a weight, for compilers, sums proven to fit. */
export class Rows implements Pack<i32> {
  @inline known(_x: usize, _end: usize, _shift: i32): i32 {
    return 0;
  }

  @inline gates(b: usize, x: usize, end: usize, t: usize, _known: i32): usize {
    return Loops.gates(b, x, i32(end - x) >> 3, t, 0, false);
  }

  @inline rows(b: usize, x: usize, end: usize, t: usize, _known: i32): usize {
    return rowSumsRows(b, x, end, t);
  }

  @inline gate(t: usize, m: usize, shiftX: i32, shiftH: i32, r: i32): i32 {
    return gate(t, m, shiftX, shiftH, r);
  }

  @inline reset(t: usize, m: usize, h: usize, to: usize, shiftX: i32, shiftH: i32): void {
    unitReset(t, m, h, to, shiftX, shiftH);
  }

  @inline before(t: usize, m: usize, h: usize, to: usize, shiftX: i32, shiftH: i32): void {
    unitBefore(t, m, h, to, shiftX, shiftH);
  }
}

/** 1 byte a weight, for compilers, any sums. */
export class RowsSat implements Pack<i32> {
  @inline known(_x: usize, _end: usize, shift: i32): i32 {
    return i32(maskOf(shift));
  }

  @inline gates(b: usize, x: usize, end: usize, t: usize, known: i32): usize {
    return Loops.gates(b, x, i32(end - x) >> 3, t, known, true);
  }

  @inline rows(b: usize, x: usize, end: usize, t: usize, known: i32): usize {
    return rowSumsRowsSat(b, x, end, t, known);
  }

  @inline gate(t: usize, m: usize, shiftX: i32, shiftH: i32, r: i32): i32 {
    return gate(t, m, shiftX, shiftH, r);
  }

  @inline reset(t: usize, m: usize, h: usize, to: usize, shiftX: i32, shiftH: i32): void {
    unitReset(t, m, h, to, shiftX, shiftH);
  }

  @inline before(t: usize, m: usize, h: usize, to: usize, shiftX: i32, shiftH: i32): void {
    unitBefore(t, m, h, to, shiftX, shiftH);
  }
}
