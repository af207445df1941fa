import { describe, expect, it } from "vitest";
import { columnsOf, planCharts } from "../../../host/web/client/plan.ts";
import type { Series } from "../../../host/web/series.ts";

const series = (...list: readonly Partial<Series>[]) => list as readonly Series[];
const INPUTS = series(
  { kind: "input", name: "flow", unit: "l/s", index: 0 },
  { kind: "input", name: "level", index: 1 },
  { kind: "output", name: "quality", index: 0 },
  { kind: "residual", name: "level", index: 1, of: 1 },
);
const SCORED = series(...INPUTS, { kind: "score", name: "score" });

describe("planCharts", () => {
  it("puts the score first, then each input with its residual, then outputs", () => {
    expect(planCharts(SCORED).map(({ title }) => title)).toEqual([
      "score",
      "flow",
      "level",
      "level: residual",
      "quality",
    ]);
    expect(planCharts(INPUTS).map(({ title }) => title)).toEqual(["flow", "level", "level: residual", "quality"]);
  });

  it("knows what each draws, and its unit", () => {
    expect(planCharts(SCORED)).toMatchObject([
      { kind: "score", s: 4 },
      { kind: "input", s: 0, unit: "l/s", residual: undefined },
      { kind: "input", s: 1, unit: undefined, residual: 3 },
      { kind: "residual", s: 3, residual: undefined },
      { kind: "output", s: 2, residual: undefined },
    ]);
    expect(planCharts([])).toEqual([]);
  });
});

describe("columnsOf", () => {
  const [flow, level] = planCharts(INPUTS) as [
    ReturnType<typeof planCharts>[number],
    ReturnType<typeof planCharts>[number],
  ];
  const track = {
    time: [10, 11, 12],
    mean: [[1, 2, null], [5, 6, 7], [], [0.5, null, -1]],
    min: [[0, 1, null], [4, 5, 6], [], []],
    max: [[2, 3, null], [6, 7, 8], [], []],
  } as unknown as Parameters<typeof columnsOf>[1];

  it("are time, greatest, least and the line", () => {
    expect(columnsOf(flow, track, [])).toEqual([
      [10, 11, 12],
      [2, 3, null],
      [0, 1, null],
      [1, 2, null],
    ]);
  });

  it("have the forecast, which is the line less its residual, and a band of two usual errors", () => {
    expect(columnsOf(level, track, [null, null, null, 0.25])).toEqual([
      [10, 11, 12],
      [6, 7, 8],
      [4, 5, 6],
      [5, null, 8.5],
      [4, null, 7.5],
      [4.5, null, 8],
      [5, 6, 7],
    ]);
  });

  it("have a band of no width while the usual error is not known", () => {
    const [, , , upper, lower, forecast] = columnsOf(level, track, []);
    expect(upper).toEqual(forecast);
    expect(lower).toEqual(forecast);
  });
});
