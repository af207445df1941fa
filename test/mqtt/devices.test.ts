import { afterEach, describe, expect, it, vi } from "vitest";
import { Committer } from "../../host/mqtt/committer.ts";
import { createCounters } from "../../host/mqtt/counters.ts";
import { Devices } from "../../host/mqtt/devices.ts";
import { crc32 } from "../../host/runtime/crc32.ts";
import { createMemoryStore } from "../../host/store/memory.ts";
import type { StateStore } from "../../host/store/store.ts";
import { createDevice } from "../../host/stream/device.ts";
import { GatedStore, turns } from "../support/fake-broker.ts";
import { createFakeRuntime } from "../support/fake-runtime.ts";

function setUp(
  maxDevices: number,
  store: StateStore = createMemoryStore(),
  maxAge?: number,
  change: Partial<ReturnType<typeof createFakeRuntime>> | undefined = undefined,
) {
  const steps: string[] = [];
  const notes: string[] = [];
  const refusals: string[] = [];
  const times: number[] = [];
  const made = createFakeRuntime({ inputs: maxAge === undefined ? ["x"] : ["x", "y"] });
  const runtime = change === undefined ? made : { ...made, ...change };
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
      if (outcome.kind !== "reject") times.push(outcome.time);
      if (outcome.kind === "step") steps.push(`${device} ${outcome.n} ${outcome.prediction[0]}`);
      if (outcome.kind === "hold") steps.push(`${device} held`);
      if (outcome.kind === "reject") refusals.push(`${device} ${outcome.reason}: ${outcome.text}`);
    },
    ...(change === undefined ? { retryMs: 5 } : {}),
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
    times,
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

