// Weights as assembly/mcu/layer.ts draws them for microcontrollers, written by hand. tools/mcu/pack.ts is another implementation of the same drawings.

import { zeros } from "./memory";
// biome-ignore lint/style/useImportType: asc knows no import type
import { GruQ15 } from "./pack_q15";

/** Ways to store weights: mac_wide.ts, mac_bytes.ts, mac_rows.ts. */
export const WIDE = 0;
export const BYTES = 1;
export const ROWS = 2;

/** Units of a group. */
const GROUP = 4;

/** `value` rounded up to a multiple of `step`. */
export function padded(value: i32, step: i32): i32 {
  return ((value + step - 1) / step) * step;
}

/** A row-major matrix, zero beyond its ends; `size` rows for each gate. */
export class Matrix {
  constructor(
    readonly values: StaticArray<i32>,
    readonly size: i32,
    readonly columns: i32,
  ) {}

  at(gate: i32, unit: i32, column: i32): i32 {
    if (unit >= this.size || column >= this.columns) return 0;
    return this.values[(gate * this.size + unit) * this.columns + column];
  }
}

/** Memory written from its start to its end. */
export class Tape {
  readonly address: usize;
  private end: usize;

  constructor(capacity: i32) {
    this.address = zeros(capacity);
    this.end = this.address;
  }

  /** The address after the last number. */
  get at(): usize {
    return this.end;
  }

  byte(value: i32): void {
    store<u8>(this.end, u8(value));
    this.end += 1;
  }

  half(value: i32): void {
    store<i16>(this.end, i16(value));
    this.end += 2;
  }

  word(value: i32): void {
    store<i32>(this.end, value);
    this.end += 4;
  }

  /** What the sum of a unit starts from: with 2^31 added in the lower of two that share a word of 64 bits. */
  bias(value: i32, unit: i32, pack: i32): void {
    this.word(pack !== ROWS && unit % 2 === 0 ? value + i32.MIN_VALUE : value);
  }

  /** Weights of `count` units from `first` on, gates `from` to `to`. */
  weights(m: Matrix, pack: i32, from: i32, to: i32, first: i32, count: i32, columns: i32): void {
    if (pack === WIDE) this.wide(m, from, to, first, count, columns);
    else if (pack === BYTES) this.bytes(m, from, to, first, count, columns);
    else this.rows(m, from, to, first, count, columns);
  }

  /** i64[columns][pairs of units][gates]. */
  private wide(m: Matrix, from: i32, to: i32, first: i32, count: i32, columns: i32): void {
    for (let k = 0; k < columns; k++) {
      for (let unit = first; unit < first + count; unit += 2) {
        for (let gate = from; gate <= to; gate++) {
          store<i64>(this.end, i64(m.at(gate, unit, k)) + (i64(m.at(gate, unit + 1, k)) << 32));
          this.end += 8;
        }
      }
    }
  }

  /** u8[gates][columns by 4][units][4]. */
  private bytes(m: Matrix, from: i32, to: i32, first: i32, count: i32, columns: i32): void {
    for (let gate = from; gate <= to; gate++) {
      for (let k = 0; k < columns; k += 4) {
        for (let unit = first; unit < first + count; unit++) {
          for (let column = k; column < k + 4; column++) this.byte(m.at(gate, unit, column) + 128);
        }
      }
    }
  }

  /** i8[columns][gates][units]. */
  private rows(m: Matrix, from: i32, to: i32, first: i32, count: i32, columns: i32): void {
    for (let k = 0; k < columns; k++) {
      for (let gate = from; gate <= to; gate++) {
        for (let unit = first; unit < first + count; unit++) this.byte(m.at(gate, unit, k));
      }
    }
  }
}

/** A GRU layer in memory. */
export class McuLayer {
  readonly tape: Tape = new Tape(1 << 14);
  /** Columns of W and of U, and units, padded. */
  readonly columnsX: i32;
  readonly columnsH: i32;
  readonly units: i32;
  private readonly W: Matrix;
  private readonly U: Matrix;

  constructor(
    readonly layer: GruQ15,
    readonly pack: i32,
  ) {
    const step = pack === WIDE && !layer.isBefore ? 8 : 4;
    this.columnsX = padded(layer.sizeIn, step);
    this.columnsH = padded(layer.size, step);
    this.units = padded(layer.size, GROUP);
    this.W = new Matrix(layer.W, layer.size, layer.sizeIn);
    this.U = new Matrix(layer.U, layer.size, layer.size);
    if (layer.isBefore) {
      this.before(0, 0);
      this.before(1, 2);
    } else this.after(pack === ROWS ? 2 : GROUP);
  }

  /** Groups of b, W; c, U; mx, mh. */
  private after(group: i32): void {
    for (let first = 0; first < this.units; first += group) {
      for (let vector = 0; vector < 2; vector++) {
        for (let gate = 0; gate < 3; gate++) this.biases(vector, gate, first, group);
        this.weights(vector, 0, 2, first, group);
      }
      for (let vector = 0; vector < 2; vector++) {
        for (let gate = 0; gate < 3; gate++) this.multipliers(vector, gate, first, group);
      }
    }
  }

  /** Groups of b, W, c, U of each gate; mx, mh of each gate. */
  private before(from: i32, to: i32): void {
    for (let first = 0; first < this.units; first += GROUP) {
      for (let gate = from; gate <= to; gate++) {
        for (let vector = 0; vector < 2; vector++) {
          this.biases(vector, gate, first, GROUP);
          this.weights(vector, gate, gate, first, GROUP);
        }
      }
      for (let gate = from; gate <= to; gate++) {
        this.multipliers(0, gate, first, GROUP);
        this.multipliers(1, gate, first, GROUP);
      }
    }
  }

  private weights(vector: i32, from: i32, to: i32, first: i32, count: i32): void {
    const matrix = vector === 0 ? this.W : this.U;
    this.tape.weights(matrix, this.pack, from, to, first, count, vector === 0 ? this.columnsX : this.columnsH);
  }

  private biases(vector: i32, gate: i32, first: i32, count: i32): void {
    const values = new Matrix(vector === 0 ? this.layer.b : this.layer.c, this.layer.size, 1);
    for (let unit = first; unit < first + count; unit++) this.tape.bias(values.at(gate, unit, 0), unit, this.pack);
  }

  private multipliers(vector: i32, gate: i32, first: i32, count: i32): void {
    const values = new Matrix(vector === 0 ? this.layer.mx : this.layer.mh, this.layer.size, 1);
    for (let unit = first; unit < first + count; unit++) this.tape.half(values.at(gate, unit, 0));
  }
}
