// What becomes of messages between a broker and a state store of the test's own.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { BridgeOptions } from "../../host/mqtt/bridge.ts";
import { type Entry, PayloadError } from "../../host/stream/payload.ts";
import { createTestLog, createTestSource, createTestStream, startTestBridge } from "../support/bridge.ts";
import { FakeBroker, GatedStore, turns } from "../support/fake-broker.ts";
import { createFakeRuntime } from "../support/fake-runtime.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
});
afterEach(() => {
  vi.useRealTimers();
});

const GOOD = '{"speed":1,"pressure":2}';

/** Starts a bridge whose broker accepts it. */
async function start(options: Partial<BridgeOptions> = {}) {
  const broker = new FakeBroker();
  const store = new GatedStore();
  const log = createTestLog();
  const bridge = await startTestBridge("mqtt://fake", { connect: broker.connect, store, log, ...options });
  const connection = broker.last;
  connection.accept();
  await bridge.ready;
  const pump = () => bridge.counters().streams.pump;
  return { broker, store, log, bridge, connection, pump };
}

describe("a message at QoS 1", () => {
  it("is acknowledged once its state is committed, not before", async () => {
    const { connection, store, bridge } = await start();
    store.hold("commit");
    connection.deliver("plant/7/data", GOOD, 5);
    await turns();
    expect(connection.sent.map(({ topic }) => topic)).toEqual(["rivulet/pump/7"]);
    expect(connection.acks).toEqual([]);
    store.release("commit");
    await turns();
    expect(connection.acks).toEqual([5]);
    expect(store.commits.at(-1)).toEqual(["device/pump/7", "recent/0000000000000", "totals/pump"]);
    expect(bridge.counters()).toMatchObject({ commits: 1, failed_commits: 0, published: 1 });
  });

  it("that was too large to be read is counted, told with topic and size, and acknowledged", async () => {
    const { connection, log, pump } = await start();
    connection.deliver("plant/7/data", "", 5, false, { oversized: { bytes: 260_000_000 } });
    connection.deliver("elsewhere", "", 6, false, { oversized: { bytes: 260_000_000 } });
    await turns();
    expect(pump()).toMatchObject({ received: 1, steps: 0, rejected: { too_large: 1 }, devices: 0 });
    expect(connection.acks).toEqual([5, 6]);
    expect(log.lines).toContain(
      "warn pump: too_large: Payload has 260000000 bytes, more than any stream takes; it was not read (topic plant/7/data)",
    );
  });

  it("is not acknowledged while its device is loaded, nor are those behind it", async () => {
    const { connection, store } = await start();
    store.hold("get");
    connection.deliver("plant/7/data", GOOD, 1);
    connection.deliver("elsewhere", GOOD, 2);
    await turns();
    expect(connection.acks).toEqual([]);
    store.release("get");
    await turns();
    expect(connection.acks).toEqual([1, 2]);
  });

  it("stays with the broker when the bridge stops before the state store answers", async () => {
    const { connection, store, bridge, log } = await start();
    store.hold("get");
    connection.deliver("plant/7/data", GOOD, 1);
    await turns();
    const stopped = bridge.stop();
    await vi.advanceTimersByTimeAsync(4999);
    await turns();
    expect(connection.isOpen).toBe(true);
    await vi.advanceTimersByTimeAsync(1);
    await stopped;
    store.release("get");
    await turns();
    expect(connection.acks).toEqual([]);
    expect(log.lines).toContain("error state: not everything could be committed; the broker keeps the messages");
    expect(bridge.counters().streams.pump?.steps).toBe(0);
  });

  it.each([
    ["on a topic of no stream", "elsewhere", GOOD, false],
    ["with a bad payload", "plant/7/data", "{oops", false],
    ["with a topic that makes no device", "plant//data", GOOD, false],
    ["that is retained", "plant/7/data", GOOD, true],
    ["that the model refuses", "plant/7/data", '{"speed":3.4e38,"pressure":3.4e38}', false],
  ])("is acknowledged %s, and so is one behind it", async (_, topic, payload, isRetained) => {
    const { connection } = await start({ streams: [createTestStream({ runtime: createFakeRuntime({ limit: 1e6 }) })] });
    connection.deliver(topic, payload, 1, isRetained);
    connection.deliver("plant/7/data", GOOD, 2);
    await turns();
    expect(connection.acks).toEqual([1, 2]);
    expect(connection.sent).toHaveLength(1);
  });

  it("is acknowledged once, after both streams that it belongs to", async () => {
    const streams = [createTestStream({ name: "a" }), createTestStream({ name: "b", topic: "plant/{device}/#" })];
    const { connection, bridge, store } = await start({ streams });
    connection.deliver("plant/7/data", GOOD, 9);
    await turns();
    expect(connection.acks).toEqual([9]);
    expect(store.commits.at(-1)).toEqual(["device/a/7", "device/b/7", "recent/0000000000000", "totals/a", "totals/b"]);
    expect(bridge.counters().streams).toMatchObject({ a: { received: 1, steps: 1 }, b: { received: 1, steps: 1 } });
  });

  it("is counted and left to the broker when the commit fails, and acknowledged when it works again", async () => {
    const { connection, bridge, store, log } = await start();
    store.failure = new Error("No space left");
    connection.deliver("elsewhere", GOOD, 1);
    connection.deliver("plant/7/data", GOOD, 2);
    await turns();
    // The device cannot be read either.
    await vi.advanceTimersByTimeAsync(1000);
    store.failure = undefined;
    await vi.advanceTimersByTimeAsync(1000);
    await turns();
    expect(connection.acks).toEqual([1, 2]);
    store.failure = new Error("No space left");
    connection.deliver("plant/7/data", GOOD, 3);
    await turns();
    await vi.advanceTimersByTimeAsync(2000);
    expect(connection.acks).toEqual([1, 2]);
    expect(bridge.counters()).toMatchObject({ commits: 1, failed_commits: 3 });
    expect(log.lines.filter((line) => line.includes("commit failed"))).toEqual([
      "warn state: commit failed: nothing is acknowledged until it works: Error: No space left",
    ]);
    store.failure = undefined;
    await vi.advanceTimersByTimeAsync(1000);
    await turns();
    expect(connection.acks).toEqual([1, 2, 3]);
    expect(bridge.counters()).toMatchObject({ commits: 2, failed_commits: 3 });
  });
});

