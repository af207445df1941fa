// Alarms of a stream over MQTT: told once for each change, whatever ends the process in between.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { type AlarmPlanOptions, planAlarms } from "../../host/alarm/plan.ts";
import type { Bridge } from "../../host/mqtt/bridge.ts";
import { startRun } from "../../host/run.ts";
import { createRuntimeWithoutModel } from "../../host/stream/without-model.ts";
import { createTestDetector, healthy } from "../support/alarms.ts";
import { createTestLog, createTestStream, observe, startTestBridge } from "../support/bridge.ts";
import { FakeBroker, GatedStore, turns } from "../support/fake-broker.ts";
import { hasMosquitto, startMosquitto } from "../support/mosquitto.ts";
import { needs } from "../support/needs.ts";

const INPUTS = ["speed", "pressure"];
const FILE = createTestDetector(INPUTS, { interval: 60 });
const START = 1_732_000_020;
/** Rows of the test, and those in which the speed is too high. */
const [ROWS, FROM, TO] = [90, 50, 60];

const payloadOf = (t: number) =>
  JSON.stringify({ speed: healthy(t) + (t >= FROM && t < TO ? 15 : 0), pressure: healthy(t, 1), ts: START + 60 * t });

const streamOf = (options: Partial<AlarmPlanOptions> = {}) =>
  createTestStream({
    runtime: createRuntimeWithoutModel(INPUTS),
    alarms: planAlarms({ file: FILE, inputs: INPUTS, isTimed: true, ...options }),
    decoder: { time: { field: "ts", format: "unix" } },
  });

const bridges: Bridge[] = [];
afterEach(async () => {
  for (const bridge of bridges.splice(0)) await bridge.stop();
});

async function start(store: GatedStore, isAccepted = true) {
  const broker = new FakeBroker();
  const bridge = await startTestBridge("mqtt://fake", { connect: broker.connect, store, streams: [streamOf()] });
  bridges.push(bridge);
  if (isAccepted) {
    broker.last.accept();
    await bridge.ready;
  }
  return { bridge, connection: broker.last, broker };
}

const alarmsOf = (calls: readonly string[]) =>
  calls.flatMap((call) => {
    const [, topic, text, retained] = /^publish (\S+\/alarm) (.*?)( retained)?$/.exec(call) ?? [];
    return text === undefined ? [] : [{ topic, retained: retained !== undefined, ...JSON.parse(text) }];
  });

describe("a stream with a detector and no model", () => {
  it("answers score and alarm, and tells the alarm on a retained topic, once when it begins and once when it ends", async () => {
    const { connection, bridge } = await start(new GatedStore());
    for (let t = 0; t < ROWS; t++) {
      connection.deliver("plant/7/data", payloadOf(t), t + 1);
      await turns(4);
    }
    const answers = connection.sent.map(({ topic, text }) => ({ topic, ...JSON.parse(text) }));
    expect(answers).toHaveLength(ROWS);
    expect(answers[0]).toEqual({
      topic: "rivulet/pump/7",
      score: expect.any(Number),
      alarm: false,
      warmup: 19,
      n: 1,
      ts: 1000 * START,
      detector: FILE.id,
    });
    expect(answers[FROM]).toMatchObject({ alarm: true, n: FROM + 1 });
    const alarms = alarmsOf(connection.calls);
    expect(alarms).toEqual([
      {
        topic: "rivulet/pump/7/alarm",
        retained: true,
        alarm: true,
        since: 1000 * (START + 60 * FROM),
        score: answers[FROM].score,
        cause: expect.arrayContaining([expect.objectContaining({ input: "speed", unit: "°C" })]),
        text: expect.stringMatching(/^speed /),
        n: FROM + 1,
        ts: 1000 * (START + 60 * FROM),
        detector: FILE.id,
      },
      expect.objectContaining({ alarm: false, cause: [], lasted: expect.any(Number), detector: FILE.id }),
    ]);
    expect(bridge.counters().streams.pump).toMatchObject({ steps: ROWS, alarms: 1 });
  });

  it("has nothing left to tell once the broker has it", async () => {
    const store = new GatedStore();
    const { connection } = await start(store);
    for (let t = 0; t <= FROM; t++) connection.deliver("plant/7/data", payloadOf(t), t + 1);
    await turns(20);
    expect(alarmsOf(connection.calls)).toHaveLength(1);
    expect(await store.get("pending/pump/7")).toBeUndefined();
    expect(store.commits.flat().filter((key) => key === "pending/pump/7")).toHaveLength(2);
  });
});

