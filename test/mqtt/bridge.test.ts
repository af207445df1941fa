import { createServer, type Server } from "node:net";
import { Aedes } from "aedes";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { BridgeOptions } from "../../host/mqtt/bridge.ts";
import {
  createTestLog,
  createTestSource,
  createTestStream,
  observe,
  startTestBridge,
  until,
} from "../support/bridge.ts";
import { createFakeRuntime } from "../support/fake-runtime.ts";

let broker: Aedes;
let server: Server;
let url: string;

beforeEach(async () => {
  broker = await Aedes.createBroker();
  server = createServer(broker.handle);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  url = `mqtt://127.0.0.1:${address !== null && typeof address === "object" ? address.port : 0}`;
});

afterEach(async () => {
  await new Promise<void>((resolve) => broker.close(() => resolve()));
  server.close();
});

/** Aedes forgets messages of persistent MQTT sessions; those are tested with Mosquitto. */
function startOnAedes(options: Partial<BridgeOptions> = {}) {
  return startTestBridge(url, { ...options, broker: { url, isClean: true } });
}

describe("startBridge", () => {
  it("answers a sample on <base>/<stream>/<device>", async () => {
    const bridge = await startOnAedes({ streams: [createTestStream({ topic: "plant/{site}/{device}/data" })] });
    const observer = await observe(url, "rivulet/#");
    await bridge.ready;
    observer.client.publish("plant/north/7/data", '{"speed":1,"pressure":2}', { qos: 1 });
    observer.client.publish("plant/north/7/data", '{"speed":3,"pressure":4}', { qos: 1 });
    const answers = await observer.waitFor(2, /pump/);
    expect(answers.map(({ topic }) => topic)).toEqual(["rivulet/pump/north/7", "rivulet/pump/north/7"]);
    expect(answers.map(({ text }) => text)).toEqual([
      '{"prediction":[2.75,2.75],"residual":[null,null],"n":1,"ts":1732000000000,"model":"fake@aaaaaaaa"}',
      '{"prediction":[7.796875,7.796875],"residual":[0.25,1.25],"n":2,"ts":1732000000000,"model":"fake@aaaaaaaa"}',
    ]);
    await observer.close();
    await bridge.stop();
  });

  it("steps a message through every stream whose topic matches", async () => {
    const streams = [
      createTestStream({ name: "a", topic: "plant/{device}/data" }),
      createTestStream({ name: "b", topic: "plant/7/{kind}" }),
    ];
    const bridge = await startOnAedes({ streams });
    const observer = await observe(url, "rivulet/+/#");
    await bridge.ready;
    observer.client.publish("plant/7/data", '{"speed":1,"pressure":2}', { qos: 1 });
    await observer.waitFor(2, /rivulet\/[ab]/);
    const { streams: counters } = bridge.counters();
    expect([counters.a?.steps, counters.b?.steps]).toEqual([1, 1]);
    await observer.close();
    await bridge.stop();
  });

  it("counts bad payloads by reason, and leaves the state alone", async () => {
    const log = createTestLog();
    const bridge = await startOnAedes({ log });
    const observer = await observe(url, "rivulet/pump/#");
    await bridge.ready;
    const good = '{"speed":1,"pressure":2}';
    const bad = [
      "{oops",
      '{"speed":1}',
      '{"speed":"x","pressure":1}',
      '{"speed":1e999,"pressure":1}',
      "x".repeat(1001),
    ];
    observer.client.publish("plant/7/data", good, { qos: 1 });
    for (const payload of [...bad, "{oops"]) observer.client.publish("plant/7/data", payload, { qos: 1 });
    observer.client.publish("plant//data", good, { qos: 1 });
    observer.client.publish("plant/7/data", good, { qos: 1 });
    const answers = await observer.waitFor(2);
    // What two good samples alone lead to.
    expect(JSON.parse(answers[1]?.text ?? "")).toMatchObject({ n: 2, prediction: [4.296875, 4.296875] });
    expect(bridge.counters().streams.pump).toMatchObject({
      received: 9,
      steps: 2,
      devices: 1,
      rejected: { not_json: 2, missing_field: 1, not_a_number: 1, not_finite: 1, too_large: 1, bad_topic: 1 },
    });
    const warnings = log.lines.filter((line) => line.includes("not_json"));
    expect(warnings).toEqual(["warn pump: not_json: Payload is not JSON (topic plant/7/data)"]);
    await observer.close();
    await bridge.stop();
  });

  it("counts a sample that the model refuses", async () => {
    const runtime = createFakeRuntime();
    const read = () => ({ sample: Float64Array.of(Number.NaN, 1), time: undefined });
    const decode = Object.assign(read, { maxAges: [undefined, undefined] });
    const sources = [{ ...createTestSource(), decode }];
    const bridge = await startOnAedes({ streams: [createTestStream({ runtime, sources })] });
    const observer = await observe(url, "rivulet/bridge/state");
    await bridge.ready;
    observer.client.publish("plant/7/data", "{}", { qos: 1 });
    await until(() => bridge.counters().streams.pump?.received === 1);
    await bridge.stop();
    expect(bridge.counters().streams.pump).toMatchObject({ steps: 0, rejected: { bad_sample: 1 } });
    await observer.close();
  });

  it("evicts the least recently used device, and goes on with its state when it returns", async () => {
    const runtime = createFakeRuntime();
    const bridge = await startOnAedes({ streams: [createTestStream({ runtime, maxDevices: 2 })] });
    const observer = await observe(url, "rivulet/pump/#");
    await bridge.ready;
    let count = 0;
    for (const device of ["1", "2", "3", "1", "2"]) {
      observer.client.publish(`plant/${device}/data`, '{"speed":1,"pressure":2}', { qos: 1 });
      await observer.waitFor(++count);
    }
    expect(bridge.counters().streams.pump).toMatchObject({ devices: 2, evictions: 3, restored: 2 });
    // All at once: some wait for the state store, one after the other and in order.
    for (const device of ["3", "1", "2", "3"]) {
      observer.client.publish(`plant/${device}/data`, '{"speed":1,"pressure":2}', { qos: 1 });
    }
    const answers = await observer.waitFor(9);
    const steps = answers.map(({ topic, text }) => [topic.slice(-1), JSON.parse(text).n]);
    expect(steps.filter(([device]) => device === "1")).toEqual([
      ["1", 1],
      ["1", 2],
      ["1", 3],
    ]);
    expect(steps.filter(([device]) => device === "2")).toEqual([
      ["2", 1],
      ["2", 2],
      ["2", 3],
    ]);
    expect(steps.filter(([device]) => device === "3")).toEqual([
      ["3", 1],
      ["3", 2],
      ["3", 3],
    ]);
    expect(runtime.sessionCount).toBe(2);
    await observer.close();
    await bridge.stop();
    expect(runtime.sessionCount).toBe(0);
  });

  it("is announced as online while it runs and as offline when it stops, retained", async () => {
    const bridge = await startOnAedes();
    await bridge.ready;
    const observer = await observe(url, "rivulet/bridge/state");
    expect((await observer.waitFor(1))[0]).toMatchObject({ text: "online", isRetained: true });
    await bridge.stop();
    expect((await observer.waitFor(2))[1]).toMatchObject({ text: "offline" });
    const later = await observe(url, "rivulet/bridge/state");
    expect((await later.waitFor(1))[0]).toMatchObject({ text: "offline", isRetained: true });
    await observer.close();
    await later.close();
  });
});