describe("a message at QoS 0", () => {
  it("is stepped, and never acknowledged", async () => {
    const { connection, pump } = await start({ streams: [createTestStream({ qos: 0 })] });
    expect(connection.subscriptions).toEqual([{ filter: "plant/+/data", qos: 0 }]);
    connection.deliver("plant/7/data", GOOD);
    connection.deliver("elsewhere", GOOD);
    await turns();
    expect(pump()).toMatchObject({ received: 1, steps: 1 });
    expect(connection.acks).toEqual([]);
  });
});

describe("a message", () => {
  it("has the time of its arrival when it tells none", async () => {
    const { connection } = await start({ now: () => 123_456 });
    connection.deliver("plant/7/data", GOOD);
    await turns();
    expect(JSON.parse(connection.sent[0]?.text ?? "")).toMatchObject({ ts: 123_456 });
  });

  it("is passed over when its connection is gone: it was not acknowledged, so it comes again", async () => {
    const { connection, pump } = await start();
    connection.isOpen = false;
    connection.deliver("plant/7/data", GOOD, 1);
    await turns();
    expect(pump()).toMatchObject({ received: 0 });
    expect([connection.passed, connection.acks]).toEqual([1, []]);
  });

  it("is passed over after the bridge was told to stop", async () => {
    const { connection, bridge, pump } = await start();
    connection.answer = () => new Promise(() => {}); // the goodbye is not answered, so the connection stays open
    void bridge.stop();
    connection.deliver("plant/7/data", GOOD, 1);
    await turns();
    expect(connection.isOpen).toBe(true);
    expect(pump()).toMatchObject({ received: 0 });
    expect([connection.passed, connection.acks]).toEqual([1, []]);
  });

  it("is counted by what became of it", async () => {
    const { connection, bridge, log } = await start();
    connection.deliver("plant/7/data", GOOD);
    connection.deliver("plant/7/data", GOOD, 0, true);
    connection.deliver("plant/7/data", "{oops");
    connection.deliver("plant/7/data", "{oops");
    connection.deliver("plant//data", GOOD);
    connection.deliver("elsewhere", GOOD);
    await turns();
    expect(bridge.counters()).toMatchObject({
      unmatched: 1,
      streams: { pump: { received: 5, steps: 1, retained: 1, rejected: { not_json: 2, bad_topic: 1 }, devices: 1 } },
    });
    expect(log.lines).toEqual([
      "info broker: connected to mqtt://fake as rivulet-test",
      "warn pump: not_json: Payload is not JSON (topic plant/7/data)",
      "warn pump: bad_topic: The topic gives no usable device key (topic plant//data)",
    ]);
  });

  it("ends the program when its decoder has a fault", async () => {
    const fault = new TypeError("x is not a function");
    const decode = Object.assign(
      () => {
        throw fault;
      },
      { maxAges: [] },
    );
    const { connection } = await start({
      streams: [createTestStream({ sources: [{ ...createTestSource(), decode }] })],
    });
    expect(() => connection.deliver("plant/7/data", GOOD)).toThrow(fault);
  });
});

