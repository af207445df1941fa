// A configuration that is read again while it runs.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type ReloadableRun, startReloadableRun } from "../host/reload.ts";
import { createTestLog, observe, until } from "./support/bridge.ts";
import { FakeBroker, turns } from "./support/fake-broker.ts";
import { createFakeRuntime } from "./support/fake-runtime.ts";
import { hasMosquitto, startMosquitto } from "./support/mosquitto.ts";
import { needs } from "./support/needs.ts";

let folder: string;
const closers: (() => Promise<unknown>)[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "rivulet-reload-"));
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  await rm(folder, { recursive: true, force: true });
});

const SAMPLE = '{"speed":1,"pressure":2}';
const config = (streams: readonly string[], url = "mqtt://plant", state = "") =>
  [`broker: { url: "${url}" }`, state, "streams:", ...streams.map((line) => `  ${line}`)].join("\n");
const PUMP = "pump: { model: m, topic: 'plant/{device}/data' }";
const FAN = "fan: { model: m, topic: 'fan/{device}' }";
const VALVE = "valve: { model: m, topic: 'valve/{device}' }";

async function write(text: string): Promise<string> {
  const file = join(folder, "config.yaml");
  await writeFile(file, text);
  return file;
}

async function start(text: string, broker?: FakeBroker) {
  const log = createTestLog();
  const openRuntime = async () => createFakeRuntime();
  const connect = broker === undefined ? {} : { connect: broker.connect };
  const run = await startReloadableRun({ file: await write(text), env: {}, log, openRuntime, ...connect });
  closers.push(() => run.stop());
  return { run, log };
}

/** Accepts what connects until the reload is through. */
async function reload(run: ReloadableRun, broker: FakeBroker) {
  const { length } = broker.connections;
  const isUsed = await run.reload();
  if (broker.connections.length > length) {
    broker.last.accept(true);
    await turns();
    await run.bridge.ready;
  }
  return isUsed;
}

describe("ReloadableRun.reload", () => {
  it("keeps the state of streams that stay, and subscribes and unsubscribes exactly what has changed", async () => {
    const broker = new FakeBroker();
    const { run, log } = await start(config([PUMP, FAN]), broker);
    broker.last.accept();
    await run.bridge.ready;
    broker.last.deliver("plant/7/data", SAMPLE, 1);
    await until(() => broker.last.sent.length === 1);
    await write(config([PUMP, VALVE]));
    expect(await reload(run, broker)).toBe(true);
    expect(broker.connections).toHaveLength(2);
    expect(broker.last.options.clientId).toBe(broker.connections[0]?.options.clientId);
    expect(broker.last.calls).toEqual([
      "unsubscribe fan/+",
      "subscribe valve/+ at 1",
      "publish rivulet/bridge/state online retained",
    ]);
    broker.last.deliver("plant/7/data", SAMPLE, 2);
    await until(() => broker.last.sent.length === 1);
    expect(JSON.parse(broker.last.sent[0]?.text ?? "").n).toBe(2);
    expect(broker.connections[0]?.calls.join()).not.toContain("offline");
    expect(log.lines).toContain("info config: read again");
  });

  it("subscribes nothing when nothing has changed", async () => {
    const broker = new FakeBroker();
    const { run } = await start(config([PUMP]), broker);
    broker.last.accept();
    await run.bridge.ready;
    expect(await reload(run, broker)).toBe(true);
    expect(broker.last.calls).toEqual(["publish rivulet/bridge/state online retained"]);
  });

  it.each([
    ["cannot be read", "streams: [", /^error config: cannot be used, the old one runs on: .*config.yaml:1:/],
    ["has an unknown key", config([PUMP, "fan: { modle: m, topic: 'fan/{device}' }"]), /did you mean "model"/],
  ])("leaves the old one running when the new one %s", async (_, text, message) => {
    const broker = new FakeBroker();
    const { run, log } = await start(config([PUMP]), broker);
    broker.last.accept();
    const { bridge } = run;
    await bridge.ready;
    await write(text);
    expect(await run.reload()).toBe(false);
    expect(run.bridge).toBe(bridge);
    expect(log.lines.find((line) => line.startsWith("error"))).toMatch(message);
    broker.last.deliver("plant/7/data", SAMPLE, 1);
    await until(() => broker.last.sent.length === 1);
    expect(broker.connections).toHaveLength(1);
  });

  it("turns to another state directory, and keeps one in memory", async () => {
    const broker = new FakeBroker();
    const { run } = await start(config([PUMP], "mqtt://plant", "state: { memory: true }"), broker);
    const step = async () => {
      broker.last.deliver("plant/7/data", SAMPLE, 1);
      await until(() => broker.last.sent.length === 1);
      return JSON.parse(broker.last.sent[0]?.text ?? "").n;
    };
    broker.last.accept();
    await run.bridge.ready;
    expect(await step()).toBe(1);
    await reload(run, broker);
    expect(await step()).toBe(2);
    await write(config([PUMP], "mqtt://plant", "state: { directory: kept }"));
    await reload(run, broker);
    expect(await step()).toBe(1);
  });

  it("does one after the other, and none after the stop", async () => {
    const broker = new FakeBroker();
    const { run } = await start(config([PUMP]), broker);
    const both = Promise.all([run.reload(), run.reload()]);
    const stopped = run.stop();
    expect(await both).toEqual([false, false]);
    await stopped;
    expect(broker.connections).toHaveLength(1);
  });
});

describe("a run with Mosquitto", needs({ Mosquitto: hasMosquitto }), () => {
  it("loses and doubles no reading over twenty reloads", { timeout: 60_000 }, async () => {
    const broker = await startMosquitto({ persistence: true });
    closers.push(() => broker.close());
    const other = (turn: number) => (turn % 2 === 0 ? [PUMP, FAN] : [PUMP, VALVE]);
    const { run } = await start(config(other(0), broker.url));
    await run.bridge.ready;
    const observer = await observe(broker.url, "rivulet/pump/#");
    closers.push(() => observer.close());
    let count = 0;
    let isDone = false;
    const publishing = (async () => {
      while (!isDone) {
        await observer.client.publishAsync("plant/7/data", SAMPLE, { qos: 1 });
        count++;
        await sleep(1);
      }
    })();
    for (let turn = 1; turn <= 20; turn++) {
      await write(config(other(turn), broker.url));
      expect(await run.reload()).toBe(true);
      await run.bridge.ready;
    }
    isDone = true;
    await publishing;
    await until(() => (run.bridge.totals().pump?.counts.steps ?? 0) >= count);
    await sleep(200);
    expect(run.bridge.totals().pump?.counts.steps).toBe(count);
  });
});
