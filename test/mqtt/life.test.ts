// The bridge from its first connection to its end, between a broker and a state store of the test's own.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { BridgeOptions } from "../../host/mqtt/bridge.ts";
import type { MessageOutcome } from "../../host/mqtt/outcomes.ts";
import { createTestLog, createTestStream, startTestBridge } from "../support/bridge.ts";
import { FakeBroker, GatedStore, turns } from "../support/fake-broker.ts";
import { createFakeRuntime } from "../support/fake-runtime.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
});
afterEach(() => {
  vi.useRealTimers();
});

const GOOD = '{"speed":1,"pressure":2}';

/** Starts a bridge; its broker has not answered yet. */
async function start(options: Partial<BridgeOptions> = {}) {
  const broker = new FakeBroker();
  const store = new GatedStore();
  const log = createTestLog();
  const bridge = await startTestBridge("mqtt://fake", { connect: broker.connect, store, log, ...options });
  let isReady = false;
  void bridge.ready.then(() => {
    isReady = true;
  });
  return { broker, store, log, bridge, connection: broker.last, isReady: () => isReady };
}

describe("startBridge", () => {
  it("tells the broker who it is, what it must forget and its last will", async () => {
    const broker = { url: "mqtt://fake", isClean: true, clientId: "me", username: "plant", keepalive: 7 };
    const { connection } = await start({ broker, baseTopic: "base" });
    expect(connection.options).toEqual({ ...broker, lastWill: { topic: "base/bridge/state", payload: "offline" } });
  });

  it("makes a client id once, and keeps it in the state store", async () => {
    const store = new GatedStore();
    const clientId = async () => {
      const fake = new FakeBroker();
      const { url, ...rest } = { url: "mqtt://fake", isClean: false };
      const options = { store, connect: fake.connect, broker: { url, ...rest, clientId: undefined } };
      const bridge = await startTestBridge("mqtt://fake", options as unknown as Partial<BridgeOptions>);
      const { clientId: id } = fake.last.options;
      fake.last.accept();
      await bridge.ready;
      await bridge.stop();
      return id;
    };
    const id = await clientId();
    expect(id).toMatch(/^rivulet-[0-9a-f]{12}$/);
    expect(await clientId()).toBe(id);
    expect(new TextDecoder().decode(await store.get("meta/client_id"))).toBe(id);
  });

  it("subscribes, then says that it is online, and only then is ready", async () => {
    const { connection, isReady, bridge } = await start();
    expect(bridge.counters().connections).toBe(0);
    let announce = () => {};
    connection.answer = (call) =>
      call.startsWith("publish")
        ? new Promise((resolve) => {
            announce = resolve;
          })
        : Promise.resolve();
    connection.accept();
    await turns();
    expect(connection.calls).toEqual(["subscribe plant/+/data at 1", "publish rivulet/bridge/state online retained"]);
    expect(isReady()).toBe(false);
    announce();
    await turns();
    expect(isReady()).toBe(true);
    expect(bridge.counters().connections).toBe(1);
  });

  it("subscribes once for streams whose topics overlap, with the higher quality of service", async () => {
    const streams = [
      createTestStream({ name: "a", topic: "plant/{device}/data", qos: 1 }),
      createTestStream({ name: "b", topic: "plant/7/{kind}", qos: 0 }),
      createTestStream({ name: "c", topic: "other/{device}", qos: 0 }),
    ];
    const { connection } = await start({ streams });
    connection.accept();
    await turns();
    expect(connection.calls[0]).toBe("subscribe plant/+/+ at 1, other/+ at 0");
  });

  it.each(["subscribe", "publish"])("tells that its %s is refused, and tries again", async (step) => {
    const { connection, broker, log, bridge, isReady } = await start();
    connection.answer = async (call) => {
      if (call.startsWith(step)) throw new Error("Not authorized");
    };
    connection.accept();
    await turns();
    expect(connection.calls.at(-1)).toBe("destroy");
    expect(log.lines).toEqual(["warn broker: lost the connection to mqtt://fake: Not authorized; trying again"]);
    expect(isReady()).toBe(false);
    await vi.advanceTimersByTimeAsync(20);
    expect(broker.connections).toHaveLength(2);
    broker.last.accept();
    await turns();
    expect(isReady()).toBe(true);
    expect(bridge.counters().connections).toBe(2);
  });

  it("publishes what could not be published while the broker was away", async () => {
    const { connection, broker, bridge } = await start();
    connection.accept();
    await turns();
    connection.deliver("plant/7/data", GOOD, 1);
    connection.lose(); // before the device is loaded, thus before the answer
    await turns();
    expect(connection.sent).toEqual([]);
    await vi.advanceTimersByTimeAsync(20);
    broker.last.accept(true);
    await turns();
    expect(broker.last.sent.map(({ topic }) => topic)).toEqual(["rivulet/pump/7"]);
    expect(bridge.counters()).toMatchObject({ published: 1, connections: 2 });
  });
});

