// Numbers worked out by hand.

import { describe, expect, it } from "vitest";
import { biasCorrection } from "../../../tools/quantize/bias.ts";
import { Comparison } from "../../../tools/quantize/compare.ts";
import { roundCompensated, roundNearest } from "../../../tools/quantize/compensate.ts";
import { factorHessian, Moments } from "../../../tools/quantize/hessian.ts";
import { Magnitudes } from "../../../tools/quantize/magnitudes.ts";
import { SegmentKeeper, sampleLimit } from "../../../tools/quantize/segments.ts";

const f64 = (...values: number[]) => Float64Array.from(values);

describe("roundNearest", () => {
  it("rounds to units, halves upwards, and weighs the squared errors by column", () => {
    const { weights, error } = roundNearest(f64(1, -1.3, 2.5), 0.5, f64(1, 10, 100));
    expect([...weights]).toEqual([2, -3, 5]);
    expect(error).toBeCloseTo(10 * 0.2 ** 2, 12);
    expect([...roundNearest(f64(0.5, -0.5, 1.5), 1, f64(1, 1, 1)).weights]).toEqual([1, -0, 2]);
  });

  it("saturates at ±127, and counts what that costs", () => {
    const { weights, error } = roundNearest(f64(130, -200), 1, f64(1, 2));
    expect([...weights]).toEqual([127, -127]);
    expect(error).toBe(3 ** 2 + 2 * 73 ** 2);
  });
});

describe("roundCompensated", () => {
  // Column 1 is rounded first; column 0 takes over half of its error.
  const factor = { order: [1, 0], upper: f64(0, 0, 0.5, 0), costs: f64(4, 3) };

  it("hands the error of a column on to those behind it", () => {
    const { weights, error } = roundCompensated(f64(1.3, 2.4), 1, factor);
    // 2.4 → 2, an error of 0.4; 1.3 + 0.2 → 2.
    expect([...weights]).toEqual([2, 2]);
    expect(error).toBeCloseTo(4 * 0.4 ** 2 + 3 * 0.5 ** 2, 12);
  });

  it("judges rounding to nearest by the same error", () => {
    const { weights, error } = roundCompensated(f64(1.3, 2.4), 1, factor, false);
    expect([...weights]).toEqual([1, 2]);
    expect(error).toBeCloseTo(4 * 0.4 ** 2 + 3 * 0.5 ** 2, 12);
  });

  it("counts the error in real units", () => {
    const { weights, error } = roundCompensated(f64(0.65, 1.2), 0.5, factor);
    expect([...weights]).toEqual([2, 2]);
    expect(error).toBeCloseTo(4 * 0.2 ** 2 + 3 * 0.25 ** 2, 12);
  });

  it("takes over the errors of several columns", () => {
    const three = { order: [0, 1, 2], upper: f64(0, 0, 0, 1, 0, 0, 1, -1, 0), costs: f64(1, 1, 1) };
    // 0.4 → 0; 0.2 + 0.4 → 1, an error of 0.2 - 1 = -0.8; 0.1 + 0.4 + 0.8 = 1.3 → 1.
    const { weights, error } = roundCompensated(f64(0.4, 0.2, 0.1), 1, three);
    expect([...weights]).toEqual([0, 1, 1]);
    expect(error).toBeCloseTo(0.16 + 0.16 + 0.09, 12);
  });
});

describe("biasCorrection", () => {
  it("is the mean of what rounding took from the row's sum, in real units", () => {
    expect(biasCorrection(f64(0.7, -1.2), [1, -2], 0.5, f64(10, 100))).toBeCloseTo(0.2 * 10 - 0.2 * 100, 12);
  });
});

describe("Moments", () => {
  const moments = () => {
    const found = new Moments(2);
    found.observe(f64(1, 2));
    found.observe(f64(3, 0));
    found.observe(f64(0, 4));
    return found;
  };
  const signal = { columns: f64(0.5, 2), constants: f64(1, -1) };

  it("tells the mean in integers", () => {
    expect(moments().count).toBe(3);
    expect([...moments().mean(signal)]).toEqual([(4 / 3 - 1) / 0.5, (2 + 1) / 2]);
  });

  it("tells E[v vᵀ] in integers, about the mean or not", () => {
    // Var x = 10/3 - 16/9, Var y = 20/3 - 4, Cov = 2/3 - 8/3.
    const centred = [...moments().hessian(signal, true)];
    const wanted = [14 / 9 / 0.25, -2, -2, 8 / 3 / 4];
    centred.forEach((value, i) => {
      expect(value).toBeCloseTo(wanted[i] as number, 12);
    });
    const mean = [2 / 3, 3 / 2] as const;
    const whole = [...moments().hessian(signal, false)];
    const products = [mean[0] ** 2, mean[0] * mean[1], mean[0] * mean[1], mean[1] ** 2];
    whole.forEach((value, i) => {
      expect(value).toBeCloseTo((wanted[i] as number) + (products[i] as number), 12);
    });
  });

  it("is all zeros before the first vector", () => {
    const none = new Moments(2);
    const plain = { columns: f64(1, 1), constants: f64(0, 0) };
    expect([...none.mean(plain)]).toEqual([0, 0]);
    expect([...none.hessian(plain, false)]).toEqual([0, 0, 0, 0]);
  });
});

