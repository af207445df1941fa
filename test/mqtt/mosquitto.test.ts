// The bridge with a real broker: what Aedes cannot show.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openLevelStore } from "../../host/store/level.ts";
import {
  createLastingStore,
  createTestLog,
  createTestStream,
  observe,
  startTestBridge,
  until,
} from "../support/bridge.ts";
import { createFakeRuntime } from "../support/fake-runtime.ts";
import { freePort, hasMosquitto, type Mosquitto, startMosquitto } from "../support/mosquitto.ts";
import { needs } from "../support/needs.ts";

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** Has something closed at the end of the test, last opened first. */
function closing<T>(thing: T, close: (thing: T) => Promise<unknown>): T {
  closers.push(() => close(thing));
  return thing;
}

const sample = (t: number) => JSON.stringify({ speed: Math.sin(t) * 100, pressure: t % 7, ts: 1732000000 + t });
const stepsOf = (bridge: Awaited<ReturnType<typeof startTestBridge>>) => bridge.counters().streams.pump?.steps ?? 0;

/** What the first samples lead to when none is lost, repeated or swapped. */
function expectedPredictions(count: number) {
  const session = createFakeRuntime().createSession();
  return Array.from({ length: count }, (_, t) => session.step([Math.sin(t) * 100, t % 7])[0]);
}

