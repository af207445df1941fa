// Home Assistant's discovery at a broker that the test plays.

import { afterEach, describe, expect, it } from "vitest";
import type { Bridge, BridgeOptions } from "../../host/mqtt/bridge.ts";
import type { HomeAssistantOptions } from "../../host/mqtt/discovery.ts";
import type { StateStore } from "../../host/store/store.ts";
import { createLastingStore, createTestLog, createTestStream, startTestBridge, until } from "../support/bridge.ts";
import { FakeBroker, type FakeConnection, turns } from "../support/fake-broker.ts";
import { createFakeRuntime } from "../support/fake-runtime.ts";

const DAY_MS = 86_400_000;
const SETTINGS: HomeAssistantOptions = {
  prefix: "homeassistant",
  birthTopic: "homeassistant/status",
  forgetAfterMs: 30 * DAY_MS,
  jitterMs: 0,
};
const SAMPLE = '{"speed":1,"pressure":2}';

const bridges: Bridge[] = [];
afterEach(async () => {
  for (const bridge of bridges.splice(0)) await bridge.stop();
});

async function start(store: StateStore, options: Partial<BridgeOptions> = {}, hasSession = false) {
  const broker = new FakeBroker();
  const log = createTestLog();
  const bridge = await startTestBridge("mqtt://plant", {
    store,
    log,
    connect: broker.connect,
    homeAssistant: SETTINGS,
    version: "1.2.3",
    ...options,
  });
  bridges.push(bridge);
  broker.last.accept(hasSession);
  await bridge.ready;
  await turns();
  return { bridge, broker, log, connection: broker.last };
}

/** What was published on discovery topics: by topic, whether it announces or removes. */
function announced({ calls }: FakeConnection): Map<string, "announced" | "removed"> {
  const found = calls.flatMap((call) => {
    const [, topic, payload] = /^publish (\S+\/config) (.*)$/.exec(call) ?? [];
    return topic === undefined ? [] : [[topic, payload === " retained" ? "removed" : "announced"] as const];
  });
  return new Map(found);
}

const nodesOf = (connection: FakeConnection, what: "announced" | "removed") =>
  new Set([...announced(connection)].filter(([, kind]) => kind === what).map(([topic]) => topic.split("/").at(-3)));

const BRIDGE = /^rivulet_rivulet_bridge_/;
const PUMP_7 = /^rivulet_rivulet_pump_7_/;
const BRIDGE_KEY = /^homeassistant\/homeassistant\/rivulet_rivulet_bridge_/;
const PUMP_7_KEY = /^homeassistant\/homeassistant\/rivulet_rivulet_pump_7_/;

