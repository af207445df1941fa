import { maskOf } from "../../../assembly/mcu/mac_limits";
import { Rows, rowSumsRows, rowSumsRowsSat } from "../../../assembly/mcu/mac_rows";
import { MacCase } from "../support/mac_case";
import { vector, zeros } from "../support/memory";
import { ROWS } from "../support/pack_mcu";

/** Shifts on both sides of where 16 bits are left, and the ends. */
const SHIFTS: StaticArray<i32> = [0, 8, 15, 16, 30];

describe("Rows.gates", () => {
  it("gives the biases when every weight is zero", () => {
    const sums = MacCase.of(3, 2, 4, -7);
    gates(sums);
    for (let row: usize = 0; row < 24; row += 4) expect(load<i32>(sums.t + row)).toBe(-7);
  });

  it("reads weights by column, gate and unit", () => {
    const b = zeros(48);
    store<i8>(b, 3, 24 + 1); // column 0, gate r, unit 1
    store<i8>(b, -4, 24 + 22); // column 3, gate n, unit 0
    const x = vector<i16>([1, 10, 100, 1000]);
    const t = zeros(24);
    Rows.gates(b, x, 1, t, 0, false);
    expect(load<i32>(t)).toBe(0);
    expect(load<i32>(t, 4)).toBe(3);
    expect(load<i32>(t, 16)).toBe(-4000);
    expect(load<i32>(t, 20)).toBe(0);
  });

  it("is exact in three gates of two units, over one and more fours of columns", () => {
    expect(gateDifferences(4)).toBe(0);
    expect(gateDifferences(16)).toBe(0);
  });

  it("is exact over columns that only pad, whatever x holds there", () => {
    for (let columns = 1; columns < 12; columns++) expect(gateDifferences(columns)).toBe(0, `${columns} columns`);
  });

  it("is exact at the bounds of 32 bits, whichever sums are at which", () => {
    for (let signs = 0; signs < 64; signs++) {
      const sums = MacCase.full(3, 2, 7, 4, signs);
      gates(sums);
      expect(sums.differences()).toBe(0, `signs ${signs}`);
    }
  });

  it("returns the address after the weights", () => {
    const sums = new MacCase(3, 2, 9, 4);
    const b = sums.packed(ROWS);
    expect(Rows.gates(b, sums.x, 3, sums.t, 0, false)).toBe(b + 24 + 12 * 6);
  });

  it("clamps any one sum that passes i16, and leaves the others", () => {
    expect(clampFailures(3, 2)).toBe(0);
  });

  it("clamps the sums of random weights, each by itself", () => {
    for (let shift = 0; shift < 12; shift++) {
      const sums = new MacCase(3, 2, 11, 4);
      gatesSat(sums, shift);
      expect(sums.clampedDifferences(shift)).toBe(0, `shift ${shift}`);
    }
  });

  it("does not ask where sums are proven to fit", () => {
    const sums = MacCase.of(3, 2, 4, 70000);
    gates(sums);
    expect(load<i32>(sums.t)).toBe(70000);
  });
});

describe("rowSumsRows", () => {
  it("is exact in one gate of four units, over one and more fours of columns", () => {
    expect(rowDifferences(4)).toBe(0);
    expect(rowDifferences(12)).toBe(0);
  });

  it("is exact over columns that only pad, whatever x holds there", () => {
    for (let columns = 1; columns < 8; columns++) expect(rowDifferences(columns)).toBe(0, `${columns} columns`);
  });

  it("is exact at the bounds of 32 bits, whichever sums are at which", () => {
    for (let signs = 0; signs < 16; signs++) {
      const sums = MacCase.full(1, 4, 5, 4, signs);
      rows(sums);
      expect(sums.differences()).toBe(0, `signs ${signs}`);
    }
  });

  it("returns the address after the weights", () => {
    const sums = new MacCase(1, 4, 5, 4);
    const b = sums.packed(ROWS);
    expect(rowSumsRows(b, sums.x, sums.end, sums.t)).toBe(b + 16 + 8 * 4);
  });

  it("clamps any one sum that passes i16, and leaves the others", () => {
    expect(clampFailures(1, 4)).toBe(0);
  });

  it("does not ask where sums are proven to fit", () => {
    const sums = MacCase.of(1, 4, 4, -70000);
    rows(sums);
    expect(load<i32>(sums.t, 12)).toBe(-70000);
  });
});

function gates(sums: MacCase): void {
  Rows.gates(sums.packed(ROWS), sums.x, i32(sums.end - sums.x) >> 3, sums.t, 0, false);
}

function gatesSat(sums: MacCase, shift: i32): void {
  Rows.gates(sums.packed(ROWS), sums.x, i32(sums.end - sums.x) >> 3, sums.t, i32(maskOf(shift)), true);
}

function rows(sums: MacCase): void {
  rowSumsRows(sums.packed(ROWS), sums.x, sums.end, sums.t);
}

function rowsSat(sums: MacCase, shift: i32): void {
  rowSumsRowsSat(sums.packed(ROWS), sums.x, sums.end, sums.t, i32(maskOf(shift)));
}

function gateDifferences(columns: i32): i32 {
  const sums = new MacCase(3, 2, columns, 4);
  gates(sums);
  return sums.differences();
}

function rowDifferences(columns: i32): i32 {
  const sums = new MacCase(1, 4, columns, 4);
  rows(sums);
  return sums.differences();
}

/** One sum out of range among sums in range, in each place, at both ends, at each shift. */
function clampFailures(gateCount: i32, units: i32): i32 {
  let failures = 0;
  for (let i = 0; i < SHIFTS.length; i++) {
    for (let row = 0; row < gateCount * units; row++) {
      for (let end = 0; end < 4; end++) {
        const sums = MacCase.of(gateCount, units, 4, end & 1 ? 5 : -5);
        sums.biases[row] = MacCase.beyond(SHIFTS[i], end);
        if (gateCount === 1) rowsSat(sums, SHIFTS[i]);
        else gatesSat(sums, SHIFTS[i]);
        if (sums.clampedDifferences(SHIFTS[i]) > 0) failures++;
      }
    }
  }
  return failures;
}
