import { describe, expect, it } from "vitest";
import { applySubscriptions } from "../../host/mqtt/subscriptions.ts";
import { FakeConnection, GatedStore } from "../support/fake-broker.ts";

const KEY = "meta/subscriptions";

/** Applies subscriptions on a fresh connection; answers what the broker and the store were told, in order. */
async function apply(store: GatedStore, filters: readonly string[], hasSession: boolean, clientId = "me") {
  const events: string[] = [];
  const handlers = { onOpen() {}, onMessage() {}, onDrain() {}, onClose() {} };
  const connection = new FakeConnection({ url: "mqtt://fake", clientId, isClean: false }, handlers);
  connection.answer = async (call) => {
    events.push(call);
  };
  const { commit } = store;
  const logged = Object.assign(Object.create(store) as GatedStore, {
    get: (key: string) => store.get(key),
    commit: async (changes: Parameters<typeof commit>[0]) => {
      await commit.call(store, changes);
      events.push(`store ${(await saved(store)).join(", ")}`);
    },
  });
  const subscriptions = filters.map((filter) => ({ filter, qos: 1 as const }));
  await applySubscriptions(connection, logged, clientId, subscriptions, hasSession);
  return events;
}

async function saved(store: GatedStore): Promise<string[]> {
  return JSON.parse(new TextDecoder().decode(await store.get(KEY))).filters;
}

describe("applySubscriptions", () => {
  it("remembers filters before it subscribes them", async () => {
    expect(await apply(new GatedStore(), ["a", "b"], false)).toEqual(["store a, b", "subscribe a at 1, b at 1"]);
  });

  it("subscribes again without a write when all of them are known", async () => {
    const store = new GatedStore();
    await apply(store, ["a", "b"], false);
    expect(await apply(store, ["b", "a"], true)).toEqual(["subscribe b at 1, a at 1"]);
  });

  it("unsubscribes those of earlier runs, and forgets them when they are gone", async () => {
    const store = new GatedStore();
    await apply(store, ["a", "b", "c"], false);
    expect(await apply(store, ["b", "d"], true)).toEqual([
      "store b, d, a, c",
      "unsubscribe a, c",
      "subscribe b at 1, d at 1",
      "store b, d",
    ]);
  });

  it("unsubscribes without a write before it when nothing is new", async () => {
    const store = new GatedStore();
    await apply(store, ["a", "b"], false);
    expect(await apply(store, ["b"], true)).toEqual(["unsubscribe a", "subscribe b at 1", "store b"]);
  });

  it("knows of nothing to unsubscribe when the broker has no session", async () => {
    const store = new GatedStore();
    await apply(store, ["a"], false);
    expect(await apply(store, ["b"], false)).toEqual(["store b", "subscribe b at 1"]);
  });

  it("leaves the filters of another client id alone", async () => {
    const store = new GatedStore();
    await apply(store, ["a"], false);
    expect(await apply(store, ["b"], true, "other")).toEqual(["store b", "subscribe b at 1"]);
  });

  it("subscribes on a resumed session that the store knows nothing of", async () => {
    expect(await apply(new GatedStore(), ["a"], true)).toEqual(["store a", "subscribe a at 1"]);
  });

  it("writes where earlier versions look", async () => {
    const store = new GatedStore();
    await apply(store, ["a"], false);
    expect(new TextDecoder().decode(await store.get(KEY))).toBe('{"clientId":"me","filters":["a"]}');
  });
});
