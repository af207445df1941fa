// The web server of a run, as the configuration has it.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startReloadableRun } from "../host/reload.ts";
import { startRun } from "../host/run.ts";
import { createTestLog } from "./support/bridge.ts";
import { FakeBroker, turns } from "./support/fake-broker.ts";
import { createFakeRuntime } from "./support/fake-runtime.ts";
import { freePort } from "./support/mosquitto.ts";

let folder: string;
let port: number;
const closers: (() => Promise<unknown>)[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "rivulet-web-"));
  port = await freePort();
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  await rm(folder, { recursive: true, force: true });
});

const configOf = (web: string) =>
  [
    "broker: { url: 'mqtt://plant', username: user, password: secret }",
    "state: { memory: true }",
    web,
    "streams: { pump: { model: m, topic: 'plant/{device}/data' } }",
  ].join("\n");

async function options(web: string) {
  const file = join(folder, "config.yaml");
  await writeFile(file, configOf(web));
  const broker = new FakeBroker();
  const log = createTestLog();
  return { broker, log, file, env: {}, connect: broker.connect, openRuntime: async () => createFakeRuntime() };
}

const ask = (path: string, at = port) => fetch(`http://127.0.0.1:${at}${path}`);

describe("RunWeb", () => {
  it("tells of the host as long as it runs, and no secret", async () => {
    const set = await options(`web: { listen: '127.0.0.1:${port}' }`);
    const bridge = await startRun(set);
    set.broker.last.accept();
    await bridge.ready;
    set.broker.last.deliver("plant/7/data", '{"speed":1,"pressure":2}', 1);
    await turns();
    const text = await (await ask("/api/host")).text();
    expect(JSON.parse(text)).toMatchObject({
      broker: "mqtt://plant",
      isConnected: true,
      counters: { streams: { pump: { steps: 1 } } },
    });
    expect(text).not.toMatch(/secret/);
    await bridge.stop();
    await expect(ask("/api/host")).rejects.toThrow();
  });

  it("listens nowhere unless it is asked to", async () => {
    const set = await options("");
    const bridge = await startRun(set);
    closers.push(() => bridge.stop());
    expect(set.log.lines.join("\n")).not.toMatch(/ web: /);
  });

  it("follows the configuration when it is read again, and stays where that says the same", async () => {
    const set = await options(`web: { listen: '127.0.0.1:${port}' }`);
    const run = await startReloadableRun(set);
    closers.push(() => run.stop());
    const other = await freePort();
    expect(await run.reload()).toBe(true);
    expect((await ask("/api/host")).status).toBe(200);
    expect(set.log.lines.filter((line) => /the page is at/.test(line))).toHaveLength(1);
    await writeFile(set.file, configOf(`web: { listen: '127.0.0.1:${other}' }`));
    await run.reload();
    expect((await ask("/api/host", other)).status).toBe(200);
    await expect(ask("/api/host")).rejects.toThrow();
    await writeFile(set.file, configOf(""));
    await run.reload();
    await expect(ask("/api/host", other)).rejects.toThrow();
  });

  it("runs on without it where the port is taken", async () => {
    const first = await startRun(await options(`web: { listen: '127.0.0.1:${port}' }`));
    closers.push(() => first.stop());
    const set = await options(`web: { listen: '127.0.0.1:${port}' }`);
    const bridge = await startRun(set);
    closers.push(() => bridge.stop());
    set.broker.last.accept();
    await bridge.ready;
    set.broker.last.deliver("plant/7/data", '{"speed":1,"pressure":2}', 1);
    await turns();
    expect(bridge.counters().streams.pump?.steps).toBe(1);
    expect(set.log.lines.join("\n")).toMatch(/error web: .*another program has this port/);
  });
});