describe("startBridge with Mosquitto", needs({ Mosquitto: hasMosquitto }), () => {
  let broker: Mosquitto;
  beforeEach(async () => {
    broker = closing(await startMosquitto({ persistence: true }), ({ close }) => close());
  });

  const observeHere = async (filter: string) => closing(await observe(broker.url, filter), ({ close }) => close());

  it.each([4, 5] as const)(
    "gives the same predictions when it is stopped and started in the middle (MQTT %i)",
    async (protocol) => {
      const folder = closing(await mkdtemp(join(tmpdir(), "rivulet-run-")), (path) => rm(path, { recursive: true }));
      const horizon = 3;
      const streams = () => [
        createTestStream({
          runtime: createFakeRuntime({ horizon }),
          decoder: { time: { field: "ts", format: "unix" } },
        }),
      ];
      const observer = await observeHere("rivulet/+/#");
      const run = async (base: string, stopAt: readonly number[]) => {
        const start = async () => {
          const store = await openLevelStore(join(folder, base));
          return startTestBridge(broker.url, {
            streams: streams(),
            store,
            baseTopic: `rivulet/${base}`,
            broker: { url: broker.url, isClean: false, clientId: base, protocol },
          });
        };
        let bridge = await start();
        await bridge.ready;
        for (let t = 0; t < 60; t++) {
          for (const device of ["a", "b", "c"]) observer.client.publish(`plant/${device}/data`, sample(t), { qos: 1 });
          if (!stopAt.includes(t)) continue;
          await bridge.stop();
          bridge = await start();
        }
        const answers = await observer.waitFor(180, new RegExp(`^rivulet/${base}/pump/`));
        await bridge.stop();
        return answers.map(({ topic, text }) => `${topic.split("/").at(-1)} ${text}`).sort();
      };
      const whole = await run("whole", []);
      const broken = await run("broken", [7, 8, 30, 59]);
      expect(broken).toEqual(whole);
      expect(new Set(whole).size).toBe(180);
    },
  );

  it("steps the messages that came while it was down, once and in order", async () => {
    const store = createLastingStore();
    const observer = await observeHere("rivulet/pump/#");
    const first = await startTestBridge(broker.url, { store });
    await first.ready;
    await first.stop();
    for (let t = 0; t < 500; t++) await observer.client.publishAsync("plant/7/data", sample(t), { qos: 1 });
    const second = closing(await startTestBridge(broker.url, { store }), (bridge) => bridge.stop());
    const answers = await observer.waitFor(500);
    expect(answers.map(({ text }) => JSON.parse(text).n)).toEqual(Array.from({ length: 500 }, (_, t) => t + 1));
    expect(answers.map(({ text }) => Math.fround(JSON.parse(text).prediction[0]))).toEqual(expectedPredictions(500));
    expect(stepsOf(second)).toBe(500);
  });

  it("completes partial updates by the device's last values, across a restart, until they are too old", async () => {
    const store = createLastingStore();
    const observer = await observeHere("rivulet/pump/#");
    const inputs = [{ name: "speed" }, { name: "pressure", maxAge: 60 }];
    const decoder = { inputs, time: { field: "ts", format: "unix" } } as const;
    const start = () => startTestBridge(broker.url, { store, streams: [createTestStream({ decoder })] });
    const publish = (sample: object) => observer.client.publish("plant/7/data", JSON.stringify(sample), { qos: 1 });
    const before = await start();
    await before.ready;
    publish({ speed: 1, ts: 99 });
    publish({ speed: 1, pressure: 2, ts: 100 });
    await observer.waitFor(1);
    await before.stop();
    expect(before.counters().streams.pump).toMatchObject({ steps: 1, rejected: { missing_field: 1 } });

    const bridge = closing(await start(), (one) => one.stop());
    publish({ speed: 3, pressure: null, ts: 160 });
    publish({ speed: 4, ts: 160.001 });
    publish({ battery: 80, ts: 160.002 });
    publish({ speed: 5, pressure: 6, ts: 161 });
    const answers = (await observer.waitFor(3)).map(({ text }) => JSON.parse(text));
    const session = createFakeRuntime().createSession();
    const expected = [session.step([1, 2])[0], session.step([3, 2])[0], session.step([5, 6])[0]];
    expect(answers.map(({ prediction }) => Math.fround(prediction[0]))).toEqual(expected);
    expect(bridge.counters().streams.pump).toMatchObject({ steps: 2, rejected: { missing_field: 2 } });
  });

  it("never steps a model with a retained message", async () => {
    const observer = await observeHere("rivulet/pump/#");
    await observer.client.publishAsync("plant/7/data", sample(0), { qos: 1, retain: true });
    const bridge = closing(await startTestBridge(broker.url), (one) => one.stop());
    await bridge.ready;
    observer.client.publish("plant/7/data", sample(1), { qos: 1 });
    const [answer] = await observer.waitFor(1);
    expect(JSON.parse(answer?.text ?? "").n).toBe(1);
    expect(bridge.counters().streams.pump).toMatchObject({ retained: 1, steps: 1 });
  });

  it("unsubscribes the filters of an earlier configuration", async () => {
    const store = createLastingStore();
    const old = await startTestBridge(broker.url, {
      store,
      streams: [createTestStream({ topic: "old/{device}/data" })],
    });
    await old.ready;
    await old.stop();
    const bridge = closing(await startTestBridge(broker.url, { store }), (one) => one.stop());
    await bridge.ready;
    const observer = await observeHere("rivulet/pump/#");
    observer.client.publish("old/7/data", sample(0), { qos: 1 });
    observer.client.publish("plant/7/data", sample(0), { qos: 1 });
    await observer.waitFor(1);
    expect(bridge.counters()).toMatchObject({ unmatched: 0, streams: { pump: { received: 1 } } });
  });

  it("starts a device cold whose state is of another model, and keeps that state aside", async () => {
    const store = createLastingStore();
    const observer = await observeHere("rivulet/pump/#");
    const start = async (hash: string) => {
      const log = createTestLog();
      const bridge = await startTestBridge(broker.url, {
        store,
        log,
        streams: [createTestStream({ runtime: createFakeRuntime({ hash }) })],
      });
      await bridge.ready;
      return { bridge, log };
    };
    const before = await start("a".repeat(64));
    observer.client.publish("plant/7/data", sample(0), { qos: 1 });
    await observer.waitFor(1);
    await before.bridge.stop();
    const old = await store.get("device/pump/7");

    const { bridge, log } = await start("b".repeat(64));
    observer.client.publish("plant/7/data", sample(1), { qos: 1 });
    const [, answer] = await observer.waitFor(2);
    expect(JSON.parse(answer?.text ?? "")).toMatchObject({ n: 1, model: "fake@bbbbbbbb" });
    expect(bridge.counters().streams.pump).toMatchObject({ state_of_other_model: 1, restored: 0 });
    await bridge.stop();
    const kept = [];
    for await (const [, value] of store.entries("quarantine/device/pump/7/")) kept.push(value);
    expect(kept).toEqual([old]);
    expect(log.lines.filter((line) => line.startsWith("warn pump: state of other model"))).toHaveLength(1);
  });

  it("is announced as offline by its last will when its connection is lost", async () => {
    const bridge = closing(await startTestBridge(broker.url), (one) => one.stop());
    await bridge.ready;
    const observer = await observeHere("rivulet/bridge/state");
    await observer.waitFor(1);
    // A connection with the same client id throws the bridge out, as a cut cable would.
    const intruder = await observe(broker.url, "x", { clientId: "rivulet-test", clean: true });
    const states = await observer.waitFor(2);
    expect(states.slice(0, 2).map(({ text }) => text)).toEqual(["online", "offline"]);
    await intruder.close();
  });

  it("finds the broker again after it was gone, with its MQTT session", async () => {
    const log = createTestLog();
    const bridge = closing(await startTestBridge(broker.url, { log }), (one) => one.stop());
    await bridge.ready;
    await broker.stop();
    await broker.start();
    await until(() => log.lines.at(-1)?.endsWith("MQTT session resumed") === true);
    const observer = await observeHere("rivulet/#");
    await until(() => observer.seen.some(({ text }) => text === "online"));
    observer.client.publish("plant/7/data", sample(0), { qos: 1 });
    const [answer] = await observer.waitFor(1, /pump/);
    expect(JSON.parse(answer?.text ?? "")).toMatchObject({ n: 1, prediction: [0, 0] });
    expect(stepsOf(bridge)).toBe(1);
  });

  it("leaves to its successor what it received after it was told to stop, once and in order", async () => {
    const store = createLastingStore();
    const observer = await observeHere("rivulet/pump/#");
    const first = await startTestBridge(broker.url, { store });
    await first.ready;
    for (let t = 0; t < 2000; t++) observer.client.publish("plant/7/data", sample(t), { qos: 1 });
    await observer.waitFor(1);
    await first.stop();
    closing(await startTestBridge(broker.url, { store }), (bridge) => bridge.stop());
    const answers = await observer.waitFor(2000);
    expect(stepsOf(first)).toBeLessThan(2000);
    expect(answers.map(({ text }) => Math.fround(JSON.parse(text).prediction[0]))).toEqual(expectedPredictions(2000));
  });

  it("takes a burst of samples without losing an answer", async () => {
    const observer = await observeHere("rivulet/pump/#");
    const bridge = closing(await startTestBridge(broker.url), (one) => one.stop());
    await bridge.ready;
    for (let t = 0; t < 10_000; t++) observer.client.publish(`plant/${t % 50}/data`, sample(t), { qos: 1 });
    await observer.waitFor(10_000);
    expect(bridge.counters()).toMatchObject({ published: 10_000, dropped: 0 });
  });
});

