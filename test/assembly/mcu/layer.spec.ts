// Every layer runs through the functions of assembly/mcu/q15.ts: three packs, reset-after and reset-before, sums proven to fit or saturated.

import { affineBytes } from "../../../assembly/mcu/layer";
import { Advance, stateAfterZeros } from "../support/advance";
import { extreme, stepInIntegers } from "../support/gru_integers";
import { placeTable } from "../support/mcu_table";
import { zeros } from "../support/memory";
import { BYTES, Matrix, McuLayer, padded, ROWS, Tape, WIDE } from "../support/pack_mcu";
import { GruQ15 } from "../support/pack_q15";
import { integer, integers } from "../support/random";

placeTable();

/** Sizes on both sides of a group of four units and of eight columns. */
const SIZES: StaticArray<i32> = [1, 3, 4, 5, 8, 9, 20];

/** At this shift no sum of the layers here passes i16. */
const PROVEN: i32 = 12;

describe("Layer, wide", () => {
  it("keeps a zero state when every weight is zero", () => {
    expect(stateAfterZeros(WIDE, false, true, 0)).toBe(0);
    expect(stateAfterZeros(WIDE, true, true, 0)).toBe(0);
  });

  it("halves the state then: z is one half and n zero", () => {
    expect(stateAfterZeros(WIDE, false, true, 16384)).toBe(8192);
    expect(stateAfterZeros(WIDE, true, true, 16384)).toBe(8192);
  });

  it("computes the integers of FORMAT.md 5.2, reset-after, sums proven to fit", () => {
    expect(wrongSizes(WIDE, false, true, PROVEN)).toBe(0);
  });

  it("computes the integers of FORMAT.md 5.2, reset-before, sums proven to fit", () => {
    expect(wrongSizes(WIDE, true, true, PROVEN)).toBe(0);
  });

  it("saturates sums that pass i16, reset-after", () => {
    for (let shift = 4; shift <= 8; shift++) expect(wrongSizes(WIDE, false, false, shift)).toBe(0, `shift ${shift}`);
  });

  it("saturates sums that pass i16, reset-before", () => {
    for (let shift = 4; shift <= 8; shift++) expect(wrongSizes(WIDE, true, false, shift)).toBe(0, `shift ${shift}`);
  });

  it("saturates biases at the ends of 32 bits at every shift", () => {
    expect(wrongExtremes(WIDE, false)).toBe(0);
    expect(wrongExtremes(WIDE, true)).toBe(0);
  });

  it("shifts and saturates the sums over x and over h apart from each other", () => {
    expect(wrongShifts(WIDE, false)).toBe(0);
    expect(wrongShifts(WIDE, true)).toBe(0);
  });
});

describe("Layer, bytes", () => {
  it("keeps a zero state when every weight is zero", () => {
    expect(stateAfterZeros(BYTES, false, true, 0)).toBe(0);
    expect(stateAfterZeros(BYTES, true, true, 0)).toBe(0);
  });

  it("halves the state then: z is one half and n zero", () => {
    expect(stateAfterZeros(BYTES, false, true, 16384)).toBe(8192);
    expect(stateAfterZeros(BYTES, true, true, 16384)).toBe(8192);
  });

  it("computes the integers of FORMAT.md 5.2, reset-after, sums proven to fit", () => {
    expect(wrongSizes(BYTES, false, true, PROVEN)).toBe(0);
  });

  it("computes the integers of FORMAT.md 5.2, reset-before, sums proven to fit", () => {
    expect(wrongSizes(BYTES, true, true, PROVEN)).toBe(0);
  });

  it("saturates sums that pass i16, reset-after", () => {
    for (let shift = 4; shift <= 8; shift++) expect(wrongSizes(BYTES, false, false, shift)).toBe(0, `shift ${shift}`);
  });

  it("saturates sums that pass i16, reset-before", () => {
    for (let shift = 4; shift <= 8; shift++) expect(wrongSizes(BYTES, true, false, shift)).toBe(0, `shift ${shift}`);
  });

  it("saturates biases at the ends of 32 bits at every shift", () => {
    expect(wrongExtremes(BYTES, false)).toBe(0);
    expect(wrongExtremes(BYTES, true)).toBe(0);
  });

  it("shifts and saturates the sums over x and over h apart from each other", () => {
    expect(wrongShifts(BYTES, false)).toBe(0);
    expect(wrongShifts(BYTES, true)).toBe(0);
  });
});

describe("Layer, rows", () => {
  it("keeps a zero state when every weight is zero", () => {
    expect(stateAfterZeros(ROWS, false, true, 0)).toBe(0);
    expect(stateAfterZeros(ROWS, true, true, 0)).toBe(0);
  });

  it("halves the state then: z is one half and n zero", () => {
    expect(stateAfterZeros(ROWS, false, true, 16384)).toBe(8192);
    expect(stateAfterZeros(ROWS, true, true, 16384)).toBe(8192);
  });

  it("computes the integers of FORMAT.md 5.2, reset-after, sums proven to fit", () => {
    expect(wrongSizes(ROWS, false, true, PROVEN)).toBe(0);
  });

  it("computes the integers of FORMAT.md 5.2, reset-before, sums proven to fit", () => {
    expect(wrongSizes(ROWS, true, true, PROVEN)).toBe(0);
  });

  it("saturates sums that pass i16, reset-after", () => {
    for (let shift = 4; shift <= 8; shift++) expect(wrongSizes(ROWS, false, false, shift)).toBe(0, `shift ${shift}`);
  });

  it("saturates sums that pass i16, reset-before", () => {
    for (let shift = 4; shift <= 8; shift++) expect(wrongSizes(ROWS, true, false, shift)).toBe(0, `shift ${shift}`);
  });

  it("saturates biases at the ends of 32 bits at every shift", () => {
    expect(wrongExtremes(ROWS, false)).toBe(0);
    expect(wrongExtremes(ROWS, true)).toBe(0);
  });

  it("shifts and saturates the sums over x and over h apart from each other", () => {
    expect(wrongShifts(ROWS, false)).toBe(0);
    expect(wrongShifts(ROWS, true)).toBe(0);
  });
});

