import { maskOf } from "../../../assembly/mcu/mac_limits";
import { gateSumsWide, gateSumsWideSat, rowSumsWide, rowSumsWideSat } from "../../../assembly/mcu/mac_wide";
import { MacCase } from "../support/mac_case";
import { vector, zeros } from "../support/memory";
import { WIDE } from "../support/pack_mcu";

/** Shifts on both sides of where 16 bits are left, and the ends. */
const SHIFTS: StaticArray<i32> = [0, 8, 15, 16, 30];

describe("gateSumsWide", () => {
  it("gives the biases when every weight is zero", () => {
    const sums = MacCase.of(3, 4, 8, -7);
    gates(sums);
    for (let row: usize = 0; row < 48; row += 4) expect(load<i32>(sums.t + row)).toBe(-7);
  });

  it("adds to two sums by one product, and undoes the borrow of a negative lower one", () => {
    const b = zeros(48 + 384);
    store<i64>(b, -1 + (2 << 32), 48); // column 0, units 0 and 1, gate r
    const x = vector<i16>([5, 0, 0, 0, 0, 0, 0, 0]);
    for (let pair: usize = 0; pair < 48; pair += 8) store<i32>(b + pair, i32.MIN_VALUE);
    const t = zeros(48);
    gateSumsWide(b, x, x + 16, t);
    expect(load<i32>(t)).toBe(-5);
    expect(load<i32>(t, 4)).toBe(10);
    expect(load<i32>(t, 8)).toBe(0);
  });

  it("is exact in three gates of four units, over one and more eights of columns", () => {
    expect(gateDifferences(8)).toBe(0);
    expect(gateDifferences(24)).toBe(0);
  });

  it("is exact over columns that only pad, whatever x holds there", () => {
    for (let columns = 1; columns < 16; columns++) expect(gateDifferences(columns)).toBe(0, `${columns} columns`);
  });

  it("is exact at the bounds of 32 bits, whichever sums are at which", () => {
    let wrong = 0;
    for (let signs = 0; signs < 4096; signs += 7) {
      const sums = MacCase.full(3, 4, 9, 8, signs);
      gates(sums);
      wrong += sums.differences();
    }
    expect(wrong).toBe(0);
  });

  it("returns the address after the weights", () => {
    const sums = new MacCase(3, 4, 9, 8);
    const b = sums.packed(WIDE);
    expect(gateSumsWide(b, sums.x, sums.end, sums.t)).toBe(b + 48 + 16 * 48);
  });

  it("clamps any one sum that passes i16, and leaves the others", () => {
    expect(gateClampFailures()).toBe(0);
  });

  it("leaves sums that do not pass i16 when they are shifted", () => {
    const sums = MacCase.of(3, 4, 8, 8388607);
    gatesSat(sums, 8);
    expect(load<i32>(sums.t)).toBe(8388607);
  });

  it("clamps the sums of random weights, each by itself", () => {
    for (let shift = 0; shift < 12; shift++) {
      const sums = new MacCase(3, 4, 19, 8);
      gatesSat(sums, shift);
      expect(sums.clampedDifferences(shift)).toBe(0, `shift ${shift}`);
    }
  });

  it("does not ask where sums are proven to fit", () => {
    const sums = MacCase.of(3, 4, 8, 70000);
    gates(sums);
    expect(load<i32>(sums.t)).toBe(70000);
  });
});

describe("rowSumsWide", () => {
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
    const b = sums.packed(WIDE);
    expect(rowSumsWide(b, sums.x, sums.end, sums.t)).toBe(b + 16 + 8 * 16);
  });

  it("clamps any one sum that passes i16, and leaves the others", () => {
    expect(rowClampFailures()).toBe(0);
  });

  it("does not ask where sums are proven to fit", () => {
    const sums = MacCase.of(1, 4, 4, -70000);
    rows(sums);
    expect(load<i32>(sums.t, 12)).toBe(-70000);
  });
});

function gates(sums: MacCase): void {
  gateSumsWide(sums.packed(WIDE), sums.x, sums.end, sums.t);
}

function gatesSat(sums: MacCase, shift: i32): void {
  gateSumsWideSat(sums.packed(WIDE), sums.x, sums.end, sums.t, maskOf(shift));
}

function rows(sums: MacCase): void {
  rowSumsWide(sums.packed(WIDE), sums.x, sums.end, sums.t);
}

function rowsSat(sums: MacCase, shift: i32): void {
  rowSumsWideSat(sums.packed(WIDE), sums.x, sums.end, sums.t, maskOf(shift));
}

function gateDifferences(columns: i32): i32 {
  const sums = new MacCase(3, 4, columns, 8);
  gates(sums);
  return sums.differences();
}

function rowDifferences(columns: i32): i32 {
  const sums = new MacCase(1, 4, columns, 4);
  rows(sums);
  return sums.differences();
}

/** One sum out of range among sums in range, in each place, at both ends, at each shift. */
function gateClampFailures(): i32 {
  let failures = 0;
  for (let i = 0; i < SHIFTS.length; i++) {
    for (let row = 0; row < 12; row++) {
      for (let end = 0; end < 4; end++) {
        const sums = MacCase.of(3, 4, 8, end & 1 ? 5 : -5);
        sums.biases[row] = MacCase.beyond(SHIFTS[i], end);
        gatesSat(sums, SHIFTS[i]);
        if (sums.clampedDifferences(SHIFTS[i]) > 0) failures++;
      }
    }
  }
  return failures;
}

function rowClampFailures(): i32 {
  let failures = 0;
  for (let i = 0; i < SHIFTS.length; i++) {
    for (let row = 0; row < 4; row++) {
      for (let end = 0; end < 4; end++) {
        const sums = MacCase.of(1, 4, 4, end & 1 ? 5 : -5);
        sums.biases[row] = MacCase.beyond(SHIFTS[i], end);
        rowsSat(sums, SHIFTS[i]);
        if (sums.clampedDifferences(SHIFTS[i]) > 0) failures++;
      }
    }
  }
  return failures;
}
