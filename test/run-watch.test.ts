// What Prometheus, a container and a balancer are told of a run.

import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startReloadableRun } from "../host/reload.ts";
import { createTestLog } from "./support/bridge.ts";
import { FakeBroker, turns } from "./support/fake-broker.ts";
import { createFakeRuntime } from "./support/fake-runtime.ts";
import { freePort } from "./support/mosquitto.ts";
import { needs } from "./support/needs.ts";

const hasPromtool = spawnSync("promtool", ["--version"]).status === 0;

let folder: string;
const closers: (() => Promise<unknown>)[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "rivulet-watch-"));
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  await rm(folder, { recursive: true, force: true });
});

/** A run whose broker is in the test's hands. */
async function startWatchedRun(web = "") {
  const port = await freePort();
  const file = join(folder, "config.yaml");
  const lines = [
    "broker: { url: 'mqtt://plant', username: user, password: secret }",
    "state: { directory: state }",
    `web: { listen: '127.0.0.1:${port}'${web} }`,
    "streams: { pump: { model: m, topic: 'plant/{device}/data' } }",
  ];
  await writeFile(file, lines.join("\n"));
  const broker = new FakeBroker();
  const run = await startReloadableRun({
    file,
    env: {},
    log: createTestLog(),
    version: "1.2.3",
    connect: broker.connect,
    openRuntime: async () => createFakeRuntime(),
  });
  closers.push(() => run.stop());
  let id = 0;
  const send = async (device: string, payload = '{"speed":1,"pressure":2}') => {
    const { length } = broker.last.acks;
    broker.last.deliver(`plant/${device}/data`, payload, ++id);
    while (broker.last.acks.length === length) await turns();
  };
  const ask = async (path: string, headers: Record<string, string> = {}) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { headers });
    return { status: answer.status, type: answer.headers.get("content-type"), text: await answer.text() };
  };
  return { broker, run, send, ask };
}

async function connected(web?: string) {
  const started = await startWatchedRun(web);
  started.broker.last.accept();
  await started.run.bridge.ready;
  return started;
}

/** The value of a sample by the text before it. */
const sampleOf = (text: string, name: string) =>
  text
    .split("\n")
    .find((line) => line.startsWith(`${name} `))
    ?.slice(name.length + 1);

describe("/metrics", () => {
  it("tells what was counted and measured, through a reload", async () => {
    const { run, broker, send, ask } = await connected();
    await send("7");
    await send("7", "{oops");
    const first = await ask("/metrics");
    expect(first).toMatchObject({ status: 200, type: "text/plain; version=0.0.4; charset=utf-8" });
    const value = (name: string) => sampleOf(first.text, name);
    expect(value('rivulet_messages_received_total{stream="pump"}')).toBe("2");
    expect(value('rivulet_steps_total{stream="pump"}')).toBe("1");
    expect(value('rivulet_rejected_total{stream="pump",reason="not_json"}')).toBe("1");
    expect(value('rivulet_devices{stream="pump",state="fine"}')).toBe("1");
    expect(value('rivulet_devices{stream="pump",state="alarm"}')).toBe("0");
    expect(value("rivulet_mqtt_connected")).toBe("1");
    expect(value("rivulet_messages_unacknowledged")).toBe("0");
    expect(value("rivulet_message_duration_seconds_count")).toBe("2");
    expect(Number(value("rivulet_commit_duration_seconds_count"))).toBeGreaterThanOrEqual(1);
    expect(Number(value("rivulet_state_written_bytes_total"))).toBeGreaterThan(50);
    expect(first.text).toContain('rivulet_build_info{version="1.2.3",');
    expect(first.text).toContain('rivulet_model_info{stream="pump",model="fake",hash="aaaa');
    const reloading = run.reload();
    while (broker.connections.length < 2) await turns();
    broker.last.accept(true);
    expect(await reloading).toBe(true);
    await run.bridge.ready;
    await send("7");
    const later = (await ask("/metrics")).text;
    expect(sampleOf(later, "rivulet_message_duration_seconds_count")).toBe("3");
    expect(sampleOf(later, 'rivulet_steps_total{stream="pump"}')).toBe("1");
  });

  it("names devices only when it is asked to", async () => {
    const { send, ask } = await connected();
    await send("7");
    expect((await ask("/metrics")).text).not.toContain("device=");
    const { text } = await ask("/metrics?devices=yes");
    expect(sampleOf(text, 'rivulet_device_steps_total{stream="pump",device="7"}')).toBe("1");
    expect(sampleOf(text, 'rivulet_device_alarm{stream="pump",device="7"}')).toBe("0");
    expect(await ask("/metrics?devices=all")).toMatchObject({ status: 400, text: "devices is yes or no\n" });
  });

  it("is for those who know the token", async () => {
    const { ask } = await connected(", token: 0123456789abcdef");
    expect((await ask("/metrics")).status).toBe(401);
    expect((await ask("/metrics", { authorization: "Bearer 0123456789abcdef" })).status).toBe(200);
    expect((await ask("/healthz")).status).toBe(200);
  });

  it("satisfies promtool, whatever devices are called", needs({ promtool: hasPromtool }), async () => {
    const { send, ask } = await connected();
    const names = ['a"} 1', "b\\", "<script>", "d\u2028", "\u{1F600}", "e\\n", '"} 1\\nevil{x="'];
    for (const name of names) await send(name);
    await send('c\nevil{x="1"} 2'); // control characters make no device
    await send("7", "{oops");
    for (const path of ["/metrics", "/metrics?devices=yes"]) {
      const { text } = await ask(path);
      const { status, stdout, stderr } = spawnSync("promtool", ["check", "metrics"], { input: text, encoding: "utf8" });
      expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "", stderr: "" });
    }
    const { text } = await ask("/metrics?devices=yes");
    const shown = text.split("\n").filter((line) => line.startsWith("rivulet_device_steps_total"));
    expect(shown.length).toBe(names.length);
    expect(sampleOf(text, 'rivulet_rejected_total{stream="pump",reason="bad_topic"}')).toBe("1");
    expect(text).not.toMatch(/^evil/m);
  });
});

describe("/healthz and /readyz", () => {
  it("tells what a host waits for, and when it is ready", async () => {
    const { broker, run, send, ask } = await startWatchedRun();
    expect(await ask("/healthz")).toMatchObject({ status: 200, text: "alive\n" });
    expect(await ask("/readyz")).toMatchObject({
      status: 503,
      text: "broker: not connected and subscribed\nstream pump: no reading has come yet\n",
    });
    broker.last.accept();
    await run.bridge.ready;
    await send("7");
    expect(await ask("/readyz")).toMatchObject({ status: 200, text: "ready\n" });
    broker.last.lose("gone");
    expect(await ask("/readyz")).toMatchObject({ status: 503, text: "broker: not connected and subscribed\n" });
    expect((await ask("/healthz")).status).toBe(200);
  });
});
