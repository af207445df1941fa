import { describe, expect, it } from "vitest";
import { SampleError, SnapshotError } from "../../host/model/errors.ts";
import { createDevice, DeviceStateError } from "../../host/stream/device.ts";
import { formatAnswer, formatNumber } from "../../host/stream/format.ts";
import { PayloadError } from "../../host/stream/payload.ts";
import { createFakeRuntime } from "../support/fake-runtime.ts";

const horizon3 = {
  inputs: ["a", "b"],
  outputs: [{ name: "y" }, { name: "next b", forecasts: "b" }],
  horizon: 3,
} as const;

function stepTimes(device: ReturnType<typeof createDevice>, from: number, count: number) {
  return Array.from({ length: count }, (_, index) => {
    const t = from + index;
    const { prediction, residual, n } = device.step([t, 0.1 * t]);
    return { prediction: [...prediction], residual: [...residual], n };
  });
}

describe("createDevice", () => {
  it("answers the sample minus the prediction made for it", () => {
    const device = createDevice(createFakeRuntime({ inputs: ["x"] }));
    const first = device.step([2]);
    expect(first.residual).toEqual([null]);
    const predicted = first.prediction[0] ?? Number.NaN;
    expect(device.step([5]).residual).toEqual([5 - predicted]);
  });

  it("waits for the horizon, and has no residual for an output that forecasts nothing", () => {
    const outcomes = stepTimes(createDevice(createFakeRuntime(horizon3)), 0, 5);
    expect(outcomes.map(({ residual }) => residual[0])).toEqual([null, null, null, null, null]);
    expect(outcomes.slice(0, 3).map(({ residual }) => residual[1])).toEqual([null, null, null]);
    expect(outcomes[4]?.residual[1]).toBe(0.1 * 4 - (outcomes[1]?.prediction[1] ?? Number.NaN));
    expect(outcomes.map(({ n }) => n)).toEqual([1, 2, 3, 4, 5]);
  });

  it.each([0, 1, 2, 3, 4, 7])("goes on with the same bits after a snapshot at step %i", (at) => {
    const runtime = createFakeRuntime(horizon3);
    const whole = stepTimes(createDevice(runtime), 0, 12);
    const before = createDevice(runtime);
    stepTimes(before, 0, at);
    const after = createDevice(runtime);
    after.restore(before.snapshot());
    expect(stepTimes(after, at, 12 - at)).toEqual(whole.slice(at));
  });

  it("refuses every damaged byte and every truncation, and keeps its state", () => {
    const runtime = createFakeRuntime(horizon3);
    const device = createDevice(runtime);
    stepTimes(device, 0, 5);
    const state = device.snapshot();
    for (let index = 0; index < state.length; index++) {
      const damaged = state.slice();
      damaged[index] = (damaged[index] ?? 0) ^ 0x10;
      expect(() => device.restore(damaged)).toThrow(DeviceStateError);
      expect(() => device.restore(state.subarray(0, index))).toThrow(DeviceStateError);
    }
    expect(device.snapshot()).toEqual(state);
  });

  it("refuses the state of another model", () => {
    const state = createDevice(createFakeRuntime(horizon3)).snapshot();
    const other = createDevice(createFakeRuntime({ ...horizon3, hash: "b".repeat(64) }));
    expect(() => other.restore(state)).toThrow(SnapshotError);
    const longer = createDevice(createFakeRuntime({ ...horizon3, horizon: 4 }));
    expect(() => longer.restore(state)).toThrow(SnapshotError);
  });

  it("releases its session", () => {
    const runtime = createFakeRuntime();
    createDevice(runtime).release();
    expect(runtime.sessionCount).toBe(0);
  });
});

