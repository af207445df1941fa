// The operand stack that `build` computes is enough for wasm3, and not much more.

import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, it } from "vitest";
import { FIRMWARE, hasProgram } from "../../tools/firmware/qemu.ts";
import { fetchWasm3 } from "../../tools/firmware/wasm3.ts";
import { buildModule } from "../../tools/mcu/build.ts";
import { checkModule } from "../../tools/wasm/check.ts";
import { needs } from "../support/needs.ts";
import { RUNNERS } from "./install.ts";
import { runProgram } from "./jobs.ts";
import { MODELS } from "./models.ts";

const folder = mkdtempSync(path.join(tmpdir(), "rivulet-operands-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** wasm3 with the settings of the firmware, on this machine: its slots have 32 bits here too. */
async function compile(wasm3: string): Promise<string> {
  const sources = readdirSync(wasm3).filter((file) => /^m3_(?!info).*\.c$/.test(file));
  const program = path.join(folder, "operands");
  await runProgram("gcc", [
    ...["-O1", "-w", "-fno-strict-aliasing", "-Dd_m3FixedHeap=0", `-I${wasm3}`],
    ...["-include", path.join(FIRMWARE, "wasm3-cortex-m/rivulet_m3_config.h")],
    ...[path.join(RUNNERS, "operands.c"), ...sources.map((file) => path.join(wasm3, file)), "-lm", "-o", program],
  ]);
  return program;
}

it("is enough for every q15 module of the matrix, and at most twice of what it takes", {
  timeout: 240_000,
  ...needs({ gcc: hasProgram("gcc") }),
}, async ({ skip }) => {
  mkdirSync("build", { recursive: true });
  const wasm3 = await fetchWasm3().catch((error: Error) => error);
  if (wasm3 instanceof Error) return skip(`for there are no sources of wasm3: ${wasm3.message}`);
  const program = await compile(wasm3);
  const computed: number[] = [];
  const files: string[] = [];
  for (const { name, built } of MODELS.filter(({ built: { model } }) => model.spec.numeric === "q15")) {
    for (const pack of ["wide", "bytes", "rows"] as const) {
      for (const drive of [false, true]) {
        const { wasm } = await buildModule(built.model, { target: "wasm3", pack, drive });
        const file = path.join(folder, `${name}-${pack}-${drive}.wasm`);
        writeFileSync(file, wasm);
        files.push(file);
        computed.push(checkModule(wasm, { integerOnly: true }).measures?.operands.wasm3 ?? 0);
      }
    }
  }
  const needed = (await runProgram(program, files)).trim().split("\n").map(Number);
  expect(needed).toHaveLength(files.length);
  const wrong = files.filter((_, i) => !(needed[i]! <= computed[i]! && computed[i]! <= 2 * needed[i]! + 64));
  expect(wrong).toEqual([]);
});
