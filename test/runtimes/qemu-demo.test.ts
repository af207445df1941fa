// The demo's pump, on the host and in the firmware examples: the same recording, the same predictions; states go both ways.

import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseModel } from "../../host/runtime/index.ts";
import { writeSnapshot } from "../../host/runtime/snapshot.ts";
import { createPump, PUMP_INPUTS } from "../../tools/demo/pump.ts";
import { wasm2cFiles } from "../../tools/firmware/probe.ts";
import { hasProgram } from "../../tools/firmware/qemu.ts";
import { fetchWasm3 } from "../../tools/firmware/wasm3.ts";
import { buildModule } from "../../tools/mcu/build.ts";
import { renderHeader } from "../../tools/mcu/header.ts";
import { cli } from "../support/cli.ts";
import { lacking } from "../support/needs.ts";

const STEPS = 600;
const HALF = 300;
const folder = mkdtempSync(path.join(tmpdir(), "rivulet-firmware-"));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string) => path.join(folder, name);

const HEADER = `pump,step,${PUMP_INPUTS.map(({ name }) => name).join(",")}`;
/** The lines of the recording, as tools/demo/record.ts writes them; the bearing fails at 400. */
const lines: string[] = [];
const model = at("pump-q15.safetensors");

const csv = (name: string, rows: readonly string[], ...more: readonly string[]): string => {
  writeFileSync(at(name), `${[HEADER, ...rows, ...more].join("\n")}\n`);
  return at(name);
};

/** What the command line predicts, a line for a line. */
async function predict(file: string, ...options: readonly string[]): Promise<unknown[]> {
  const { code, stdout, stderr } = await cli(["predict", model, file, ...options]);
  expect(stderr).toBe("");
  expect(code).toBe(0);
  return parseLines(stdout);
}

const parseLines = (text: string): unknown[] =>
  text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));

beforeAll(async () => {
  const pump = createPump(7);
  pump.failBearing(400);
  for (let step = 0; step < STEPS; step++) lines.push(`0,${step},${pump.next().join(",")}`);
  const recording = csv("recording.csv", lines);
  const quantize = ["quantize", "models/pump.safetensors", "--calibrate", recording, "--plain", "-o", model];
  expect((await cli(quantize)).code).toBe(0);

  const parsed = parseModel(readFileSync(model));
  mkdirSync(at("c"));
  mkdirSync(at("wasm3"));
  const module = await buildModule(parsed, { target: "wasm2c" });
  for (const [name, text] of Object.entries(await wasm2cFiles(parsed, module))) writeFileSync(at(`c/${name}`), text);
  const interpreted = await buildModule(parsed, { target: "wasm3" });
  writeFileSync(at("wasm3/model.h"), renderHeader({ model: parsed, ...interpreted }));
}, 120_000);

interface Example {
  readonly name: string;
  readonly board: string;
  readonly generated: string;
  readonly needs: readonly string[];
}

const ARM = ["make", "arm-none-eabi-gcc", "qemu-system-arm"];
const RISCV = ["make", "riscv64-unknown-elf-gcc", "qemu-system-riscv32"];
const EXAMPLES: readonly Example[] = [
  { name: "wasm2c-cortex-m", board: "microbit", generated: "c", needs: ARM },
  { name: "wasm2c-cortex-m", board: "mps2-an386", generated: "c", needs: ARM },
  { name: "wasm2c-cortex-m", board: "mps2-an505", generated: "c", needs: ARM },
  { name: "wasm2c-riscv", board: "virt", generated: "c", needs: RISCV },
  { name: "wasm3-cortex-m", board: "mps2-an386", generated: "wasm3", needs: ARM },
];

