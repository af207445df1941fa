import { describe, expect, it } from "vitest";
import { createCounters } from "../../host/mqtt/counters.ts";
import { Totals } from "../../host/mqtt/totals.ts";
import { createMemoryStore } from "../../host/store/memory.ts";

async function setUp(store = createMemoryStore(), time = 1000) {
  const counters = createCounters(["pump"]).streams;
  const totals = new Totals(counters, () => time);
  await totals.load(store);
  return { store, totals, pump: counters.pump! };
}

describe("Totals", () => {
  it("go on from one run to the next, with the first and the last time", async () => {
    const { store, totals, pump } = await setUp();
    Object.assign(pump, { received: 3, steps: 2, rejected: { not_json: 1 }, devices: 5 });
    totals.touch();
    await store.commit(totals.collect());
    const next = await setUp(store, 5000);
    expect(next.totals.last).toBe(1000);
    Object.assign(next.pump, { received: 1, steps: 1, devices: 1 });
    next.totals.touch();
    await store.commit(next.totals.collect());
    expect(next.totals.all()).toEqual({
      pump: { since: 1000, last: 5000, counts: { received: 4, steps: 3, "rejected.not_json": 1 } },
    });
    expect((await setUp(store)).totals.all()).toEqual(next.totals.all());
  });

  it("are written when a message was done with, and not while it is on its way", async () => {
    const { totals, pump } = await setUp();
    expect(totals.hasChanges).toBe(false);
    pump.received = 1;
    totals.touch();
    expect(totals.hasChanges).toBe(false);
    pump.steps = 1;
    expect(totals.hasChanges).toBe(true);
    expect(totals.collect()).toHaveLength(1);
    totals.touch();
    expect(totals.hasChanges).toBe(false);
  });

  it.each(["", "{", '{"since":1,"last":2,"counts":{"steps":"x"}}'])(
    "count from zero where %j is kept",
    async (text) => {
      const store = createMemoryStore();
      await store.commit([["totals/pump", new TextEncoder().encode(text)]]);
      const { totals } = await setUp(store);
      expect(totals.all()).toEqual({ pump: { since: 1000, last: 0, counts: {} } });
      expect(totals.last).toBeUndefined();
    },
  );
});
