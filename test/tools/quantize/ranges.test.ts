import { describe, expect, it } from "vitest";
import { CliError, UsageError } from "../../../tools/errors.ts";
import { Histogram } from "../../../tools/quantize/histogram.ts";
import { chooseRanges, parseRanges, RangeFinder, type RangeSources } from "../../../tools/quantize/ranges.ts";

function histogramOf(values: Iterable<number>): Histogram {
  const histogram = new Histogram();
  for (const value of values) histogram.observe(value);
  return histogram;
}

/** 0, 1, … count - 1. */
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);

describe("Histogram", () => {
  it("knows count, least and greatest value", () => {
    expect(new Histogram()).toMatchObject({ count: 0, min: Infinity, max: -Infinity, width: 0 });
    expect(histogramOf([4, -2, 3])).toMatchObject({ count: 3, min: -2, max: 4 });
  });

  it("begins with bins of 2^-44 of its first value, of 2^-44 for a zero", () => {
    expect(histogramOf([8]).width).toBe(8 * 2 ** -44);
    expect(histogramOf([-8]).width).toBe(8 * 2 ** -44);
    expect(histogramOf([0]).width).toBe(2 ** -44);
  });

  it("doubles its bins until a value fits, upwards and downwards", () => {
    // 4096 bins from 1 on: 4 needs 2^-44 · 2^k · 4096 > 3, so k = 34.
    expect(histogramOf([1, 4]).width).toBe(2 ** -10);
    expect(histogramOf([1, 5]).width).toBe(2 ** -9);
    // Downwards each doubling reaches as far below as the bins were wide.
    expect(histogramOf([1, -2]).width).toBe(2 ** -10);
    expect(histogramOf([1, -3.5]).width).toBe(2 ** -9);
  });

  it("finds the limits within which all but a tail lie, to a bin", () => {
    const histogram = histogramOf(upTo(1000));
    const { min, max } = histogram.limits(0.01);
    // Ten values lie below 10, ten above 989.
    expect(min).toBeGreaterThanOrEqual(10 - histogram.width);
    expect(min).toBeLessThanOrEqual(10);
    expect(max).toBeGreaterThanOrEqual(989);
    expect(max).toBeLessThanOrEqual(989 + histogram.width);
    expect(histogram.limits(0)).toEqual({ min: 0, max: 999 });
  });

  it("keeps counts when bins are merged, from either side", () => {
    for (const far of [1e6, -1e6]) {
      const histogram = histogramOf([...upTo(1000), far]);
      const { min, max } = histogram.limits(0.25);
      expect(Math.abs(min - 250)).toBeLessThan(1.01 * histogram.width + 2);
      expect(Math.abs(max - 750)).toBeLessThan(1.01 * histogram.width + 2);
      expect(histogram.width).toBeLessThan(1000);
    }
  });

  it("tells the mean square of what saturation cuts off, to a bin", () => {
    const histogram = histogramOf([0, 10, 20, 30]);
    const half = histogram.width / 2;
    expect(histogram.cutSquare(0, 15)).toBeCloseTo(((5 + half) ** 2 + (15 + half) ** 2) / 4, 9);
    expect(histogram.cutSquare(15, 10)).toBeCloseTo(((5 - half) ** 2 + (5 + half) ** 2) / 4, 9);
    expect(histogram.cutSquare(15, 16)).toBe(0);
  });
});

describe("RangeFinder", () => {
  const finder = (values: Iterable<number>) => {
    const found = new RangeFinder(2);
    for (const value of values) found.observe(Float64Array.of(7, value));
    return found;
  };

  it("takes least and greatest value of each input, widened by the margin", () => {
    const found = finder([-1, 3, 0]);
    expect(found.count).toBe(3);
    expect(found.range(1, { method: "minmax", margin: 0, offset: 0 })).toEqual({ min: -1, max: 3 });
    expect(found.range(1, { method: "minmax", margin: 0.25, offset: 9 })).toEqual({ min: -2, max: 4 });
    expect(found.range(0, { method: "minmax", margin: 0.25, offset: 0 })).toEqual({ min: 7, max: 7 });
  });

  it("leaves one in two thousand out on either side by percentile", () => {
    const { min, max } = finder(upTo(20_000)).range(1, { method: "percentile", margin: 0, offset: 0 });
    expect(min).toBeGreaterThan(0);
    expect(Math.abs(min - 10)).toBeLessThan(8);
    expect(Math.abs(max - 19_989)).toBeLessThan(8);
  });

  it("by error takes the whole bits that cost least", () => {
    const found = (values: readonly number[], offset: number, margin = 0) =>
      finder(values).range(1, { method: "error", margin, offset });
    // An outlier of 3 in 100,000 values within ±1: the bit for it costs 4^-13/12 - 4^-14/12 = 9.3e-10, cutting it 1e-5.
    const waves = Array.from({ length: 50_000 }, (_, i) => Math.sin(i));
    expect(found([...waves, 3], 0).max).toBe(3);
    // 1.0001 needs a bit more than 32767/32768: cutting it to that costs 1.6e-8 / 50,000, less than the bit.
    const narrow = found([...waves.map((value) => 0.9999 * value), 1.0001], 0);
    expect(narrow.max).toBeCloseTo(32767 / 32768, 12);
    expect(narrow.min).toBeGreaterThanOrEqual(-0.9999);
    // About an offset the same holds.
    const raised = found([...waves.map((value) => 100 + 0.9999 * value), 101.0001], 100);
    expect(raised.max).toBeCloseTo(100 + 32767 / 32768, 12);
  });

  it("by error keeps a constant as it is", () => {
    expect(finder([5, 5]).range(1, { method: "error", margin: 0, offset: 5 })).toEqual({ min: 5, max: 5 });
    expect(finder([5, 5]).range(1, { method: "error", margin: 0, offset: 0 })).toEqual({ min: 5, max: 5 });
  });
});

