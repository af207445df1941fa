import { describe, expect, it } from "vitest";
import { type Delivery, RecentDeliveries } from "../../host/mqtt/recent.ts";
import { createMemoryStore } from "../../host/store/memory.ts";

/** Receives and notes a message with one part. */
function take(recent: RecentDeliveries, id: number, low = id): Delivery {
  const entry = recent.receive(id, recent.nextMessage(), { high: 7, low });
  recent.note(entry);
  return entry;
}

async function reload(store: ReturnType<typeof createMemoryStore>, capacity = 100) {
  const recent = new RecentDeliveries(capacity);
  const damaged = await recent.load(store);
  return { recent, damaged };
}

const keys = async (store: ReturnType<typeof createMemoryStore>) => {
  const found: string[] = [];
  for await (const [key] of store.entries("recent/")) found.push(key);
  return found;
};

describe("RecentDeliveries", () => {
  it("compares nothing before a session is resumed", () => {
    const recent = new RecentDeliveries(100);
    take(recent, 1);
    expect(recent.candidates(1)).toEqual([]);
  });

  it("has each packet id compared once", () => {
    const recent = new RecentDeliveries(100);
    take(recent, 1);
    recent.resume();
    expect(recent.candidates(2)).toEqual([]);
    expect(recent.candidates(1)).toMatchObject([{ id: 1, high: 7, low: 1 }]);
    expect(recent.candidates(1)).toEqual([]);
  });

  it("compares with the latest delivery of a packet id, all of its parts", () => {
    const recent = new RecentDeliveries(100);
    take(recent, 1, 10);
    const message = recent.nextMessage();
    for (const low of [20, 21]) recent.note(recent.receive(1, message, { high: 7, low }));
    recent.resume();
    expect(recent.candidates(1).map(({ low }) => low)).toEqual([20, 21]);
  });

  it("compares no more deliveries than it may keep", () => {
    const recent = new RecentDeliveries(3);
    take(recent, 1);
    recent.resume();
    for (const id of [10, 11, 12]) recent.candidates(id);
    expect(recent.candidates(1)).toEqual([]);
  });

  it("compares what is received and not noted yet, and writes only what is noted", async () => {
    const recent = new RecentDeliveries(100);
    const entry = recent.receive(1, recent.nextMessage(), { high: 7, low: 1 });
    expect(recent.collect()).toEqual([]);
    recent.resume();
    expect(recent.candidates(1)).toEqual([entry]);
    recent.note(entry);
    expect(recent.collect()).toHaveLength(1);
  });

  it("finds again what was committed", async () => {
    const store = createMemoryStore();
    const recent = new RecentDeliveries(1000);
    for (let id = 1; id <= 100; id++) {
      take(recent, id);
      await store.commit(recent.collect());
    }
    expect(recent.hasChanges).toBe(false);
    expect(await keys(store)).toHaveLength(4); // of 32 entries
    const { recent: again } = await reload(store);
    expect(again.size).toBe(100);
    again.resume();
    for (let id = 1; id <= 100; id++) expect(again.candidates(id)).toMatchObject([{ id, high: 7, low: id }]);
    take(again, 200);
    await store.commit(again.collect());
    expect((await keys(store)).length).toBe(5);
  });

  it("forgets what is confirmed, in the order of the acknowledgements, here and in the store", async () => {
    const store = createMemoryStore();
    const recent = new RecentDeliveries(100);
    const entries = [1, 2, 3].map((id) => take(recent, id));
    await store.commit(recent.collect());
    recent.acknowledge(entries);
    expect(recent.unconfirmed).toBe(3);
    recent.confirm(2);
    expect([recent.size, recent.unconfirmed, recent.hasChanges]).toEqual([1, 1, false]);
    recent.confirm(1);
    expect([recent.size, recent.hasChanges]).toEqual([0, true]);
    await store.commit(recent.collect());
    expect(await keys(store)).toEqual([]);
  });

  it("forgets all on a new session, what comes late too", async () => {
    const store = createMemoryStore();
    const recent = new RecentDeliveries(100);
    take(recent, 1);
    const late = recent.receive(2, recent.nextMessage(), { high: 7, low: 2 });
    await store.commit(recent.collect());
    recent.clear();
    recent.note(late);
    await store.commit(recent.collect());
    expect([recent.size, await keys(store)]).toEqual([0, []]);
  });

  it("keeps no more than its capacity, the latest", () => {
    const recent = new RecentDeliveries(50);
    for (let id = 1; id <= 200; id++) take(recent, id);
    expect(recent.size).toBe(50);
    recent.resume();
    expect(recent.candidates(150)).toEqual([]);
    expect(recent.candidates(151)).toHaveLength(1);
  });

  it("passes over records that are damaged, and names them", async () => {
    const store = createMemoryStore();
    const recent = new RecentDeliveries(100);
    take(recent, 1);
    await store.commit([
      ...recent.collect(),
      ["recent/0000000000007", new Uint8Array(13)],
      ["recent/x", new Uint8Array(12)],
    ]);
    const { recent: again, damaged } = await reload(store);
    expect(damaged).toEqual(["recent/0000000000007", "recent/x"]);
    expect(again.size).toBe(1);
  });
});