describe("startBridge and a broker that does not let it in", needs({ Mosquitto: hasMosquitto }), () => {
  it("waits for a broker that is not there, and says so once", async () => {
    const log = createTestLog();
    const port = await freePort();
    const url = `mqtt://127.0.0.1:${port}`;
    closing(await startTestBridge(url, { log }), (one) => one.stop());
    await until(() => log.lines.length > 0);
    const broker = closing(await startMosquitto({ port }), ({ close }) => close());
    await until(() => log.lines.length > 1);
    expect(log.lines).toEqual([
      `warn broker: cannot connect to ${broker.url}: connection refused; is the broker running?; trying again`,
      `info broker: connected to ${broker.url} as rivulet-test`,
    ]);
  });

  it("tells a wrong password, without showing it, and goes on trying", async () => {
    const broker = closing(await startMosquitto({ users: { plant: "right" } }), ({ close }) => close());
    const log = createTestLog();
    const login = { url: broker.url, isClean: true, username: "plant" };
    const wrong = await startTestBridge(broker.url, { log, broker: { ...login, password: "wrong-one" } });
    await until(() => log.lines.length > 0);
    expect(log.lines).toEqual([
      `warn broker: cannot connect to ${broker.url}: the broker refuses the user name or password; trying again`,
    ]);
    await wrong.stop();
    const right = await startTestBridge(broker.url, { broker: { ...login, password: "right" } });
    await right.ready;
    await right.stop();
  });

  it("stops at once while it waits for the broker", async () => {
    const bridge = await startTestBridge(`mqtt://127.0.0.1:${await freePort()}`);
    // It would try again after a second.
    const stopped = bridge.stop().then(() => "stopped");
    expect(await Promise.race([stopped, setTimeout(900, "still there")])).toBe("stopped");
  });
});
