// docs/recipes/zigbee2mqtt.md, with the files that it shows. Messages as Zigbee2MQTT writes them; Home Assistant's own list of
// notifications stands for the phone.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import mqtt, { type MqttClient } from "mqtt";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { parse } from "yaml";
import type { Bridge } from "../../host/mqtt/bridge.ts";
import { startRun } from "../../host/run.ts";
import { createTestLog, until } from "../support/bridge.ts";
import { hasMosquitto, type Mosquitto, startMosquitto } from "../support/mosquitto.ts";
import { lacking } from "../support/needs.ts";
import { fileOfPage } from "../support/pages.ts";
import { mulberry32 } from "../support/random.ts";
import { Core, type Entity, installCore } from "./core.ts";

const PAGE = "docs/recipes/zigbee2mqtt.md";
const installed = hasMosquitto ? await installCore() : { problem: "Mosquitto" };
const PHONE = "notify.mobile_app_phone";
const SENSORS = ["cellar", "kitchen/fridge"];
const NAMED = [...new Set(fileOfPage(PAGE, "automations.yaml").match(/binary_sensor\.\w+/g))];
const LEARNT = 1000;
const scoreOf = (sensor: string) => `sensor.rooms_${sensor.replace("/", "_")}_anomaly_score`;
const TEN_MINUTES = 600_000;

describe("The recipe for Zigbee2MQTT", lacking("problem" in installed ? [installed.problem] : []), () => {
  let folder: string;
  let broker: Mosquitto;
  let core: Core;
  let bridge: Bridge;
  let client: MqttClient;
  let time = Date.UTC(2026, 0, 1);
  const random = mulberry32(7);

  /** A message of each sensor, ten minutes after the last one. */
  const publish = async (humidityOf: (sensor: string) => number) => {
    time += TEN_MINUTES;
    vi.setSystemTime(time);
    const before = bridge.counters().streams.rooms!.steps;
    for (const sensor of SENSORS) {
      const temperature = Number((14 + 0.5 * random()).toFixed(1));
      const humidity = Number(humidityOf(sensor).toFixed(1));
      const payload = { battery: 97, humidity, linkquality: 120, temperature, voltage: 3000 };
      await client.publishAsync(`zigbee2mqtt/${sensor}`, JSON.stringify(payload), { qos: 1 });
    }
    await until(() => bridge.counters().streams.rooms!.steps === before + SENSORS.length);
  };
  const usual = () => 60 + 4 * random();

  beforeAll(async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: time });
    folder = await mkdtemp(join(tmpdir(), "rivulet-recipe-"));
    broker = await startMosquitto({ users: { rivulet: "secret", homeassistant: "secret", zigbee2mqtt: "secret" } });
    client = await mqtt.connectAsync(broker.url, { username: "zigbee2mqtt", password: "secret" });
    const file = join(folder, "rivulet.yaml");
    const text = fileOfPage(PAGE, "rivulet.yaml").replace("mqtt://localhost", broker.url);
    await writeFile(file, text);
    const python = "python" in installed ? installed.python : "";
    const login = { username: "homeassistant", password: "secret" };
    core = new Core(python, broker.port, join(folder, "core"), login);
    const env = { MQTT_PASSWORD: "secret" };
    [bridge] = await Promise.all([startRun({ file, env, log: createTestLog(), version: "1.2.3" }), core.ready()]);
    await bridge.ready;
  }, 120_000);

  afterAll(async () => {
    vi.useRealTimers();
    await bridge?.stop();
    await client?.endAsync();
    await core?.stop();
    await broker?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it("learns each sensor, and shows how far that is", async () => {
    // Home Assistant subscribes some time after it has read what is announced.
    let n = 0;
    const shows = ({ id, attributes }: Entity) => id === scoreOf("cellar") && attributes.learning !== undefined;
    await core.until(
      ({ entities }) => entities.some(shows),
      async () => {
        await publish(usual);
        n++;
      },
    );
    for (; n < LEARNT / 2; n++) await publish(usual);
    const half = await core.until(({ entities }) =>
      entities.some(({ id, attributes }) => id === scoreOf("cellar") && attributes.learning === 50),
    );
    expect(half.entities.find(({ id }) => id === scoreOf("cellar"))?.state).toBe("unknown");
    for (; n < LEARNT + 50; n++) await publish(usual);
    const learnt = await core.until(({ entities }) =>
      SENSORS.map(scoreOf).every((wanted) => entities.some(({ id, state }) => id === wanted && Number(state) < 0)),
    );
    // The entities that the automations name.
    const states = new Map(learnt.entities.map(({ id, state }) => [id, state]));
    expect(NAMED.map((id) => [id, states.get(id)])).toEqual([
      ["binary_sensor.rooms_cellar_alarm", "off"],
      ["binary_sensor.rooms_kitchen_fridge_alarm", "off"],
      ["binary_sensor.rooms_cellar_reporting", "on"],
      ["binary_sensor.rooms_kitchen_fridge_reporting", "on"],
      ["binary_sensor.rivulet_connection", "on"],
    ]);
  }, 30_000);

  it("tells the phone which sensor is unusual, and why", async () => {
    const automations = fileOfPage(PAGE, "automations.yaml").replaceAll(PHONE, "persistent_notification.create");
    expect(await core.ask(`automation ${JSON.stringify(parse(automations))}`)).toEqual({ ok: true });
    for (let n = 0; n < 12; n++) await publish((sensor) => (sensor === "cellar" ? 95 : usual()));
    let notices: readonly string[] = [];
    while (notices.length === 0) notices = await core.ask<string[]>("notices");
    expect(notices).toEqual([expect.stringMatching(/^humidity 95 is beyond all readings before/)]);
    expect(core.errors).toBe("");
  }, 60_000);
});
