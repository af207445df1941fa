// The log of `startReloadableRun` as a configuration says.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createLogger } from "../host/mqtt/log.ts";
import { LOG_EVENTS } from "../host/mqtt/log-events.ts";
import { startReloadableRun } from "../host/reload.ts";
import { FakeBroker, turns } from "./support/fake-broker.ts";
import { createFakeRuntime } from "./support/fake-runtime.ts";

let folder: string;
const closers: (() => Promise<unknown>)[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "rivulet-log-"));
});
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
  await rm(folder, { recursive: true, force: true });
});

async function start(log: string) {
  const file = join(folder, "config.yaml");
  const write = (settings: string) =>
    writeFile(
      file,
      [
        "broker: { url: 'mqtt://plant', username: plant, password: '${env:PASSWORD}' }",
        "state: { memory: true }",
        `log: ${settings}`,
        "streams: { pump: { model: m, topic: 'plant/{device}/data' } }",
      ].join("\n"),
    );
  await write(log);
  const lines: string[] = [];
  const logger = createLogger({ write: (text: string) => lines.push(text) });
  const broker = new FakeBroker();
  const run = await startReloadableRun({
    file,
    env: { PASSWORD: "correct horse" },
    log: logger,
    onLogSettings: logger.configure,
    connect: broker.connect,
    openRuntime: async () => createFakeRuntime(),
  });
  closers.push(() => run.stop());
  return { run, lines, broker, write };
}

describe("log", () => {
  it("has an event in every line, and never the password", async () => {
    const { lines, broker } = await start("{ format: json }");
    broker.last.lose("the broker refuses the user name or password");
    broker.last.accept();
    await turns();
    broker.last.deliver("plant/7/data", "no json", 1);
    await turns();
    const entries = lines.map((line) => JSON.parse(line));
    expect(entries.map(({ event }) => event)).toEqual([
      "stream",
      "state_in_memory",
      "connection_failed",
      "connected",
      "not_json",
    ]);
    expect(entries.slice(0, -1).every(({ event }) => LOG_EVENTS.includes(event))).toBe(true);
    expect(entries[2]).toMatchObject({ level: "warn", scope: "broker", attempts: 1 });
    expect(lines.join("")).not.toContain("correct horse");
  });

  it("is written as the configuration says after a reload, and as before when it cannot be used", async () => {
    const { run, lines, write, broker } = await start("{ level: error }");
    expect(lines).toEqual([]);
    await write("{ level: loud }");
    expect(await run.reload()).toBe(false);
    expect(lines.splice(0)).toEqual([expect.stringContaining(" error config: cannot be used, the old one runs on")]);
    await write("{ format: json, level: info }");
    const reloading = run.reload();
    await turns();
    broker.last.accept();
    expect(await reloading).toBe(true);
    expect(lines.every((line) => line.startsWith("{"))).toBe(true);
    expect(lines.join("")).toContain('"config_reloaded"');
  });
});