describe("a broker that is too fast", () => {
  it("waits when 8192 messages are not committed, until a commit", async () => {
    const { connection, store, pump } = await start();
    store.hold("commit");
    for (let id = 1; id <= 8191; id++) connection.deliver("plant/7/data", GOOD, id);
    await turns();
    expect([connection.passed, pump()?.steps]).toEqual([8191, 8191]);
    connection.deliver("plant/7/data", GOOD, 8192);
    await turns();
    expect([connection.passed, connection.acks.length]).toEqual([8191, 0]);
    store.release("commit");
    await turns();
    expect([connection.passed, connection.acks.length]).toEqual([8192, 8192]);
  });

  it("waits while more than half of the outbox is full, until the socket takes it", async () => {
    const { connection, bridge } = await start();
    connection.deliver("plant/7/data", GOOD);
    await turns();
    connection.isBusy = true;
    for (let count = 0; count < 5000; count++) connection.deliver("plant/7/data", GOOD);
    await turns();
    expect([connection.passed, connection.sent.length]).toEqual([5001, 1]);
    connection.deliver("plant/7/data", GOOD);
    await turns();
    expect(connection.passed).toBe(5001);
    connection.drain();
    expect([connection.passed, connection.sent.length]).toEqual([5002, 5002]);
    expect(bridge.counters()).toMatchObject({ published: 5002, dropped: 0 });
  });

  it("goes on waiting when the socket takes only a part", async () => {
    const { connection } = await start();
    connection.deliver("plant/7/data", GOOD);
    await turns();
    connection.isBusy = true;
    for (let count = 0; count < 5002; count++) connection.deliver("plant/7/data", GOOD);
    expect(connection.passed).toBe(5001);
    const send = connection.send.bind(connection);
    connection.send = (topic, payload) => {
      send(topic, payload);
      connection.isBusy = true;
    };
    connection.drain(); // takes one: 5001 wait
    expect(connection.passed).toBe(5001);
    connection.drain(); // 5000
    expect(connection.passed).toBe(5003);
  });

  it("does not wait for an outbox that no connection empties: the oldest answers are dropped", async () => {
    const { connection, broker, bridge } = await start();
    connection.deliver("plant/7/data", GOOD);
    await turns();
    connection.isBusy = true;
    for (let count = 0; count < 5001; count++) connection.deliver("plant/7/data", GOOD);
    expect(connection.passed).toBe(5001);
    connection.lose();
    expect(connection.passed).toBe(5002);
    await vi.advanceTimersByTimeAsync(50);
    broker.last.accept(true);
    await turns();
    expect(broker.last.sent).toHaveLength(5001);
    expect(bridge.counters()).toMatchObject({ published: 5002, dropped: 0 });
  });
});

describe("a stream of several sources", () => {
  const runtime = createFakeRuntime();
  const pressure = createTestSource({
    topic: "{device}/pressure",
    payload: "number",
    inputs: [{ name: "pressure", maxAge: 10 }],
    isPartial: true,
    action: "hold",
  });
  const speed = createTestSource({
    topic: "{device}/speed",
    payload: "number",
    inputs: [{ name: "speed" }],
    isPartial: true,
  });

  it("steps by the source that triggers, with the values that the other one brought", async () => {
    let time = 1000;
    const { connection, bridge, store, pump } = await start({
      streams: [createTestStream({ runtime, sources: [pressure, speed] })],
      now: () => time,
    });
    const seen: string[] = [];
    bridge.onOutcome((outcome) => {
      const sample = outcome.kind === "step" ? ` ${[...Array.from(outcome.sample)]}` : "";
      seen.push(`${outcome.kind} ${outcome.stream} ${outcome.device}${sample}`);
    });
    expect(connection.subscriptions.map(({ filter }) => filter)).toEqual(["+/pressure", "+/speed"]);
    connection.deliver("7/pressure", "2", 1);
    await turns();
    expect(store.commits.at(-1)?.[0]).toBe("device/pump/7");
    connection.deliver("7/speed", "1", 2);
    time = 11_000;
    connection.deliver("7/speed", "3", 3);
    time = 11_001;
    connection.deliver("7/speed", "4", 4);
    await turns();
    expect(seen).toEqual(["hold pump 7", "step pump 7 1,2", "step pump 7 3,2", "reject pump 7"]);
    expect(pump()).toMatchObject({ received: 4, held: 1, steps: 2, rejected: { missing_field: 1 } });
    expect(connection.acks).toEqual([1, 2, 3, 4]);
    expect(connection.sent).toHaveLength(2);
  });

  it("remembers what was held across a restart", async () => {
    const store = new GatedStore();
    const streams = () => [createTestStream({ runtime: createFakeRuntime(), sources: [pressure, speed] })];
    const first = await start({ store, streams: streams() });
    first.connection.deliver("7/pressure", "2");
    await turns();
    await first.bridge.stop();
    const second = await start({ store, streams: streams() });
    second.connection.deliver("7/speed", "1");
    await turns();
    expect(JSON.parse(second.connection.sent[0]?.text ?? "").prediction).toEqual([2.75, 2.75]);
  });
});

