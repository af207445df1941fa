import { crc32 as zlibCrc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import { crc32 } from "../../host/runtime/crc32.ts";
import { createRuntime } from "../../host/runtime/runtime.ts";
import { readSnapshot, writeSnapshot } from "../../host/runtime/snapshot.ts";
import { randomF32Model, randomQ15Model, randomSamples } from "../support/models.ts";
import { mulberry32 } from "../support/random.ts";
import { SHAPE, seal, snapshotRefusal } from "./snapshot-bytes.ts";

const MODELS = [
  ["f32", randomF32Model(SHAPE).model],
  ["q15", randomQ15Model(SHAPE).model],
] as const;

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
      snapshotRefusal(session, damaged);
    }
  });

  it("is refused when it is cut or extended anywhere", () => {
    const session = createRuntime(model).createSession();
    session.run(early);
    const snapshot = session.snapshot();
    for (let length = 0; length < snapshot.length; length++) snapshotRefusal(session, snapshot.subarray(0, length));
    snapshotRefusal(session, Uint8Array.of(...snapshot, 0));
    expect(snapshotRefusal(session, snapshot.subarray(0, 31))).toBe(
      "Snapshot has 31 bytes, expected at least 32; it is truncated",
    );
    expect(snapshotRefusal(session, snapshot.subarray(0, -1))).toMatch(/^Snapshot says \d+ bytes of state, holds \d+$/);
  });

  it("is refused by another model", () => {
    const other = (model.spec.numeric === "f32" ? randomF32Model : randomQ15Model)({ ...SHAPE, seed: 2 }).model;
    const message = snapshotRefusal(
      createRuntime(other).createSession(),
      createRuntime(model).createSession().snapshot(),
    );
    expect(message).toBe(
      `Snapshot belongs to the model with hash ${model.hash.slice(0, 8)}…, this is ${other.hash.slice(0, 8)}…`,
    );
  });

  it("is refused in a version that is newer", () => {
    const session = createRuntime(model).createSession();
    const snapshot = session.snapshot();
    snapshot[4] = 4;
    expect(snapshotRefusal(session, seal(snapshot))).toBe(
      "Snapshot is of version 4, expected 1 to 3; it was written by a newer Rivulet",
    );
    snapshot[4] = 0;
    expect(snapshotRefusal(session, seal(snapshot))).toBe(
      "Snapshot is of version 0, expected 1 to 3; no Rivulet wrote it",
    );
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
    expect(snapshotRefusal(runtime.createSession(), writeSnapshot(model.hash, state))).toBe(
      `Snapshot holds ${runtime.stateBytes + 16} bytes of state, this model has ${runtime.stateBytes}`,
    );
  });

  it("is refused when it is something else", () => {
    const session = createRuntime(model).createSession();
    const text = new TextEncoder().encode("a text of more than thirty-two bytes");
    expect(snapshotRefusal(session, text)).toBe("Snapshot does not start with RVS1; it is no snapshot");
    expect(snapshotRefusal(session, new Uint8Array(0))).toMatch(/truncated$/);
  });
});
