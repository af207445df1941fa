import { describe, expect, it } from "vitest";
import { applySubscriptions, resolveClientId } from "../../host/mqtt/subscriptions.ts";
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
      expect(await apply(store, ["a"], false)).toEqual(["store a", "subscribe a at 1"]);
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
