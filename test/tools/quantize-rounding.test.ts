import { describe, expect, it } from "vitest";
import { biasCorrection } from "../../tools/quantize/bias.ts";
import { roundCompensated } from "../../tools/quantize/compensate.ts";
import { factorHessian, Moments } from "../../tools/quantize/hessian.ts";
import { Histogram } from "../../tools/quantize/histogram.ts";
import { RangeFinder } from "../../tools/quantize/ranges.ts";
import { SegmentKeeper } from "../../tools/quantize/segments.ts";
import { gaussian, mulberry32 } from "../support/random.ts";

/** Integers as they are. */
const units = (size: number) => ({ columns: new Float64Array(size).fill(1), constants: new Float64Array(size) });

/** Vectors whose elements all follow two hidden waves. */
function correlated(size: number, count: number, seed: number): Float64Array[] {
  const random = mulberry32(seed);
  return Array.from({ length: count }, () => {
    const [a, b] = [gaussian(random), gaussian(random)];
    return Float64Array.from({ length: size }, (_, k) => 1000 * (a + b * Math.cos(k)) + 100 * gaussian(random) + 300);
  });
}

function momentsOf(vectors: readonly Float64Array[]): Moments {
  const moments = new Moments(vectors[0]?.length ?? 0);
  for (const v of vectors) moments.observe(v);
  return moments;
}

describe("factorHessian", () => {
  it("gives back the damped Hessian", () => {
    const N = 5;
    const hessian = momentsOf(correlated(N, 200, 1)).hessian(units(N), false);
    const { order, upper, costs } = factorHessian(hessian, N);
    const damping = Array.from({ length: N }, (_, k) => hessian[k * N + k] as number).reduce((a, b) => a + b) / N / 100;
    const R = (j: number, k: number) => (j === k ? 1 : j < k ? (upper[k * N + j] as number) : 0);
    for (let i = 0; i < N; i++) {
      for (let j = 0; j < N; j++) {
        const product = costs.reduce((sum, cost, k) => sum + R(i, k) * cost * R(j, k), 0);
        const wanted = (hessian[(order[i] as number) * N + (order[j] as number)] as number) + (i === j ? damping : 0);
        expect(product / wanted).toBeCloseTo(1, 9);
      }
    }
  });

  it("keeps columns that are always zero apart from the others", () => {
    const { costs, upper } = factorHessian(new Float64Array(9), 3);
    expect([...costs]).toEqual([1, 1, 1]);
    expect([...upper]).toEqual(new Array(9).fill(0));
  });
});

describe("roundCompensated", () => {
  it("reduces a row's error on the data to less than half of rounding to nearest", () => {
    const [N, rows] = [24, 40];
    const vectors = correlated(N, 500, 2);
    const factor = factorHessian(momentsOf(vectors).hessian(units(N), false), N);
    const random = mulberry32(3);
    let [nearest, compensated] = [0, 0];
    for (let row = 0; row < rows; row++) {
      const values = Float64Array.from({ length: N }, () => 20 * gaussian(random));
      const error = (weights: Float64Array) =>
        vectors.reduce(
          (sum, v) => sum + v.reduce((s, x, k) => s + x * ((values[k] as number) - (weights[k] as number)), 0) ** 2,
          0,
        );
      nearest += error(values.map(Math.round));
      compensated += error(roundCompensated(values, 1, factor).weights);
    }
    expect(compensated).toBeLessThan(0.5 * nearest);
  });

  it("saturates at ±127", () => {
    const factor = factorHessian(momentsOf(correlated(4, 50, 4)).hessian(units(4), false), 4);
    const { weights } = roundCompensated(Float64Array.of(500, -500, 3, 4), 1, factor);
    expect([...weights].every((weight) => Math.abs(weight) <= 127)).toBe(true);
  });
});

