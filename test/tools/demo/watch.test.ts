import { describe, expect, it } from "vitest";
import { HISTORY, PumpWatch, THRESHOLD } from "../../../tools/demo/watch.ts";

const SAMPLE = [2310, 4.125, 13.25, 48.31];

/** Watches a pump with a sigma of 0.5 through residuals of its bearing, the warm-up of two steps included. */
function watched(residuals: readonly (number | null)[], first = 1): PumpWatch {
  const watch = new PumpWatch({ name: "pump-07", sigma: 0.5, warmup: 2 });
  residuals.forEach((residual, i) => {
    watch.observe({ prediction: [2300, 4, 13, 48.5], residual: [9, 9, 9, residual], n: i + first }, SAMPLE);
  });
  return watch;
}

describe("PumpWatch", () => {
  it("begins without a prediction, at rest", () => {
    expect(new PumpWatch({ name: "pump-07", sigma: 1, warmup: 2 })).toMatchObject({
      name: "pump-07",
      sample: [0, 0, 0, 0],
      next: undefined,
      score: 0,
      history: [],
      isWarm: false,
      isSuspect: false,
      detectedAt: undefined,
    });
  });

  it("shows the latest readings and the next bearing temperature", () => {
    expect(watched([0])).toMatchObject({ sample: SAMPLE, next: 48.5, isWarm: false });
  });

  it("is warm after the warm-up, and judges no earlier residual", () => {
    expect(watched([99, 99])).toMatchObject({ isWarm: false, score: 0 });
    expect(watched([99, 99, 1])).toMatchObject({ isWarm: true });
    expect(watched([99, 99, 1]).score).toBeCloseTo(0.1 * 2, 12);
  });

  it.each([1, -1])("smooths residuals in standard deviations, whatever their sign: %d", (sign) => {
    const { score } = watched([0, 0, 2 * sign, 3 * sign]);
    expect(score).toBeCloseTo(0.9 * (0.1 * 4) + 0.1 * 6, 12);
  });

  it.each([1, -1])(
    "alarms when residuals stay large, too hot or too cold, and remembers when that began: %d",
    (sign) => {
      // The score of a residual of 10 sigma reaches 10 (1 - 0.9^k): above 4 at k = 5, step 7.
      const watch = watched([0, 0, ...Array(20).fill(5 * sign)]);
      expect(watch.isSuspect).toBe(true);
      expect(watch.detectedAt).toBe(7);
      for (let n = 23; n < 60; n++) watch.observe({ prediction: [], residual: [0, 0, 0, 0], n }, SAMPLE);
      expect(watch).toMatchObject({ isSuspect: false, detectedAt: 7 });
    },
  );

  it("does not alarm at the threshold", () => {
    const watch = new PumpWatch({ name: "p", sigma: 1, warmup: 0 });
    watch.observe({ prediction: [], residual: [0, 0, 0, 10 * THRESHOLD], n: 1 }, SAMPLE);
    expect(watch).toMatchObject({ score: THRESHOLD, isSuspect: false, detectedAt: undefined });
  });

  it("keeps its score where there is no residual", () => {
    const watch = watched([0, 0, 5]);
    const { score } = watch;
    watch.observe({ prediction: [1, 2, 3, 4], residual: [0, 0, 0, null], n: 10 }, [1, 2, 3, 4]);
    watch.observe({ prediction: [1, 2, 3, 5], residual: [], n: 11 }, [1, 2, 3, 5]);
    expect(watch).toMatchObject({ score, next: 5, sample: [1, 2, 3, 5], history: [] });
  });

  it("keeps every tenth score, the latest sixteen", () => {
    const watch = watched(Array(39).fill(0.5));
    expect(watch.history).toHaveLength(3);
    const at = (steps: number) => 1 - 0.9 ** (steps - 2);
    watch.history.forEach((score, i) => {
      expect(score).toBeCloseTo(at(10 * (i + 1)), 12);
    });
    const long = watched(Array(200).fill(0.5));
    expect(long.history).toHaveLength(HISTORY);
    expect(long.history[0]).toBeCloseTo(at(50), 12);
    expect(long.history.at(-1)).toBeCloseTo(at(200), 12);
  });
});
