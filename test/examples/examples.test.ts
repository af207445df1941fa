// Runs every program of examples/ as its first lines say.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { Aedes } from "aedes";
import { chromium } from "playwright-core";
import { afterAll, describe, expect, it } from "vitest";
import { loadModel } from "../../host/load-file.ts";
import { createRuntime } from "../../host/runtime/index.ts";
import { chromiumFlags, chromiumPath } from "../browser/page.ts";
import { observe } from "../support/bridge.ts";
import { needs } from "../support/needs.ts";
import { findProgram } from "../support/programs.ts";

const READINGS = [
  [2900, 5.1, 18.2, 52.5],
  [2903, 5.08, 18.25, 52.6],
  [2898, 5.11, 18.2, 52.6],
];
const FIELDS = ["speed", "pressure", "current", "bearing_temperature"];

const folder = mkdtempSync(path.join(tmpdir(), "rivulet-examples-"));
const children: ChildProcess[] = [];
afterAll(() => {
  for (const child of children) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

/** Runs a program to its end. Answers what it prints. */
function run(program: string, args: readonly string[] = [], input = ""): string {
  return execFileSync(process.execPath, [`examples/${program}`, ...args], { encoding: "utf8", input, stdio: "pipe" });
}

/** Starts a program that goes on; `next` answers the next line that it prints. */
function start(program: string, args: readonly string[] = []) {
  const child = spawn(process.execPath, [`examples/${program}`, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return { child, next: async (): Promise<string> => (await lines.next()).value };
}

/** What the runtime answers to the readings. */
async function expected(): Promise<number[][]> {
  const session = createRuntime(await loadModel("models/pump.safetensors")).createSession();
  return READINGS.map((sample) => [...session.step(sample)]);
}

describe("examples/README.md", () => {
  it("names every program", () => {
    const text = readFileSync("examples/README.md", "utf8");
    const missing = readdirSync("examples").filter((name) => name !== "README.md" && !text.includes(`(${name}`));
    expect(missing).toEqual([]);
  });
});

describe("examples/model.mjs", () => {
  it("follows a temperature slowly", () => {
    const lines = run("model.mjs").trim().split("\n");
    expect(lines).toHaveLength(6);
    // z = sigmoid(2): after one step of 30 °C from 20 °C, 20 + (1 - z) * 100 * tanh(.1).
    expect(lines[0]).toMatch(/^slow@[0-9a-f]{8}: 30 °C, expects 21\.19 °C next$/);
  });
});

describe("examples/stream.mjs", () => {
  it("answers each reading, refuses what is none, and goes on from its file", async () => {
    const state = path.join(folder, "pump.state");
    const [first, ...rest] = READINGS.map((reading) => JSON.stringify(reading));
    const answers =
      run("stream.mjs", [state], `${first}\nnonsense\n[1]\n`) + run("stream.mjs", [state], rest.join("\n"));
    const lines = answers.trim().split("\n");
    expect(lines.map((line) => JSON.parse(line))).toEqual(await expected());
  });
});

describe("examples/host.mjs", () => {
  it("answers JSON and the payload of payload.mjs, and stops when it is told", async () => {
    const broker = await Aedes.createBroker();
    const server = createServer(broker.handle);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const url = `mqtt://127.0.0.1:${address !== null && typeof address === "object" ? address.port : 0}`;
    const { child, next } = start("host.mjs", [url, path.join(folder, "state")]);
    expect(await next()).toBe("ready");
    const observer = await observe(url, "rivulet/+/1");
    for (const sample of READINGS) {
      const values = FIELDS.map((name, i) => [name, sample[i]]);
      observer.client.publish("plant/1/data", JSON.stringify(Object.fromEntries(values)), { qos: 1 });
      observer.client.publish("logger/1", `${values.map((pair) => pair.join("=")).join(";")};ms=5`, { qos: 1 });
    }
    observer.client.publish("logger/1", "speed=2900", { qos: 1 });
    const answers = (await observer.waitFor(6, /./)).map(({ topic, text }) => ({ topic, ...JSON.parse(text) }));
    const texts = (await expected()).map((row) => row.map((value) => Number(value.toPrecision(9))));
    const of = (stream: string) => answers.filter(({ topic }) => topic === `rivulet/${stream}/1`);
    expect(of("pumps").map(({ prediction }) => prediction)).toEqual(texts);
    expect(of("loggers").map(({ prediction }) => prediction)).toEqual(texts);
    expect(of("loggers").map(({ ts }) => ts)).toEqual([5, 5, 5]);
    child.kill("SIGTERM");
    expect(await next()).toBe("3 steps of pumps, 3 of loggers");
    await once(child, "close");
    await observer.close();
    await new Promise<void>((resolve) => broker.close(() => resolve()));
    server.close();
  });
});

describe("examples/browser", needs({ Chromium: chromiumPath !== undefined }), () => {
  it("predicts in a page under its own policy, without an error", async () => {
    const { next } = start("browser/serve.mjs");
    const url = await next();
    const browser = await chromium.launch({ executablePath: chromiumPath ?? "", args: [...chromiumFlags] });
    try {
      const page = await browser.newPage();
      const problems: string[] = [];
      page.on("pageerror", (error) => problems.push(error.message));
      page.on("console", (message) => {
        // Browsers ask for an icon by themselves.
        if (message.type() === "error" && !message.location().url.endsWith("favicon.ico"))
          problems.push(message.text());
      });
      await page.goto(url);
      await page.waitForFunction("document.querySelector('#state').textContent.includes('bytes of state')");
      const items = await page.locator("li").allTextContents();
      const speeds = (await expected()).map(([speed = 0]) => speed.toFixed(2));
      expect(items.map((item) => item.match(/^next_speed in [^:]+: ([\d.]+)/)?.[1])).toEqual(speeds);
      expect(problems).toEqual([]);
    } finally {
      await browser.close();
    }
  });
});

const compiler = findProgram("cc");
const make = findProgram("make");
const hasWabt = existsSync("node_modules/wabt");

const tools = needs({ cc: compiler !== undefined, make: make !== undefined, wabt: hasWabt });
describe("examples/firmware", tools, () => {
  it("predicts the bits of the quantized model in C", async () => {
    const out = path.join(folder, "firmware");
    const rivulet = `${process.execPath} ${path.resolve("dist/cli.js")}`;
    const args = ["-s", "-C", "examples/firmware", "run", `RIVULET=${rivulet}`, `OUT=${out}`];
    const printed = execFileSync(make ?? "", args, { encoding: "utf8" })
      .trim()
      .split("\n")
      .slice(-3);
    const session = createRuntime(await loadModel(path.join(out, "model-q15.safetensors"))).createSession();
    const lines = READINGS.map((sample) => [...session.step(sample)].map((value) => value.toFixed(4)).join(" "));
    expect(printed).toEqual(lines);
  });
});