describe("factorHessian", () => {
  it("factors a matrix of two columns, the heavier one first", () => {
    // Damping: 1 % of (2 + 8) / 2 = 0.05. Order 1, 0: D1 = 2.05, R01 = 3 / 2.05, D0 = 8.05 - 9 / 2.05.
    const { order, upper, costs } = factorHessian(f64(2, 3, 3, 8), 2);
    expect(order).toEqual([1, 0]);
    expect(costs[1]).toBeCloseTo(2.05, 12);
    expect(costs[0]).toBeCloseTo(8.05 - 9 / 2.05, 12);
    expect(upper[2]).toBeCloseTo(3 / 2.05, 12);
    expect([upper[0], upper[1], upper[3]]).toEqual([0, 0, 0]);
  });

  it("keeps the order of columns that weigh the same", () => {
    expect(factorHessian(f64(5, 0, 0, 0, 5, 0, 0, 0, 5), 3).order).toEqual([0, 1, 2]);
    expect(factorHessian(f64(1, 0, 0, 0, 5, 0, 0, 0, 5), 3).order).toEqual([1, 2, 0]);
  });

  it("holds pivots at the damping where rounding would push them below", () => {
    // Not positive definite: 1 - 4 / 1.01 < 0.
    const { costs } = factorHessian(f64(1, 2, 2, 1), 2);
    expect(costs[1]).toBeCloseTo(1.01, 12);
    expect(costs[0]).toBeCloseTo(0.01, 12);
    // A diagonal below 0 counts as 0.
    expect(factorHessian(f64(-1, 0, 0, 4), 2).costs[1]).toBeCloseTo(0.02, 12);
  });
});

describe("Magnitudes", () => {
  const observed = (...values: number[]) => {
    const found = new Magnitudes(2);
    for (const value of values) found.observe(f64(0.001, value));
    return found;
  };

  it("tells the greatest magnitude of each row", () => {
    const found = observed(1, -5, 3);
    expect([found.greatest(0), found.greatest(1)]).toEqual([0.001, 5]);
  });

  it("tells the magnitude that all but a tail keep to, to an eighth of a doubling", () => {
    const found = observed(...Array.from({ length: 99 }, () => 1.02), -100);
    expect(found.limit(1, 0.01)).toBeCloseTo(2 ** (1 / 8), 12);
    expect(found.limit(1, 0.009)).toBe(100);
    expect(found.limit(1, 0)).toBe(100);
    expect(found.limit(0, 0.5)).toBe(0.001);
  });

  it("counts values beyond its bins in the outermost ones", () => {
    expect(observed(1e9, 1e9).limit(1, 0)).toBe(2 ** 12);
    expect(observed(1e-9, 0).limit(1, 0)).toBe(1e-9);
    expect(observed(0, 0).limit(1, 0)).toBe(0);
  });

  it("tells the mean square of what is cut off, by the upper ends of the bins", () => {
    // 4 and 9 of four values lie beyond 3; the bin of 4 ends at 4 · 2^(1/8), the greatest value at 9.
    const found = observed(1, 2, 4, -9);
    const ends = [4 * 2 ** (1 / 8), 9];
    const squares = ends.reduce((sum, end) => sum + (end - 3) ** 2, 0);
    expect(found.cutSquare(1, 3, Infinity)).toBeCloseTo(squares / 4, 10);
    expect(found.cutSquare(1, 3, 5)).toBeCloseTo(((ends[0] as number) - 3) ** 2 / 4 + 2 ** 2 / 4, 10);
    expect(found.cutSquare(1, 9, Infinity)).toBe(0);
    expect(found.cutSquare(1, 4, 3)).toBe(0);
    expect(found.cutSquare(0, 3, Infinity)).toBe(0);
  });
});

describe("SegmentKeeper", () => {
  const keep = (count: number, limit: number, width = 1) => {
    const keeper = new SegmentKeeper(width, count, limit);
    for (let t = 0; t < count + 3; t++) keeper.observe(new Float64Array(width).fill(t));
    return [...keeper.samples];
  };

  it("keeps all that it was told of, and none behind them", () => {
    expect(keep(4, 4)).toEqual([0, 1, 2, 3]);
    expect(keep(3, 4, 2)).toEqual([0, 0, 1, 1, 2, 2]);
    expect(keep(0, 4)).toEqual([]);
  });

  it("keeps eight pieces, spread evenly, of more", () => {
    expect(keep(100, 16)).toEqual([0, 14, 28, 42, 56, 70, 84, 98].flatMap((t) => [t, t + 1]));
    expect(keep(100, 17)).toHaveLength(16);
  });

  it("keeps single samples where fewer than eight are wanted", () => {
    expect(keep(5, 4)).toEqual([0, 1, 2, 4]);
    expect(keep(10, 2)).toEqual([0, 9]);
    expect(keep(10, 1)).toEqual([0]);
  });
});

describe("sampleLimit", () => {
  it("is 8192 samples, fewer for large models, and never below 256", () => {
    expect([1, 400_000, 488_281, 488_282, 1_000_000, 15_625_000, 1e9].map(sampleLimit)).toEqual([
      8192, 8192, 8192, 8191, 4000, 256, 256,
    ]);
  });
});

describe("Comparison", () => {
  it("tells the error of each output, and the span of the f32 predictions", () => {
    const session = (rows: number[][]) => ({ step: () => f64(...(rows.shift() ?? [])) }) as never;
    const exact = session([
      [1, 5],
      [3, 5],
      [-1, 5],
    ]);
    const rounded = session([
      [1, 4],
      [0, 5],
      [3, 5],
    ]);
    const comparison = new Comparison(exact, rounded, 2);
    for (let t = 0; t < 3; t++) comparison.observe([0]);
    expect(comparison.count).toBe(3);
    expect(comparison.errors).toEqual([
      { max: 4, rms: Math.sqrt(25 / 3), span: 4 },
      { max: 1, rms: Math.sqrt(1 / 3), span: 0 },
    ]);
  });
});