describe("Bridge.onOutcome", () => {
  it("tells what became of every message, as it happens", async () => {
    const { connection, bridge } = await start();
    connection.accept();
    const seen: MessageOutcome[] = [];
    bridge.onOutcome((outcome) => seen.push(structuredClone(outcome)));
    connection.deliver("plant/7/data", GOOD);
    connection.deliver("plant/8/data", "{oops");
    await turns();
    expect(seen).toEqual([
      {
        kind: "reject",
        stream: "pump",
        device: "8",
        reason: "not_json",
        text: "Payload is not JSON (topic plant/8/data)",
      },
      {
        kind: "step",
        stream: "pump",
        device: "7",
        time: 1732000000000,
        sample: Float64Array.of(1, 2),
        prediction: Float64Array.of(2.75, 2.75),
        residual: [null, null],
        isWarm: false,
        n: 1,
      },
    ]);
  });

  it("tells several listeners, in the order in which they came, until they leave", async () => {
    const { connection, bridge } = await start();
    connection.accept();
    const seen: string[] = [];
    const leave = bridge.onOutcome(({ kind }) => seen.push(`first ${kind}`));
    bridge.onOutcome(({ kind }) => seen.push(`second ${kind}`));
    connection.deliver("plant/7/data", "{oops");
    leave();
    connection.deliver("plant/7/data", "{oops");
    expect(seen).toEqual(["first reject", "second reject", "second reject"]);
  });

  it("tells a listener after the counters know", async () => {
    const { connection, bridge } = await start();
    connection.accept();
    const steps: (number | undefined)[] = [];
    bridge.onOutcome(() => steps.push(bridge.counters().streams.pump?.steps));
    connection.deliver("plant/7/data", GOOD);
    connection.deliver("plant/7/data", GOOD);
    await turns();
    expect(steps).toEqual([1, 2]);
  });
});

describe("Bridge.counters", () => {
  it("answers a copy", async () => {
    const { bridge } = await start();
    bridge.counters().streams.pump!.steps = 7;
    expect(bridge.counters().streams.pump?.steps).toBe(0);
  });
});

