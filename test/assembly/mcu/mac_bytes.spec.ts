import { rowSumsBytes, total128 } from "../../../assembly/mcu/mac_bytes";
import { MacCase } from "../support/mac_case";
import { vector, zeros } from "../support/memory";
import { BYTES } from "../support/pack_mcu";

describe("total128", () => {
  it("is 128 times the sum of the elements", () => {
    const x = vector<i16>([1, -3, 100]);
    expect(total128(x, x + 2)).toBe(128);
    expect(total128(x, x + 6)).toBe(12544);
  });

  it("is negative for a negative sum", () => {
    const x = vector<i16>([-32768, 1]);
    expect(total128(x, x + 4)).toBe(-4194176);
  });
});

describe("rowSumsBytes", () => {
  it("gives the biases when every weight is zero, and takes off what 128 for each adds up to", () => {
    const sums = MacCase.of(1, 4, 4, -7);
    compute(sums);
    for (let row: usize = 0; row < 16; row += 4) expect(load<i32>(sums.t + row)).toBe(-7);
  });

  it("reads a weight as a byte less 128, rows by fours of columns", () => {
    const b = zeros(32);
    memory.fill(b + 16, 128, 16);
    store<u8>(b, 1, 16 + 2); // row 0, column 2: -127
    store<u8>(b, 255, 16 + 7); // row 1, column 3: 127
    const x = vector<i16>([10, 100, 1000, 10000]);
    store<i32>(b, i32.MIN_VALUE);
    store<i32>(b, i32.MIN_VALUE, 8);
    const t = zeros(16);
    rowSumsBytes(b, x, x + 8, t, t + 16, 128 * 11110);
    expect(load<i32>(t)).toBe(-127000);
    expect(load<i32>(t, 4)).toBe(1270000);
    expect(load<i32>(t, 8)).toBe(0);
    expect(load<i32>(t, 12)).toBe(0);
  });

  it("is exact in four rows, over one and more fours of columns", () => {
    expect(differences(1, 4)).toBe(0);
    expect(differences(1, 16)).toBe(0);
  });

  it("is exact in groups of four rows that follow each other", () => {
    expect(differences(2, 4)).toBe(0);
    expect(differences(3, 12)).toBe(0);
  });

  it("is exact over columns that only pad, whatever x holds there", () => {
    for (let columns = 1; columns < 12; columns++) expect(differences(3, columns)).toBe(0, `${columns} columns`);
  });

  it("is exact at the bounds of 32 bits, whichever sums are at which", () => {
    for (let signs = 0; signs < 16; signs++) {
      const sums = MacCase.full(1, 4, 7, 4, signs);
      compute(sums);
      expect(sums.differences()).toBe(0, `signs ${signs}`);
    }
  });

  it("is exact where 128 times the sum of x is at its ends", () => {
    expect(endDifferences(-32768)).toBe(0);
    expect(endDifferences(32767)).toBe(0);
  });

  it("returns the address after the weights", () => {
    const sums = new MacCase(3, 4, 9, 4);
    const b = sums.packed(BYTES);
    expect(rowSumsBytes(b, sums.x, sums.end, sums.t, sums.t + 48, 0)).toBe(b + 48 + 12 * 12);
  });
});

function compute(sums: MacCase): void {
  const tEnd = sums.t + usize(16 * sums.gates);
  rowSumsBytes(sums.packed(BYTES), sums.x, sums.end, sums.t, tEnd, total128(sums.x, sums.end));
}

/** Sums of `groups` of four rows that are not exact. */
function differences(groups: i32, columns: i32): i32 {
  const sums = new MacCase(groups, 4, columns, 4);
  compute(sums);
  return sums.differences();
}

/** The same over 24 columns of one value, with weights that keep the sums within 32 bits. */
function endDifferences(value: i32): i32 {
  const sums = new MacCase(1, 4, 24, 4);
  for (let k = 0; k < 24; k++) sums.put(k, value);
  compute(sums);
  return sums.differences();
}
