import { describe, expect, it } from "vitest";
import { createRuntime } from "../../host/runtime/runtime.ts";
import { writeSnapshot } from "../../host/runtime/snapshot.ts";
import { randomF32Model, randomQ15Model, randomSamples } from "../support/models.ts";
import { SHAPE, seal, snapshotRefusal } from "./snapshot-bytes.ts";

/** Models with a ring of forecasts. */
const FORECASTERS = [
  ["f32", randomF32Model({ ...SHAPE, horizon: 3 }).model],
  ["q15", randomQ15Model({ ...SHAPE, horizon: 3 }).model],
] as const;

describe.each(FORECASTERS)("Session.restore of a snapshot in %s whose CRC-32 is right", (numeric, model) => {
  const isFloat = numeric === "f32";
  const session = createRuntime(model).createSession();
  session.run(randomSamples(model.spec, 20).flat());
  const sound = session.snapshot();
  // Window of 6, h of 6 and of 3, each padded to 16 bytes; then the ring.
  const [h, second, ring] = isFloat ? [32, 64, 80] : [16, 32, 48];

  /** What is said of the snapshot with one element of the state changed. */
  const changed = (change: (state: DataView) => void): string => {
    const bytes = sound.slice();
    change(new DataView(bytes.buffer, 28, bytes.length - 32));
    return snapshotRefusal(session, seal(bytes));
  };

  it.each(isFloat ? [Number.NaN, Number.POSITIVE_INFINITY, -1.01, 2, 3e38] : [])("refuses %d in h", (value) => {
    for (const at of [h, h + 20, second]) {
      expect(changed((state) => state.setFloat32(at, value, true))).toContain(" of h of layers.");
    }
  });

  it.each(isFloat ? [Number.NaN, Number.NEGATIVE_INFINITY, 3e38] : [])("refuses %d in the window", (value) => {
    for (const at of [0, 20]) {
      expect(changed((state) => state.setFloat32(at, value, true))).toContain("of the window is");
    }
  });

  it.each(isFloat ? [Number.NaN, Number.NEGATIVE_INFINITY] : [])("refuses %d anywhere among the forecasts", (value) => {
    for (let at = ring + 8; at < ring + 8 + 4 * 2 * 5; at += 4) {
      expect(changed((state) => state.setFloat32(at, value, true))).toContain("a forecast is");
    }
  });

  it.each(isFloat ? [] : [-32768])("refuses h = %d, which tanh never gives", (value) => {
    expect(changed((state) => state.setInt16(h, value, true))).toContain("element 0 of h of layers.0 is -32768");
  });

  it("refuses a row of the ring that is not the next: it would be written elsewhere", () => {
    for (const row of [0, 1, 3, 1000, 0xffffffff]) {
      expect(changed((state) => state.setUint32(ring + 4, row, true))).toContain(`row ${row} of the ring`);
    }
    expect(changed((state) => state.setUint32(ring, 19, true))).toContain("row 2 of the ring of forecasts after 19");
    const wrap = (state: DataView) => {
      state.setUint32(ring, 0xffffffff, true);
      state.setUint32(ring + 4, 3, true);
    };
    expect(changed(wrap)).toContain("of 3 rows");
  });

  it("takes any row once steps stays at its greatest value", () => {
    for (const row of [0, 1, 2]) {
      const bytes = sound.slice();
      new DataView(bytes.buffer).setUint32(28 + ring, 0xffffffff, true);
      new DataView(bytes.buffer).setUint32(28 + ring + 4, row, true);
      const other = createRuntime(model).createSession();
      other.restore(seal(bytes));
      expect(other.step([0, 0]).every(Number.isFinite)).toBe(true);
    }
  });

  it("refuses padding that is not zero", () => {
    for (const at of [h - 1, second - 1, ring - 1]) {
      expect(changed((state) => state.setUint8(at, 1))).toContain("its padding is not zero");
    }
  });

  it("takes every state that steps leave, up to the greatest samples", () => {
    const other = createRuntime(model).createSession();
    for (const value of [1e18, -1e18, 0, 1e-40, 1e18]) {
      session.step([value, -value]);
      other.restore(session.snapshot());
      expect(other.snapshot()).toEqual(session.snapshot());
    }
    session.restore(sound);
  });
});

describe.each(FORECASTERS)("Session.snapshot of a forecaster in %s", (_, model) => {
  const samples = randomSamples(model.spec, 40);

  it("continues what is expected, and the residuals", () => {
    const whole = createRuntime(model).createSession();
    const second = createRuntime(model).createSession();
    for (const [t, sample] of samples.entries()) {
      const before = whole.snapshot();
      whole.step(sample);
      if (t % 5 !== 2) continue;
      second.restore(before);
      second.step(sample);
      expect([second.expected, second.residual]).toEqual([whole.expected, whole.residual]);
      expect(second.snapshot()).toEqual(whole.snapshot());
    }
  });

  it("is read in version 1: predictions go on, forecasts start anew", () => {
    const runtime = createRuntime(model);
    const [whole, second] = [runtime.createSession(), runtime.createSession()];
    whole.run(samples.slice(0, 20).flat());
    const snapshot = whole.snapshot();
    const state = snapshot.subarray(28, 28 + runtime.instance.ringOffset);
    const old = writeSnapshot(model.hash, state);
    old[4] = 1;
    second.run(samples.slice(0, 9).flat());
    second.restore(seal(old));
    for (let t = 20; t < 28; t++) {
      expect(second.step(samples[t]!)).toEqual(whole.step(samples[t]!));
      const isKnown = t >= 23;
      expect(second.residual).toEqual(isKnown ? whole.residual : [null, null]);
      expect(second.expected).toEqual(isKnown ? whole.expected : [null, null]);
    }
  });

  it("is refused in version 1 with a state of this version's size", () => {
    const runtime = createRuntime(model);
    const snapshot = runtime.createSession().snapshot();
    snapshot[4] = 1;
    expect(snapshotRefusal(runtime.createSession(), seal(snapshot))).toBe(
      `Snapshot holds ${runtime.stateBytes} bytes of state, this model has ${runtime.instance.ringOffset}`,
    );
  });
});
