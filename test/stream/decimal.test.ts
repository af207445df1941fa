import { describe, expect, it } from "vitest";
import { parseDecimal, parseDecimalComma } from "../../host/stream/decimal.ts";

describe("parseDecimal", () => {
  it.each([
    ["0", 0],
    ["-12.75", -12.75],
    ["+1.5e-3", 0.0015],
    [" 5. ", 5],
    [".5", 0.5],
    ["007", 7],
    ["1E3\r", 1000],
  ])("reads %j", (text, value) => {
    expect(parseDecimal(text)).toBe(value);
  });

  it.each(["", " ", "0x12", " 0B11", "0o17", "NaN", "Infinity", "-inf", "1e999", "1,5", "1_000", "5 V", "-", "."])(
    "answers undefined for %j",
    (text) => {
      expect(parseDecimal(text)).toBeUndefined();
    },
  );
});

describe("parseDecimalComma", () => {
  it("reads a comma as the point, and refuses a point", () => {
    expect(["21,5", "-,5", "7", "1.234,5", "2.5", "1,2,3"].map(parseDecimalComma)).toEqual([
      21.5,
      -0.5,
      7,
      undefined,
      undefined,
      undefined,
    ]);
  });
});
