// Weights of q15 GRU layers in the order in which the inner loops of a pack read them (assembly/mcu/layer.ts draws it).

import { OVER_SHIFT } from "../../assembly/layout.ts";
import { I16_MAX, I16_REACH } from "../../host/model/integers.ts";
import type { GruStage } from "../../host/model/network.ts";
import { dataOf } from "../../host/model/tensors.ts";
import type { GruLayerSpec, Model } from "../../host/model/types.ts";
import { alignTo } from "./layout.ts";
import type { Pack } from "./types.ts";

/** A GRU layer ready for the module. */
export interface PackedGru {
  readonly bytes: Uint8Array;
  /** What the kernel must know of x and of h (assembly/mcu/layer.ts, Over). */
  readonly overX: number;
  readonly overH: number;
}

/** Units of a group. */
const GROUP = 4;

/** Gates in the order of the files. */
const GATES = [0, 1, 2] as const;
const [R, Z, N] = GATES;

/** The integers of one layer by gate and unit; 0 for what only pads. */
interface Rows {
  weight(matrix: Matrix, gate: number, unit: number, column: number): number;
  bias(matrix: Matrix, gate: number, unit: number): number;
  multiplier(matrix: Matrix, gate: number, unit: number): number;
}

/** Packs a GRU layer of a q15 model. */
export function packGru(model: Model, { name, layer, sizeIn }: GruStage, pack: Pack): PackedGru {
  const { columns, put, isOffset } = PACKS[pack];
  const step = columns[layer.reset];
  const units = alignTo(layer.size, GROUP);
  const sizes = { W: alignTo(sizeIn, step), U: alignTo(layer.size, step) };
  const rows = rowsOf(model, name, layer.size, sizeIn);
  const writer = new Writer();
  /** Biases, then weights, of gates over one vector. */
  const putSums = (units: readonly number[], matrix: Matrix, gates: readonly number[]) => {
    for (const gate of gates) {
      for (const unit of units) {
        const value = rows.bias(matrix, gate, unit);
        // The lower row of a word carries 2^31 (assembly/mcu/mac_wide.ts).
        writer.i32(isOffset && unit % 2 === 0 ? value ^ 0x80000000 : value);
      }
    }
    put(writer, gates, units, sizes[matrix], (gate, unit, column) => rows.weight(matrix, gate, unit, column));
  };
  const group = pack === "rows" && layer.reset === "after" ? 2 : GROUP;
  for (const blocks of PASSES[layer.reset]) {
    for (let from = 0; from < units; from += group) {
      const members = unitsFrom(from, group);
      for (const [matrix, gates] of blocks) putSums(members, matrix, gates);
      for (const [matrix, gates] of blocks) {
        for (const gate of gates) for (const unit of members) writer.i16(rows.multiplier(matrix, gate, unit));
      }
    }
  }
  return {
    bytes: writer.bytes(),
    overX: over(sizes.W, layer.shift_x),
    overH: over(units, layer.shift_h),
  };
}

/** Bytes of `elements` i16, and the shift of the sums over them. */
const over = (elements: number, shift = 0): number => (2 * elements) | (shift << OVER_SHIFT);

/** A dense layer for the inner loop of bytes, rows padded to four: i32 b[rows], then W. */
export function packDenseBytes(biases: ArrayLike<number>, weights: ArrayLike<number>, sizeIn: number): Uint8Array {
  const writer = new Writer();
  const rows = alignTo(biases.length, GROUP);
  for (let row = 0; row < rows; row++) {
    const bias = biases[row] ?? 0;
    writer.i32(row % 2 === 0 ? bias ^ 0x80000000 : bias);
  }
  const weight = (_: number, row: number, column: number) =>
    row < biases.length && column < sizeIn ? (weights[row * sizeIn + column] as number) : 0;
  for (let from = 0; from < rows; from += GROUP) {
    putBytes(writer, [0], unitsFrom(from, GROUP), alignTo(sizeIn, 4), weight);
  }
  return writer.bytes();
}

const unitsFrom = (from: number, count: number): readonly number[] => Array.from({ length: count }, (_, i) => from + i);

type Matrix = "W" | "U";
type Reset = GruLayerSpec["reset"];

/** What a group is gone through for in each pass: gates over one vector. */
const PASSES: Readonly<Record<Reset, readonly (readonly (readonly [Matrix, readonly number[]])[])[]>> = {
  after: [
    [
      ["W", GATES],
      ["U", GATES],
    ],
  ],
  before: [
    [
      ["W", [R]],
      ["U", [R]],
    ],
    [
      ["W", [Z]],
      ["U", [Z]],
      ["W", [N]],
      ["U", [N]],
    ],
  ],
};