describe("an alarm, when the process ends", () => {
  /** Runs up to the alarm, then ends the process as `kill` says, and starts another one on the same store. */
  async function killed(kill: (store: GatedStore, connection: FakeBroker["last"]) => Promise<void>) {
    const store = new GatedStore();
    const { connection } = await start(store);
    for (let t = 0; t < FROM; t++) connection.deliver("plant/7/data", payloadOf(t), t + 1);
    await turns(20);
    await kill(store, connection);
    const acked = connection.acks.includes(FROM + 1);
    // A killed process hears and says nothing more: its connection is cut, its store has what was committed.
    connection.isOpen = false;
    const rest = new GatedStore();
    for await (const [key, value] of store.entries("")) await rest.commit([[key, value]]);
    store.release("commit");
    const second = await start(rest);
    // The broker delivers again what was not acknowledged.
    if (!acked) second.connection.deliver("plant/7/data", payloadOf(FROM), 1);
    await turns(20);
    for (let t = FROM + 1; t < ROWS; t++) {
      second.connection.deliver("plant/7/data", payloadOf(t), t + 1);
      await turns(4);
    }
    return { before: alarmsOf(connection.calls), after: alarmsOf(second.connection.calls), rest };
  }

  const deliver = (connection: FakeBroker["last"]) => connection.deliver("plant/7/data", payloadOf(FROM), FROM + 1);

  it("before the commit: is told by the next process, which steps the sample again", async () => {
    const { before, after } = await killed(async (store, connection) => {
      store.hold("commit");
      deliver(connection);
      await turns(20);
    });
    expect(before).toEqual([]);
    expect(after.map(({ alarm, n }) => [alarm, n === FROM + 1])).toEqual([
      [true, true],
      [false, false],
    ]);
  });

  it("between the commit and the publish: is told by the next process at its start", async () => {
    const { before, after } = await killed(async (_, connection) => {
      // The broker is away while the commit is made.
      connection.isOpen = true;
      const answers = connection.answer;
      connection.answer = () => new Promise(() => {});
      deliver(connection);
      await turns(20);
      connection.answer = answers;
      connection.calls.length = 0; // it never left this machine
    });
    expect(before).toEqual([]);
    expect(after.map(({ alarm }) => alarm)).toEqual([true, false]);
  });

  it("between the publish and its acknowledgement: comes again with the same bytes", async () => {
    const { before, after } = await killed(async (_, connection) => {
      connection.answer = (call) => (call.includes("/alarm") ? new Promise(() => {}) : Promise.resolve());
      deliver(connection);
      await turns(20);
    });
    expect(before).toHaveLength(1);
    expect(after.map(({ alarm }) => alarm)).toEqual([true, false]);
    expect(after[0]).toEqual(before[0]);
  });

  it("after the acknowledgement was committed: is not told again", async () => {
    const { before, after, rest } = await killed(async (_, connection) => {
      deliver(connection);
      await turns(20);
    });
    expect(before.map(({ alarm }) => alarm)).toEqual([true]);
    expect(after.map(({ alarm }) => alarm)).toEqual([false]);
    expect(await rest.get("pending/pump/7")).toBeUndefined();
  });
});

describe("an alarm, when the connection ends", () => {
  it("is told over the next one, in order, when its publish was not acknowledged", async () => {
    const store = new GatedStore();
    const { connection, broker } = await start(store);
    connection.answer = (call) => (call.includes("/alarm") ? new Promise(() => {}) : Promise.resolve());
    for (let t = 0; t < ROWS; t++) {
      connection.deliver("plant/7/data", payloadOf(t), t + 1);
      await turns(4);
    }
    expect(alarmsOf(connection.calls).map(({ alarm }) => alarm)).toEqual([true]);
    connection.lose();
    await new Promise((resolve) => setTimeout(resolve, 120));
    broker.last.accept(true);
    await turns(20);
    expect(alarmsOf(broker.last.calls).map(({ alarm }) => alarm)).toEqual([true, false]);
  });

  it("waits for the commit, however long that fails", async () => {
    const store = new GatedStore();
    const { connection } = await start(store);
    for (let t = 0; t < FROM; t++) connection.deliver("plant/7/data", payloadOf(t), t + 1);
    await turns(20);
    store.failure = new Error("No space left");
    connection.deliver("plant/7/data", payloadOf(FROM), FROM + 1);
    await turns(20);
    expect(alarmsOf(connection.calls)).toEqual([]);
    store.failure = undefined;
    await new Promise((resolve) => setTimeout(resolve, 1100));
    await turns(20);
    expect(alarmsOf(connection.calls)).toHaveLength(1);
  });

  it("forgets an entry of the store that is not what it wrote", async () => {
    const store = new GatedStore();
    const text = (value: string) => new TextEncoder().encode(value);
    await store.commit([
      ["pending/pump/a", text("nonsense")],
      ["pending/pump/b", text('[{"topic":1}]')],
    ]);
    const { connection } = await start(store);
    await turns(20);
    expect(alarmsOf(connection.calls)).toEqual([]);
    expect(await store.get("pending/pump/a")).toBeUndefined();
    expect(await store.get("pending/pump/b")).toBeUndefined();
  });
});

