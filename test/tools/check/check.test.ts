// `rivulet check` as a user sees it.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { serializeModel } from "../../../host/model/model.ts";
import { cli } from "../../support/cli.ts";
import { randomF32Model } from "../../support/models.ts";

const folder = mkdtempSync(path.join(tmpdir(), "rivulet-check-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const save = (name: string, content: string | Uint8Array) => {
  writeFileSync(path.join(folder, name), content);
  return path.join(folder, name);
};
const model = randomF32Model({ layers: [4], inputs: 2, outputs: 1, normalise: false });
save("model.safetensors", serializeModel(model.spec, model.tensors));

const CONFIG = save(
  "config.yaml",
  `broker: { url: "mqtt://localhost", username: me, password: "\${env:SECRET}" }
streams:
  room:
    topic: zigbee2mqtt/{device}
    detector: auto
    max_age: 1h
    time: { field: last_seen, format: iso8601 }
    inputs: [temperature, { name: h, field: /humidity, range: [0, 100] }]
  pump:
    model: model.safetensors
    topic: plant/{device}/data
`,
);
const env = { SECRET: "hunter2" };
const check = (...args: string[]) => cli(["check", CONFIG, ...args], { env });
const send = (topic: string, payload: string) => check("--topic", topic, "--payload", payload);
/** The lines behind the description of the configuration. */
const wayOf = (stdout: string) => stdout.split("\n\n").slice(1).join("\n\n").trimEnd().split("\n");

describe("rivulet check", () => {
  it("tells that a configuration can be used, models too", async () => {
    const { code, stdout, stderr } = await check();
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout.split("\n")).toEqual([
      `${CONFIG} can be used`,
      "stream room: no model, detector auto",
      "  inputs temperature, h",
      "  topic zigbee2mqtt/{device}",
      expect.stringMatching(/^stream pump: model \S+@/),
      "  inputs x0, x1",
      "  topic plant/{device}/data",
      "",
    ]);
  });

  it("tells what is wrong, and where", async () => {
    const bad = save("bad.yaml", 'broker: { url: "mqtt://localhost" }\nstreams: { a: { model: no.st, topic: "t" } }\n');
    const { code, stderr } = await cli(["check", bad]);
    expect(code).toBe(1);
    expect(stderr).toContain("streams.a.model: cannot read no.st: there is no such file");
  });

  it("names the device of a topic without captures", async () => {
    const text =
      'broker: { url: "mqtt://localhost" }\nstreams: { meter: { topic: ams/meter, inputs: [x], detector: auto } }\n';
    const { stdout } = await cli(["check", save("meter.yaml", text)]);
    expect(stdout).toContain("  topic ams/meter (device meter)\n");
  });

  it("writes a preset out in full", async () => {
    const text =
      'broker: { url: "mqtt://localhost" }\nstreams: { plugs: { preset: tasmota, inputs: [power], detector: auto } }\n';
    const { stdout } = await cli(["check", save("preset.yaml", text), "--explain"]);
    expect(stdout.split("\n").slice(2)).toEqual([
      "streams:",
      "  plugs:",
      "    topic: tele/{device}/SENSOR",
      "    detector: auto",
      "    inputs:",
      "      - name: power",
      "        field: /ENERGY/Power",
      "",
    ]);
    const shown = await cli(["check", save("shown.yaml", stdout)]);
    expect(shown.code).toBe(0);
  });

  it("explains the configuration without secrets", async () => {
    const { stdout } = await check("--explain");
    expect(stdout).toContain("password: ${env:SECRET}");
    expect(stdout).not.toContain("hunter2");
    const open = save(
      "open.yaml",
      'broker: { url: "mqtt://localhost", username: me, password: hunter2 }\nstreams: { a: { topic: t, inputs: [x], detector: auto } }\n',
    );
    const shown = await cli(["check", open, "--explain"]);
    expect(shown.stdout).toContain("password: (hidden)");
    expect(shown.stdout + shown.stderr).not.toContain("hunter2");
  });
});

