import { crc32 as zlibCrc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import { SnapshotError } from "../../host/model/errors.ts";
import { crc32 } from "../../host/runtime/crc32.ts";
import { createRuntime } from "../../host/runtime/runtime.ts";
import type { Session } from "../../host/runtime/session.ts";
import { readSnapshot, writeSnapshot } from "../../host/runtime/snapshot.ts";
import { randomF32Model, randomQ15Model, randomSamples } from "../support/models.ts";
import { mulberry32 } from "../support/random.ts";

const SHAPE = { inputs: 2, layers: [6, 3], outputs: 2, skip: 3 } as const;
const MODELS = [
  ["f32", randomF32Model(SHAPE).model],
  ["q15", randomQ15Model(SHAPE).model],
] as const;

/** Models with a ring of forecasts. */
const FORECASTERS = [
  ["f32", randomF32Model({ ...SHAPE, horizon: 3 }).model],
  ["q15", randomQ15Model({ ...SHAPE, horizon: 3 }).model],
] as const;

/** Writes the right CRC-32 at the end of a snapshot. */
function seal(bytes: Uint8Array): Uint8Array {
  new DataView(bytes.buffer).setUint32(bytes.length - 4, zlibCrc32(bytes.subarray(0, -4)), true);
  return bytes;
}

/** Restores, expecting a refusal that leaves the state alone; gives its message. */
function refusal(session: Session, bytes: Uint8Array): string {
  const before = session.snapshot();
  let message: string | undefined;
  try {
    session.restore(bytes);
  } catch (error) {
    if (!(error instanceof SnapshotError)) throw error;
    message = error.message;
  }
  expect(session.snapshot()).toEqual(before);
  if (message === undefined) throw new Error("The snapshot was accepted");
  return message;
}

describe("crc32", () => {
  it("is that of IEEE 802.3", () => {
    expect(crc32(new TextEncoder().encode("123456789"))).toBe(0xcbf43926);
    expect(crc32(new Uint8Array(0))).toBe(0);
  });

  it("is that of zlib for any bytes", () => {
    const random = mulberry32(1);
    for (let length = 0; length < 300; length++) {
      const bytes = Uint8Array.from({ length }, () => 256 * random());
      expect(crc32(bytes)).toBe(zlibCrc32(bytes));
    }
  });
});

describe("writeSnapshot", () => {
  it("lays out FORMAT.md 7", () => {
    const hash = "00112233445566778899aabbccddeeff".padEnd(64, "0");
    const bytes = Buffer.from(writeSnapshot(hash, Uint8Array.of(1, 2, 3)));
    expect(bytes.subarray(0, 31).toString("hex")).toBe(
      ["52565331", "02000000", "00112233445566778899aabbccddeeff", "03000000", "010203"].join(""),
    );
    expect(bytes.readUInt32LE(31)).toBe(zlibCrc32(bytes.subarray(0, 31)));
    expect(bytes.length).toBe(35);
  });

  it("is what readSnapshot reads, at any place in a buffer", () => {
    const hash = "ab".repeat(32);
    const bytes = Uint8Array.of(9, 9, 9, ...writeSnapshot(hash, Uint8Array.of(7, 8))).subarray(3);
    expect([...readSnapshot(hash, { 1: 2, 2: 2 }, bytes).state]).toEqual([7, 8]);
  });
});

describe.each(MODELS)("Session.snapshot in %s", (_, model) => {
  const samples = randomSamples(model.spec, 400).flat();
  const [early, late] = [samples.slice(0, 400), samples.slice(400)];

  it.each([
    [true, true],
    [true, false],
    [false, true],
    [false, false],
  ])("continues bit for bit: SIMD %s, then %s", (from, to) => {
    const whole = createRuntime(model, { simd: from }).createSession();
    const first = createRuntime(model, { simd: from }).createSession();
    const second = createRuntime(model, { simd: to }).createSession();
    whole.run(early);
    first.run(early);
    second.run(late);
    second.restore(first.snapshot());
    expect(second.run(late)).toEqual(whole.run(late));
    expect(second.snapshot()).toEqual(whole.snapshot());
  });

  it("is a copy that later steps leave alone", () => {
    const session = createRuntime(model).createSession();
    const snapshot = session.snapshot();
    const copy = snapshot.slice();
    session.run(early);
    expect(snapshot).toEqual(copy);
    session.restore(snapshot);
    expect(session.snapshot()).toEqual(copy);
  });

  it("holds zeros at the start, and its padding stays zero", () => {
    const runtime = createRuntime(model);
    const session = runtime.createSession();
    expect(
      session
        .snapshot()
        .subarray(28, -4)
        .every((byte) => byte === 0),
    ).toBe(true);
    session.run(early);
    const state = session.snapshot().subarray(28, -4);
    const element = runtime.numeric === "f32" ? 4 : 2;
    let start = 0;
    for (const count of [6, 6, 3]) {
      const padded = Math.ceil((element * count) / 16) * 16;
      expect(state.subarray(start, start + element * count).every((byte) => byte === 0)).toBe(false);
      expect(state.subarray(start + element * count, start + padded).every((byte) => byte === 0)).toBe(true);
      start += padded;
    }
    expect(start).toBe(state.length);
  });

  it("is refused with any one bit flipped, and the state stays", () => {
    const session = createRuntime(model).createSession();
    session.run(early);
    const snapshot = session.snapshot();
    session.run(late);
    for (let bit = 0; bit < 8 * snapshot.length; bit++) {
      const damaged = snapshot.slice();
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      refusal(session, damaged);
    }
  });

  it("is refused when it is cut or extended anywhere", () => {
    const session = createRuntime(model).createSession();
    session.run(early);
    const snapshot = session.snapshot();
    for (let length = 0; length < snapshot.length; length++) refusal(session, snapshot.subarray(0, length));
    refusal(session, Uint8Array.of(...snapshot, 0));
    expect(refusal(session, snapshot.subarray(0, 31))).toBe(
      "Snapshot has 31 bytes, expected at least 32; it is truncated",
    );
    expect(refusal(session, snapshot.subarray(0, -1))).toMatch(/^Snapshot says \d+ bytes of state, holds \d+$/);
  });

  it("is refused by another model", () => {
    const other = (model.spec.numeric === "f32" ? randomF32Model : randomQ15Model)({ ...SHAPE, seed: 2 }).model;
    const message = refusal(createRuntime(other).createSession(), createRuntime(model).createSession().snapshot());
    expect(message).toBe(
      `Snapshot belongs to the model with hash ${model.hash.slice(0, 8)}…, this is ${other.hash.slice(0, 8)}…`,
    );
  });

  it("is refused in a version that is newer", () => {
    const session = createRuntime(model).createSession();
    const snapshot = session.snapshot();
    snapshot[4] = 4;
    expect(refusal(session, seal(snapshot))).toBe(
      "Snapshot is of version 4, expected 1 to 3; it was written by a newer Rivulet",
    );
    snapshot[4] = 0;
    expect(refusal(session, seal(snapshot))).toBe("Snapshot is of version 0, expected 1 to 3; no Rivulet wrote it");
  });

  it("is read in version 1, which had no ring of forecasts", () => {
    const session = createRuntime(model).createSession();
    session.run(early);
    const old = session.snapshot();
    old[4] = 1;
    const other = createRuntime(model).createSession();
    other.restore(seal(old));
    expect(other.snapshot()).toEqual(session.snapshot());
  });

  it("is refused with a state of another size", () => {
    const runtime = createRuntime(model);
    const state = new Uint8Array(runtime.stateBytes + 16);
    expect(refusal(runtime.createSession(), writeSnapshot(model.hash, state))).toBe(
      `Snapshot holds ${runtime.stateBytes + 16} bytes of state, this model has ${runtime.stateBytes}`,
    );
  });

  it("is refused when it is something else", () => {
    const session = createRuntime(model).createSession();
    const text = new TextEncoder().encode("a text of more than thirty-two bytes");
    expect(refusal(session, text)).toBe("Snapshot does not start with RVS1; it is no snapshot");
    expect(refusal(session, new Uint8Array(0))).toMatch(/truncated$/);
  });
});

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
    return refusal(session, seal(bytes));
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
    expect(refusal(runtime.createSession(), seal(snapshot))).toBe(
      `Snapshot holds ${runtime.stateBytes} bytes of state, this model has ${runtime.instance.ringOffset}`,
    );
  });
});
