import { crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import { SampleError, SnapshotError } from "../../host/model/errors.ts";
import type { Model } from "../../host/model/types.ts";
import { createRuntime } from "../../host/runtime/runtime.ts";
import { writeSnapshot } from "../../host/runtime/snapshot.ts";
import { createDevice, type Device, DeviceStateError } from "../../host/stream/device.ts";
import { PayloadError } from "../../host/stream/payload.ts";
import { createFakeRuntime } from "../support/fake-runtime.ts";
import { randomF32Model, randomQ15Model, randomSamples } from "../support/models.ts";

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

describe("the state of a device", () => {
  const runtime = createFakeRuntime(horizon3);

  it("is laid out as it is documented", () => {
    const device = createDevice(runtime, [undefined, 1000]);
    stepTimes(device, 0, 5);
    const bytes = device.snapshot();
    const view = new DataView(bytes.buffer);
    const inner = 16 + 4 * (2 + 3); // the fake session: hash, horizon, state, forecasts
    expect(new TextDecoder().decode(bytes.subarray(0, 4))).toBe("RVD1");
    const header = [4, 8, 12, 24].map((offset) => view.getUint32(offset, true));
    expect(header).toEqual([3, 0, inner, 1]); // version, f32, session, held values
    expect(view.getFloat64(16, true)).toBe(5);
    expect(bytes.length).toBe(28 + 20 + inner + 4);
    expect(view.getUint32(28, true)).toBe(1); // the input that is held
    expect(view.getUint32(bytes.length - 4, true)).toBe(crc32(bytes.subarray(0, -4)));
  });

  it("can be read from the middle of other bytes", () => {
    const before = createDevice(runtime);
    stepTimes(before, 0, 5);
    const bytes = before.snapshot();
    const around = new Uint8Array(bytes.length + 7);
    around.set(bytes, 3);
    const after = createDevice(runtime);
    after.restore(around.subarray(3, 3 + bytes.length));
    expect(after.n).toBe(5);
    expect(stepTimes(after, 5, 3)).toEqual(stepTimes(before, 5, 3));
  });

  it("is bound to the numeric form", () => {
    const state = createDevice(runtime).snapshot();
    const q15 = createDevice({ ...runtime, numeric: "q15" });
    expect(() => q15.restore(state)).toThrow(SnapshotError);
    const again = createDevice({ ...runtime, numeric: "q15" });
    again.restore(q15.snapshot());
    expect(() => createDevice(runtime).restore(q15.snapshot())).toThrow("State is of another model or numeric form");
  });

  it("tells what is wrong with it", () => {
    const device = createDevice(runtime);
    const state = device.snapshot();
    const changed = (index: number) => {
      const bytes = state.slice();
      bytes[index] = (bytes[index] ?? 0) ^ 0xff;
      return () => device.restore(bytes);
    };
    expect(() => device.restore(state.subarray(0, 3))).toThrow(/^State has 3 bytes, expected at least \d+$/);
    expect(() => device.restore(state.subarray(1))).toThrow(expect.objectContaining({ name: "DeviceStateError" }));
    expect(changed(0)).toThrow("State does not start with RVD1");
    expect(changed(4)).toThrow("State has version 252, expected 1 to 3");
    expect(changed(24)).toThrow("State is damaged: its checksum does not match");
    expect(changed(state.length - 1)).toThrow("State is damaged: its checksum does not match");
  });

  it("is refused when bytes are missing or too many, although its checksum is right", () => {
    const device = createDevice(runtime);
    const state = device.snapshot();
    const sealed = (bytes: Uint8Array) => {
      new DataView(bytes.buffer).setUint32(bytes.length - 4, crc32(bytes.subarray(0, -4)), true);
      return bytes;
    };
    for (const change of [-8, -1, 1, 8]) {
      const bytes = new Uint8Array(state.length + change);
      bytes.set(state.subarray(0, bytes.length));
      expect(() => device.restore(sealed(bytes))).toThrow(SnapshotError);
    }
    expect(() => device.restore(sealed(state.slice()))).not.toThrow();
  });
});

describe("Device.restore of a state whose checksum is right", () => {
  const device = createDevice(createFakeRuntime(horizon3), [undefined, 1000]);
  stepTimes(device, 0, 5);
  const sound = device.snapshot();

  it.each([
    ["steps that are no number", 16, Number.NaN, "NaN steps"],
    ["less than no steps", 16, -1, "-1 steps"],
    ["half a step", 16, 0.5, "0.5 steps"],
    ["a held value that is not finite", 32, Number.POSITIVE_INFINITY, "a held value is Infinity"],
    ["a time that is not finite", 40, Number.NaN, "its time NaN"],
  ])("refuses %s", (_, at, value, message) => {
    const bytes = sound.slice();
    const view = new DataView(bytes.buffer);
    view.setFloat64(at, value, true);
    view.setUint32(bytes.length - 4, crc32(bytes.subarray(0, -4)), true);
    expect(() => device.restore(bytes)).toThrow(DeviceStateError);
    expect(() => device.restore(bytes)).toThrow(message);
    expect(device.snapshot()).toEqual(sound);
  });

  it("refuses a held value of an input that the model has not", () => {
    const bytes = sound.slice();
    const view = new DataView(bytes.buffer);
    view.setUint32(28, 2, true);
    view.setUint32(bytes.length - 4, crc32(bytes.subarray(0, -4)), true);
    expect(() => device.restore(bytes)).toThrow("a held value of input 2, the model has 2");
  });
});

/** A state as versions 1 and 2 had it: forecasts beside a snapshot of version 1. */
function oldState(version: 1 | 2, model: Model, state: Uint8Array, n: number, forecasts: readonly number[]): Buffer {
  const snapshot = Buffer.from(writeSnapshot(model.hash, state));
  snapshot.writeUInt32LE(1, 4);
  snapshot.writeUInt32LE(crc32(snapshot.subarray(0, -4)), snapshot.length - 4);
  const held = version === 2 ? [0, 1] : [];
  const bytes = Buffer.alloc(
    (version === 1 ? 32 : 36) + 8 * forecasts.length + snapshot.length + 20 * (held.length / 2) + 4,
  );
  const { horizon, numeric } = model.spec;
  bytes.write("RVD1");
  [version, numeric === "f32" ? 0 : 1, horizon, forecasts.length / horizon, snapshot.length].forEach((word, i) => {
    bytes.writeUInt32LE(word, 4 + 4 * i);
  });
  bytes.writeDoubleLE(n, 24);
  let at = version === 1 ? 32 : bytes.writeUInt32LE(1, 32);
  for (const value of forecasts) at = bytes.writeDoubleLE(value, at);
  if (version === 2) {
    // The last value of input 1: 0.5 at time 1000.
    at = bytes.writeDoubleLE(1000, bytes.writeDoubleLE(0.5, bytes.writeUInt32LE(1, at)));
  }
  snapshot.copy(bytes, at);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, -4)), bytes.length - 4);
  return bytes;
}

