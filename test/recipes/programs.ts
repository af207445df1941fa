// Programs that recipes are about: installed below build/recipes/, started, ended.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { accepts, freePort } from "../support/mosquitto.ts";
import { findProgram } from "../support/programs.ts";

const INSTALLED = path.resolve("build/recipes");
const NODE_RED = "4.1.8";
const GRAFANA_SCHEMA = "13.2.3";
const START_MS = 60_000;

/** Runs a command to its end; its output is part of the error when it fails. */
function run(command: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv = {}): void {
  mkdirSync(cwd, { recursive: true });
  execFileSync(command, args, { cwd, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
}

/** Installs Node-RED; answers its program. */
export function installNodeRed(): string {
  const cwd = path.join(INSTALLED, `node-red-${NODE_RED}`);
  const program = path.join(cwd, "node_modules/node-red/red.js");
  if (existsSync(program)) return program;
  run("npm", ["init", "--yes"], mkdir(cwd));
  run("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", `node-red@${NODE_RED}`], cwd);
  return program;
}

/** Installs the types of Grafana's dashboards; answers the folder whose node_modules has them. */
export function installGrafanaSchema(): string {
  const cwd = mkdir(path.join(INSTALLED, `grafana-schema-${GRAFANA_SCHEMA}`));
  if (existsSync(path.join(cwd, "node_modules"))) return cwd;
  run("npm", ["init", "--yes"], cwd);
  const schema = `@grafana/schema@${GRAFANA_SCHEMA}`;
  run("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", schema], cwd);
  return cwd;
}

/** Builds Telegraf, with the plugins that the recipe needs; answers its program. */
export function buildTelegraf(): string {
  const program = path.join(INSTALLED, "telegraf");
  const env = { GOTOOLCHAIN: "local", GOFLAGS: "-mod=readonly -buildvcs=false" };
  run("go", ["build", "-o", program, "."], path.resolve("test/recipes/telegraf"), env);
  return program;
}

/** Starts InfluxDB in a folder of its own; answers its address. */
export async function startInflux(folder: string): Promise<Running & { readonly url: string }> {
  const port = await freePort();
  const lines = [
    "reporting-disabled = true",
    `bind-address = "127.0.0.1:${await freePort()}"`,
    `[meta]\ndir = "${folder}/meta"`,
    `[data]\ndir = "${folder}/data"\nwal-dir = "${folder}/wal"`,
    `[http]\nbind-address = "127.0.0.1:${port}"\nlog-enabled = false`,
  ];
  const file = path.join(folder, "influxdb.conf");
  writeFileSync(file, lines.join("\n"));
  const influx = await startProgram(findProgram("influxd") as string, ["-config", file], port);
  return { ...influx, url: `http://127.0.0.1:${port}` };
}

function mkdir(folder: string): string {
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** A program at work. */
export interface Running {
  /** What it printed so far. */
  readonly output: () => string;
  close(): Promise<void>;
}

/** Starts a program, and waits until it listens on a port, if it does. */
export async function startProgram(command: string, args: readonly string[], port?: number): Promise<Running> {
  let text = "";
  const child: ChildProcess = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (data) => {
      text = `${text}${data}`.slice(-10_000);
    });
  }
  const latest = Date.now() + START_MS;
  while (port !== undefined && !(await accepts(port))) {
    if (child.exitCode !== null || Date.now() > latest) throw new Error(`${command} does not start: ${text}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    output: () => text,
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = new Promise((resolve) => child.once("exit", resolve));
      child.kill();
      await exited;
    },
  };
}
