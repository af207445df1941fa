// The pump's recording in the firmware of a detector: the alarms of the host, at the same rows; states go to the host.

import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Detector } from "../../host/detect/detector.ts";
import { parseDetector } from "../../host/detect/file.ts";
import { withoutClock } from "../../host/detect/parameters.ts";
import { toRaw } from "../../host/detect/real.ts";
import { createPump, PUMP_INPUTS } from "../../tools/demo/pump.ts";
import { hasProgram } from "../../tools/firmware/qemu.ts";
import { buildDetector } from "../../tools/mcu/detector.ts";
import { renderDetectorHeader } from "../../tools/mcu/detector-header.ts";
import { moduleToC } from "../../tools/mcu/wasm2c.ts";
import { cli } from "../support/cli.ts";
import { lacking } from "../support/needs.ts";

const HEALTHY = 2000;
const STEPS = 900;
const folder = mkdtempSync(path.join(tmpdir(), "rivulet-firmware-"));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string) => path.join(folder, name);

const NAMES = PUMP_INPUTS.map(({ name }) => name);
const detector = at("detector.safetensors");
/** Rows of the recording; the bearing fails at 400. */
const rows: number[][] = [];

const csv = (name: string, lines: readonly (readonly number[])[], ...more: readonly string[]): string => {
  writeFileSync(at(name), `${[NAMES.join(), ...lines.map((row) => row.join()), ...more].join("\n")}\n`);
  return at(name);
};

beforeAll(async () => {
  const pump = createPump(7);
  const healthy = Array.from({ length: HEALTHY }, () => [...pump.next()]);
  const calibrate = [
    "calibrate",
    "--data",
    csv("healthy.csv", healthy),
    "--inputs",
    NAMES.join(),
    "--interval",
    "10",
    "-o",
    detector,
  ];
  expect((await cli(calibrate)).code).toBe(0);
  pump.failBearing(HEALTHY + 400);
  for (let step = 0; step < STEPS; step++) rows.push([...pump.next()]);
  const file = parseDetector(readFileSync(detector));
  const { built } = await buildDetector(file, { target: "wasm2c" });
  mkdirSync(at("c"));
  const header = { name: "model.h", text: renderDetectorHeader(file, built.program, built.wasm) };
  for (const { name, text } of [...(await moduleToC(built.wasm)), header]) writeFileSync(at(`c/${name}`), text);
}, 120_000);

interface Row {
  readonly score: number;
  readonly alarm: boolean | number;
}

const BOARDS = [
  ["wasm2c-cortex-m", "microbit", ["make", "arm-none-eabi-gcc", "qemu-system-arm"]],
  ["wasm2c-cortex-m", "mps2-an386", ["make", "arm-none-eabi-gcc", "qemu-system-arm"]],
  ["wasm2c-riscv", "virt", ["make", "riscv64-unknown-elf-gcc", "qemu-system-riscv32"]],
] as const;

describe.each(BOARDS)("the example %s on %s, with a detector", (name, board, needs) => {
  const options = { timeout: 120_000, ...lacking(needs.filter((program) => !hasProgram(program))) };

  /** Runs the firmware over a file of lines. Answers the lines it writes. */
  async function run(samples: string): Promise<string[]> {
    const settings = [`BOARD=${board}`, `OUT=${at(`${name}-${board}`)}`, `GENERATED=${at("c")}`];
    const make = ["-s", "-C", `tools/firmware/${name}`, "run", ...settings, `SAMPLES=${samples}`];
    const { stdout, stderr } = await promisify(execFile)("make", make, { timeout: 100_000, killSignal: "SIGKILL" });
    return `${stdout}${stderr}`.trim().split("\n");
  }

  it("raises the alarms of the host at the same rows", options, async () => {
    const lines = await run(csv("recording.csv", rows));
    const told = lines.filter((line) => line.startsWith("{")).map((line): Row => JSON.parse(line));
    const { stdout } = await cli(["detect", detector, at("recording.csv"), "--json"]);
    const host = stdout
      .trim()
      .split("\n")
      .map((line): Row => JSON.parse(line));
    expect(told.map(({ alarm }) => alarm === 1)).toEqual(host.map(({ alarm }) => alarm));
    expect(told.map(({ score }) => Number(score.toFixed(3)))).toEqual(host.map(({ score }) => score));
    // The failing bearing is found, and the firmware is told of every change.
    expect(host.findIndex(({ alarm }) => alarm)).toBeGreaterThanOrEqual(0);
    const changes = told.filter(({ alarm }, i) => alarm !== (told[i - 1]?.alarm ?? 0)).length;
    expect(lines.filter((line) => line.startsWith("alarm "))).toHaveLength(changes);
    expect(lines.find((line) => line.startsWith("alarm "))).toBe("alarm on");
  });

  it("hands its state to the host", options, async () => {
    const answer = (await run(csv("first.csv", rows.slice(0, 450), "state?"))).at(-1) ?? "";
    expect(answer).toMatch(/^state 52564431/);
    const file = parseDetector(readFileSync(detector));
    const [continued, whole] = [
      new Detector(withoutClock(file.parameters)),
      new Detector(withoutClock(file.parameters)),
    ];
    const raw = new Float64Array(NAMES.length);
    for (const [row, values] of rows.slice(0, 450).entries()) {
      toRaw(file, values, raw);
      whole.step(raw, row);
    }
    continued.restore(Buffer.from(answer.slice("state ".length), "hex"));
    expect(continued.state()).toEqual(whole.state());
  });
});
