import { describe, expect, it } from "vitest";
import { SampleError, SnapshotError } from "../../host/model/errors.ts";
import { createRuntime } from "../../host/runtime/runtime.ts";
import { createDevice, type Device, DeviceStateError } from "../../host/stream/device.ts";
import { PayloadError } from "../../host/stream/payload.ts";
import { createFakeRuntime } from "../support/fake-runtime.ts";
import { randomF32Model } from "../support/models.ts";
import { horizon3, stepTimes } from "./device-steps.ts";

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
    const expected = outcomes[1]?.prediction[1] ?? Number.NaN;
    expect(outcomes[4]?.residual[1]).toBe(Math.fround(Math.fround(0.1 * 4) - expected));
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

describe("Device.hold", () => {
  const gap = Number.NaN;
  const runtime = createFakeRuntime({ inputs: ["a", "b"] });

  it("remembers values for later steps, and does not step", () => {
    const device = createDevice(runtime, [undefined, 1000]);
    device.hold([7, 2], 100);
    expect(device.n).toBe(0);
    const { sample, prediction } = device.step([1, gap], 1100);
    expect([...Array.from(sample)]).toEqual([1, 2]);
    expect([...prediction]).toEqual([...createDevice(runtime).step([1, 2]).prediction]);
    expect(() => device.step([1, gap], 1101)).toThrow(PayloadError);
    expect(() => device.step([gap, gap], 100)).toThrow(SampleError); // a may not be missing
  });

  it("leaves what it does not bring", () => {
    const device = createDevice(runtime, [1000, 1000]);
    device.hold([1, gap], 0);
    device.hold([gap, 2], 0);
    expect([...Array.from(device.step([gap, gap], 0).sample)]).toEqual([1, 2]);
  });

  it("is part of the state", () => {
    const before = createDevice(runtime, [undefined, 1000]);
    before.hold([gap, 2], 100);
    const after = createDevice(runtime, [undefined, 1000]);
    after.restore(before.snapshot());
    expect([...Array.from(after.step([1, gap], 100).sample)]).toEqual([1, 2]);
  });

  it.each([
    ["too short", [1], "Sample has 1 values, expected 2"],
    ["too long", [1, 2, 3], "Sample has 3 values, expected 2"],
    ["infinite", [1, Number.NEGATIVE_INFINITY], 'Input "b" is -Infinity, expected a finite number'],
    ["infinite at first", [Number.POSITIVE_INFINITY, 1], 'Input "a" is Infinity, expected a finite number'],
  ])("refuses a sample that is %s, and keeps its state", (_, sample, message) => {
    const device = createDevice(runtime, [1000, 1000]);
    device.hold([1, 2], 0);
    const state = device.snapshot();
    expect(() => device.hold(sample, 0)).toThrow(SampleError);
    expect(() => device.hold(sample, 0)).toThrow(message);
    expect(device.snapshot()).toEqual(state);
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

  it("takes the time of a sample as 0 when it has none", () => {
    const device = createDevice(runtime, maxAges);
    device.step([1, 2, 3]);
    expect(() => device.step([1, gap, 3], 1001)).toThrow("its last value is 1.001 s old");
    expect([...Array.from(device.step([1, gap, 3], 1000).sample)]).toEqual([1, 2, 3]);
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

describe("a device with windows", () => {
  const runtime = createRuntime(randomF32Model({ inputs: 1, layers: [4], outputs: 1, horizon: 2 }).model);
  const step = (device: Device, from: number, count: number) =>
    Array.from({ length: count }, (_, t) => {
      const { prediction, residual, n } = device.step([Math.sin(from + t)]);
      return { prediction: [...prediction], residual, n };
    });

  it.each([{ reset: { every: 3 } }, { overlap: { window: 3 } }])("goes on with the same bits: %j", (windows) => {
    const whole = step(createDevice(runtime, [], windows), 0, 12);
    for (let at = 0; at < 12; at++) {
      const before = createDevice(runtime, [], windows);
      step(before, 0, at);
      const after = createDevice(runtime, [], windows);
      after.restore(before.snapshot());
      expect(step(after, at, 12 - at)).toEqual(whole.slice(at));
    }
  });

  it("begins a window after a state from before there were any, its steps and forecasts kept", () => {
    const before = createDevice(runtime);
    step(before, 0, 5);
    const after = createDevice(runtime, [], { reset: { every: 3 } });
    after.restore(before.snapshot());
    const [fresh] = step(createDevice(runtime), 5, 1);
    const [next] = step(before, 5, 1);
    expect(step(after, 5, 1)).toEqual([{ prediction: fresh?.prediction, residual: next?.residual, n: 6 }]);
  });

  it("refuses the state of other windows", () => {
    const device = createDevice(runtime, [], { reset: { every: 3 } });
    const state = device.snapshot();
    expect(() => createDevice(runtime, [], { reset: { every: 4 } }).restore(state)).toThrow(SnapshotError);
    expect(() => createDevice(runtime).restore(state)).toThrow(SnapshotError);
  });
});
