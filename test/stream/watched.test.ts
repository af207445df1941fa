import { describe, expect, it } from "vitest";
import { DeviceAlarm } from "../../host/alarm/device-alarm.ts";
import { planAlarms } from "../../host/alarm/plan.ts";
import { SampleError, SnapshotError } from "../../host/model/errors.ts";
import { createDevice, DeviceStateError } from "../../host/stream/device.ts";
import { watchDevice } from "../../host/stream/watched.ts";
import { createRuntimeWithoutModel } from "../../host/stream/without-model.ts";
import { createTestDetector, healthy } from "../support/alarms.ts";
import { createFakeRuntime } from "../support/fake-runtime.ts";

const FILE = createTestDetector(["speed", "pressure"], { interval: 60 });
const INPUTS = ["speed", "pressure"];
const PLAN = planAlarms({ file: FILE, inputs: INPUTS, isTimed: true });
const runtime = createFakeRuntime({ inputs: INPUTS });
const watched = (of = runtime) => watchDevice(createDevice(of, [undefined, 1e9]), new DeviceAlarm(PLAN));
const step = (device: ReturnType<typeof watched>, t: number) => device.step([healthy(t), healthy(t, 1)], 60_000 * t);

describe("watchDevice", () => {
  it("answers what the device does, and what the detector says of the completed sample", () => {
    const [device, plain] = [watched(), createDevice(runtime, [undefined, 1e9])];
    step(device, 0);
    plain.step([healthy(0), healthy(0, 1)], 0);
    const outcome = device.step([healthy(1), Number.NaN], 60_000);
    const { anomaly, ...rest } = outcome;
    expect(rest).toEqual(plain.step([healthy(1), Number.NaN], 60_000));
    const alarm = new DeviceAlarm(PLAN);
    alarm.step([healthy(0), healthy(0, 1)], 0);
    expect(anomaly).toEqual(alarm.step([healthy(1), healthy(0, 1)], 60_000));
  });

  it("goes on from its state bit for bit", () => {
    const whole = watched();
    const before = watched();
    for (let t = 0; t < 40; t++) for (const device of [whole, before]) step(device, t);
    const after = watched();
    after.restore(before.snapshot());
    expect(step(after, 40)).toEqual(step(whole, 40));
    expect(after.snapshot()).toEqual(whole.snapshot());
    expect(after.n).toBe(41);
  });

  it("reads the state of a device that was not watched; one that is no more watched reads that of its model", () => {
    const plain = createDevice(runtime, [undefined, 1e9]);
    plain.step([1, 2], 0);
    const device = watched();
    device.restore(plain.snapshot());
    expect(step(device, 1)).toMatchObject({ n: 2, anomaly: { warmup: 19 } });
    const again = watchDevice(createDevice(runtime, [undefined, 1e9]), undefined);
    again.restore(device.snapshot());
    expect(step(again, 2)).toMatchObject({ n: 3 });
    expect(step(again, 3)).not.toHaveProperty("anomaly");
  });

  it("takes nothing over of a state that is damaged or of another model", () => {
    const device = watched();
    step(device, 0);
    const state = device.snapshot();
    const of = (change: (bytes: Uint8Array) => void) => {
      const bytes = state.slice();
      change(bytes);
      return bytes;
    };
    const other = watchDevice(
      createDevice(createFakeRuntime({ inputs: INPUTS, hash: "b".repeat(64) })),
      new DeviceAlarm(PLAN),
    );
    const before = other.snapshot();
    expect(() => other.restore(state)).toThrow(SnapshotError);
    expect(other.snapshot()).toEqual(before);
    expect(() => other.restore(of((bytes) => bytes.fill(1, 100, 101)))).toThrow(DeviceStateError);
    expect(() => other.restore(of((bytes) => bytes.fill(2, 4, 5)))).toThrow("version 2, expected 1");
    expect(() => other.restore(of((bytes) => bytes.fill(255, 8, 12)))).toThrow(DeviceStateError);
    expect(() => other.restore(state.subarray(0, 14))).toThrow(DeviceStateError);
  });
});

describe("createRuntimeWithoutModel", () => {
  it("predicts nothing, checks samples, and keeps the steps of a device", () => {
    const device = watched(createRuntimeWithoutModel(INPUTS));
    const outcome = step(device, 0);
    expect(outcome).toMatchObject({ n: 1, residual: [], anomaly: { isAlarm: false } });
    expect(outcome.prediction).toHaveLength(0);
    expect(() => device.step([1], 1)).toThrow(SampleError);
    expect(() => device.step([1, Number.POSITIVE_INFINITY], 1)).toThrow('Input "pressure" is Infinity');
    const after = watched(createRuntimeWithoutModel(INPUTS));
    after.restore(device.snapshot());
    expect(after.n).toBe(1);
    expect(() => watched(createRuntimeWithoutModel(["a", "b"])).restore(device.snapshot())).toThrow(SnapshotError);
  });

  it("counts its sessions", () => {
    const none = createRuntimeWithoutModel(["x"]);
    const session = none.createSession();
    expect(none.sessionCount).toBe(1);
    session.release();
    expect(none).toMatchObject({ sessionCount: 0, inputSize: 1, outputSize: 0 });
  });
});
