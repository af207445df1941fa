import { describe, expect, it } from "vitest";
import { forecastsOf, ringBytes } from "../../host/model/forecasts.ts";
import { HASH_BYTES, hashBytes } from "../../host/model/hash.ts";
import { nearest } from "../../host/model/nearest.ts";
import type { ModelSpec } from "../../host/model/types.ts";

const spec = (more: object): ModelSpec =>
  ({
    inputs: [{ name: "a", fraction: 4 }, { name: "b" }],
    outputs: [{ name: "x" }, { name: "y", forecasts: "b", fraction: 7 }, { name: "z", forecasts: "a", fraction: 9 }],
    horizon: 3,
    ...more,
  }) as unknown as ModelSpec;

describe("forecastsOf", () => {
  it("pairs outputs with the inputs that they forecast, and tells by how much raw values are shifted", () => {
    expect(forecastsOf(spec({}))).toEqual([
      { output: 1, input: 1, shift: 7 },
      { output: 2, input: 0, shift: 5 },
    ]);
    expect(forecastsOf(spec({ outputs: [{ name: "x" }] }))).toEqual([]);
    expect(forecastsOf(spec({ outputs: [{ name: "x", forecasts: "b" }] }))).toEqual([
      { output: 0, input: 1, shift: 0 },
    ]);
  });

  it("finds none where the input is a token", () => {
    expect(forecastsOf(spec({ embedding: { vocabulary: 4, size: 2 } }))).toEqual([]);
  });
});

describe("ringBytes", () => {
  it("is a head of 8 bytes, and for each forecast what is expected, its residual and `horizon` rows", () => {
    expect(ringBytes(spec({}))).toBe(8 + 4 * 2 * (2 + 3));
    expect(ringBytes(spec({ outputs: [{ name: "x" }] }))).toBe(0);
  });
});

describe("hashBytes", () => {
  it("reads the first 16 bytes of the digits", () => {
    const bytes = hashBytes(`00ff7f${"10".repeat(12)}a5${"ee".repeat(16)}`);
    expect([HASH_BYTES, ...bytes]).toEqual([16, 0, 255, 127, ...new Array(12).fill(16), 0xa5]);
  });
});

describe("nearest", () => {
  it("finds a word with up to a third of its letters wrong, one at least", () => {
    expect(nearest("spe", ["speed", "spa"])).toBe("spa");
    expect(nearest("ab", ["ax", "xy"])).toBe("ax");
    expect(nearest("abcdef", ["abcxyf"])).toBe("abcxyf");
    expect(nearest("abcdef", ["abxyzf"])).toBeUndefined();
    expect(nearest("abcde", ["abxye"])).toBeUndefined();
  });

  it("counts letters in another order as one", () => {
    expect(nearest("presusre", ["pressure", "presudre"])).toBe("pressure");
  });

  it("keeps the first of those that are as near, and the nearest of all", () => {
    expect(nearest("abc", ["abx", "aby"])).toBe("abx");
    expect(nearest("abcdef", ["abcxyf", "abcdxf"])).toBe("abcdxf");
    expect(nearest("abc", [])).toBeUndefined();
  });
});