describe("the way of a message", () => {
  it("ends in a sample, with each value and its time", async () => {
    const { code, stdout } = await send(
      "zigbee2mqtt/cellar",
      '{"temperature":14.1,"humidity":61.2,"last_seen":"2026-03-01T10:00:00+01:00"}',
    );
    expect(code).toBe(0);
    expect(wayOf(stdout)).toEqual([
      "zigbee2mqtt/cellar, 76 bytes",
      "  stream room, device cellar, 2026-03-01T09:00:00.000Z (in the payload): sample 1",
      "    temperature  14.1",
      "    h            61.2",
      "    → detector  learning, 0 %",
    ]);
  });

  it("tells the prediction of a model, at the time of arrival", async () => {
    const { stdout } = await send("plant/p1/data", '{"x0":1,"x1":2}');
    expect(wayOf(stdout).join("\n")).toMatch(
      /device p1, \S+ \(arrival\): sample 1\n.*x0 +1\n.*x1 +2\n.*prediction +-?\d/,
    );
  });

  it.each([
    [
      "zigbee2mqtt/cellar",
      '{"humidity":101}',
      'rejected, out_of_range: The field "/humidity" is 101, expected 0 to 100',
    ],
    ["plant/p1/data", '{"x0":1}', 'rejected, missing_field: Field "x1" is missing'],
    ["plant/p1/data", "oops", "rejected, not_json: Payload is not JSON"],
    ["zigbee2/cellar", "{}", 'stream room takes zigbee2mqtt/{device}: level 1 is "zigbee2", expected "zigbee2mqtt"'],
    ["plant/p1", "{}", "stream pump takes plant/{device}/data: the topic has 2 levels, expected 3"],
  ])("ends with the reason why %s %s brings nothing", async (topic, payload, reason) => {
    const { code, stdout, stderr } = await send(topic, payload);
    expect(code).toBe(1);
    expect(stdout).toContain(reason);
    expect(stderr).toBe("error: The message brings no value\n");
  });

  it("is told of every message of a recording, with what was remembered since", async () => {
    const recording = save(
      "recording.ndjson",
      `${[
        '{"topic":"zigbee2mqtt/bridge/state","retain":1,"payload":{"state":"online"}}',
        '{"topic":"zigbee2mqtt/porch","retain":1,"payload":{"temperature":4}}',
        '{"topic":"zigbee2mqtt/porch","retain":0,"payload":{"temperature":4.1,"last_seen":"2026-03-01T09:00:00Z"}}',
        "",
        '{"topic":"zigbee2mqtt/porch","retain":0,"payload":{"humidity":81,"last_seen":"2026-03-01T09:01:00Z"}}',
      ].join("\n")}\n`,
    );
    const { code, stdout } = await check("--recording", recording);
    expect(code).toBe(0);
    expect(wayOf(stdout)).toEqual([
      "zigbee2mqtt/bridge/state, 18 bytes",
      "  no stream takes this topic",
      "  stream room takes zigbee2mqtt/{device}: the topic has 3 levels, expected 2",
      '  stream pump takes plant/{device}/data: level 1 is "zigbee2mqtt", expected "plant"',
      "",
      "zigbee2mqtt/porch, 17 bytes",
      "  stream room: retained, which is old news and never a sample",
      "",
      "zigbee2mqtt/porch, 54 bytes",
      expect.stringContaining("2026-03-01T09:00:00.000Z (in the payload): values are remembered, no sample yet"),
      "    temperature  4.1",
      "    h            no value",
      "",
      "zigbee2mqtt/porch, 50 bytes",
      "  stream room, device porch, 2026-03-01T09:01:00.000Z (in the payload): sample 1",
      "    temperature  4.1  held since 2026-03-01T09:00:00.000Z",
      "    h            81",
      "    → detector  learning, 0 %",
      "",
      "stream room: 3 received, 1 steps, 1 held, 1 retained, 1 devices",
      "stream pump: 0 received",
      "1 of topics that no stream takes",
    ]);
  });

  it("cannot be told of a line that is no message", async () => {
    const { code, stderr } = await cli(["check", CONFIG, "--recording", "-"], { env, stdin: "what\n" });
    expect(code).toBe(1);
    expect(stderr).toBe("error: stdin:1: found no JSON object, expected what mosquitto_sub -F '%J' writes\n");
  });

  it("needs a topic and a payload, or a recording", async () => {
    expect((await check("--topic", "a")).code).toBe(2);
    expect((await check("--topic", "a", "--payload", "b", "--recording", "-")).code).toBe(2);
  });
});
