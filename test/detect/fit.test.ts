import { describe, expect, it } from "vitest";
import { arErrors, fitBlock, fitChannel, fitSeasonalBlock, unsquash } from "../../host/detect/fit.ts";
import { expectationOf, fractionFor, usualErrorOf } from "../../host/detect/real.ts";
import { gaussian, mulberry32 } from "../support/random.ts";

const I32_MAX = 2 ** 31 - 1;

/** A course that swings: x = 1.6 x₋₁ - .81 x₋₂ + noise, in thousandths about `level`. */
function swinging(count: number, level = 20_000, noise = 100): Float64Array {
  const random = mulberry32(5);
  const values = new Float64Array(count).fill(level);
  for (let t = 2; t < count; t++) {
    const [a, b] = [values[t - 1]! - level, values[t - 2]! - level];
    values[t] = Math.round(level + 1.6 * a - 0.81 * b + noise * gaussian(random));
  }
  return values;
}

/** What a channel's AR(8) expects of the rows behind the first eight, in raw units. */
function expectations(channel: ReturnType<typeof fitChannel>, raw: Float64Array): number[] {
  const spread = 2 ** (27 + channel.shift) / channel.multiplier;
  const z = Array.from(raw, (value) => (value - channel.offset) / spread);
  return z.slice(8).map((_, i) => {
    let sum = channel.arBias / 2 ** 24;
    for (let j = 0; j < 8; j++) sum += (channel.ar[j]! / 8192) * z[i + 7 - j]!;
    return channel.offset + sum * spread;
  });
}

describe("fitChannel", () => {
  it("is about the median, in units of the spread", () => {
    const raw = Float64Array.from({ length: 1001 }, (_, i) => 500 + (i % 101));
    const { offset, multiplier, shift } = fitChannel(raw);
    expect(offset).toBe(550);
    // Median of |value - 550| is 25: a spread of 37.065 is 2048.
    expect((multiplier * 2 ** -shift) / 65536).toBeCloseTo(2048 / (1.4826 * 25), 2);
  });

  it("expects the next reading of a course that swings, as well as its noise allows", () => {
    const raw = swinging(4000);
    const channel = fitChannel(raw);
    const errors = expectations(channel, raw).map((expected, i) => raw[8 + i]! - expected);
    const rms = Math.sqrt(errors.reduce((sum, error) => sum + error * error, 0) / errors.length);
    expect(rms).toBeGreaterThan(95);
    expect(rms).toBeLessThan(115);
    // The usual error is the spread of these, in real units: thousandths with no fractional bits.
    expect(usualErrorOf({ ...channel, sensor: fitBlock([[0], [1]], 0) }, 0)).toBeCloseTo(100, -1);
  });

  it("takes a spread of a thousandth of the value where all readings are equal, and of a quarter at least", () => {
    const unit = (value: number) => {
      const { multiplier, shift } = fitChannel(new Float64Array(200).fill(value));
      return 2 ** (27 + shift) / multiplier;
    };
    expect(unit(40_000) / 40).toBeCloseTo(1, 3);
    expect(unit(-40_000) / 40).toBeCloseTo(1, 3);
    expect(unit(3)).toBeCloseTo(0.25, 4);
  });

  it("takes residuals of nothing for a thousandth of the spread, and of much for what they are", () => {
    const silent = fitChannel(new Float64Array(200).fill(40_000));
    expect(silent.residualMultiplier).toBeGreaterThanOrEqual(16384);
    expect(2 ** silent.residualShift / silent.residualMultiplier).toBeCloseTo(1e-3, 6);
    const random = mulberry32(2);
    // Readings without a memory: the residual is about the spread of the channel.
    const loud = fitChannel(Float64Array.from({ length: 2000 }, () => 10_000 * gaussian(random)));
    expect(loud.residualMultiplier).toBeLessThanOrEqual(32767);
    expect(2 ** loud.residualShift / loud.residualMultiplier).toBeCloseTo(1, 1);
  });

  it.each([
    ["the greatest", 2 ** 30, 2 ** 30],
    ["the least", -(2 ** 30), -(2 ** 30) + 1],
  ])("keeps %s readings within 32 bits", (_, value, offset) => {
    expect(fitChannel(new Float64Array(200).fill(value)).offset).toBe(offset);
  });

  it("keeps the sum of AR(8) within 32 bits for readings that alternate and grow", () => {
    const raw = Float64Array.from({ length: 400 }, (_, i) => (i % 2 === 0 ? 1 : -1) * Math.round(1.03 ** i));
    const { ar, arBias } = fitChannel(raw);
    expect(32768 * ar.reduce((sum, weight) => sum + Math.abs(weight), 0) + Math.abs(arBias)).toBeLessThanOrEqual(
      I32_MAX,
    );
    expect(Math.max(...ar.map(Math.abs))).toBeLessThanOrEqual(32_700);
  });

  it("measures a model's residuals where there are some", () => {
    const raw = swinging(500);
    const residuals = Float64Array.from(raw, (_, i) => (i < 8 ? Number.NaN : 40 * ((i % 5) - 2)));
    const channel = fitChannel(raw, residuals);
    expect(channel.residual).toBe("model");
    expect(usualErrorOf({ ...channel, sensor: fitBlock([[0], [1]], 0) }, 0)).toBeCloseTo(1.4826 * 40, 1);
    expect(usualErrorOf({ ...channel, sensor: fitBlock([[0], [1]], 0) }, 2)).toBeCloseTo((1.4826 * 40) / 4, 2);
  });

  it("gives a model that makes no error a quarter of a raw unit", () => {
    const channel = fitChannel(swinging(300), new Float64Array(300));
    expect(usualErrorOf({ ...channel, sensor: fitBlock([[0], [1]], 0) }, 0)).toBeCloseTo(0.25, 4);
  });
});