afterEach(() => {
  vi.useRealTimers();
});

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
      ["b", 1, Number.NaN, 0], // refused: it takes nobody's place
      ["b", 1, 0, 0],
      ["a", 8, Number.NaN, 1000],
      ["a", 8, Number.NaN, 1001],
    ] as const) {
      accept(device, x, y, time);
      await committer.idle(1000);
    }
    // 0.75 (0.75 h + x) + y
    expect(steps).toEqual(["a 1 5", "b 1 0.75", "a 2 10.8125"]);
    expect(refusals).toEqual([
      'b missing_field: Input "y" is missing, and the device has no earlier value of it (device b)',
      'a missing_field: Input "y" is missing, and its last value is 1.001 s old, at most 1 s are allowed (device a)',
    ]);
    expect(counters).toMatchObject({ evictions: 2, restored: 1 });
  });

  it("brings no device into memory for a sample that is refused, and puts none out of it", async () => {
    const { accept, committer, counters } = setUp(1, createMemoryStore(), 1000);
    accept("a", 4, 2, 0);
    await committer.idle(1000);
    for (let stranger = 0; stranger < 50; stranger++) {
      accept(`stranger ${stranger}`, 1, Number.NaN, 0);
      await committer.idle(1000);
    }
    expect(counters).toMatchObject({ devices: 1, evictions: 0, restored: 0 });
  });

  it("goes on with a state whose commit is under way", async () => {
    const store = new GatedStore();
    const { steps, accept, committer } = setUp(1, store);
    accept("a", 4);
    await committer.idle(1000);
    store.hold("commit");
    accept("a", 8);
    await turns(); // the commit of a waits
    accept("b", 1);
    await turns(); // b takes its place; nothing of a waits for the next commit
    accept("a", 16);
    expect(steps).toEqual(["a 1 4", "a 2 11", "b 1 1", "a 3 24.25"]);
    store.release("commit");
    await committer.idle(1000);
  });

  it("evicts the device that was used least recently", async () => {
    const store = new GatedStore();
    const { steps, accept, hold, committer, counters } = setUp(3, store, 1000);
    for (const device of ["a", "b", "c"]) {
      accept(device, 1, 1);
      await committer.idle(1000);
    }
    accept("a", 1, 1);
    hold("b", 1);
    accept("d", 1, 1);
    await committer.idle(1000);
    expect(counters).toMatchObject({ devices: 3, evictions: 1, restored: 0 });
    steps.length = 0;
    store.hold("get");
    for (const device of ["a", "b", "d", "c"]) accept(device, 1, 1);
    await turns();
    expect(steps.map((step) => step.slice(0, 3))).toEqual(["a 3", "b 2", "d 2"]); // at once: they are in memory
    store.release("get");
    await committer.idle(1000);
    expect(steps.at(-1)).toMatch(/^c 2 /);
    expect(counters).toMatchObject({ devices: 3, evictions: 2, restored: 1 });
  });

  it("does not commit the state of a device again that leaves memory unchanged", async () => {
    const store = new GatedStore();
    const { accept, committer } = setUp(1, store);
    accept("a", 1);
    await committer.idle(1000);
    accept("b", 1);
    await committer.idle(1000);
    expect(store.commits).toEqual([["device/pump/a"], ["device/pump/b"]]);
  });

  it("commits nothing for a sample that is refused", async () => {
    const store = new GatedStore();
    const { accept, committer, refusals, steps } = setUp(1, store);
    accept("a", Number.NaN);
    await committer.idle(1000);
    expect(store.commits).toEqual([]);
    expect(steps).toEqual([]);
    expect(refusals).toEqual(["a bad_sample: Sample has a value that is not finite (device a)"]);
  });

  it("remembers the values of a message that is held, and steps by them later", async () => {
    const { steps, refusals, accept, hold, committer } = setUp(10, new GatedStore(), 1000);
    hold("a", 7, 2, 100);
    accept("a", 4, Number.NaN, 1100);
    accept("a", 4, Number.NaN, 1101);
    hold("b", 1, Number.POSITIVE_INFINITY);
    await committer.idle(1000);
    expect(steps).toEqual(["a held", "a 1 5"]);
    expect(refusals).toEqual([
      'a missing_field: Input "y" is missing, and its last value is 1.001 s old, at most 1 s are allowed (device a)',
      'b bad_sample: Input "y" is Infinity, expected a finite number (device b)',
    ]);
  });

  it("settles the message of every sample, used or not", async () => {
    const { accept, hold, committer } = setUp(10, new GatedStore(), 1000);
    const tickets = [accept("a", 1, 1), accept("a", 1, 1), accept("a", Number.NaN), hold("a", 1, 1)];
    expect(tickets.map(({ open }) => open)).toEqual([1, 1, 1, 1]);
    await turns();
    expect(tickets.map(({ open }) => open)).toEqual([0, 0, 0, 0]);
    expect(await committer.idle(1000)).toBe(true);
  });

  it("tells the time of each sample", async () => {
    const { times, accept, hold, committer } = setUp(10, new GatedStore(), 1000);
    accept("a", 1, 1, 5);
    hold("a", 1, 1, 6);
    await committer.idle(1000);
    expect(times).toEqual([5, 6]);
  });

  it("waits a second before it reads a state again", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const store = new GatedStore();
    store.failure = new Error("Input/output error");
    const { steps, notes, accept } = setUp(10, store, undefined, {});
    accept("a", 1);
    await turns();
    store.failure = undefined;
    await vi.advanceTimersByTimeAsync(999);
    expect(steps).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    await turns();
    expect([steps, notes.length]).toEqual([["a 1 1"], 1]);
  });

  it("puts a state of another model aside, and starts cold", async () => {
    const store = new GatedStore();
    const other = createDevice(createFakeRuntime({ inputs: ["x"], hash: "b".repeat(64) }));
    other.step([1]);
    const state = other.snapshot();
    await store.commit([["device/pump/a", state]]);
    const { steps, notes, accept, committer, counters } = setUp(10, store);
    accept("a", 4);
    await committer.idle(1000);
    expect(steps).toEqual(["a 1 4"]);
    expect(counters).toMatchObject({ state_of_other_model: 1, state_damaged: 0, restored: 0 });
    const aside = `quarantine/device/pump/a/${crc32(state).toString(16).padStart(8, "0")}`;
    expect(await store.get(aside)).toEqual(state);
    expect(notes).toEqual([
      `pump state of other model: device a starts cold, its old state is kept as ${aside} (Snapshot is of another model)`,
    ]);
  });

  it("names what it puts aside by eight digits", async () => {
    // The checksum of these bytes begins with a zero.
    const bytes = Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte)).find((one) => crc32(one) < 2 ** 28)!;
    const store = new GatedStore();
    await store.commit([["device/pump/a", bytes]]);
    const { accept, committer } = setUp(10, store);
    accept("a", 4);
    await committer.idle(1000);
    const keys: string[] = [];
    for await (const [key] of store.entries("quarantine/")) keys.push(key);
    expect(keys).toEqual([expect.stringMatching(/^quarantine\/device\/pump\/a\/0[0-9a-f]{7}$/)]);
  });

  it("ends the program when the model has a fault", async () => {
    const fault = new TypeError("x is not a function");
    const runtime = createFakeRuntime({ inputs: ["x"] });
    const { committer, devices } = setUp(10, new GatedStore(), undefined, {
      ...runtime,
      createSession: () => ({
        ...runtime.createSession(),
        step: () => {
          throw fault;
        },
        restore: () => {
          throw fault;
        },
      }),
    });
    // In memory, so that the fault comes to who hands the sample on.
    const ticket = { open: 1, acknowledge() {} };
    const arrival = { action: "step" as const, sample: Float64Array.of(1), time: 0, ticket };
    committer.put("device/pump/b", createDevice(runtime).snapshot());
    expect(() => devices.accept("b", arrival)).toThrow(fault);
  });

  it("loads nothing any more once it is closed", async () => {
    const store = new GatedStore();
    const { steps, accept, devices, runtime } = setUp(10, store);
    store.hold("get");
    accept("a", 1);
    devices.close();
    store.release("get");
    await turns();
    expect(steps).toEqual([]);
    expect(runtime.sessionCount).toBe(0);
  });

  it("does not read again once it is closed", async () => {
    const store = new GatedStore();
    store.failure = new Error("Input/output error");
    const { notes, accept, devices } = setUp(10, store);
    accept("a", 1);
    await turns();
    devices.close();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(notes).toHaveLength(1);
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
