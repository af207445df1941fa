import { describe, expect, it } from "vitest";
import { resolveClientId, Subscriptions } from "../../host/mqtt/subscriptions.ts";
import { createTestLog } from "../support/bridge.ts";
import { FakeConnection, GatedStore } from "../support/fake-broker.ts";

const KEY = "meta/subscriptions";

/** Applies subscriptions on the first connection of a process; answers what the broker and the store were told, in order. */
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
      const { filters, granted } = await saved(store);
      events.push(`store ${filters.join(", ")}${granted === undefined ? "" : "; all granted"}`);
    },
  });
  const subscriptions = filters.map((filter) => ({ filter, qos: 1 as const }));
  const made = new Subscriptions(logged, clientId, subscriptions, createTestLog());
  await made.prepare();
  made.attempt();
  if (await made.apply(connection, hasSession)) events.push("session lost");
  return events;
}

interface Saved {
  readonly filters: string[];
  readonly granted?: Record<string, number>;
}

async function saved(store: GatedStore): Promise<Saved> {
  return JSON.parse(new TextDecoder().decode(await store.get(KEY)));
}

describe("Subscriptions", () => {
  it("remembers filters before it subscribes them, and that it has them after", async () => {
    expect(await apply(new GatedStore(), ["a", "b"], false)).toEqual([
      "store a, b",
      "subscribe a at 1, b at 1",
      "store a, b; all granted",
    ]);
  });

  it("subscribes nothing that the session has: retained messages would come again", async () => {
    const store = new GatedStore();
    await apply(store, ["a", "b"], false);
    expect(await apply(store, ["b", "a"], true)).toEqual(["store a, b", "store b, a; all granted"]);
  });

  it("subscribes again when a process ended between a CONNECT and its outcome", async () => {
    const store = new GatedStore();
    await apply(store, ["a"], false);
    const killed = new Subscriptions(store, "me", [{ filter: "a", qos: 1 }], createTestLog());
    await killed.prepare();
    expect(await apply(store, ["a"], true)).toEqual(["subscribe a at 1", "store a; all granted"]);
  });

  it("subscribes again after an attempt that was not answered: it may have made a new session", async () => {
    const store = new GatedStore();
    const calls: string[] = [];
    const handlers = { onOpen() {}, onMessage() {}, onDrain() {}, onClose() {} };
    const connection = new FakeConnection({ url: "mqtt://fake", clientId: "me", isClean: false }, handlers);
    connection.answer = async (call) => {
      calls.push(call);
    };
    const made = new Subscriptions(store, "me", [{ filter: "a", qos: 1 }], createTestLog());
    made.attempt();
    await made.apply(connection, false);
    await made.lose();
    expect((await saved(store)).granted).toBeUndefined();
    made.attempt();
    await made.apply(connection, true);
    expect(calls).toEqual(["subscribe a at 1"]);
    made.attempt();
    made.attempt();
    await made.apply(connection, true);
    expect(calls).toEqual(["subscribe a at 1", "subscribe a at 1"]);
  });

  it("subscribes a filter again whose quality of service is another one", async () => {
    const store = new GatedStore();
    await apply(store, ["a"], false);
    const { granted = {} } = await saved(store);
    expect(granted).toEqual({ a: 1 });
    const text = JSON.stringify({ clientId: "me", filters: ["a"], granted: { a: 0 } });
    await store.commit([[KEY, new TextEncoder().encode(text)]]);
    expect(await apply(store, ["a"], true)).toContain("subscribe a at 1");
  });

  it("unsubscribes those of earlier runs, and forgets them when they are gone", async () => {
    const store = new GatedStore();
    await apply(store, ["a", "b", "c"], false);
    expect(await apply(store, ["b", "d"], true)).toEqual([
      "store a, b, c",
      "store b, d, a, c",
      "unsubscribe a, c",
      "subscribe d at 1",
      "store b, d; all granted",
    ]);
  });

  it("unsubscribes without a write before it when nothing is new", async () => {
    const store = new GatedStore();
    await apply(store, ["a", "b"], false);
    expect(await apply(store, ["b"], true)).toEqual(["store a, b", "unsubscribe a", "store b; all granted"]);
  });

  it("knows of nothing to unsubscribe when the broker has lost the session, and tells that it has", async () => {
    const store = new GatedStore();
    await apply(store, ["a"], false);
    expect(await apply(store, ["b"], false)).toEqual([
      "store a",
      "store b",
      "subscribe b at 1",
      "store b; all granted",
      "session lost",
    ]);
  });

  it("leaves the filters of another client id alone", async () => {
    const store = new GatedStore();
    await apply(store, ["a"], false);
    expect(await apply(store, ["b"], true, "other")).toEqual(["store b", "subscribe b at 1", "store b; all granted"]);
  });

  it("subscribes on a resumed session that the store knows nothing of", async () => {
    expect(await apply(new GatedStore(), ["a"], true)).toEqual(["store a", "subscribe a at 1", "store a; all granted"]);
  });

  it("writes where earlier versions look", async () => {
    const store = new GatedStore();
    await apply(store, ["a"], false);
    expect(new TextDecoder().decode(await store.get(KEY))).toBe('{"clientId":"me","filters":["a"],"granted":{"a":1}}');
  });

  it("reads what earlier versions wrote", async () => {
    const store = new GatedStore();
    await store.commit([[KEY, new TextEncoder().encode('{"clientId":"me","filters":["a","old"]}')]]);
    expect(await apply(store, ["a"], true)).toEqual(["unsubscribe old", "subscribe a at 1", "store a; all granted"]);
  });
});

describe("a state that is damaged", () => {
  const put = async (key: string, bytes: Uint8Array) => {
    const store = new GatedStore();
    await store.commit([[key, bytes]]);
    return store;
  };

  it.each(["", "{", "null", "[]", '{"clientId":"me"}', '{"clientId":"me","filters":[7]}', '{"filters":["a"]}'])(
    "is named, with what to do: filters %j",
    async (text) => {
      const store = await put(KEY, new TextEncoder().encode(text));
      await expect(apply(store, ["a"], true)).rejects.toThrow(
        "meta/subscriptions in the state is damaged; set another broker.client_id, or move the state directory away",
      );
      expect(await apply(store, ["a"], false)).toEqual(["store a", "subscribe a at 1", "store a; all granted"]);
    },
  );

  it.each([new Uint8Array(0), new Uint8Array(65_536).fill(65), Uint8Array.of(0xff), Uint8Array.of(65, 0)])(
    "is named, with what to do: a client id of other bytes",
    async (bytes) => {
      await expect(resolveClientId(await put("meta/client_id", bytes))).rejects.toThrow(
        `meta/client_id in the state is damaged (${bytes.length} bytes); set broker.client_id`,
      );
    },
  );
});