describe("a message of several readings", () => {
  const reading = (speed: number, device: string, more: object = {}) => {
    return { sample: Float64Array.of(speed, 0), time: 1000 * speed, device, ...more };
  };
  const source = (...entries: readonly Entry[]) => ({
    ...createTestSource(),
    decode: Object.assign(() => entries, { maxAges: [] }),
  });

  it("steps each of them in order, and is acknowledged with the whole", async () => {
    const refused = new PayloadError("out_of_range", "The field is 9");
    const entries = [reading(1, "a"), refused, reading(2, "b", { isTimeReplaced: true }), reading(3, "a")];
    const { connection, bridge, store, pump } = await start({
      streams: [createTestStream({ sources: [source(...entries)] })],
    });
    const seen: string[] = [];
    bridge.onOutcome((outcome) => {
      seen.push(outcome.kind === "reject" ? outcome.text : `${outcome.device} ${outcome.time}`);
    });
    store.hold("commit");
    connection.deliver("plant/7/data", "", 5);
    await turns();
    expect(seen).toEqual(["The field is 9 (topic plant/7/data)", "a 1000", "a 3000", "b 2000"]);
    expect(connection.acks).toEqual([]);
    store.release("commit");
    await turns();
    expect(connection.acks).toEqual([5]);
    expect(pump()).toMatchObject({ received: 1, steps: 3, rejected: { out_of_range: 1 }, times_replaced: 1 });
  });

  it("may have none, and is acknowledged", async () => {
    const { connection, pump } = await start({ streams: [createTestStream({ sources: [source()] })] });
    connection.deliver("plant/7/data", "", 5);
    await turns();
    expect(connection.acks).toEqual([5]);
    expect(pump()).toMatchObject({ received: 1, steps: 0, rejected: {} });
  });
});

describe("a message that is incomplete", () => {
  const inputs = [
    { name: "speed", maxAge: 10 },
    { name: "pressure", maxAge: 10 },
  ];

  it("is remembered, so that a device that sends one field at a time begins once all were seen", async () => {
    const { connection, store, log, pump } = await start({ streams: [createTestStream({ decoder: { inputs } })] });
    for (const [id, payload] of ['{"speed":1}', '{"speed":2}', '{"pressure":5}', '{"speed":3}'].entries()) {
      connection.deliver("plant/7/data", payload, id + 1);
      await turns();
    }
    expect(pump()).toMatchObject({ received: 4, held: 2, steps: 2, rejected: {} });
    expect(connection.sent.map(({ text }) => JSON.parse(text).n)).toEqual([1, 2]);
    expect(store.commits.map(([first]) => first)).toContain("device/pump/7");
    expect(log.lines).toContain(
      'warn pump: incomplete: Input "pressure" is missing, and the device has no earlier value of it (device 7); what came is remembered',
    );
  });
});

describe("a stream with a sampler", () => {
  const inputs = [
    { name: "speed", maxAge: 10 },
    { name: "pressure", maxAge: 10 },
  ];
  const streams = () => [createTestStream({ decoder: { inputs }, sampling: { trigger: { kind: "all" } } })];

  it("takes a sample of several messages, also across a restart", async () => {
    const store = new GatedStore();
    const first = await start({ store, streams: streams() });
    first.connection.deliver("plant/7/data", '{"speed":1}', 1);
    await turns();
    expect(first.pump()).toMatchObject({ held: 1, steps: 0 });
    await first.bridge.stop();
    const second = await start({ store, streams: streams() });
    second.connection.deliver("plant/7/data", '{"pressure":2}', 1);
    second.connection.deliver("plant/7/data", '{"pressure":3}', 2);
    await turns();
    expect(second.pump()).toMatchObject({ held: 1, steps: 1, restored: 1 });
    expect(second.connection.acks).toEqual([1, 2]);
  });

  it("leaves its states to one without", async () => {
    const store = new GatedStore();
    const first = await start({ store, streams: streams() });
    first.connection.deliver("plant/7/data", GOOD, 1);
    await turns();
    await first.bridge.stop();
    const second = await start({ store });
    second.connection.deliver("plant/7/data", GOOD, 1);
    await turns();
    expect(JSON.parse(second.connection.sent[0]?.text ?? "").n).toBe(2);
  });
});
