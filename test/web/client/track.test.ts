import { describe, expect, it } from "vitest";
import { columnsOf, planCharts } from "../../../host/web/client/plan.ts";
import { append, extremes, trackOf } from "../../../host/web/client/track.ts";
import { VIEW } from "../../support/steps.ts";

const bins = (time: number[], ...mean: (number | null)[][]) => ({ time, count: time.map(() => 1), mean });

describe("a track", () => {
  it("takes what is new, and the last bin again", () => {
    const track = trackOf(bins([0, 1000], [1, 2]));
    append(track, bins([0, 1000, 2000], [9, 3, 4]));
    expect(track.time).toEqual([0, 1000, 2000]);
    expect(track.mean).toEqual([[1, 3, 4]]);
    expect(track.max).toEqual([[1, 3, 4]]);
  });

  it("has a blank where nothing came for long", () => {
    const track = trackOf(bins([0, 1000, 2000, 60_000, 61_000], [1, 2, 3, 4, 5]));
    expect(track.time).toEqual([0, 1000, 2000, 2001, 60_000, 61_000]);
    expect(track.mean[0]).toEqual([1, 2, 3, null, 4, 5]);
  });

  it("knows the least and the greatest value in a span", () => {
    const track = trackOf({ ...bins([0, 1000, 2000], [2, 3, 4]), min: [[1, 2, -9]], max: [[3, 7, 9]] });
    expect(extremes(track, 0, 0, 1000)).toEqual([1, 7]);
    expect(extremes(track, 0, 5000, 6000)).toBeUndefined();
  });
});

describe("the charts of a device", () => {
  it("are the score, then each input with its residual", () => {
    expect(planCharts(VIEW.series).map(({ kind, title, s, residual }) => [kind, title, s, residual])).toEqual([
      ["score", "score", 3, undefined],
      ["input", "speed", 0, 2],
      ["residual", "speed: residual", 2, undefined],
      ["input", "pressure", 1, undefined],
    ]);
  });

  it("draw the forecast as the reading without its residual, twice the usual error around it", () => {
    const track = trackOf(bins([0, 1000], [10, 20], [1, 1], [2, null], [-1, -1]));
    const [, speed] = planCharts(VIEW.series);
    const [time, , , high, low, forecast, line] = columnsOf(speed as never, track, [null, null, 0.5, null]);
    expect({ time, high, low, forecast, line }).toEqual({
      time: [0, 1000],
      high: [9, null],
      low: [7, null],
      forecast: [8, null],
      line: [10, 20],
    });
  });
});