describe.each([
  ["f32", 1],
  ["f32", 2],
  ["q15", 1],
  ["q15", 2],
] as const)("Device.restore of a state in %s and of version %i", (numeric, version) => {
  const shape = { inputs: 2, layers: [5], outputs: 2, horizon: 3 } as const;
  const { model } = numeric === "f32" ? randomF32Model(shape) : randomQ15Model(shape);
  const samples = randomSamples(model.spec, 20);

  it.each([0, 2, 3, 10])("goes on with the same bits from step %i", (at) => {
    const runtime = createRuntime(model);
    const whole = createDevice(runtime);
    const rows: number[][] = Array.from({ length: 3 }, () => [0, 0]);
    for (let t = 0; t < at; t++) rows[t % 3] = [...whole.step(samples[t]!).prediction];
    const session = runtime.createSession();
    session.run(samples.slice(0, at).flat());
    const state = session.snapshot().subarray(28, 28 + runtime.instance.ringOffset);
    const after = createDevice(runtime, [undefined, 5000]);
    after.restore(oldState(version, model, state, at, rows.flat()));
    expect(after.n).toBe(at);
    for (let t = at; t < 20; t++) {
      const { prediction, residual, n } = whole.step(samples[t]!);
      const expected = { prediction: [...prediction], residual, n };
      const outcome = after.step(samples[t]!, 2000);
      expect({ prediction: [...outcome.prediction], residual: outcome.residual, n: outcome.n }).toEqual(expected);
    }
    expect(after.n).toBe(20);
  });

  it("refuses one of another horizon or number of forecasts", () => {
    const device = createDevice(createRuntime(model));
    const state = new Uint8Array(createRuntime(model).instance.ringOffset);
    const forecasts = [0, 0, 0, 0, 0, 0];
    const other = { ...model, spec: { ...model.spec, horizon: 2 } };
    expect(() => device.restore(oldState(version, other, state, 0, forecasts))).toThrow(SnapshotError);
    expect(() => device.restore(oldState(version, model, state, 0, [0, 0, 0]))).toThrow(SnapshotError);
    device.restore(oldState(version, model, state, 0, forecasts));
  });
});

describe("Device.restore", () => {
  it("refuses a version that is newer, and version 0", () => {
    const device = createDevice(createFakeRuntime());
    for (const version of [0, 4]) {
      const state = Buffer.from(device.snapshot());
      state.writeUInt32LE(version, 4);
      expect(() => device.restore(state)).toThrow(
        new DeviceStateError(`State has version ${version}, expected 1 to 3`),
      );
    }
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