describe("arErrors", () => {
  it("is what remains of the readings behind those that it is fitted to, in raw units", () => {
    const raw = swinging(3000, -7000);
    const errors = arErrors(raw, 2000);
    expect(errors.length).toBe(1000);
    const rms = Math.sqrt(errors.reduce((sum, error) => sum + error * error, 0) / 1000);
    expect(rms).toBeGreaterThan(90);
    expect(rms).toBeLessThan(115);
    const mean = errors.reduce((sum, error) => sum + error, 0) / 1000;
    expect(Math.abs(mean)).toBeLessThan(15);
  });

  it("tells a jump in the rows behind as what it is", () => {
    const raw = swinging(1000).map((value, i) => (i === 990 ? value + 3000 : value));
    const before = arErrors(swinging(1000), 800);
    const errors = arErrors(raw, 800);
    expect(errors[190]! - before[190]!).toBeCloseTo(3000, 6);
    expect(errors.slice(0, 190)).toEqual(before.slice(0, 190));
  });
});

describe("unsquash", () => {
  it.each([
    [2, 2],
    [-3, -3],
    [6, 3 * Math.E],
    [-6, -3 * Math.E],
  ])("of %d is %d", (x, expected) => {
    expect(unsquash(x)).toBeCloseTo(expected, 12);
  });
});

describe("fitBlock", () => {
  it("has the means, and each row as fine as eight bits allow", () => {
    const rows = Array.from({ length: 400 }, (_, i) => [2048 * ((i % 2) * 2 - 1), 4096 + 512 * ((i >> 1) % 2)]);
    const { mean, weights, shifts } = fitBlock(rows, 0);
    expect([...mean]).toEqual([0, 4096 + 256]);
    expect(weights.length).toBe(3);
    // Standard deviations of 1 and .125, with nothing in common; weights in units of 2^(6 - shift).
    const weight = (index: number, row: number) => weights[index]! * 2 ** (6 - shifts[row]!);
    expect(weight(0, 0)).toBeCloseTo(1, 1);
    expect(weight(1, 1)).toBeCloseTo(0, 1);
    expect(weight(2, 1)).toBeCloseTo(8, 0);
    for (const [row, last] of [0, 2].entries()) {
      expect(Math.abs(weights[last]!), `row ${row}`).toBeGreaterThan(63);
      expect(Math.abs(weights[last]!)).toBeLessThanOrEqual(127);
    }
  });

  it("is taken towards its diagonal by the ridge", () => {
    const rows = Array.from({ length: 100 }, (_, i) => [2048 * (i % 2), 2048 * (i % 2)]);
    const { weights, shifts } = fitBlock(rows, 3);
    // Variance 1/4 becomes 4 times as large: the first row is 1 instead of 2.
    expect(weights[0]! * 2 ** (6 - shifts[0]!)).toBeCloseTo(1, 1);
  });
});

describe("fitSeasonalBlock", () => {
  it("is about 0 in units of spreads that are a tenth at least", () => {
    const silent = fitSeasonalBlock(Array.from({ length: 50 }, () => [0]));
    expect([...silent.mean]).toEqual([0]);
    expect(silent.weights[0]! * 2 ** (6 - silent.shifts[0]!)).toBeCloseTo(10, 0);
    const loud = fitSeasonalBlock(Array.from({ length: 50 }, (_, i) => [2048 * (i % 2 === 0 ? 1 : -1)]));
    expect(loud.weights[0]! * 2 ** (6 - loud.shifts[0]!)).toBeCloseTo(1 / 1.1, 1);
  });
});

describe("real values", () => {
  it("are what AR(8) expected, in the channel's unit", () => {
    // Units of 32 raw: multiplier 16384 and shift -8 are a spread of 2^(27 - 8) / 16384.
    const channel = { ...fitChannel(swinging(300)), offset: 80, multiplier: 16384, shift: -8 };
    const of = { ...channel, sensor: fitBlock([[0], [1]], 0) };
    expect(expectationOf(of, 3, 2048)).toBe((80 + 32) / 8);
    expect(expectationOf(of, 3, 0)).toBe(10);
    expect(expectationOf(of, 0, -6 * 2048)).toBeCloseTo(80 - 32 * 3 * Math.E, 9);
  });

  it.each([
    [[1], 27],
    [[-8, 4], 24],
    [[0.3], 28],
    [[0], 30],
    [[1e30], -30],
  ])("of %j have %d fractional bits, with room for 8 times as much", (values, fraction) => {
    expect(fractionFor(values)).toBe(fraction);
  });
});