describe("Bridge.stop", () => {
  it("commits and publishes what was received, says goodbye, and frees everything", async () => {
    const runtime = createFakeRuntime();
    const { connection, bridge, store, log } = await start({ streams: [createTestStream({ runtime })] });
    connection.accept();
    await bridge.ready;
    connection.deliver("plant/7/data", GOOD, 1);
    expect(runtime.sessionCount).toBe(0);
    await bridge.stop();
    expect(connection.acks).toEqual([1]);
    expect(connection.sent).toHaveLength(1);
    expect(connection.calls.slice(2)).toEqual(["ping", "publish rivulet/bridge/state offline retained", "close 5000"]);
    expect(store.isClosed).toBe(true);
    expect(runtime.sessionCount).toBe(0);
    expect(log.lines).toEqual([
      "info broker: connected to mqtt://fake as rivulet-test",
      "info pump: 1 received, 1 steps, 1 devices",
      "info bridge: 1 published, 2 commits, 1 connections",
    ]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("answers the same end to whoever asks again", async () => {
    const { bridge, connection } = await start();
    connection.accept();
    await bridge.ready;
    expect(bridge.stop()).toBe(bridge.stop());
    await bridge.stop();
    expect(connection.calls.filter((call) => call.includes("offline"))).toHaveLength(1);
  });

  it("waits until a busy socket has taken the answers", async () => {
    const { bridge, connection } = await start();
    connection.accept();
    await bridge.ready;
    connection.isBusy = true;
    connection.deliver("plant/7/data", GOOD, 1);
    const stopped = bridge.stop();
    await turns();
    await vi.advanceTimersByTimeAsync(4000);
    expect(connection.calls).not.toContain("publish rivulet/bridge/state offline retained");
    connection.drain();
    await stopped;
    expect(connection.sent).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("waits no longer than five seconds for a socket that takes nothing", async () => {
    const { bridge, connection } = await start();
    connection.accept();
    await bridge.ready;
    connection.isBusy = true;
    connection.deliver("plant/7/data", GOOD, 1);
    const stopped = bridge.stop();
    await turns();
    await vi.advanceTimersByTimeAsync(4999);
    expect(connection.calls).not.toContain("publish rivulet/bridge/state offline retained");
    await vi.advanceTimersByTimeAsync(1);
    await stopped;
    expect(connection.sent).toEqual([]);
  });

  it("does not wait for the socket when the connection goes meanwhile", async () => {
    const { bridge, connection, broker } = await start();
    connection.accept();
    await bridge.ready;
    connection.isBusy = true;
    connection.deliver("plant/7/data", GOOD, 1);
    const stopped = bridge.stop();
    await turns();
    connection.lose();
    await stopped;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(broker.connections).toHaveLength(1);
  });

  it("waits no longer than five seconds for the answer to its goodbye", async () => {
    const { bridge, connection } = await start();
    connection.accept();
    await bridge.ready;
    connection.answer = () => new Promise(() => {});
    const stopped = bridge.stop();
    await turns();
    await vi.advanceTimersByTimeAsync(4999);
    expect(connection.calls).not.toContain("close 5000");
    await vi.advanceTimersByTimeAsync(1);
    await stopped;
    expect(connection.calls).toContain("close 5000");
  });

  it("leaves to the broker what could not be committed by then, although the store works again", async () => {
    const { bridge, connection, store } = await start();
    connection.accept();
    await bridge.ready;
    connection.deliver("plant/7/data", GOOD, 1);
    await turns();
    store.failure = new Error("No space left");
    connection.deliver("plant/7/data", GOOD, 2);
    await turns();
    connection.answer = () => new Promise(() => {}); // the goodbye takes its five seconds
    const stopped = bridge.stop();
    await vi.advanceTimersByTimeAsync(5000);
    store.failure = undefined;
    await vi.advanceTimersByTimeAsync(5000);
    await stopped;
    expect(connection.acks).toEqual([1]);
    expect(store.commits.filter(([key]) => key === "device/pump/7")).toHaveLength(1);
  });

  it("ends in order although its goodbye is refused", async () => {
    const { bridge, connection, store } = await start();
    connection.accept();
    await bridge.ready;
    connection.answer = async () => {
      throw new Error("Not authorized");
    };
    await bridge.stop();
    expect(connection.calls).toContain("close 5000");
    expect(store.isClosed).toBe(true);
  });

  it("ends at once while it waits for the broker, and does not connect any more", async () => {
    const { bridge, connection, broker, store } = await start();
    connection.lose("connection refused; is the broker running?");
    await bridge.stop();
    expect(store.isClosed).toBe(true);
    await vi.advanceTimersByTimeAsync(600_000);
    expect(broker.connections).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("gives up a connection that is being made", async () => {
    const { bridge, connection, broker } = await start();
    await bridge.stop();
    expect(connection.calls).toEqual(["destroy"]);
    connection.lose();
    await vi.advanceTimersByTimeAsync(600_000);
    expect(broker.connections).toHaveLength(1);
  });
});
