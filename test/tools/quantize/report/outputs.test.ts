import { describe, expect, it } from "vitest";
import type { Model, ModelSpec } from "../../../../host/model/types.ts";
import { effortOf } from "../../../../tools/quantize/report/measure.ts";
import { longRun, outputErrors, percent } from "../../../../tools/quantize/report/outputs.ts";
import { buildModel, tensorOf } from "../../../support/models.ts";

interface LinearOptions {
  readonly horizon?: number;
  readonly warmup?: number;
}

/** y0 = gain · x0 and y1 = x1, the latter a forecast of x1. */
function linear(gain: number, { horizon = 1, warmup = 0 }: LinearOptions = {}): Model {
  const spec: ModelSpec = {
    format: 1,
    name: "linear",
    numeric: "f32",
    inputs: [{ name: "x0" }, { name: "x1" }],
    outputs: [{ name: "y0" }, { name: "y1", forecasts: "x1" }],
    horizon,
    layers: [{ kind: "dense", size: 2, activation: "linear" }],
    warmup,
  };
  const tensors = new Map([
    ["layers.0.W", tensorOf("F32", [2, 2], [gain, 0, 0, 1])],
    ["layers.0.b", tensorOf("F32", [2], [0, 0])],
  ]);
  return buildModel(spec, tensors).model;
}

const f64 = (...values: number[]) => Float64Array.from(values);

describe("percent", () => {
  it("is null where there is no whole", () => {
    expect([percent(1, 4), percent(-1, 4), percent(1, 0), percent(0, -1)]).toEqual([25, -25, null, null]);
  });
});

describe("outputErrors", () => {
  // Rows y0, y1 of four steps.
  const f32 = f64(1, 0, 3, 1, -1, 2, 1, 3);
  const q15 = f64(1, 0, 2, 1, -1, 5, 1, 3);
  const samples = f64(0, 0, 0, 2, 0, 4, 0, 6);

  it("tells the errors of each output, and their part of its range", () => {
    const [y0, y1] = outputErrors(linear(1), { f32, q15 }, samples);
    expect(y0).toEqual({ max: 1, rms: 0.5, span: 4, maxPercent: 25, rmsPercent: 12.5 });
    expect(y1).toMatchObject({ max: 3, rms: 1.5, span: 3, maxPercent: 100, rmsPercent: 50 });
  });

  it("compares forecasts with what came, a horizon later", () => {
    // y1 0, 1, 2 of f32 and 0, 1, 5 of q15 against x1 2, 4, 6.
    expect(outputErrors(linear(1), { f32, q15 }, samples)[1]?.forecast).toEqual({
      input: "x1",
      horizon: 1,
      maeF32: 3,
      maeQ15: 2,
      increasePercent: (100 * (6 - 9)) / 9,
    });
    // Two steps ahead: 0, 1 against 4, 6.
    expect(outputErrors(linear(1, { horizon: 2 }), { f32, q15 }, samples)[1]?.forecast).toMatchObject({
      horizon: 2,
      maeF32: 4.5,
      increasePercent: 0,
    });
  });

  it("leaves the warm-up out, and forecasts with nothing behind it", () => {
    const forecast = (options: LinearOptions) =>
      outputErrors(linear(1, options), { f32, q15 }, samples)[1]?.forecast?.maeF32;
    expect(forecast({ warmup: 1 })).toBe((3 + 4) / 2);
    expect(forecast({ warmup: 2 })).toBe(4);
    expect(forecast({ warmup: 3 })).toBeUndefined();
    expect(forecast({ horizon: 4 })).toBeUndefined();
    expect("forecast" in (outputErrors(linear(1, { warmup: 3 }), { f32, q15 }, samples)[1] ?? {})).toBe(false);
  });

  it("has no percentage of a forecast that was perfect", () => {
    const perfect = f64(0, 2, 0, 4, 0, 6, 0, 9);
    const found = outputErrors(linear(1), { f32: perfect, q15: perfect }, samples)[1]?.forecast;
    expect(found).toMatchObject({ maeF32: 0, maeQ15: 0, increasePercent: null });
  });
});

describe("longRun", () => {
  it("repeats the samples, and tells the error of the first and the last tenth", () => {
    // The error of y0 is |x0|: 1, 2, 3, 1, 2, … over ten stretches of two steps.
    const [y0, y1] = longRun(linear(1), linear(2), f64(1, 9, 2, 9, 3, 9), 20);
    const rms = (...values: number[]) => Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / values.length);
    const sequence = Array.from({ length: 20 }, (_, t) => (t % 3) + 1);
    expect(y0?.error).toHaveLength(10);
    y0?.error.forEach((error, i) => {
      expect(error).toBeCloseTo(rms(sequence[2 * i] as number, sequence[2 * i + 1] as number), 6);
    });
    expect(y0?.drift.steps).toBe(20);
    expect(y0?.drift.first).toBeCloseTo(rms(1, 2), 6);
    expect(y0?.drift.last).toBeCloseTo(rms(1, 2), 6);
    expect(y0?.drift.ratio).toBeCloseTo(1, 6);
    expect(y1?.drift).toEqual({ steps: 20, first: 0, last: 0, ratio: null });
  });

  it("tells an error that grows", () => {
    const samples = Float64Array.from({ length: 2000 }, (_, i) => (i % 2 ? 0 : Math.floor(i / 2)));
    const [y0] = longRun(linear(1), linear(2), samples, 1000);
    const rms = (from: number, to: number) => {
      let sum = 0;
      for (let x = from; x < to; x++) sum += x * x;
      return Math.sqrt(sum / (to - from));
    };
    expect(y0?.error).toHaveLength(100);
    expect(y0?.drift.first).toBeCloseTo(rms(0, 100), 3);
    expect(y0?.drift.last).toBeCloseTo(rms(900, 1000), 3);
    expect(y0?.drift.ratio).toBeCloseTo(rms(900, 1000) / rms(0, 100), 5);
    expect(y0?.error[37]).toBeCloseTo(rms(370, 380), 3);
  });

  it.each([
    [5, 10],
    [199, 10],
    [200, 20],
    [2000, 200],
    [50_000, 200],
  ])("cuts %i steps into %i stretches", (steps, stretches) => {
    expect(longRun(linear(1), linear(1), f64(1, 1), steps)[0]?.error).toHaveLength(stretches);
  });

  it("has stretches without a step in a short run", () => {
    const [y0] = longRun(linear(1), linear(2), f64(1, 0), 5);
    expect(y0?.error).toEqual([1, 0, 1, 0, 1, 0, 1, 0, 1, 0]);
    expect(y0?.drift).toEqual({ steps: 5, first: 1, last: 0, ratio: 0 });
  });
});

describe("effortOf", () => {
  it("traces and drifts for long, unless the model is large or there is less data", () => {
    expect(effortOf(1000, 50_000, {})).toEqual({ driftSteps: 100_000, traced: 20_000 });
    expect(effortOf(1000, 700, {})).toEqual({ driftSteps: 100_000, traced: 700 });
    expect(effortOf(300_000, 50_000, {})).toEqual({ driftSteps: 33_334, traced: 667 });
    expect(effortOf(3_000_000, 50_000, {})).toEqual({ driftSteps: 10_000, traced: 200 });
    expect(effortOf(3_000_000, 50, {})).toEqual({ driftSteps: 10_000, traced: 50 });
    expect(effortOf(1000, 50_000, { driftSteps: 7, traceSteps: 9 })).toEqual({ driftSteps: 7, traced: 9 });
  });
});
