import { describe, expect, it } from "vitest";
import { Committer } from "../../host/mqtt/committer.ts";
import { createCounters } from "../../host/mqtt/counters.ts";
import { Devices } from "../../host/mqtt/devices.ts";
import { createMemoryStore } from "../../host/store/memory.ts";
import type { StateStore } from "../../host/store/store.ts";
import { createFakeRuntime } from "../support/fake-runtime.ts";

function setUp(maxDevices: number, store: StateStore = createMemoryStore(), maxAge?: number) {
  const steps: string[] = [];
  const notes: string[] = [];
  const refusals: string[] = [];
  const runtime = createFakeRuntime({ inputs: maxAge === undefined ? ["x"] : ["x", "y"] });
  const committer = new Committer({ store, onError: () => {}, onCommitted: () => {} });
  const counters = createCounters(["pump"]).streams.pump!;
  const devices = new Devices({
    stream: "pump",
    runtime,
    maxAges: [undefined, maxAge],
    maxDevices,
    store,
    committer,
    counters,
    log: { note: (scope, kind, text) => notes.push(`${scope} ${kind}: ${text}`), flush() {} },
    onOutcome: (outcome) => {
      const { device } = outcome;
      if (outcome.kind === "step") steps.push(`${device} ${outcome.n} ${outcome.prediction[0]}`);
      if (outcome.kind === "hold") steps.push(`${device} held`);
      if (outcome.kind === "reject") refusals.push(`${device} ${outcome.reason}: ${outcome.text}`);
    },
    retryMs: 5,
  });
  const sample = new Float64Array(runtime.inputSize); // reused, as a decoder does
  const send = (action: "step" | "hold") => {
    return (device: string, x: number, y = Number.NaN, time = 0) => {
      sample.set(runtime.inputSize === 1 ? [x] : [x, y]);
      const ticket = { open: 1, acknowledge() {} };
      committer.admit(ticket);
      devices.accept(device, { action, sample, time, ticket });
      return ticket;
    };
  };
  return {
    steps,
    notes,
    refusals,
    runtime,
    committer,
    counters,
    devices,
    accept: send("step"),
    hold: send("hold"),
    store,
  };
}

describe("Devices", () => {
  it("keeps the order of samples that wait for the state store", async () => {
    const { steps, accept, committer } = setUp(10);
    for (const value of [4, 8, 16]) accept("a", value);
    expect(steps).toEqual([]);
    await committer.idle(1000);
    expect(steps).toEqual(["a 1 4", "a 2 11", "a 3 24.25"]);
  });

  it("goes on with a state that left memory and is not committed yet", async () => {
    const { steps, accept, committer, counters } = setUp(1);
    accept("a", 4);
    accept("b", 1);
    // Long enough for the memory store, too short for the commit, which waits for the end of the turn.
    while (steps.length < 2) await Promise.resolve();
    const other = steps[1]?.startsWith("a") ? "b" : "a"; // the one that is not in memory
    accept(other, 8);
    expect(steps).toHaveLength(3);
    await committer.idle(1000);
    expect(counters).toMatchObject({ evictions: 2, restored: 1, devices: 1 });
  });

  it("tries again when a state cannot be read, rather than start cold", async () => {
    const store = createMemoryStore();
    let failures = 2;
    const flaky: StateStore = {
      ...store,
      get: async (key) => {
        if (failures-- > 0) throw new Error("Input/output error");
        return store.get(key);
      },
    };
    const { steps, notes, accept, committer } = setUp(10, flaky);
    accept("a", 4);
    accept("a", 8);
    await committer.idle(1000);
    expect(steps).toEqual(["a 1 4", "a 2 11"]);
    expect(notes).toHaveLength(2);
    expect(notes[0]).toContain(
      "pump state store: the state of a cannot be read, trying again: Error: Input/output error",
    );
  });

  it("puts a damaged state aside and starts cold", async () => {
    const store = createMemoryStore();
    await store.commit([["device/pump/a", Uint8Array.of(1, 2, 3)]]);
    const { steps, notes, accept, committer, counters } = setUp(10, store);
    accept("a", 4);
    await committer.idle(1000);
    expect(steps).toEqual(["a 1 4"]);
    expect(counters).toMatchObject({ state_damaged: 1, restored: 0 });
    expect(notes).toHaveLength(1);
    const kept: number[][] = [];
    for await (const [, value] of store.entries("quarantine/device/pump/a/")) kept.push([...value]);
    expect(kept).toEqual([[1, 2, 3]]);
  });

  it("fills in a value from before the device left memory, or says that it has none", async () => {
    const { steps, refusals, accept, committer, counters } = setUp(1, createMemoryStore(), 1000);
    for (const [device, x, y, time] of [
      ["a", 4, 2, 0],
      ["b", 1, Number.NaN, 0],
      ["a", 8, Number.NaN, 1000],
      ["a", 8, Number.NaN, 1001],
    ] as const) {
      accept(device, x, y, time);
      await committer.idle(1000);
    }
    // 0.75 (0.75 h + x) + y
    expect(steps).toEqual(["a 1 5", "a 2 10.8125"]);
    expect(refusals).toEqual([
      'b missing_field: Input "y" is missing, and the device has no earlier value of it (device b)',
      'a missing_field: Input "y" is missing, and its last value is 1.001 s old, at most 1 s are allowed (device a)',
    ]);
    expect(counters).toMatchObject({ evictions: 2, restored: 1 });
  });

  it("holds no more sessions than it may", async () => {
    const { accept, committer, runtime, devices } = setUp(3);
    for (let t = 0; t < 200; t++) accept(`d${(t * 7) % 10}`, t);
    await committer.idle(1000);
    expect(runtime.sessionCount).toBe(3);
    devices.close();
    expect(runtime.sessionCount).toBe(0);
  });
});
