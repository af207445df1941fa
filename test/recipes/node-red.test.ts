// docs/recipes/node-red.md, in a real Node-RED.

import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import mqtt, { type MqttClient } from "mqtt";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Bridge } from "../../host/mqtt/bridge.ts";
import { startRun } from "../../host/run.ts";
import { createTestLog, until } from "../support/bridge.ts";
import { freePort, hasMosquitto, type Mosquitto, startMosquitto } from "../support/mosquitto.ts";
import { needs } from "../support/needs.ts";
import { fileOfPage } from "../support/pages.ts";
import { readings } from "../support/watched-pump.ts";
import { installNodeRed, type Running, startProgram } from "./programs.ts";

interface FlowNode {
  readonly id: string;
  readonly type: string;
  readonly [field: string]: unknown;
}

const FLOW = JSON.parse(readFileSync("docs/recipes/node-red-flow.json", "utf8")) as FlowNode[];
// The bearing of pump 7 gets hot from row 100 on: the alarm begins at row 176 and ends at row 197.
const ROWS = readings(1, 220, 100);

describe("The recipe for Node-RED", needs({ Mosquitto: hasMosquitto }), () => {
  let folder: string;
  let broker: Mosquitto;
  let bridge: Bridge;
  let client: MqttClient;
  let red: Running;
  let web: number;
  const told: string[] = [];

  const startNodeRed = async () => {
    const settings = `module.exports = { uiHost: "127.0.0.1", uiPort: ${web}, flowFile: "flows.json", logging: {} };`;
    await writeFile(join(folder, "settings.js"), settings);
    const nodes = FLOW.map((node) => {
      if (node.type === "mqtt-broker") return { ...node, port: String(broker.port) };
      return node.type === "trigger" ? { ...node, duration: "1" } : node;
    });
    await writeFile(join(folder, "flows.json"), JSON.stringify(nodes));
    const args = [installNodeRed(), "--userDir", folder, "--settings", join(folder, "settings.js")];
    red = await startProgram(process.execPath, args, web);
  };
  const press = (id: string) => fetch(`http://127.0.0.1:${web}/inject/${id}`, { method: "POST" });
  const publish = async (rows: readonly (readonly number[])[]) => {
    for (const row of rows) await client.publishAsync("plant/7/data", JSON.stringify(row), { qos: 1 });
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "rivulet-node-red-"));
    web = await freePort();
    broker = await startMosquitto();
    client = await mqtt.connectAsync(broker.url);
    client.on("message", (topic, payload) => topic === "notify/phone" && told.push(payload.toString()));
    await client.subscribeAsync("notify/phone", { qos: 1 });
    const text = fileOfPage("docs/recipes/node-red.md", "rivulet.yaml")
      .replace("mqtt://localhost", broker.url)
      .replaceAll("models/", `${resolve("models")}/`);
    await writeFile(join(folder, "rivulet.yaml"), text);
    const [run] = await Promise.all([
      startRun({ file: join(folder, "rivulet.yaml"), env: {}, log: createTestLog() }),
      startNodeRed(),
    ]);
    bridge = run;
    await bridge.ready;
    await until(() => red.output().includes("Connected to broker"));
  });

  afterAll(async () => {
    await bridge?.stop();
    await red?.close();
    await client?.endAsync();
    await broker?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it("tells an alarm with its cause, once", async () => {
    await publish(ROWS.slice(0, 180));
    await until(() => told.length > 0);
    expect(told).toEqual([expect.stringMatching(/^pump 7: bearing_temperature \d/)]);
  });

  it("remembers the alarm when it starts anew, and tells its end", async () => {
    await red.close();
    await startNodeRed();
    await until(() => red.output().includes("Connected to broker"));
    await publish(ROWS.slice(180));
    await until(() => told.length > 1);
    expect(told.slice(1)).toEqual(["pump 7: is as usual again"]);
  });

  it("publishes readings and commands by its buttons", async () => {
    const answers: string[] = [];
    client.on("message", (topic, payload) => topic.endsWith("/result") && answers.push(payload.toString()));
    await client.subscribeAsync("rivulet/+/+/result", { qos: 1 });
    const before = bridge.counters().streams.pump!.steps;
    for (const id of ["rivulet-reading", "rivulet-mute"]) expect((await press(id)).status).toBe(200);
    await until(() => answers.length > 0 && bridge.counters().streams.pump!.steps > before);
    expect(JSON.parse(answers[0]!)).toMatchObject({ ok: true, set: { mute: "2h" } });
  });

  it("tells that the host is gone", async () => {
    await bridge.stop();
    await until(() => told.length > 2);
    expect(told.slice(2)).toEqual(["Rivulet is offline"]);
  });
});