describe.each(EXAMPLES)("the example $name on $board", ({ name, board, generated, needs }) => {
  const missing = needs.filter((program) => !hasProgram(program));

  /** Runs the firmware over a file of lines, by the Makefile of the example. Answers the lines it writes. */
  async function run(samples: string): Promise<string[]> {
    const wasm3 = name.startsWith("wasm3") ? [`WASM3=${await fetchWasm3()}`] : [];
    const settings = [`BOARD=${board}`, `OUT=${at(`${name}-${board}`)}`, `GENERATED=${at(generated)}`, ...wasm3];
    const make = ["-s", "-C", `tools/firmware/${name}`, "run", ...settings, `SAMPLES=${samples}`];
    const { stdout, stderr } = await promisify(execFile)("make", make, { timeout: 100_000, killSignal: "SIGKILL" });
    return `${stdout}${stderr}`.trim().split("\n");
  }

  const options = { timeout: 120_000, ...lacking(missing) };

  it(`predicts what the host predicts, bit for bit`, options, async () => {
    const recording = csv("recording.csv", lines);
    const predictions = parseLines((await run(recording)).join("\n"));
    expect(predictions).toHaveLength(STEPS);
    expect(predictions).toEqual(await predict(recording));
  });

  it(`hands its state to the host, which continues`, options, async () => {
    const answer = (await run(csv("first.csv", lines.slice(0, HALF), "state?"))).at(-1) ?? "";
    expect(answer).toMatch(/^state 52565331/);
    writeFileSync(at("mcu.state"), Buffer.from(answer.slice("state ".length), "hex"));
    const rest = await predict(csv("rest.csv", lines.slice(HALF)), "--state", at("mcu.state"));
    expect(rest).toEqual((await predict(csv("recording.csv", lines))).slice(HALF));
  });

  it(`takes over the host's state`, options, async () => {
    rmSync(at("host.state"), { force: true });
    await predict(csv("first.csv", lines.slice(0, HALF)), "--state", at("host.state"));
    const state = readFileSync(at("host.state")).toString("hex");
    const [ok, ...rest] = await run(csv("state.csv", [`state ${state}`, ...lines.slice(HALF)]));
    expect(ok).toBe("state ok");
    expect(parseLines(rest.join("\n"))).toEqual((await predict(csv("recording.csv", lines))).slice(HALF));
  });

  it(`refuses a damaged state, and one of another model`, options, async () => {
    await predict(csv("first.csv", lines.slice(0, HALF)), "--state", at("good.state"));
    const good = readFileSync(at("good.state")).toString("hex");
    const flipped = `${good.slice(0, 100)}${good[100] === "0" ? "1" : "0"}${good.slice(101)}`;
    const foreign = Buffer.from(writeSnapshot("0f".repeat(32), readFileSync(at("good.state")).subarray(28, -4)));
    const states = [flipped, good.slice(2), "5", foreign.toString("hex")].map((state) => `state ${state}`);
    const answers = await run(csv("states.csv", [...states, "1,2", "state?"]));
    expect(answers.slice(0, 5)).toEqual([
      "error damaged snapshot",
      "error damaged snapshot",
      "error damaged snapshot",
      "error snapshot of another model",
      "error 2 values, expected 6",
    ]);
    // Nothing of it has reached the state.
    expect(answers[5]).toMatch(/^state 5256533102000000[0-9a-f]{32}[0-9a-f]{8}0+[0-9a-f]{8}$/);
  });
});

describe("the Makefiles of the examples", () => {
  const makes: Readonly<Record<string, readonly string[]>> = {
    "wasm2c-cortex-m": ARM,
    "wasm2c-riscv": RISCV,
    "wasm3-cortex-m": ARM,
  };
  it.for(Object.entries(makes))(
    "of %s build a model file by `rivulet build`",
    { timeout: 120_000 },
    async ([name, needs], { skip }) => {
      const missing = needs.filter((program) => !hasProgram(program));
      if (missing.length > 0) skip(`need ${missing.join(" and ")}`);
      const settings = [`OUT=${at(`made-${name}`)}`, `MODEL=${model}`, `RIVULET=node ${path.resolve("dist/cli.js")}`];
      const wasm3 = name.startsWith("wasm3") ? [`WASM3=${await fetchWasm3()}`] : [];
      const recording = csv("recording.csv", lines.slice(0, 20));
      const make = ["-s", "-C", `tools/firmware/${name}`, "run", ...settings, ...wasm3, `SAMPLES=${recording}`];
      const { stdout, stderr } = await promisify(execFile)("make", make, { timeout: 100_000, killSignal: "SIGKILL" });
      const answers = `${stdout}${stderr}`.split("\n").filter((line) => line.startsWith("["));
      expect(parseLines(answers.join("\n"))).toEqual(await predict(recording));
    },
  );
});
