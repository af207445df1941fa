// What the broker delivers again is stepped once, between a broker and a state store of the test's own.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { BridgeOptions } from "../../host/mqtt/bridge.ts";
import { withSequence } from "../../host/stream/sequence.ts";
import { createTestLog, createTestStream, startTestBridge } from "../support/bridge.ts";
import { FakeBroker, GatedStore, turns } from "../support/fake-broker.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
});
afterEach(() => {
  vi.useRealTimers();
});

const reading = (speed: number) => JSON.stringify({ speed, pressure: 2 });

/** Starts a bridge whose broker accepts it; a store that outlives it is as good as a kill and a new start. */
async function start(store = new GatedStore(), options: Partial<BridgeOptions> = {}, hasSession = true) {
  const broker = new FakeBroker();
  const log = createTestLog();
  const bridge = await startTestBridge("mqtt://fake", { connect: broker.connect, store, log, ...options });
  broker.last.accept(hasSession);
  await turns();
  const pump = () => bridge.counters().streams.pump;
  const reconnect = async (isResumed = true) => {
    broker.last.lose();
    await vi.advanceTimersByTimeAsync(60);
    broker.last.accept(isResumed);
    await turns();
    return broker.last;
  };
  return { broker, store, log, bridge, connection: broker.last, pump, reconnect };
}

const v5 = { broker: { url: "mqtt://fake", isClean: false, clientId: "rivulet-test", protocol: 5 as const } };

describe("a message that the broker delivers again", () => {
  it("is acknowledged and not stepped by a process that starts after a kill", async () => {
    const { connection, store } = await start();
    connection.deliver("plant/7/data", reading(1), 5);
    await turns();
    expect(connection.acks).toEqual([5]);
    const next = await start(store); // the first one is killed before the broker reads the acknowledgement
    next.connection.deliver("plant/7/data", reading(1), 5);
    next.connection.deliver("plant/7/data", reading(2), 6);
    await turns();
    expect(next.connection.acks).toEqual([5, 6]);
    expect(next.pump()).toMatchObject({ received: 2, steps: 1, duplicate: 1 });
    expect(next.connection.sent.map(({ text }) => JSON.parse(text).n)).toEqual([2]);
    expect(next.bridge.totals().pump?.counts).toMatchObject({ steps: 2, duplicate: 1 });
  });

  it("is not stepped by a bridge whose connection was cut", async () => {
    const { connection, pump, reconnect } = await start();
    for (const id of [1, 2, 3]) connection.deliver("plant/7/data", reading(id), id);
    await turns();
    const again = await reconnect();
    for (const id of [1, 2, 3, 4]) again.deliver("plant/7/data", reading(id), id);
    await turns();
    expect(again.acks).toEqual([1, 2, 3, 4]);
    expect(pump()).toMatchObject({ steps: 4, duplicate: 3 });
  });

  it("is not stepped twice while its device is still loaded, nor acknowledged before the commit", async () => {
    const { connection, store, pump, reconnect } = await start();
    const { get } = store;
    let load = () => {};
    store.get = async (key) => {
      if (key.startsWith("device/"))
        await new Promise<void>((resolve) => {
          load = resolve;
        });
      return get.call(store, key);
    };
    connection.deliver("plant/7/data", reading(1), 1);
    const again = await reconnect();
    again.deliver("plant/7/data", reading(1), 1);
    await turns();
    expect(again.acks).toEqual([]);
    load();
    await turns();
    expect(again.acks).toEqual([1]);
    expect(pump()).toMatchObject({ steps: 1, duplicate: 1 });
  });

  it("may come again and again", async () => {
    const { connection, pump, reconnect } = await start();
    connection.deliver("plant/7/data", reading(1), 1);
    await turns();
    for (let cut = 0; cut < 3; cut++) (await reconnect()).deliver("plant/7/data", reading(1), 1);
    await turns();
    expect(pump()).toMatchObject({ steps: 1, duplicate: 3 });
  });

  it.each([4, 5] as const)("is one message while it is not acknowledged (MQTT %i)", async (protocol) => {
    const { connection, store, pump } = await start(undefined, { broker: { ...v5.broker, protocol } });
    store.hold("commit");
    connection.deliver("plant/7/data", reading(1), 1);
    connection.deliver("plant/7/data", reading(1), 1);
    store.release("commit");
    await turns();
    expect(connection.acks).toEqual([1]);
    expect(pump()).toMatchObject({ received: 2, steps: 1, duplicate: 1 });
    expect(connection.passed).toBe(2);
  });

  it("is stepped once when a broker of MQTT 3.1.1 resends by a timer that crosses the acknowledgement", async () => {
    const { connection, pump } = await start();
    connection.deliver("plant/7/data", reading(1), 1);
    await turns();
    connection.deliver("plant/7/data", reading(1), 1, false, { isDup: true });
    await turns();
    expect(connection.acks).toEqual([1, 1]);
    expect(pump()).toMatchObject({ steps: 1, duplicate: 1 });
  });

  it("reaches the stream that had not taken it, and no other", async () => {
    const streams = ["a", "b"].map((name) => createTestStream({ name }));
    const { connection, store } = await start(undefined, { streams });
    connection.deliver("plant/7/data", reading(1), 1);
    await turns();
    // A kill after the commit of one half: the entry of stream b is not there.
    const records: [string, Uint8Array][] = [];
    for await (const [key, value] of store.entries("recent/")) records.push([key, value.slice(0, 12)]);
    await store.commit([...records, ["device/b/7", undefined]]);
    const next = await start(store, { streams });
    next.connection.deliver("plant/7/data", reading(1), 1);
    await turns();
    expect(next.connection.acks).toEqual([1]);
    expect(next.bridge.counters().streams).toMatchObject({
      a: { steps: 0, duplicate: 1 },
      b: { steps: 1, duplicate: 0 },
    });
  });
});

