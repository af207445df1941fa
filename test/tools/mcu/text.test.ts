import { describe, expect, it } from "vitest";
import type { Model } from "../../../host/model/types.ts";
import { type BuildOptions, linkFor } from "../../../tools/mcu/build.ts";
import { estimateSteps } from "../../../tools/mcu/costs.ts";
import { memoryNeed } from "../../../tools/mcu/fit.ts";
import { proveModule } from "../../../tools/mcu/prove.ts";
import { buildJson, renderBuild } from "../../../tools/mcu/text.ts";
import { randomF32Model, randomQ15Model } from "../../support/models.ts";

const SHAPE = { inputs: 2, layers: [3], outputs: 1 };
const { model: Q15 } = randomQ15Model(SHAPE);
const { model: F32 } = randomF32Model(SHAPE);

async function told(model: Model, options: BuildOptions, files: readonly string[] = []) {
  const built = await linkFor(model, options);
  const report = proveModule(model, built.program, built.wasm);
  return { model, built, report, path: "out/pump.wasm", files };
}

/** The lines of a section, single blanks between their words. */
function section(text: string, title: string): string[] {
  const lines = text.split("\n");
  const start = lines.indexOf(title) + 1;
  expect(start).toBeGreaterThan(0);
  const end = lines.findIndex((line, at) => at >= start && line === "");
  return lines.slice(start, end < 0 ? undefined : end).flatMap((line) => line.trim().replace(/ +/g, " ") || []);
}

describe("renderBuild", () => {
  it("begins with the file, what it holds and what was proven", async () => {
    const build = await told(Q15, { target: "wasm3", vectors: 2 }, ["model.h", "weights.bin"]);
    const text = renderBuild({ ...build, hasColors: false });
    const size = build.built.wasm.length.toLocaleString("en-US");
    expect(text.split("\n").slice(0, 6)).toEqual([
      `out/pump.wasm: ${Q15.id} for wasm3, q15, weights bytes, ${size} bytes`,
      "proven: 16 properties, 2 self-test steps, 256 random steps as on the host",
      "also written: model.h",
      "also written: weights.bin",
      "",
      "linear memory",
    ]);
  });

  it("has a line for each part of the memory, and for all of it", async () => {
    const build = await told(Q15, { target: "generic", vectors: 2 });
    const { regions, memoryBytes } = build.built.program;
    const lines = section(renderBuild({ ...build, hasColors: false }), "linear memory");
    expect(lines).toHaveLength(regions.length + 1);
    expect(lines[0]).toBe("tanh table at 16 664 bytes from flash");
    expect(lines[1]).toBe("input at 680 8 bytes zeros");
    expect(lines.at(-1)).toBe(`in use ${memoryBytes.toLocaleString("en-US")} bytes`);
  });

  it("tells flash and RAM of an interpreter", async () => {
    const build = await told(Q15, { target: "wasm3" });
    const lines = section(renderBuild({ ...build, hasColors: false }), "memory");
    const count = (value: number | undefined) => value?.toLocaleString("en-US");
    const need = memoryNeed(build.built);
    expect(lines).toEqual([
      `flash, module ${count(build.built.wasm.length)} bytes`,
      `RAM, linear memory ${count(need.linear)} bytes`,
      `RAM, wasm3 about ${count(need.runtime)} bytes`,
      `RAM, native stack about ${count(need.stack)} bytes`,
      `operand stack of wasm3 ${count(build.report.measures?.operands.wasm3)} bytes`,
      `longest run without a loop ${count(build.report.measures?.run)} operations`,
    ]);
  });

  it("tells constants and code of C, and no heap", async () => {
    const build = await told(Q15, { target: "wasm2c" });
    const lines = section(renderBuild({ ...build, hasColors: false }), "memory");
    const constants = build.built.program.regions
      .filter(({ data }) => data !== undefined)
      .reduce((sum, { bytes }) => sum + bytes, 0);
    expect(lines.slice(0, 2)).toEqual([
      `flash, constants ${constants.toLocaleString("en-US")} bytes`,
      "flash, code about 1,800 bytes",
    ]);
    expect(lines.map((line) => line.split(" ")[1])).not.toContain("wasm2c");
    const float = await told(F32, { target: "wasm2c" });
    const floatLines = section(renderBuild({ ...float, hasColors: false }), "memory");
    expect(floatLines.join("\n")).not.toContain("flash, code");
    expect(floatLines).toContain("RAM, the runtime's own not known");
  });

  it("tells the module itself as RAM of WAMR, and what its interpreters take", async () => {
    const build = await told(Q15, { target: "wamr" });
    const text = renderBuild({ ...build, hasColors: false });
    const size = build.built.wasm.length.toLocaleString("en-US");
    expect(section(text, "memory")).toContain(`RAM, the module itself ${size} bytes`);
    expect(section(text, "memory")).toContain("RAM, wamr about 5,700 bytes");
    expect(section(text, "memory")).toContain("with its fast interpreter about 3,300 bytes more");
    expect(section(text, "memory")).toContain("RAM, native stack not known, leave 2 KB");
    expect(section(text, "instructions per step, estimated")).toEqual(["not measured for wamr, q15, weights bytes"]);
  });

  it("tells estimates where there are some", async () => {
    const build = await told(Q15, { target: "wasm3" });
    const [estimate] = estimateSteps(Q15, build.built);
    expect(section(renderBuild({ ...build, hasColors: false }), "instructions per step, estimated")).toEqual([
      `wasm3, Cortex-M4 ${estimate?.instructions.toLocaleString("en-US")}`,
    ]);
  });

  it("leaves the pack out for f32, and tells warnings", async () => {
    const build = await told(F32, { target: "wasm3" });
    const [first, , third] = renderBuild({ ...build, hasColors: false }).split("\n");
    expect(first).toMatch(/ for wasm3, f32, [\d,]+ bytes$/);
    expect(third).toMatch(/^warning: wasm3 keeps floats in double precision/);
    expect(renderBuild({ ...build, hasColors: true })).toContain("\u001b[1m");
  });
});

describe("buildJson", () => {
  it("tells the plan as plain data", async () => {
    const build = await told(Q15, { target: "wasm3", vectors: 2 }, ["model.h"]);
    const { program, wasm } = build.built;
    const json = JSON.parse(JSON.stringify(buildJson(build)));
    expect(json).toMatchObject({
      model: Q15.id,
      hash: Q15.hash,
      path: "out/pump.wasm",
      files: ["model.h"],
      target: "wasm3",
      numeric: "q15",
      pack: "bytes",
      moduleBytes: wasm.length,
      input: { address: program.input.address, bytes: 8 },
      output: { address: program.output.address, bytes: 4 },
      state: { address: program.state.address, bytes: 16 },
      modelHash: { address: program.modelHash.address, bytes: 16 },
      memoryBytes: program.memoryBytes,
      memory: memoryNeed(build.built),
      selftestSteps: 2,
      longestRun: build.report.measures?.run,
      estimates: estimateSteps(Q15, build.built),
      warnings: [],
    });
    expect(json.regions[0]).toEqual({ name: "tanh table", address: 16, bytes: 664, flash: true });
    expect(json.regions[1]).toEqual({ name: "input", address: 680, bytes: 8, flash: false });
    expect(json.regions).toHaveLength(program.regions.length);
  });

  it("has no pack for f32", async () => {
    expect(buildJson(await told(F32, { target: "generic" }))).not.toHaveProperty("pack");
  });
});