describe("parseRanges", () => {
  const inputs = [{ name: "x0" }, { name: "a=b" }];

  it("reads name=min:max, also of names with an equals sign", () => {
    const found = parseRanges(["x0=-1:2.5", "a=b=1e3:2e3"], inputs);
    expect([...found]).toEqual([
      ["x0", { min: -1, max: 2.5 }],
      ["a=b", { min: 1000, max: 2000 }],
    ]);
    expect(parseRanges([], inputs).size).toBe(0);
  });

  it.each([
    "x0",
    "x0=1",
    "x0=1:1",
    "x0=2:1",
    "x0=a:1",
    "x0=1:b",
    "=1:2",
    "x0=1:Infinity",
    "x0=-Infinity:1",
    "x0=1:2:3",
  ])("refuses %s", (text) => {
    expect(() => parseRanges([text], inputs)).toThrow(
      new UsageError(`--range ${text}: Expected name=min:max with min < max`),
    );
  });

  it("guesses the input that was meant, or lists them all", () => {
    expect(() => parseRanges(["x1=1:2"], inputs)).toThrow('The model has no input "x1"; did you mean x0?');
    expect(() => parseRanges(["speed=1:2"], inputs)).toThrow(
      new UsageError('--range speed=1:2: The model has no input "speed"; it has x0, a=b'),
    );
  });
});

describe("chooseRanges", () => {
  const sources = (options: Partial<RangeSources> = {}): RangeSources => ({
    given: new Map(),
    calibration: undefined,
    source: "minmax",
    margin: 0,
    offsets: undefined,
    ...options,
  });
  const seen = (...rows: [number, number][]) => {
    const finder = new RangeFinder(2);
    for (const row of rows) finder.observe(Float64Array.from(row));
    return finder;
  };
  const inputs = [{ name: "a" }, { name: "b", range: [-9, 9] as const }];

  it("prefers what is given to the samples, and those to the model unless told so", () => {
    const given = new Map([["a", { min: 0, max: 5 }]]);
    const calibration = seen([1, 2], [3, 4]);
    expect(chooseRanges(inputs, sources({ given, calibration }))).toEqual([
      { min: 0, max: 5 },
      { min: 2, max: 4 },
    ]);
    expect(chooseRanges(inputs, sources({ given, calibration, source: "model" }))).toEqual([
      { min: 0, max: 5 },
      { min: -9, max: 9 },
    ]);
  });

  it("hands margin and offset on", () => {
    expect(chooseRanges(inputs, sources({ calibration: seen([1, 2], [3, 4]), margin: 0.5 }))).toEqual([
      { min: 0, max: 4 },
      { min: 1, max: 5 },
    ]);
    const calibration = new RangeFinder(1);
    for (let i = 0; i < 50_000; i++) calibration.observe(Float64Array.of(100 + 0.9999 * Math.sin(i)));
    calibration.observe(Float64Array.of(101.0001));
    const chosen = (offsets: number[] | undefined) =>
      chooseRanges([{ name: "a" }], sources({ calibration, source: "error", offsets }))[0]?.max;
    expect(chosen([100])).toBeCloseTo(100 + 32767 / 32768, 12);
    expect(chosen(undefined)).toBeCloseTo(101.0001, 12);
  });

  it("refuses an input that never changes", () => {
    expect(() => chooseRanges(inputs, sources({ calibration: seen([1, 2], [3, 2]) }))).toThrow(
      new CliError('Input "b" is always 2 in the calibration data; give its range with --range b=min:max'),
    );
  });

  it("names every input without a range, and what to do", () => {
    expect(() => chooseRanges(inputs, sources())).toThrow(
      new CliError(
        'The ranges of inputs "a", "b" are not known; give typical samples with --calibrate FILE, or their ranges with --range a=min:max b=min:max',
      ),
    );
    expect(() => chooseRanges(inputs.slice(1), sources())).toThrow(
      new CliError(
        'The range of input "b" is not known; give typical samples with --calibrate FILE, or its range with --range b=min:max, or take those that the model carries with --ranges model',
      ),
    );
    expect(() => chooseRanges(inputs, sources({ source: "model" }))).toThrow(
      new CliError(
        'The range of input "a" is not in the model; give typical samples with --calibrate FILE, or its range with --range a=min:max',
      ),
    );
  });
});
