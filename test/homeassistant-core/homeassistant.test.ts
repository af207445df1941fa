// What a real Home Assistant makes of `homeassistant: true`.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import mqtt, { type MqttClient } from "mqtt";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { shownName } from "../../host/homeassistant/names.ts";
import type { Bridge } from "../../host/mqtt/bridge.ts";
import { startRun } from "../../host/run.ts";
import { createTestLog } from "../support/bridge.ts";
import { hasMosquitto, type Mosquitto, startMosquitto } from "../support/mosquitto.ts";
import { lacking } from "../support/needs.ts";
import { readings } from "../support/watched-pump.ts";
import { Core, type Entity, installCore, type States } from "./core.ts";

const installed = hasMosquitto ? await installCore() : { problem: "Mosquitto" };
const python = "python" in installed ? installed.python : "";
const HTML = "<img src=x onerror=alert(1)>{{ states }}'\"\\ %s é";
/** As topics carry them; the last three are alike to Home Assistant, which makes ids of names. */
const HOSTILE = [
  HTML,
  "{% for x in states %}",
  "</script><b>",
  "\u202egnip",
  "\u{1f600}".repeat(90),
  "x".repeat(300),
  "__proto__",
  "hall/7",
  "hall 7",
  "hall_7",
];

describe("Home Assistant", lacking("problem" in installed ? [installed.problem] : []), () => {
  let folder: string;
  let broker: Mosquitto;
  let core: Core;
  let bridge: Bridge;
  let client: MqttClient;

  const start = async (streams: readonly string[], homeassistant = "true") => {
    const file = join(folder, "config.yaml");
    const lines = [
      `broker: { url: '${broker.url}' }`,
      `homeassistant: ${homeassistant}`,
      "streams:",
      ...streams.map((stream) => `  ${stream}`),
    ];
    await writeFile(file, lines.join("\n"));
    bridge = await startRun({ file, env: {}, log: createTestLog(), version: "1.2.3" });
    await bridge.ready;
  };
  const PUMP = `pump: { model: ${resolve("models/pump.safetensors")}, detector: ${resolve("models/pump-detector.safetensors")}, topic: 'plant/{device}/data', payload: array, interval: 1h, health: { stuck: 3h } }`;
  const FAN = `fan: { model: ${resolve("models/pump.safetensors")}, topic: 'fan/{device+}', payload: array }`;

  const publish = async (topic: string, row: readonly number[]) => {
    await client.publishAsync(topic, JSON.stringify(row), { qos: 1 });
  };
  const find = ({ entities }: States, device: string, part: string): Entity => {
    const found = entities.find((one) => one.device === device && one.unique.endsWith(`_${part}`));
    if (found === undefined) throw new Error(`No ${part} of ${device} in ${entities.map(({ id }) => id)}`);
    return found;
  };
  const has = ({ entities }: States, device: string) => entities.some((one) => one.device === device);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "rivulet-homeassistant-"));
    broker = await startMosquitto();
    client = await mqtt.connectAsync(broker.url);
    core = new Core(python, broker.port, join(folder, "core"));
    await Promise.all([core.ready(), start([PUMP, FAN])]);
  }, 120_000);

  afterAll(async () => {
    await bridge?.stop();
    await client?.endAsync();
    await core?.stop();
    await broker?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it("shows the bridge with its version and connection", async () => {
    const states = await core.until(
      (found) => has(found, "Rivulet") && find(found, "Rivulet", "sensor_version").state === "1.2.3",
    );
    expect(find(states, "Rivulet", "connection")).toMatchObject({
      state: "on",
      attributes: { device_class: "connectivity", friendly_name: "Rivulet Connection" },
    });
    expect(find(states, "Rivulet", "sensor_state").state).toBe("online");
  });

  it("shows an update as soon as somebody says what the newest version is", async () => {
    expect(find(await core.ask<States>("states"), "Rivulet", "update").state).toBe("unknown");
    await client.publishAsync("rivulet/bridge/latest_version", "1.3.0", { retain: true });
    const states = await core.until((found) => find(found, "Rivulet", "update").state === "on");
    expect(find(states, "Rivulet", "update").attributes).toMatchObject({
      installed_version: "1.2.3",
      latest_version: "1.3.0",
      title: "Rivulet",
    });
  });

  it("shows alarm, score and predictions of a device, with units and classes, connected via the bridge", async () => {
    for (const row of readings(1, 40)) await publish("plant/7/data", row);
    // The first state comes with the reading after the announcement.
    await core.until((found) => has(found, "pump 7") && find(found, "pump 7", "alarm").state === "off");
    await publish("plant/7/data", readings(1, 41)[40]!);
    const states = await core.until((found) => Number(find(found, "pump 7", "score").state) < 0);
    expect(states.devices).toMatchObject({ "pump 7": "Rivulet", Rivulet: null });
    expect(find(states, "pump 7", "alarm")).toMatchObject({
      id: "binary_sensor.pump_7_alarm",
      state: "off",
      attributes: { device_class: "problem", cause: "", friendly_name: "pump 7 Alarm" },
    });
    const predictions = states.entities.filter(({ unique }) => /_prediction_\d+$/.test(unique));
    expect(
      predictions.map(({ id, attributes }) => [id, attributes.device_class, attributes.unit_of_measurement]),
    ).toEqual([
      ["sensor.pump_7_predicted_next_bearing_temperature", "temperature", "°C"],
      ["sensor.pump_7_predicted_next_current", "current", "A"],
      ["sensor.pump_7_predicted_next_pressure", "pressure", "bar"],
      ["sensor.pump_7_predicted_next_speed", undefined, "rpm"],
    ]);
    expect(predictions.every(({ state }) => Number.isFinite(Number(state)))).toBe(true);
  });

  it("shows that a device reports, repeats a value, and is silent", async () => {
    const told = (health: string, why: string) =>
      client.publishAsync("rivulet/pump/7/health", JSON.stringify({ health, since: 1_732_000_000_000, why }));
    const states = await core.until((found) => find(found, "pump 7", "reporting").state === "on");
    expect(find(states, "pump 7", "reporting").attributes).toMatchObject({ device_class: "connectivity", why: null });
    expect(find(states, "pump 7", "stuck")).toMatchObject({ state: "off", attributes: { device_class: "problem" } });
    // As the host tells it after hours.
    await told("stuck", "pressure was 5 for 3 h");
    const stuck = await core.until((found) => find(found, "pump 7", "stuck").state === "on");
    expect(find(stuck, "pump 7", "reporting").state).toBe("on");
    expect(find(stuck, "pump 7", "stuck").attributes.why).toBe("pressure was 5 for 3 h");
    await told("stale", "no reading for 3 h");
    const stale = await core.until((found) => find(found, "pump 7", "reporting").state === "off");
    expect(find(stale, "pump 7", "stuck").state).toBe("off");
    expect(find(stale, "pump 7", "reporting").attributes.since).toBe("2024-11-19T07:06:40+00:00");
  });

  it("shows an alarm with its cause, and its end", async () => {
    // Its bearing gets hot from row 100 on: the alarm begins at row 176, and ends when the pump is another.
    const rows = readings(1, 200, 100);
    for (const row of rows.slice(0, 180)) await publish("plant/8/data", row);
    const states = await core.until((found) => has(found, "pump 8") && find(found, "pump 8", "alarm").state === "on");
    const { attributes } = find(states, "pump 8", "alarm");
    expect(attributes.cause).toContain("bearing_temperature");
    expect(attributes.inputs).toContain("bearing_temperature");
    expect(Date.parse(attributes.since as string)).toBeGreaterThan(0);
    expect(find(states, "pump 7", "alarm").state).toBe("off");
    for (const row of readings(1, 380, 1000).slice(180)) await publish("plant/8/data", row);
    const after = await core.until((found) => find(found, "pump 8", "alarm").state === "off");
    expect(find(after, "pump 8", "alarm").attributes).toMatchObject({ cause: "", lasted: expect.any(Number) });
  });

  it("shows devices with hostile names under their names, each by itself", async () => {
    for (const name of HOSTILE) await publish(`fan/${name}`, [1800, 2.5, 10, 40]);
    const names = HOSTILE.map((name) => shownName(`fan ${name}`));
    const states = await core.until((found) => names.every((name) => has(found, name)));
    const friendly = names.map((name) => find(states, name, "prediction_0").attributes.friendly_name);
    expect(friendly).toEqual(names.map((name) => `${name} Predicted next speed`));
    const ids = states.entities.filter(({ unique }) => /_fan_.*_prediction_0$/.test(unique)).map(({ id }) => id);
    expect(new Set(ids).size).toBe(HOSTILE.length);
    expect(names[0]).toBe(`fan ${HTML}`);
    expect(names[3]).toBe("fan \\u202egnip");
  });

  it("makes everything unavailable when the host is gone, and shows it again", async () => {
    await bridge.stop();
    const gone = await core.until((found) => find(found, "pump 8", "alarm").state === "unavailable");
    expect(find(gone, "Rivulet", "connection").state).toBe("off");
    await start([PUMP, FAN]);
    await core.until((found) => find(found, "pump 8", "alarm").state === "off");
  });

  it("removes the devices of a stream that is gone, and leaves no ghost", async () => {
    await bridge.stop();
    await start([PUMP]);
    const states = await core.until((found) => !found.entities.some(({ device }) => device.startsWith("fan")));
    expect(has(states, "pump 7")).toBe(true);
    expect(Object.keys(states.devices).sort()).toEqual(["Rivulet", "pump 7", "pump 8"]);
  });

  it("finds everything again after its own restart, under the same ids", async () => {
    const before = await core.ask<States>("states");
    await core.stop();
    core = new Core(python, broker.port, join(folder, "another"));
    await core.ready();
    const states = await core.until((found) => has(found, "pump 8") && find(found, "pump 8", "alarm").state === "off");
    expect(states.entities.map(({ unique }) => unique)).toEqual(before.entities.map(({ unique }) => unique));
  }, 60_000);

  it("makes values unavailable that are too old, and leaves the alarm as it is", async () => {
    await bridge.stop();
    await start([PUMP], "{ expire_after: 1 }");
    const row = readings(1, 1)[0]!;
    const isKnown = (found: States) => Number.isFinite(Number(find(found, "pump 7", "prediction_0").state));
    await core.until(isKnown, () => publish("plant/7/data", row));
    // It has read by then that values are to expire.
    await new Promise((resolve) => setTimeout(resolve, 500));
    await publish("plant/7/data", row);
    const states = await core.until((found) => find(found, "pump 7", "prediction_0").state === "unavailable");
    expect(find(states, "pump 7", "alarm").state).toBe("off");
  });

  it("forgets everything when it is turned off", async () => {
    await bridge.stop();
    await start([PUMP], "false");
    const states = await core.until(({ entities }) => entities.length === 0);
    expect(states.devices).toEqual({});
  });

  it("has nothing to complain about", () => {
    expect(core.errors).toBe("");
  });
});