describe("commands", () => {
  const resultsOf = (calls: readonly string[]) =>
    calls.flatMap((call) => {
      const [, topic, text, retained] = /^publish (\S+\/result) (.*?)( retained)?$/.exec(call) ?? [];
      return text === undefined ? [] : [{ topic, retained: retained !== undefined, ...JSON.parse(text) }];
    });

  async function startWithCommands(store = new GatedStore()) {
    const broker = new FakeBroker();
    const streams = [{ ...streamOf(), takesCommands: true }];
    const bridge = await startTestBridge("mqtt://fake", { connect: broker.connect, store, streams });
    bridges.push(bridge);
    broker.last.accept();
    await bridge.ready;
    return { bridge, connection: broker.last, store };
  }

  it("mute an alarm: it ends, and the answer comes after the commit", async () => {
    const { connection, store, bridge } = await startWithCommands();
    expect(connection.subscriptions.map(({ filter }) => filter)).toContain("rivulet/pump/+/set");
    for (let t = 0; t <= FROM; t++) connection.deliver("plant/7/data", payloadOf(t), t + 1);
    await turns(20);
    store.hold("commit");
    connection.deliver("rivulet/pump/7/set", '{"mute":"1h","transaction":"a"}', 500);
    await turns(10);
    expect(resultsOf(connection.calls)).toEqual([]);
    expect(connection.acks).not.toContain(500);
    store.release("commit");
    await turns(20);
    expect(resultsOf(connection.calls)).toEqual([
      {
        topic: "rivulet/pump/7/result",
        retained: false,
        ok: true,
        set: { mute: "1h" },
        alarms_per_week: 1,
        n: FROM + 1,
        transaction: "a",
      },
    ]);
    expect(connection.acks).toContain(500);
    connection.deliver("plant/7/data", payloadOf(FROM + 1), 600);
    await turns(20);
    expect(JSON.parse(connection.sent.at(-1)!.text)).toMatchObject({ alarm: false, muted: true });
    expect(alarmsOf(connection.calls).map(({ alarm }) => alarm)).toEqual([true, false]);
    expect(bridge.counters().streams.pump).toMatchObject({ commands: 1, steps: FROM + 2 });
  });

  it("that are wrong are answered with what is allowed; a device that is not known is not made", async () => {
    const { connection, store } = await startWithCommands();
    connection.deliver("plant/7/data", payloadOf(0), 1);
    connection.deliver("rivulet/pump/7/set", '{"mutee":1}', 2);
    connection.deliver("rivulet/pump/9/set", '{"mute":1}', 3);
    await turns(20);
    expect(resultsOf(connection.calls)).toEqual([
      expect.objectContaining({ topic: "rivulet/pump/7/result", ok: false, error: expect.stringMatching(/unknown/) }),
      expect.objectContaining({
        topic: "rivulet/pump/9/result",
        ok: false,
        error: expect.stringMatching(/no reading/),
      }),
    ]);
    expect(await store.get("device/pump/9")).toBeUndefined();
  });

  it("survive a restart: what was told is part of the state", async () => {
    const first = await startWithCommands();
    for (let t = 0; t < 30; t++) first.connection.deliver("plant/7/data", payloadOf(t), t + 1);
    first.connection.deliver("rivulet/pump/7/set", '{"alarms_per_week":0.25}', 100);
    await turns(20);
    const second = await startWithCommands(first.store);
    second.connection.deliver("rivulet/pump/7/set", '{"mute":0}', 1);
    await turns(20);
    expect(resultsOf(second.connection.calls)).toMatchObject([{ ok: true, alarms_per_week: 0.25, n: 30 }]);
  });

  it("are not obeyed where they are off, nor when retained, which is said", async () => {
    const { connection, bridge } = await start(new GatedStore());
    connection.deliver("plant/7/data", payloadOf(0), 1);
    connection.deliver("rivulet/pump/7/set", '{"mute":1}', 2);
    await turns(20);
    expect(resultsOf(connection.calls)).toEqual([]);
    expect(bridge.counters().unmatched).toBe(1);
    const on = await startWithCommands();
    on.connection.deliver("plant/7/data", payloadOf(0), 1);
    on.connection.deliver("rivulet/pump/7/set", '{"mute":1}', 2, true);
    await turns(20);
    expect(resultsOf(on.connection.calls)).toEqual([]);
    expect(on.bridge.counters().streams.pump).toMatchObject({ rejected: { bad_command: 1 } });
  });
});

