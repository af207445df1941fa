// What detectors cost on a microcontroller: the table of docs/microcontrollers.md, measured.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { MCU_DETECT } from "../../../build/mcu.ts";
import { Detector } from "../../../host/detect/detector.ts";
import type { DetectorParameters } from "../../../host/detect/parameters.ts";
import { withoutClock } from "../../../host/detect/parameters.ts";
import { buildDetector } from "../../../tools/mcu/detector.ts";
import { linkModule } from "../../../tools/mcu/link.ts";
import type { Program } from "../../../tools/mcu/types.ts";
import { calibrated, hardRows } from "../../support/detectors.ts";

const folder = mkdtempSync(path.join(tmpdir(), "rivulet-cost-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Multiplications of one row in the midst of others, counted in the trace of wasm-interp. */
async function multiplications(parameters: DetectorParameters, program: Program): Promise<number> {
  const detector = new Detector(withoutClock(parameters));
  const rows = [...hardRows(50, parameters.channels.length, 400)].filter((_, i) => i % 50 > 20);
  for (const [row, { raw }] of rows.slice(0, -1).entries()) detector.step(raw, row);
  const last = new Uint8Array(Int32Array.from(rows.at(-1)!.raw).buffer);
  const regions = program.regions.map((region) => {
    if (region.address === program.state.address) return { ...region, data: detector.state() };
    return region.address === program.input.address ? { ...region, data: last } : region;
  });
  const file = path.join(folder, "module.wasm");
  writeFileSync(file, await linkModule(Buffer.from(MCU_DETECT, "base64"), { ...program, regions }));
  const interpreter = path.resolve("node_modules/wabt/bin/wasm-interp");
  const args = [interpreter, file, "--run-export=step", "--trace"];
  const { stdout } = spawnSync(process.execPath, args, { encoding: "utf8", maxBuffer: 2 ** 28 });
  expect(stdout).toMatch(/^step\(\) => i32:0$/m);
  return [...stdout.matchAll(/\| i(?:32|64)\.mul\b/g)].length;
}

const text = (value: number) => value.toLocaleString("en-US");

describe("a detector on a microcontroller", () => {
  it.each([
    ["1", { channels: 1 }, 60],
    ["1, with a period", { channels: 1, period: 96 }, 60],
    ["4, with a period", { channels: 4, period: 96 }, 250],
    ["8, with a period", { channels: 8, period: 96 }, 550],
  ] as const)("of %s channels costs what the documents say", async (name, shape, most) => {
    const parameters = calibrated(shape);
    const { built } = await buildDetector({ id: "d@00000000", parameters }, { target: "generic" });
    const count = await multiplications(parameters, built.program);
    expect(count).toBeLessThanOrEqual(most);
    const line = `| ${name} | ${text(built.wasm.length)} | ${text(built.program.memoryBytes)} | ${count} |`;
    expect(readFileSync("docs/microcontrollers.md", "utf8")).toContain(line);
  });
});