describe("Discovery", () => {
  it("announces the bridge, and each device with its first step, once", async () => {
    const { connection } = await start(createLastingStore());
    expect([...nodesOf(connection, "announced")]).toEqual([expect.stringMatching(BRIDGE)]);
    expect(connection.calls).toContain('publish rivulet/bridge/info {"version":"1.2.3","streams":["pump"]} retained');
    connection.deliver("plant/7/data", SAMPLE, 1);
    connection.deliver("plant/7/data", SAMPLE, 2);
    await turns();
    expect([...nodesOf(connection, "announced")]).toEqual([
      expect.stringMatching(BRIDGE),
      expect.stringMatching(PUMP_7),
    ]);
    expect(connection.calls.filter((call) => /\/config /.test(call))).toHaveLength(announced(connection).size);
  });

  it("announces no device for messages that are refused", async () => {
    const { connection } = await start(createLastingStore());
    connection.deliver("plant/7/data", "no json", 1);
    await turns();
    expect(nodesOf(connection, "announced").size).toBe(1);
  });

  it("tells all again to a Home Assistant that starts, and counts its message as no reading", async () => {
    const { connection, bridge } = await start(createLastingStore());
    connection.deliver("plant/7/data", SAMPLE, 1);
    await turns();
    connection.calls.length = 0;
    connection.deliver("homeassistant/status", "offline");
    connection.deliver("homeassistant/status", "online");
    await until(() => nodesOf(connection, "announced").size === 2);
    expect(bridge.counters()).toMatchObject({ unmatched: 0, streams: { pump: { received: 1 } } });
    expect(connection.subscriptions).toContainEqual({ filter: "homeassistant/status", qos: 0 });
  });

  it("tells nothing to a Home Assistant that stops", async () => {
    const { connection } = await start(createLastingStore());
    connection.calls.length = 0;
    connection.deliver("homeassistant/status", "offline");
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(announced(connection).size).toBe(0);
  });

  it("tells all again to a broker that has forgotten the session, not to one that kept it", async () => {
    const { connection, broker } = await start(createLastingStore());
    connection.deliver("plant/7/data", SAMPLE, 1);
    await turns();
    connection.lose();
    await until(() => broker.connections.length === 2);
    broker.last.accept(true);
    await turns();
    expect(announced(broker.last).size).toBe(0);
    broker.last.lose();
    await until(() => broker.connections.length === 3);
    broker.last.accept(false);
    await until(() => nodesOf(broker.last, "announced").size === 2);
  });

  it("goes on after a connection that is lost while it announces", async () => {
    const { connection, broker } = await start(createLastingStore());
    connection.answer = (call) => (call.includes("/config ") ? Promise.reject(new Error("lost")) : Promise.resolve());
    connection.deliver("plant/7/data", SAMPLE, 1);
    await turns();
    connection.lose();
    await until(() => broker.connections.length === 2);
    broker.last.accept(true);
    await until(() => nodesOf(broker.last, "announced").size === 1);
    expect([...nodesOf(broker.last, "announced")]).toEqual([expect.stringMatching(PUMP_7)]);
  });

  it("removes exactly what a stream that is gone has left", async () => {
    const store = createLastingStore();
    const fan = createTestStream({ name: "fan", topic: "fan/{device}" });
    const { connection, bridge } = await start(store, { streams: [createTestStream(), fan] });
    connection.deliver("plant/7/data", SAMPLE, 1);
    connection.deliver("fan/8", SAMPLE, 2);
    await turns();
    const known = announced(connection);
    await bridge.stop();
    const { connection: later } = await start(store, {}, true);
    await until(() => nodesOf(later, "announced").size === 2);
    const removed = [...announced(later)].filter(([, kind]) => kind === "removed").map(([topic]) => topic);
    expect(removed).toEqual([...known.keys()].filter((topic) => topic.includes("_fan_")));
    expect(removed.length).toBeGreaterThan(0);
    expect(await keysOf(store)).toEqual([expect.stringMatching(BRIDGE_KEY), expect.stringMatching(PUMP_7_KEY)]);
  });

  it("removes what is at another prefix, and everything when it is turned off", async () => {
    const store = createLastingStore();
    const first = await start(store);
    first.connection.deliver("plant/7/data", SAMPLE, 1);
    await turns();
    await first.bridge.stop();
    const second = await start(store, { homeAssistant: { ...SETTINGS, prefix: "ha", birthTopic: "ha/status" } }, true);
    await until(() => nodesOf(second.connection, "removed").size === 2);
    expect(
      [...announced(second.connection)].every(([topic, kind]) => topic.startsWith("ha/") === (kind === "announced")),
    ).toBe(true);
    second.connection.deliver("plant/7/data", SAMPLE, 2);
    await until(() => nodesOf(second.connection, "announced").size === 2);
    await second.bridge.stop();
    const third = await start(store, { homeAssistant: undefined }, true);
    await until(() => nodesOf(third.connection, "removed").size === 2);
    await third.bridge.stop();
    expect(await keysOf(store)).toEqual([]);
  });

  it("removes what is named by another base topic", async () => {
    const store = createLastingStore();
    const first = await start(store);
    first.connection.deliver("plant/7/data", SAMPLE, 1);
    await turns();
    await first.bridge.stop();
    const { connection } = await start(store, { baseTopic: "hall" }, true);
    await until(() => nodesOf(connection, "removed").size === 2);
    connection.deliver("plant/7/data", SAMPLE, 2);
    await until(() => nodesOf(connection, "announced").size === 2);
    expect([...nodesOf(connection, "announced")].every((node) => node?.startsWith("rivulet_hall_"))).toBe(true);
    expect([...nodesOf(connection, "removed")].every((node) => node?.startsWith("rivulet_rivulet_"))).toBe(true);
  });

  it("removes entities that a device does not have any more", async () => {
    const store = createLastingStore();
    const first = await start(store);
    first.connection.deliver("plant/7/data", SAMPLE, 1);
    await turns();
    const before = announced(first.connection);
    await first.bridge.stop();
    const runtime = createFakeRuntime({ outputs: [{ name: "next speed", forecasts: "speed" }] });
    const later = await start(store, { streams: [createTestStream({ runtime })] }, true);
    await until(() => nodesOf(later.connection, "announced").size === 2);
    const removed = [...announced(later.connection)].filter(([, kind]) => kind === "removed").map(([topic]) => topic);
    expect(removed).toEqual([...before.keys()].filter((topic) => topic.endsWith("prediction_1/config")));
    // And knows that they are gone.
    await later.bridge.stop();
    const third = await start(store, { streams: [createTestStream({ runtime })] }, true);
    await until(() => nodesOf(third.connection, "announced").size === 2);
    expect(nodesOf(third.connection, "removed").size).toBe(0);
  });

  it("forgets a device that was silent for long, and knows it again", async () => {
    const store = createLastingStore();
    let now = 100 * DAY_MS;
    const first = await start(store, { now: () => now });
    first.connection.deliver("plant/7/data", SAMPLE, 1);
    await turns();
    await first.bridge.stop();
    now += 32 * DAY_MS;
    const later = await start(store, { now: () => now }, true);
    await until(() => nodesOf(later.connection, "removed").size === 1);
    later.connection.deliver("plant/7/data", SAMPLE, 2);
    await until(() => [...announced(later.connection)].every(([, kind]) => kind === "announced"));
    expect([...nodesOf(later.connection, "announced")]).toContainEqual(expect.stringMatching(PUMP_7));
  });

  it("keeps a device that was silent for less since its last step", async () => {
    const store = createLastingStore();
    let now = 100 * DAY_MS;
    const first = await start(store, { now: () => now });
    first.connection.deliver("plant/7/data", SAMPLE, 1);
    await turns();
    now += 20 * DAY_MS;
    first.connection.deliver("plant/7/data", SAMPLE, 2);
    await turns();
    await first.bridge.stop();
    now += 20 * DAY_MS;
    const later = await start(store, { now: () => now }, true);
    await until(() => nodesOf(later.connection, "announced").size === 2);
    expect(nodesOf(later.connection, "removed").size).toBe(0);
  });

  it("starts anew from an entry that is damaged", async () => {
    const store = createLastingStore();
    await store.commit([
      ["homeassistant/pump/7", new TextEncoder().encode("{")],
      [
        "homeassistant/homeassistant/x",
        new TextEncoder().encode('{"prefix":"homeassistant","node":"x","parts":["../x"]}'),
      ],
    ]);
    const { bridge } = await start(store);
    await bridge.stop();
    expect(await keysOf(store)).toEqual([expect.stringMatching(BRIDGE_KEY)]);
  });
});

async function keysOf(store: StateStore): Promise<string[]> {
  const keys: string[] = [];
  for await (const [key] of store.entries("homeassistant/")) keys.push(key);
  return keys.sort();
}