describe("createDevice with greatest ages", () => {
  const gap = Number.NaN;
  const maxAges = [undefined, 1000, 5000];
  const runtime = createFakeRuntime({ inputs: ["a", "b", "c"] });
  const samples = [
    [1, 2, 3],
    [4, gap, 6],
    [7, 8, gap],
    [9, gap, gap],
    [10, 11, 12],
    [13, gap, gap],
  ] as const;
  /** What the samples are when each gap is filled by the last value before it. */
  const filled = [
    [1, 2, 3],
    [4, 2, 6],
    [7, 8, 6],
    [9, 8, 6],
    [10, 11, 12],
    [13, 11, 12],
  ];
  const predictions = (rows: readonly (readonly number[])[], device = createDevice(runtime, maxAges), from = 0) =>
    rows.map((row, index) => [...device.step(row, 500 * (from + index)).prediction]);

  it("fills a gap with the device's last value", () => {
    expect(predictions(samples)).toEqual(predictions(filled));
  });

  it.each([0, 1, 2, 3, 4, 5])("goes on with the same bits after a snapshot at step %i", (at) => {
    const before = createDevice(runtime, maxAges);
    predictions(samples.slice(0, at), before);
    const after = createDevice(runtime, maxAges);
    after.restore(before.snapshot());
    expect(after.snapshot()).toEqual(before.snapshot());
    expect(predictions(samples.slice(at), after, at)).toEqual(predictions(filled).slice(at));
  });

  it("refuses a gap whose last value is too old by the time of the sample, and keeps its state", () => {
    const device = createDevice(runtime, maxAges);
    device.step([1, 2, 3], 10_000);
    device.step([1, gap, gap], 11_000);
    const state = device.snapshot();
    // c is news, but the sample is refused for b: nothing of it is kept.
    expect(() => device.step([1, gap, 9], 11_001)).toThrow(
      new PayloadError(
        "missing_field",
        'Input "b" is missing, and its last value is 1.001 s old, at most 1 s are allowed',
      ),
    );
    expect(device.snapshot()).toEqual(state);
    device.step([1, 2, gap], 15_000);
    expect(() => device.step([1, 2, gap], 15_001)).toThrow(PayloadError);
  });

  it("refuses a gap that no value came before, and keeps its state", () => {
    const device = createDevice(runtime, maxAges);
    const state = device.snapshot();
    expect(() => device.step([1, 2, gap], 0)).toThrow(
      'Input "c" is missing, and the device has no earlier value of it',
    );
    expect(device.snapshot()).toEqual(state);
  });

  it("does not hold the values of a sample that the model refuses", () => {
    const device = createDevice(runtime, maxAges);
    device.step([1, 2, 3], 0);
    const state = device.snapshot();
    expect(() => device.step([Number.POSITIVE_INFINITY, 5, 6], 1)).toThrow(SampleError);
    expect(device.snapshot()).toEqual(state);
  });

  it("goes on with its state when the greatest ages change", () => {
    const before = createDevice(runtime, maxAges);
    before.step([1, 2, 3], 0);
    const without = createDevice(runtime);
    without.restore(before.snapshot());
    expect(without.n).toBe(1);
    const after = createDevice(runtime, [undefined, undefined, 1000]);
    after.restore(before.snapshot());
    expect([...after.step([4, 5, gap], 1).prediction]).toEqual(predictions([samples[0], [4, 5, 3]])[1]);
    const anew = createDevice(runtime, maxAges);
    anew.restore(without.snapshot());
    expect(() => anew.step([1, 2, gap], 1)).toThrow("no earlier value");
  });

  it("refuses every damaged byte of its state", () => {
    const device = createDevice(runtime, maxAges);
    device.step([1, 2, 3], 0);
    const state = device.snapshot();
    for (let index = 0; index < state.length; index++) {
      const damaged = state.slice();
      damaged[index] = (damaged[index] ?? 0) ^ 0x10;
      expect(() => device.restore(damaged)).toThrow(DeviceStateError);
    }
    expect(device.snapshot()).toEqual(state);
  });
});

describe("formatNumber", () => {
  it("prints single precision with at most nine digits that read back to the same bits", () => {
    expect(formatNumber(Math.fround(0.1), "f32")).toBe("0.100000001");
    expect(formatNumber(Math.fround(1 / 3), "f32")).toBe("0.333333343");
    const bits = new Uint32Array(1);
    const value = new Float32Array(bits.buffer);
    for (let seed = 1, count = 0; count < 20_000; count++) {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      bits[0] = seed;
      const expected = value[0] ?? 0;
      if (Number.isFinite(expected)) expect(Math.fround(Number(formatNumber(expected, "f32")))).toBe(expected);
    }
  });

  it("prints q15 values exactly", () => {
    expect(formatNumber(123456789 * 2 ** -20, "q15")).toBe("117.73756885528564");
  });
});

describe("formatAnswer", () => {
  it("prints one line of JSON", () => {
    const answer = {
      prediction: [Math.fround(0.1), 2],
      residual: [null, -0.5],
      n: 12,
      ts: 1732000000000,
      model: "pump@00ff00ff",
    };
    expect(formatAnswer(answer, "f32")).toBe(
      '{"prediction":[0.100000001,2],"residual":[null,-0.5],"n":12,"ts":1732000000000,"model":"pump@00ff00ff"}',
    );
  });
});
