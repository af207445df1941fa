import { crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import { SnapshotError } from "../../host/model/errors.ts";
import type { Model } from "../../host/model/types.ts";
import { createRuntime } from "../../host/runtime/runtime.ts";
import { writeSnapshot } from "../../host/runtime/snapshot.ts";
import { createDevice, DeviceStateError } from "../../host/stream/device.ts";
import { createFakeRuntime } from "../support/fake-runtime.ts";
import { randomF32Model, randomQ15Model, randomSamples } from "../support/models.ts";
import { horizon3, stepTimes } from "./device-steps.ts";

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