describe("biasCorrection", () => {
  it("is the mean of what rounding took from the row's sum", () => {
    const values = Float64Array.of(1.25, -2.5);
    expect(biasCorrection(values, [1, -3], 1, Float64Array.of(100, 10))).toBe(0.25 * 100 + 0.5 * 10);
  });
});

describe("Histogram", () => {
  it("leaves the given share outside its limits, whatever order of magnitude comes first", () => {
    for (const first of [0, 1e-9, -3, 1e6]) {
      const histogram = new Histogram();
      const random = mulberry32(5);
      histogram.observe(first);
      for (let i = 0; i < 100_000; i++) histogram.observe(100 * random());
      const { min, max } = histogram.limits(0.01);
      expect(Math.abs(min - 1)).toBeLessThan(0.1 + histogram.width);
      expect(Math.abs(max - 99)).toBeLessThan(0.1 + histogram.width);
      expect(histogram.width).toBeLessThan(Math.max(100, first) / 1000);
    }
  });

  it("keeps the least and greatest value exactly", () => {
    const histogram = new Histogram();
    for (const value of [3, -7.25, 1e12, 5]) histogram.observe(value);
    expect(histogram).toMatchObject({ min: -7.25, max: 1e12, count: 4 });
  });
});

describe("RangeFinder", () => {
  const finder = (values: Iterable<number>) => {
    const found = new RangeFinder(1);
    for (const value of values) found.observe(Float64Array.of(value));
    return found;
  };
  const range = (found: RangeFinder, method: "minmax" | "percentile" | "error", offset = 0) =>
    found.range(0, { method, margin: 0, offset });

  it("takes a million values without growing", () => {
    const random = mulberry32(6);
    const found = new RangeFinder(1);
    const sample = new Float64Array(1);
    found.observe(sample);
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 1_000_000; i++) {
      sample[0] = -Math.log(1 - random());
      found.observe(sample);
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4e6);
    const { min, max } = range(found, "percentile");
    expect(min).toBeCloseTo(0.0005, 2);
    expect(max).toBeCloseTo(-Math.log(0.0005), 0);
  });

  it("cuts off rare outliers by percentile and keeps them by min-max", () => {
    const values = Array.from({ length: 10_000 }, (_, i) => (i === 77 ? 500 : Math.sin(i)));
    expect(range(finder(values), "minmax").max).toBe(500);
    expect(range(finder(values), "percentile").max).toBeLessThan(1.3);
  });

  it("keeps what is dear to cut off by error, and cuts what is cheaper than a bit", () => {
    const values = Array.from({ length: 10_000 }, (_, i) => (i === 77 ? 500 : Math.sin(i)));
    expect(range(finder(values), "error").max).toBe(500);
    // 16384.6 needs one more bit than 16383.5: an error of 1.1 in one of 20,000 costs less than that bit for all.
    const edge = Array.from({ length: 20_000 }, (_, i) => (i === 77 ? 16384.6 : 16000 * Math.sin(i)));
    expect(range(finder(edge), "error").max).toBe(16383.5);
  });

  it("follows the model's offset by error", () => {
    const values = Array.from({ length: 1000 }, (_, i) => 1000 + Math.sin(i));
    const { min, max } = range(finder(values), "error", 1000);
    expect(max - min).toBeCloseTo(2, 3);
  });
});

describe("SegmentKeeper", () => {
  const keep = (count: number, limit: number) => {
    const keeper = new SegmentKeeper(1, count, limit);
    for (let t = 0; t < count; t++) keeper.observe(Float64Array.of(t));
    return [...keeper.samples];
  };

  it("keeps everything that fits", () => {
    expect(keep(5, 8)).toEqual([0, 1, 2, 3, 4]);
  });

  it("keeps pieces from the first to the last sample", () => {
    const kept = keep(1000, 32);
    expect(kept).toHaveLength(32);
    expect(kept.slice(0, 5)).toEqual([0, 1, 2, 3, 142]);
    expect(kept.at(-1)).toBe(999);
  });
});
