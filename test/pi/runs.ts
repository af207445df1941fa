import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import mqtt from "mqtt";
import { createPump, PUMP_INPUTS } from "../../tools/demo/pump.ts";
import { startMosquitto } from "../support/mosquitto.ts";

const HALF = 40;

/** What a run has answered, and what it said of itself. */
export interface RunResult {
  /** In order, without the times of arrival. */
  readonly answers: readonly unknown[];
  /** Of each process. */
  readonly codes: readonly (number | null)[];
  readonly log: string;
}

/**
 * Has a Node run the built program against Mosquitto, with a model, a detector and a state directory: half of the readings, a graceful
 * stop, another process, the other half.
 */
export async function runOn(node: readonly string[]): Promise<RunResult> {
  const folder = await mkdtemp(path.join(tmpdir(), "rivulet-pi-"));
  const broker = await startMosquitto();
  const client = await mqtt.connectAsync(broker.url);
  const result = { answers: [] as unknown[], codes: [] as (number | null)[], log: "" };
  try {
    client.on("message", (_, payload) => {
      const { ts, ...answer } = JSON.parse(payload.toString());
      result.answers.push(answer);
    });
    await client.subscribeAsync("rivulet/pump/7", { qos: 1 });
    const file = path.join(folder, "rivulet.yaml");
    await writeFile(file, configOf(broker.url));
    const pump = createPump(7);
    for (const half of [1, 2]) {
      const child = spawn(node[0] as string, [...node.slice(1), path.resolve("dist/cli.js"), "run", file], {
        stdio: ["ignore", "ignore", "pipe"],
      });
      const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
      child.stderr.on("data", (data) => {
        result.log += data;
      });
      const isConnected = () => result.log.split(" connected to ").length > half;
      await until(
        () => isConnected() || child.exitCode !== null,
        () => result.log,
      );
      for (let i = 0; i < HALF; i++) {
        const values = pump.next();
        const payload = Object.fromEntries(PUMP_INPUTS.map(({ name }, at) => [name, values[at]]));
        await client.publishAsync("plant/7/data", JSON.stringify(payload), { qos: 1 });
      }
      await until(
        () => result.answers.length >= half * HALF || child.exitCode !== null,
        () => result.log,
      );
      child.kill("SIGTERM");
      result.codes.push(await ended);
    }
  } finally {
    await client.endAsync(true);
    await broker.close();
    await rm(folder, { recursive: true, force: true });
  }
  return result;
}

const configOf = (url: string): string =>
  [
    `broker: { url: '${url}' }`,
    "streams:",
    `  pump: { model: ${path.resolve("models/pump.safetensors")}, topic: 'plant/{pump}/data', detector: ${path.resolve("models/pump-detector.safetensors")} }`,
  ].join("\n");

async function until(claim: () => boolean, log: () => string): Promise<void> {
  for (let tries = 0; !claim(); tries++) {
    if (tries > 3000) throw new Error(`Nothing came of it for a minute; the log is\n${log()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
