import { describe, expect, it } from "vitest";
import { I8_MAX, I16_MAX, I16_REACH, I32_MAX, Q12_UNIT, Q15_UNIT, RAW_MAX, rawOf } from "../../host/model/integers.ts";

describe("limits of integers", () => {
  it("are those of their arrays", () => {
    const stored = <T>(type: { of(value: number): ArrayLike<T> }, value: number) => type.of(value)[0];
    expect([stored(Int8Array, I8_MAX), stored(Int8Array, I8_MAX + 1)]).toEqual([127, -128]);
    expect([stored(Int16Array, I16_MAX), stored(Int16Array, I16_MAX + 1)]).toEqual([32767, -I16_REACH]);
    expect([stored(Int32Array, I32_MAX), stored(Int32Array, I32_MAX + 1)]).toEqual([2147483647, -2147483648]);
    expect(RAW_MAX).toBe(1073741824);
  });

  it("are the units of fixed point", () => {
    expect([1 / Q15_UNIT, 1 / Q12_UNIT]).toEqual([32768, 4096]);
  });
});

describe("rawOf", () => {
  it("rounds to nearest, halves up", () => {
    expect([0.25, 0.24, -0.25, -0.26, 1.75].map((value) => rawOf(value, 1))).toEqual([1, 0, 0, -1, 4]);
  });

  it("takes negative fractions", () => {
    expect(rawOf(1000, -3)).toBe(125);
  });

  it("clamps to ±2^30", () => {
    expect([1e10, -1e10, Infinity, -Infinity].map((value) => rawOf(value, 0))).toEqual([
      RAW_MAX,
      -RAW_MAX,
      RAW_MAX,
      -RAW_MAX,
    ]);
  });
});