function rowsOf(model: Model, name: string, size: number, sizeIn: number): Rows {
  const [W, U] = [dataOf(model, `${name}.W`), dataOf(model, `${name}.U`)];
  const [b, c] = [dataOf(model, `${name}.b`), dataOf(model, `${name}.c`)];
  const [mx, mh] = [dataOf(model, `${name}.W.multiplier`), dataOf(model, `${name}.U.multiplier`)];
  const of = (data: ArrayLike<number>, gate: number, unit: number) =>
    unit < size ? (data[gate * size + unit] as number) : 0;
  return {
    weight(matrix, gate, unit, column) {
      const columns = matrix === "W" ? sizeIn : size;
      if (unit >= size || column >= columns) return 0;
      return (matrix === "W" ? W : U)[(gate * size + unit) * columns + column] as number;
    },
    bias: (matrix, gate, unit) => of(matrix === "W" ? b : c, gate, unit),
    multiplier: (matrix, gate, unit) => of(matrix === "W" ? mx : mh, gate, unit),
  };
}

/**
 * Proves, row by row, that no shifted sum passes i16: |bias| + I16_REACH Σ|weight| is the greatest sum there can be. (That the sums fit 32 bits is proven when
 * the model is read, host/model/bounds.ts.)
 */
export function isProven(model: Model, { layer, w, u }: GruStage): boolean {
  const fits = (weights: ArrayLike<number>, biases: ArrayLike<number>, shift: number) => {
    const columns = weights.length / biases.length;
    for (let row = 0; row < biases.length; row++) {
      let reach = 0;
      for (let k = 0; k < columns; k++) reach += Math.abs(weights[row * columns + k] as number);
      reach *= I16_REACH;
      const bias = biases[row] as number;
      if (Math.floor((bias + reach) / 2 ** shift) > I16_MAX || Math.floor((bias - reach) / 2 ** shift) < -I16_REACH)
        return false;
    }
    return true;
  };
  const data = (name: string) => dataOf(model, name);
  return (
    fits(data(w.weight), data(w.bias), layer.shift_x ?? 0) && fits(data(u.weight), data(u.bias), layer.shift_h ?? 0)
  );
}

type WeightOf = (gate: number, unit: number, column: number) => number;

type Put = (
  writer: Writer,
  gates: readonly number[],
  units: readonly number[],
  columns: number,
  weight: WeightOf,
) => void;

/** Words of 64 bits: w of the lower unit of a pair plus 2^32 times w of the upper one; by column, pair, gate. */
const putWide: Put = (writer, gates, units, columns, weight) => {
  for (let column = 0; column < columns; column++) {
    for (let pair = 0; pair < units.length; pair += 2) {
      const [lower = 0, upper = 0] = units.slice(pair);
      for (const gate of gates) {
        writer.i64(BigInt(weight(gate, lower, column)) + (BigInt(weight(gate, upper, column)) << 32n));
      }
    }
  }
};

/** Bytes, each plus 128; by gate, four columns, unit, column. */
const putBytes: Put = (writer, gates, units, columns, weight) => {
  for (const gate of gates) {
    for (let column = 0; column < columns; column += 4) {
      for (const unit of units) {
        for (let k = 0; k < 4; k++) writer.i8(weight(gate, unit, column + k) + 128);
      }
    }
  }
};

/** Bytes: by column, gate, unit. */
const putRows: Put = (writer, gates, units, columns, weight) => {
  for (let column = 0; column < columns; column++) {
    for (const gate of gates) for (const unit of units) writer.i8(weight(gate, unit, column));
  }
};

/** Columns that the inner loops take at once, how weights are stored, and whether sums share words. */
const PACKS = {
  wide: { columns: { after: 8, before: 4 }, put: putWide, isOffset: true },
  bytes: { columns: { after: 4, before: 4 }, put: putBytes, isOffset: true },
  rows: { columns: { after: 4, before: 4 }, put: putRows, isOffset: false },
} as const;

/** Appends little-endian integers. */
class Writer {
  #view = new DataView(new ArrayBuffer(1024));
  #end = 0;

  i8(value: number): void {
    const at = this.#grow(1);
    this.#view.setUint8(at, value);
  }

  i16(value: number): void {
    const at = this.#grow(2);
    this.#view.setInt16(at, value, true);
  }

  i32(value: number): void {
    const at = this.#grow(4);
    this.#view.setInt32(at, value, true);
  }

  i64(value: bigint): void {
    const at = this.#grow(8);
    this.#view.setBigInt64(at, value, true);
  }

  bytes(): Uint8Array {
    return new Uint8Array(this.#view.buffer.slice(0, this.#end));
  }

  #grow(bytes: number): number {
    const at = this.#end;
    this.#end += bytes;
    if (this.#end > this.#view.byteLength) {
      const larger = new Uint8Array(2 * this.#view.byteLength);
      larger.set(new Uint8Array(this.#view.buffer));
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }
}
