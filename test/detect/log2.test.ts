import { describe, expect, it } from "vitest";
import { log2, squash } from "../../host/detect/log2.ts";

describe("log2", () => {
  it("is exact at powers of 2, and counts 0 as 1", () => {
    for (let n = 0; n < 32; n++) expect(log2(2 ** n)).toBe(n << 11);
    expect(log2(0)).toBe(0);
  });

  it("is within 1.5 of 2048 log2 up to 2^32 - 1, and never falls", () => {
    let [last, worst] = [-1, 0];
    for (let v = 1; v < 2 ** 32; v = Math.ceil(v * 1.0007)) {
      const value = log2(v);
      worst = Math.max(worst, Math.abs(value - 2048 * Math.log2(v)));
      expect(value).toBeGreaterThanOrEqual(last);
      last = value;
    }
    expect(worst).toBeLessThanOrEqual(1.5);
    expect(log2(2 ** 32 - 1)).toBeGreaterThan(31.99 * 2048);
  });
});

describe("squash", () => {
  it("leaves three deviations alone, and bends what is beyond towards 16", () => {
    for (const z of [0, 1, -1, 6144, -6144]) expect(squash(z)).toBe(z);
    expect(squash(6145)).toBeGreaterThanOrEqual(6144);
    expect(squash(30 << 11) / 2048).toBeCloseTo(3 * (1 + Math.log(10)), 2);
    expect(squash(-(30 << 11))).toBe(-squash(30 << 11));
    expect(squash(2 ** 31 - 1)).toBe(32767);
    expect(squash(-(2 ** 31))).toBe(-32767);
  });
});