describe("detector: auto with Mosquitto", needs({ Mosquitto: hasMosquitto }), () => {
  it("learns what a sensor that sends plain numbers does, through restarts, and finds what is wrong", async () => {
    const folder = await mkdtemp(join(tmpdir(), "rivulet-auto-"));
    const mosquitto = await startMosquitto();
    const config = join(folder, "rivulet.yaml");
    await writeFile(
      config,
      [
        `broker: { url: "${mosquitto.url}" }`,
        "streams:",
        "  rooms:",
        "    topic: sensors/{room}/temperature",
        "    payload: number",
        "    detector: auto",
        "    learn: 300",
        "    alarms: { per_week: 1 }",
      ].join("\n"),
    );
    const observer = await observe(mosquitto.url, "rivulet/rooms/#");
    const run = async (from: number, to: number, shift = 0) => {
      const bridge = await startRun({ file: config, env: {}, log: createTestLog() });
      await bridge.ready;
      for (let t = from; t < to; t++) {
        for (const [c, room] of ["hall", "attic"].entries()) {
          const value = healthy(t, c) + (room === "attic" ? shift : 0);
          observer.client.publish(`sensors/${room}/temperature`, value.toFixed(3), { qos: 1 });
        }
      }
      await observer.waitFor(2 * to, /rooms\/\w+$/);
      await bridge.stop();
    };
    await run(0, 150);
    await run(150, 290);
    await run(290, 420);
    await run(420, 450, 15);
    const answersOf = (room: string) =>
      observer.seen.filter(({ topic }) => topic === `rivulet/rooms/${room}`).map(({ text }) => JSON.parse(text));
    expect(answersOf("hall")[149]).toMatchObject({ learning: 0.5, score: null, alarm: false, n: 150 });
    expect(answersOf("hall")[300]).toMatchObject({ alarm: false, detector: expect.stringMatching(/^learnt@/) });
    expect(answersOf("hall")[300].detector).not.toBe(answersOf("attic")[300].detector);
    const alarms = observer.seen.filter(({ topic }) => topic.endsWith("/alarm"));
    expect(alarms.map(({ topic, text }) => [topic, JSON.parse(text).alarm])).toEqual([
      ["rivulet/rooms/attic/alarm", true],
    ]);
    expect(JSON.parse(alarms[0]!.text)).toMatchObject({ n: 421, cause: [{ input: "value" }] });
    await observer.close();
    await mosquitto.close();
    await rm(folder, { recursive: true });
  });
});

describe("an alarm with Mosquitto", needs({ Mosquitto: hasMosquitto }), () => {
  it("is what a subscriber gets that comes later", async () => {
    const mosquitto = await startMosquitto();
    const bridge = await startTestBridge(mosquitto.url, { streams: [streamOf({ settings: { holdMs: 60_000 } })] });
    await bridge.ready;
    const first = await observe(mosquitto.url, "rivulet/pump/#");
    for (let t = 0; t <= FROM; t++) first.client.publish("plant/7/data", payloadOf(t), { qos: 1 });
    await first.waitFor(1, /alarm$/);
    const late = await observe(mosquitto.url, "rivulet/+/+/alarm");
    const [message] = await late.waitFor(1);
    expect(message).toMatchObject({ topic: "rivulet/pump/7/alarm", isRetained: true });
    expect(JSON.parse(message?.text ?? "")).toMatchObject({ alarm: true, n: FROM + 1 });
    for (let t = FROM + 1; t < ROWS + 20; t++) first.client.publish("plant/7/data", payloadOf(t), { qos: 1 });
    const [, end] = await late.waitFor(2);
    expect(JSON.parse(end?.text ?? "")).toMatchObject({ alarm: false, cause: [] });
    await Promise.all([first.close(), late.close(), bridge.stop()]);
    await mosquitto.close();
  });
});
