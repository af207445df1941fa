// docs/recipes/telegraf.md and grafana.md: Telegraf's agent and InfluxDB at work, and every query of the dashboard.

import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import mqtt, { type MqttClient } from "mqtt";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Bridge } from "../../host/mqtt/bridge.ts";
import { startRun } from "../../host/run.ts";
import { createTestLog, until } from "../support/bridge.ts";
import { hasMosquitto, type Mosquitto, startMosquitto } from "../support/mosquitto.ts";
import { needs } from "../support/needs.ts";
import { fileOfPage } from "../support/pages.ts";
import { findProgram } from "../support/programs.ts";
import { readings } from "../support/watched-pump.ts";
import { buildTelegraf, type Running, startInflux, startProgram } from "./programs.ts";

interface Series {
  readonly name: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly columns: readonly string[];
  readonly values: readonly (readonly unknown[])[];
}

const MACHINE = {
  Mosquitto: hasMosquitto,
  go: findProgram("go") !== undefined,
  influxd: findProgram("influxd") !== undefined,
};
const DASHBOARD = JSON.parse(readFileSync("docs/recipes/grafana/dashboards/rivulet.json", "utf8"));
// The bearing of pump 7 gets hot from row 100 on: the alarm begins at row 176 and ends at row 197.
const ROWS = readings(1, 220, 100);

describe("The recipe for Telegraf and Grafana", needs(MACHINE), () => {
  let folder: string;
  let broker: Mosquitto;
  let influx: Awaited<ReturnType<typeof startInflux>>;
  let telegraf: Running;
  let bridge: Bridge;
  let client: MqttClient;

  const query = async (text: string): Promise<readonly Series[]> => {
    const response = await fetch(`${influx.url}/query?db=rivulet&q=${encodeURIComponent(text)}`);
    const { results, error } = (await response.json()) as {
      results?: { series?: Series[]; error?: string }[];
      error?: string;
    };
    if (error !== undefined || results?.[0]?.error !== undefined)
      throw new Error(`${text}: ${error ?? results?.[0]?.error}`);
    return results?.[0]?.series ?? [];
  };
  /** A query as Grafana sends it, with what its variables stand for. */
  const grafana = (text: string) =>
    query(
      text
        .replaceAll("$timeFilter", "time > now() - 1d")
        .replaceAll("$__interval", "10s")
        .replaceAll("$stream", "pump")
        .replaceAll("$device", ".*"),
    );

  /** Waits for what a query answers first. */
  const arrives = async (text: string, value: number) => {
    while ((await query(text))[0]?.values[0]?.[1] !== value) await new Promise((resolve) => setTimeout(resolve, 100));
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "rivulet-telegraf-"));
    broker = await startMosquitto();
    influx = await startInflux(folder);
    const rivulet = fileOfPage("docs/recipes/telegraf.md", "rivulet.yaml")
      .replace("mqtt://localhost", broker.url)
      .replaceAll("models/", `${resolve("models")}/`);
    await writeFile(join(folder, "rivulet.yaml"), rivulet);
    const conf = readFileSync("docs/recipes/telegraf.conf", "utf8")
      .replaceAll("tcp://localhost:1883", `tcp://127.0.0.1:${broker.port}`)
      .replace("http://localhost:8086", influx.url)
      .replace('flush_interval = "5s"', 'flush_interval = "200ms"\n  flush_jitter = "0s"');
    await writeFile(join(folder, "telegraf.conf"), conf);
    telegraf = await startProgram(buildTelegraf(), [join(folder, "telegraf.conf")]);
    bridge = await startRun({ file: join(folder, "rivulet.yaml"), env: {}, log: createTestLog() });
    await bridge.ready;
    client = await mqtt.connectAsync(broker.url);
    await until(() => telegraf.output().split("Connected [tcp").length > 4);
    for (const row of ROWS) await client.publishAsync("plant/7/data", JSON.stringify(row), { qos: 1 });
    await arrives('SELECT last("n") FROM "rivulet"', ROWS.length);
    await arrives('SELECT count("alarm") FROM "rivulet_alarm"', 2);
    await arrives('SELECT count("health") FROM "rivulet_health"', 1);
  }, 10 * 60_000);

  afterAll(async () => {
    await bridge?.stop();
    await client?.endAsync();
    await telegraf?.close();
    await influx?.close();
    await broker?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it("keeps alarms with their causes, by stream and device", async () => {
    const [series] = await query('SELECT "alarm", "text", "lasted", "stream", "device" FROM "rivulet_alarm"');
    expect(series?.values.map(([, ...values]) => values)).toEqual([
      [true, expect.stringMatching(/^bearing_temperature \d/), null, "pump", "7"],
      [false, null, expect.any(Number), "pump", "7"],
    ]);
  });

  it("keeps readings, predictions and residuals under their numbers", async () => {
    const [answers] = await query('SELECT * FROM "rivulet" WHERE "residual_3" > 0 LIMIT 1');
    expect(answers?.columns).toEqual(
      expect.arrayContaining(["prediction_0", "prediction_3", "residual_3", "score", "alarm"]),
    );
    const [own] = await query('SELECT "speed", "bearing_temperature", "device" FROM "reading" LIMIT 1');
    expect(own?.values[0]?.slice(1)).toEqual([ROWS[0]![0], ROWS[0]![3], "7"]);
  });

  it.each<[string, string]>([
    ...DASHBOARD.panels.map(({ title, targets }: { title: string; targets: { query: string }[] }) => [
      title,
      targets[0]!.query,
    ]),
    ...DASHBOARD.annotations.list.map(({ name, target }: { name: string; target: { query: string } }) => [
      `annotation ${name}`,
      target.query,
    ]),
    ...DASHBOARD.templating.list.map(({ name, query }: { name: string; query: string }) => [`variable ${name}`, query]),
  ])("has rows for the dashboard's %s", async (_, text) => {
    const series = await grafana(text);
    expect(series.flatMap(({ values }) => values).length).toBeGreaterThan(0);
  });

  it("has no complaint of Telegraf", () => {
    expect(telegraf.output()).not.toMatch(/ [EW]! /);
  });
});
