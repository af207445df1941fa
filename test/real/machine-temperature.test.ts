// A real sensor of a real machine (NAB), all of its readings, through a real broker. The data is not part of the repository:
// RIVULET_DATA names the folder that holds `nab/`.

import { existsSync } from "node:fs";
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Numeric } from "../../host/model/types.ts";
import { startRun } from "../../host/run.ts";
import { runReplay } from "../../tools/commands/replay.ts";
import { createTestLog, observe, until } from "../support/bridge.ts";
import { cli, Sink } from "../support/cli.ts";
import { hasMosquitto, type Mosquitto, startMosquitto } from "../support/mosquitto.ts";
import { needs } from "../support/needs.ts";

const data = resolve(process.env.RIVULET_DATA ?? "../shared/data", "nab/machine_temperature_system_failure.csv");
const both = needs({ [`the file ${data}`]: existsSync(data), Mosquitto: hasMosquitto });

const MODEL = "models/machine-temperature.safetensors";
const READINGS = 22_695;

interface Answer {
  readonly prediction: readonly number[];
  readonly residual: readonly (number | null)[];
  readonly n: number;
  readonly ts: number;
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** The rows of the file, `2013-12-02 21:15:00,73.96732207`, read without the code under test. */
async function readRows(): Promise<{ readonly ts: number; readonly value: number }[]> {
  const rows = (await readFile(data, "utf8")).trim().split("\n").slice(1);
  return rows.map((row) => {
    const [time = "", value] = row.split(",");
    return { ts: Date.parse(`${time.replace(" ", "T")}Z`), value: Number(value) };
  });
}

describe("rivulet run on a real machine's temperature", both, () => {
  let folder: string;
  let broker: Mosquitto;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "rivulet-real-"));
    broker = await startMosquitto();
  });
  afterEach(async () => {
    await broker.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** Puts the model and a configuration into the folder. */
  async function prepare(numeric: Numeric): Promise<{ model: string; config: string }> {
    const model = join(folder, "model.safetensors");
    if (numeric === "f32") await copyFile(MODEL, model);
    else expect((await cli(["quantize", MODEL, "--ranges", "model", "-o", model])).code).toBe(0);
    const config = join(folder, "config.yaml");
    await writeFile(
      config,
      `broker: { url: "${broker.url}" }
streams:
  machine:
    model: model.safetensors
    topic: plant/{machine}/data
    time: { field: timestamp, format: iso8601 }
`,
    );
    return { model, config };
  }

  /** Replays the file to the broker and collects what an ordinary subscriber sees; stops and starts `run` on the way. */
  async function replayThroughBroker(config: string, stops: readonly number[]): Promise<Answer[]> {
    const observer = await observe(broker.url, "rivulet/machine/+");
    const log = createTestLog();
    const start = () => startRun({ file: config, env: {}, log });
    let bridge = await start();
    await bridge.ready;
    const silent = { stdout: new Sink(), stderr: new Sink(), isTty: false, env: {} };
    const replay = runReplay({ file: data, broker: broker.url, topic: "plant/press/data" }, silent);
    for (const stop of stops) {
      await until(() => observer.seen.length >= stop);
      await bridge.stop();
      expect(observer.seen.length).toBeLessThan(READINGS);
      bridge = await start();
    }
    expect(await replay).toBe(0);
    await until(() => observer.seen.length >= READINGS);
    await bridge.stop();
    await observer.client.publishAsync("rivulet/machine/end", "{}", { qos: 1 });
    await until(() => observer.seen.at(-1)?.topic === "rivulet/machine/end");
    const answers = observer.seen.slice(0, -1);
    await observer.close();
    expect(log.lines.filter((line) => !line.startsWith("info"))).toEqual([]);
    expect(new Set(answers.map(({ topic }) => topic))).toEqual(new Set(["rivulet/machine/press"]));
    return answers.map(({ text }) => JSON.parse(text));
  }

  it.each([
    ["f32", "in one run", []],
    ["q15", "in one run", []],
    ["f32", "stopped and started twice", [7_500, 15_000]],
    ["q15", "stopped and started once", [11_000]],
  ] as const)(
    "answers every reading once and in order, as predict does bit for bit, and beats the last value (%s, %s)",
    async (numeric, _, stops) => {
      const { model, config } = await prepare(numeric);
      const answers = await replayThroughBroker(config, stops);
      const rows = await readRows();
      expect(rows.length).toBe(READINGS);
      expect(answers.map(({ n, ts }) => [n, ts])).toEqual(rows.map(({ ts }, t) => [t + 1, ts]));

      const { stdout } = await cli(["predict", model, data]);
      expect(answers.map(({ prediction }) => prediction)).toEqual(
        stdout
          .trim()
          .split("\n")
          .map((line) => JSON.parse(line)),
      );

      const residuals = answers.flatMap(({ residual }) => residual[0] ?? []);
      const changes = rows.slice(1).map(({ value }, t) => value - (rows[t]?.value ?? NaN));
      expect(residuals.length).toBe(changes.length);
      const [error, persistence] = [residuals, changes].map((each) => mean(each.map(Math.abs))) as [number, number];
      console.info(
        `machine temperature, ${numeric}: ${answers.length} readings, mean absolute error ${error.toFixed(4)}, last value ${persistence.toFixed(4)}`,
      );
      expect(error).toBeLessThan(persistence);
    },
    60_000,
  );
});
