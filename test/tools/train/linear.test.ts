import { describe, expect, it } from "vitest";
import { Moments } from "../../../tools/train/moments.ts";
import { applyLaw, chooseLaw, fitLaws, squaredError } from "../../../tools/train/ridge.ts";
import { parseHorizons } from "../../../tools/train/task.ts";
import { gaussian, mulberry32 } from "../../support/random.ts";

const random = () => {
  const next = mulberry32(7);
  return () => gaussian(next);
};

/** Two inputs over some rows; the answer is a law of the last three samples, and a little noise. */
function example(noise: number, rows = 400) {
  const next = random();
  const x = Float64Array.from({ length: 2 * rows }, next);
  const law = (t: number) =>
    0.5 + 0.8 * (x[2 * t] as number) - 0.3 * (x[2 * t + 1] as number) + 0.4 * (x[2 * (t - 2)] as number);
  const y = Float64Array.from({ length: rows - 4 }, (_, s) => law(s + 4) + noise * next());
  return { x, y };
}

function momentsOf({ x, y }: ReturnType<typeof example>, lags: number, from: number, steps: number): Moments {
  const moments = new Moments(2, lags, 1);
  moments.add(x, y.subarray(from), from + 4, steps);
  return moments;
}

describe("Moments", () => {
  it("equal the sums of products over all steps", () => {
    const data = example(0.1);
    const moments = momentsOf(data, 5, 0, 396);
    const entry = (t: number, k: number) => data.x[2 * (t - Math.floor(k / 2)) + (k % 2)] as number;
    let worst = 0;
    for (let i = 0; i < 10; i++) {
      for (let k = 0; k < 10; k++) {
        let sum = 0;
        for (let t = 4; t < 400; t++) sum += entry(t, i) * entry(t, k);
        worst = Math.max(worst, Math.abs(sum - (moments.xx[i * 10 + k] as number)));
      }
    }
    expect(worst).toBeLessThan(1e-10);
  });

  it("are the same in pieces as in one", () => {
    const data = example(0.1);
    const whole = momentsOf(data, 3, 0, 396);
    const parts = momentsOf(data, 3, 0, 100);
    parts.add(data.x, data.y.subarray(100), 104, 296);
    const worst = whole.xx.reduce((most, value, i) => Math.max(most, Math.abs(value - (parts.xx[i] as number))), 0);
    expect(worst).toBeLessThan(1e-10);
  });
});

describe("fitLaws", () => {
  it("finds the law that made the answers", () => {
    const [law] = fitLaws(momentsOf(example(0), 3, 0, 396), [3], 1e-9);
    const weights = Array.from(law?.weights ?? [], (value) => Number(value.toFixed(6)));
    expect(weights.map((value) => value + 0)).toEqual([0.8, -0.3, 0, 0, 0.4, 0]);
    expect(law?.bias[0]).toBeCloseTo(0.5, 6);
  });

  it("fits fewer lags by the same factor as alone", () => {
    const data = example(0.3);
    const [corner] = fitLaws(momentsOf(data, 5, 0, 396), [2], 0.01);
    const [alone] = fitLaws(momentsOf(data, 2, 0, 396), [2], 0.01);
    const worst = Math.max(
      ...(alone?.weights ?? []).map((value, i) => Math.abs(value - (corner?.weights[i] as number))),
    );
    expect(worst).toBeLessThan(1e-12);
  });

  it("has no answer where the inputs determine none", () => {
    const moments = new Moments(2, 1, 1);
    moments.add(new Float64Array(20), new Float64Array(10), 0, 10);
    expect(fitLaws(moments, [1], 0)).toEqual([]);
  });
});

describe("squaredError", () => {
  it("is the mean of squared errors of the answers", () => {
    const data = example(0.5);
    const moments = momentsOf(data, 3, 0, 396);
    const [law] = fitLaws(moments, [3], 0.1);
    if (law === undefined) throw new Error("No law");
    const answers = applyLaw(law, data.x, 4, 396);
    const mean = answers.reduce((sum, value, s) => sum + (value - (data.y[s] as number)) ** 2, 0) / 396;
    expect(squaredError(law, moments, 0)).toBeCloseTo(mean, 10);
  });
});

describe("chooseLaw", () => {
  it("chooses the fewest lags that do", () => {
    const data = example(0.1, 6000);
    const [fit, stop] = [momentsOf(data, 5, 0, 4000), momentsOf(data, 5, 4000, 1996)];
    expect(chooseLaw(fit, stop, [1, 2, 3, 4, 5], [1])?.law.lags).toBe(3);
  });
});

describe("parseHorizons", () => {
  it("reads lists and spans, in order and each once", () => {
    expect(parseHorizons("24,1-3, 2")).toEqual([1, 2, 3, 24]);
  });

  it.each(["0", "x", "3-1", "1,,2", "70000"])("refuses %s", (text) => {
    expect(() => parseHorizons(text)).toThrow(`--horizon: Found ${text}`);
  });
});