describe("a message that is new", () => {
  it("is stepped under a packet id that comes back with another content", async () => {
    const { connection, pump, reconnect } = await start();
    connection.deliver("plant/7/data", reading(1), 1);
    await turns();
    const again = await reconnect();
    again.deliver("plant/7/data", reading(2), 1);
    again.deliver("plant/7/data", reading(1), 1); // the broker has used 1 anew: it knows that 1 was acknowledged
    await turns();
    expect(pump()).toMatchObject({ steps: 3, duplicate: 0 });
  });

  it("is stepped when its content and its packet id are those of one that is confirmed", async () => {
    const { connection, store, pump, reconnect } = await start();
    connection.deliver("plant/7/data", reading(1), 1);
    await turns();
    await vi.advanceTimersByTimeAsync(1000);
    await turns();
    expect(connection.calls.filter((call) => call === "ping")).toHaveLength(1);
    const again = await reconnect();
    again.deliver("plant/7/data", reading(1), 1);
    await turns();
    expect(pump()).toMatchObject({ steps: 2, duplicate: 0 });
    await vi.advanceTimersByTimeAsync(1000);
    await turns();
    const next = await start(store);
    next.connection.deliver("plant/7/data", reading(1), 1);
    await turns();
    expect(next.pump()).toMatchObject({ steps: 1, duplicate: 0 });
  });

  it.each([false, true])("is stepped within a connection, whatever came before (DUP %s, MQTT 5)", async (isDup) => {
    const { connection, pump } = await start(undefined, v5);
    for (let i = 0; i < 3; i++) {
      connection.deliver("plant/7/data", reading(1), 1, false, { isDup });
      await turns();
    }
    expect(pump()).toMatchObject({ steps: 3, duplicate: 0 });
  });

  it("is stepped within a connection of MQTT 3.1.1 when its content is that of the last one", async () => {
    const { connection, pump } = await start();
    for (let i = 0; i < 3; i++) {
      connection.deliver("plant/7/data", reading(1), 1);
      await turns();
    }
    expect(pump()).toMatchObject({ steps: 3, duplicate: 0 });
  });

  it("is stepped on a new session, as if nothing had been before", async () => {
    const { connection, pump, reconnect } = await start();
    connection.deliver("plant/7/data", reading(1), 1);
    await turns();
    (await reconnect(false)).deliver("plant/7/data", reading(1), 1);
    await turns();
    expect(pump()).toMatchObject({ steps: 2, duplicate: 0 });
  });

  it("has an equal content at QoS 0", async () => {
    const { connection, pump } = await start();
    for (let i = 0; i < 2; i++) connection.deliver("plant/7/data", reading(1));
    await turns();
    expect(pump()).toMatchObject({ steps: 2, duplicate: 0 });
  });
});

describe("the broker that has forgotten the session", () => {
  it("is told, counted and published, with the time since when readings may be missing", async () => {
    const { connection, bridge, log, reconnect } = await start(undefined, {}, false);
    expect(bridge.counters().sessions_lost).toBe(0);
    connection.deliver("plant/7/data", reading(1), 1);
    await turns();
    const again = await reconnect(false);
    expect(bridge.counters().sessions_lost).toBe(1);
    const since = "2024-11-19T07:06:40.000Z";
    expect(again.calls).toContain(
      `publish rivulet/bridge/event {"type":"session_lost","since":"${since}","client_id":"rivulet-test"}`,
    );
    expect(log.lines).toContain(
      `warn broker: the broker has forgotten our MQTT session: readings since ${since} may be missing`,
    );
  });

  it("is noticed by a process that starts anew", async () => {
    const { store } = await start(undefined, {}, false);
    const next = await start(store, {}, false);
    expect(next.bridge.counters().sessions_lost).toBe(1);
  });
});