describe("affineBytes", () => {
  it("gives the biases when every weight is zero", () => {
    expect(affine([0, 0, 0, 0], [1, -2, 3, -4])[0]).toBe(1);
    expect(affine([0, 0, 0, 0], [1, -2, 3, -4])[3]).toBe(-4);
  });

  it("adds the products of rows that are padded to four", () => {
    const y = affine([1, 2, 3, -4, 5, -6], [100, 200]); // x = 1, 2, 3
    expect(y[0]).toBe(114);
    expect(y[1]).toBe(188);
    expect(y[2]).toBe(0);
    expect(y[3]).toBe(0);
  });

  it("is exact over any number of rows and columns", () => {
    let wrong = 0;
    for (let rows = 1; rows < 10; rows++) {
      for (let columns = 1; columns < 10; columns++) {
        const w = integers(rows * columns, -127, 127);
        const b = integers(rows, -1000000, 1000000);
        const y = affine(w, b);
        for (let row = 0; row < rows; row++) {
          let sum = b[row];
          for (let k = 0; k < columns; k++) sum += w[row * columns + k] * (k + 1);
          if (y[row] !== sum) wrong++;
        }
      }
    }
    expect(wrong).toBe(0);
  });
});

/** Layers of unlike shifts that differ: only sums over x, or only those over h, need saturation, often only one of a group. */
function wrongShifts(pack: i32, isBefore: bool): i32 {
  let wrong = 0;
  for (let turn = 0; turn < 40; turn++) {
    const layer = new GruQ15(1 + (turn & 2), 1 + (turn & 4), isBefore);
    layer.shiftX = turn & 1 ? 5 : 12;
    layer.shiftH = turn & 1 ? 12 : 5;
    if (differences(layer, pack, false) > 0) wrong++;
  }
  return wrong;
}

/** Layers of all sizes, whose states over 20 steps differ from FORMAT.md 5.2 computed in 64 bits. */
function wrongSizes(pack: i32, isBefore: bool, isProven: bool, shift: i32): i32 {
  let wrong = 0;
  for (let i = 0; i < SIZES.length; i++) {
    for (let sizeIn = 1; sizeIn <= 9; sizeIn += 2) {
      const layer = new GruQ15(sizeIn, SIZES[i], isBefore);
      layer.shiftX = shift;
      layer.shiftH = shift;
      if (differences(layer, pack, isProven) > 0) wrong++;
    }
  }
  return wrong;
}

/** Number of states over 20 steps that differ; what only pads x is anything, and what follows the state has to stay. */
function differences(layer: GruQ15, pack: i32, isProven: bool): i32 {
  const packed = new McuLayer(layer, pack);
  const advance = new Advance(packed);
  const expected = new StaticArray<i32>(layer.size);
  for (let i = packed.units; i < packed.columnsH + 4; i++) store<i16>(advance.h + usize(2 * i), 12345);
  let count = 0;
  for (let step = 0; step < 20; step++) {
    for (let k = 0; k < packed.columnsX; k++) store<i16>(advance.x + usize(2 * k), i16(integer(-32768, 32767)));
    advance.step(isProven);
    stepInIntegers(layer, advance.x, expected, layer.isBefore);
    for (let i = 0; i < layer.size; i++) if (i32(load<i16>(advance.h + usize(2 * i))) !== expected[i]) count++;
    for (let i = layer.size; i < packed.units; i++) if (load<i16>(advance.h + usize(2 * i)) !== 0) count++;
    for (let i = packed.units; i < packed.columnsH + 4; i++) {
      if (load<i16>(advance.h + usize(2 * i)) !== 12345) count++;
    }
  }
  return count;
}

/** Layers of biases from end to end of i32 that differ. */
function wrongExtremes(pack: i32, isBefore: bool): i32 {
  let wrong = 0;
  for (let shift = 0; shift <= 30; shift += 3) {
    if (differences(extreme(20, shift, isBefore), pack, false) > 0) wrong++;
  }
  return wrong;
}

/** t of a dense layer over x = 1, 2, 3 and so on. */
function affine(w: StaticArray<i32>, b: StaticArray<i32>): StaticArray<i32> {
  const columns = w.length / b.length;
  const rows = padded(b.length, 4);
  const tape = new Tape(1 << 12);
  for (let row = 0; row < rows; row++) tape.bias(row < b.length ? b[row] : 0, row, BYTES);
  const matrix = new Matrix(w, b.length, columns);
  for (let row = 0; row < rows; row += 4) tape.weights(matrix, BYTES, 0, 0, row, 4, padded(columns, 4));
  const x = zeros(2 * padded(columns, 4));
  for (let k = 0; k < columns; k++) store<i16>(x + usize(2 * k), i16(k + 1));
  const t = zeros(4 * rows);
  affineBytes(tape.address, x, x + usize(2 * padded(columns, 4)), t, rows);
  const y = new StaticArray<i32>(rows);
  for (let row = 0; row < rows; row++) y[row] = load<i32>(t + usize(4 * row));
  return y;
}
