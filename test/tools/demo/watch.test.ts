import { describe, expect, it } from "vitest";
import { HISTORY, PumpWatch } from "../../../tools/demo/watch.ts";

const SAMPLE = [2310, 4.125, 13.25, 48.31];

/** Watches a pump through answers with these scores, the warm-up of two steps included. */
function watched(scores: readonly (number | null)[]): PumpWatch {
  const watch = new PumpWatch({ name: "pump-07", warmup: 2 });
  scores.forEach((score, i) => {
    watch.observe({ prediction: [2300, 4, 13, 48.5], score, n: i + 1 }, SAMPLE);
  });
  return watch;
}

describe("PumpWatch", () => {
  it("begins without a prediction, at rest", () => {
    expect(new PumpWatch({ name: "pump-07", warmup: 2 })).toMatchObject({
      name: "pump-07",
      sample: [0, 0, 0, 0],
      next: undefined,
      score: 0,
      history: [],
      isWarm: false,
      isAlarm: false,
      cause: undefined,
      detectedAt: undefined,
    });
  });

  it("shows the latest readings, the next bearing temperature and the score", () => {
    expect(watched([0])).toMatchObject({ sample: SAMPLE, next: 48.5, isWarm: false });
    expect(watched([-1, -2, -3.5])).toMatchObject({ score: -3.5, isWarm: true });
  });

  it("is warm when both the model and the detector are", () => {
    expect(watched([9, 9])).toMatchObject({ isWarm: false, score: 0 });
    const watch = watched([9, 9]);
    watch.observe({ prediction: [], score: 9, warmup: 1, n: 3 }, SAMPLE);
    expect(watch).toMatchObject({ isWarm: false, score: 0 });
    watch.observe({ prediction: [], score: 1, n: 4 }, SAMPLE);
    expect(watch).toMatchObject({ isWarm: true, score: 1 });
  });

  it("keeps its score where a reading was not judged", () => {
    expect(watched([0, 0, 5, null])).toMatchObject({ score: 5 });
  });

  it("is in alarm from one message to the other, and remembers when the first began and by what", () => {
    const watch = watched([0, 0, 0]);
    watch.alarm({ alarm: true, cause: [{ input: "bearing_temperature" }, { input: "speed" }], n: 3 });
    expect(watch).toMatchObject({ isAlarm: true, cause: "bearing_temperature" });
    watch.alarm({ alarm: false, cause: [], n: 9 });
    expect(watch).toMatchObject({ isAlarm: false, cause: undefined });
    watch.alarm({ alarm: true, cause: [{ input: "current" }], n: 12 });
    expect(watch).toMatchObject({ cause: "current", detectedAt: 3, detectedBy: "bearing_temperature" });
  });

  it("keeps every tenth score, the latest sixteen", () => {
    expect(watched(Array.from({ length: 39 }, (_, i) => i)).history).toEqual([9, 19, 29]);
    const long = watched(Array.from({ length: 200 }, (_, i) => i));
    expect(long.history).toHaveLength(HISTORY);
    expect([long.history[0], long.history.at(-1)]).toEqual([49, 199]);
  });
});