describe("the retained flag", () => {
  it("means nothing on a resumed session to which nothing was subscribed", async () => {
    const { store } = await start(undefined, {}, false);
    const { connection, pump } = await start(store);
    expect(connection.subscribed).toEqual([]);
    connection.deliver("plant/7/data", reading(1), 1, true);
    await turns();
    expect(pump()).toMatchObject({ steps: 1, retained: 0 });
  });

  it("marks old news of a filter that was just subscribed, and of no other", async () => {
    const { store } = await start(undefined, {}, false);
    const streams = [createTestStream(), createTestStream({ name: "new", topic: "other/{device}" })];
    const { connection, bridge } = await start(store, { streams });
    expect(connection.subscribed).toEqual(["other/+"]);
    connection.deliver("plant/7/data", reading(1), 1, true);
    connection.deliver("other/7", reading(1), 2, true);
    await turns();
    expect(bridge.counters().streams).toMatchObject({
      pump: { steps: 1, retained: 0 },
      new: { steps: 0, retained: 1 },
    });
  });
});

describe("a stream whose readings carry a number", () => {
  const numbered = (seq: unknown, speed = 1) => JSON.stringify({ speed, pressure: 2, seq });
  const streamsOf = (late: "step" | "drop") => () => {
    const stream = createTestStream({ sequencing: { window: 8, late } });
    return [{ ...stream, sources: stream.sources.map((one) => ({ ...one, decode: withSequence(one.decode, "seq") })) }];
  };

  it("steps each number once, under whatever packet id it comes, through a new session and a new process", async () => {
    const streams = streamsOf("step");
    const { connection, store, reconnect, pump } = await start(undefined, { streams: streams() });
    for (const [id, seq] of [1, 2, 2, 3].entries()) connection.deliver("plant/7/data", numbered(seq), id + 1);
    await turns();
    expect(pump()).toMatchObject({ received: 4, steps: 3, duplicate: 1, late: 0 });
    (await reconnect(false)).deliver("plant/7/data", numbered(3), 9);
    await turns();
    expect(pump()).toMatchObject({ steps: 3, duplicate: 2 });
    const next = await start(store, { streams: streams() }, false);
    for (const [id, seq] of [2, 4].entries()) next.connection.deliver("plant/7/data", numbered(seq), id + 1);
    await turns();
    expect(next.connection.acks).toEqual([1, 2]);
    expect(next.pump()).toMatchObject({ steps: 1, duplicate: 1 });
  });

  it.each([
    ["step", 3],
    ["drop", 2],
  ] as const)("counts what is older than the latest as late, and by choice: %s", async (late, steps) => {
    const { connection, pump } = await start(undefined, { streams: streamsOf(late)() });
    for (const [id, seq] of [1, 3, 2].entries()) connection.deliver("plant/7/data", numbered(seq), id + 1);
    await turns();
    expect(connection.acks).toEqual([1, 2, 3]);
    expect(pump()).toMatchObject({ steps, late: 1, duplicate: 0 });
  });

  it.each([undefined, "5", null])("refuses a reading whose number is %j", async (seq) => {
    const { connection, pump } = await start(undefined, { streams: streamsOf("step")() });
    connection.deliver("plant/7/data", numbered(seq), 1);
    await turns();
    expect(pump()).toMatchObject({ steps: 0, rejected: { bad_sequence: 1 } });
  });

  it("leaves a device its state when the stream looks at numbers no longer, and when it begins to", async () => {
    const { connection, store } = await start(undefined, { streams: streamsOf("step")() });
    connection.deliver("plant/7/data", numbered(1), 1);
    await turns();
    const plain = await start(store);
    plain.connection.deliver("plant/7/data", numbered(1), 2);
    await turns();
    const again = await start(store, { streams: streamsOf("step")() });
    again.connection.deliver("plant/7/data", numbered(1), 3);
    await turns();
    expect(again.connection.sent.map(({ text }) => JSON.parse(text).n)).toEqual([3]);
    expect(again.pump()).toMatchObject({ restored: 1, state_damaged: 0 });
  });
});

describe("a stream whose readings carry a time", () => {
  it("steps each time once for each device", async () => {
    const time = { field: "ts", format: "unix" } as const;
    const streams = [createTestStream({ sequencing: { window: 8, late: "step" }, decoder: { time } })];
    const { connection, pump } = await start(undefined, { streams });
    const at = (ts: number) => JSON.stringify({ speed: 1, pressure: 2, ts });
    connection.deliver("plant/7/data", at(10), 1);
    connection.deliver("plant/8/data", at(10), 2);
    connection.deliver("plant/7/data", at(10), 3);
    connection.deliver("plant/7/data", at(9), 4);
    await turns();
    expect(pump()).toMatchObject({ steps: 3, duplicate: 1, late: 1 });
  });
});
