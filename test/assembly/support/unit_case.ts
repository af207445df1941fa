import { sat, sigma, T } from "./gru_integers";
import { zeros } from "./memory";
import { integer } from "./random";

/** A sum that shifted by `shift` fits i16, often at an end; any i32 when `isAny`. */
function sumOf(shift: i32, isAny: bool): i32 {
  const choice = integer(0, 3);
  if (isAny && choice === 0) return integer(0, 1) ? i32.MAX_VALUE : i32.MIN_VALUE;
  if (isAny && choice === 1) return integer(i32.MIN_VALUE, i32.MAX_VALUE);
  const value = choice === 2 ? (integer(0, 1) ? 32767 : -32768) : integer(-32768, 32767);
  return (value << shift) | (shift > 0 ? integer(0, (1 << shift) - 1) : 0);
}

/** A multiplier up to `most`, often an end. */
function multiplierOf(most: i32): i32 {
  const choice = integer(0, 3);
  if (choice < 2) return choice === 0 ? 1 : most;
  return integer(1, most);
}

/** Sums and multipliers of one unit: i32 and i16 that lie `stride` elements apart. */
export class UnitCase {
  readonly t: usize = zeros(96);
  readonly m: usize = zeros(48);
  readonly h: usize = zeros(2);
  readonly shiftX: i32 = integer(0, 16);
  readonly shiftH: i32 = integer(0, 16);

  constructor(readonly stride: i32) {
    store<i16>(this.h, integer(0, 3) ? integer(-32768, 32767) : integer(0, 1) ? 32767 : -32768);
  }

  set(place: i32, isH: bool, isAny: bool, most: i32): void {
    store<i32>(this.t + usize(4 * this.stride * place), sumOf(isH ? this.shiftH : this.shiftX, isAny));
    store<i16>(this.m + usize(2 * this.stride * place), multiplierOf(most));
  }

  /** ax mx or ah mh of FORMAT.md 5.2. */
  part(place: i32, isH: bool): i64 {
    const sum = i64(load<i32>(this.t + usize(4 * this.stride * place)));
    return sat(sum >> (isH ? this.shiftH : this.shiftX)) * i64(load<i16>(this.m + usize(2 * this.stride * place)));
  }

  get state(): i64 {
    return i64(load<i16>(this.h));
  }

  get r14(): i64 {
    return sigma(sat((this.part(0, false) + this.part(3, true) + 8192) >> 14)) >> 1;
  }

  get z(): i64 {
    return sigma(sat((this.part(1, false) + this.part(4, true) + 8192) >> 14));
  }

  /** n of a reset-after layer. */
  get n(): i64 {
    const t = (this.part(5, true) + 8192) >> 14;
    return T(sat((this.part(2, false) + t * this.r14 + 8192) >> 14));
  }

  /** A unit of a reset-after layer: over x, then over h, gates r, z, n. */
  static after(stride: i32, isAny: bool): UnitCase {
    const made = new UnitCase(stride);
    for (let place = 0; place < 6; place++) made.set(place, place > 2, isAny, place === 5 ? 16384 : 32767);
    return made;
  }
}
