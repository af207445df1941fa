// Modules as C: what is written, and that a C compiler takes it without a warning.

import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import { BOARDS } from "../../../tools/firmware/boards.ts";
import { hasProgram } from "../../../tools/firmware/qemu.ts";
import { buildModule } from "../../../tools/mcu/build.ts";
import { moduleToC } from "../../../tools/mcu/wasm2c.ts";
import { driveHost } from "../../support/drive.ts";
import { extremeModel } from "../../support/extremes.ts";
import { randomF32Model, randomQ15Model } from "../../support/models.ts";
import { needs } from "../../support/needs.ts";

const run = promisify(execFile);
const folder = mkdtempSync(path.join(tmpdir(), "rivulet-wasm2c-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Compiles WebAssembly text. */
async function assemble(text: string): Promise<Uint8Array> {
  const wabt = await (createRequire(import.meta.url)("wabt") as typeof import("wabt"))();
  const module = wabt.parseWat("test.wat", text);
  return module.toBinary({}).buffer;
}

async function filesOf(wasm: Uint8Array, name = "rivulet"): Promise<Map<string, string>> {
  return new Map((await moduleToC(wasm, { name })).map((file) => [file.name, file.text]));
}

/** Writes files and answers the path of the C file. */
function write(files: ReadonlyMap<string, string>): string {
  const place = mkdtempSync(path.join(folder, "c-"));
  for (const [name, text] of files) writeFileSync(path.join(place, name), text);
  return path.join(place, [...files.keys()].find((name) => name.endsWith(".c")) as string);
}

const WARNINGS = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-ffp-contract=off"];

/** Compiles a program for this machine, runs it and answers what it prints. */
async function execute(files: ReadonlyMap<string, string>, main: string, ...options: string[]): Promise<string> {
  const source = write(files);
  const program = source.replace(/\.c$/, "");
  writeFileSync(`${program}-main.c`, main);
  await run("gcc", [...WARNINGS, ...options, `${program}-main.c`, source, "-o", program]);
  return (await run(program)).stdout;
}

const Q15 = randomQ15Model({ inputs: 5, layers: [20, 7], outputs: 3, skip: 2 }).model;
const F32 = randomF32Model({ inputs: 5, layers: [20, 7], outputs: 3, skip: 2 }).model;
const DRIVE = `#include <stdio.h>
#include "rivulet.h"
int main(void) { rivulet_init(); printf("%d %u", rivulet_selftest(), (unsigned)rivulet_drive(5, 500)); return 0; }`;

const MINIMAL = '(memory (export "memory") 1 1) (global (export "__heap_base") i32 (i32.const 32))';

describe("moduleToC", () => {
  it("writes a C file, its header and the run-time header", async () => {
    const files = await filesOf((await buildModule(Q15, { target: "wasm2c" })).wasm, "pump");
    expect([...files.keys()]).toEqual(["pump.c", "pump.h", "wasm-rt.h"]);
    for (const line of ["void pump_init(void);", "int32_t pump_step(void);", "void pump_reset(void);"]) {
      expect(files.get("pump.h")).toContain(line);
    }
  });

  it("takes as much memory as the module uses", async () => {
    const built = await buildModule(Q15, { target: "wasm2c" });
    const files = await filesOf(built.wasm);
    expect(files.get("rivulet.h")).toContain(`extern uint8_t rivulet_memory[${built.program.memoryBytes}];`);
  });

  const compilers = [
    ["gcc", "this machine", []],
    ...[BOARDS.m0, BOARDS.m4f, BOARDS.rv32].map(({ compiler, core, flags }) => {
      // Debian's compiler for RISC-V comes without a C library.
      return [compiler, core, [...flags, "-ffreestanding"]] as const;
    }),
  ] as const;
  for (const [compiler, core, flags] of compilers) {
    it(
      `compiles without a warning for ${core}, by ${compiler}`,
      needs({ [compiler]: hasProgram(compiler) }),
      async () => {
        for (const model of [Q15, F32]) {
          const source = write(await filesOf((await buildModule(model, { target: "wasm2c", drive: true })).wasm));
          for (const bounds of [0, 1]) {
            const options = [...flags, ...WARNINGS, "-O2", `-DRIVULET_BOUNDS=${bounds}`, "-c", "-o", "/dev/null"];
            // A compiler that fails throws; one that warns writes.
            expect(await run(compiler, [...options, source])).toMatchObject({ stdout: "", stderr: "" });
          }
        }
      },
    );
  }

  const gcc = needs({ gcc: hasProgram("gcc") });

  it.for([
    ["q15", Q15],
    ["f32", F32],
    ["q15, extreme", extremeModel({ inputs: 3, layers: [9], outputs: 2, reset: "before" }).model],
  ] as const)(
    "computes the bits of the host without an access that is out of bounds or not aligned: %s",
    { ...gcc, timeout: 60_000 },
    async ([_, model]) => {
      const files = await filesOf((await buildModule(model, { target: "wasm2c", drive: true })).wasm);
      const sanitizers = ["-g", "-fsanitize=undefined,address", "-fno-sanitize-recover=all"];
      const expected = `0 ${driveHost(model, false, 5, 500)}`;
      expect(await execute(files, DRIVE, ...sanitizers)).toBe(expected);
      expect(await execute(files, DRIVE, "-O2", "-DRIVULET_BOUNDS=1")).toBe(expected);
      expect(await execute(files, DRIVE, "-O2", "-DRIVULET_UNALIGNED=1")).toBe(expected);
    },
  );

  it("calls the trap hook at the first byte out of bounds, when checks are on", gcc, async () => {
    const wasm = await assemble(`(module ${MINIMAL}
      (func (export "peek") (param i32) (result i32) (i32.load offset=4 (local.get 0)))
      (func (export "poke") (param i32 i64) (i64.store16 (local.get 0) (local.get 1))))`);
    const main = `#include <stdio.h>
#include <stdlib.h>
#include "rivulet.h"
_Noreturn void trap(void) { printf("trap"); exit(0); }
int main(int argc, char **argv) {
  (void)argv;
  rivulet_init();
  rivulet_poke(30, -2);
  printf("%08x ", (unsigned)rivulet_peek(24));
  CALL;
  return argc < 0;
}`;
    const checked = ["-DRIVULET_BOUNDS=1", "-DRIVULET_TRAP=trap", "-include", "stdlib.h"];
    const declared = new Map(await filesOf(wasm));
    declared.set("rivulet.c", `_Noreturn void trap(void);\n${declared.get("rivulet.c")}`);
    for (const call of ["rivulet_peek(28)", "rivulet_peek(-4)", "rivulet_peek(-1)", "rivulet_poke(31, 0)"]) {
      expect(await execute(declared, main, ...checked, `-DCALL=${call}`)).toBe("fffe0000 trap");
    }
    expect(await execute(declared, main, ...checked, "-DCALL=rivulet_poke(0, 1)")).toBe("fffe0000 ");
  });

  it("divides and shifts as WebAssembly does", gcc, async () => {
    const wasm = await assemble(`(module ${MINIMAL}
      (func (export "rem_s") (param i32 i32) (result i32) (i32.rem_s (local.get 0) (local.get 1)))
      (func (export "div_u") (param i32 i32) (result i32) (i32.div_u (local.get 0) (local.get 1)))
      (func (export "rotl") (param i32 i32) (result i32) (i32.rotl (local.get 0) (local.get 1)))
      (func (export "clz") (param i64) (result i64) (i64.clz (local.get 0))))`);
    const main = `#include <stdio.h>
#include "rivulet.h"
int main(void) {
  printf("%d %d %d %d", rivulet_rem_s(-2147483647 - 1, -1), rivulet_div_u(-1, 2), rivulet_rotl(-2147483647, 33), (int)rivulet_clz(0));
  return 0;
}`;
    expect(await execute(await filesOf(wasm), main, "-fsanitize=undefined")).toBe("0 2147483647 3 64");
  });

  const arm = needs({ "arm-none-eabi-gcc": hasProgram("arm-none-eabi-gcc") });
  it("keeps gcc from fusing a product and a sum", arm, async () => {
    const source = write(await filesOf((await buildModule(F32, { target: "wasm2c" })).wasm));
    const { flags, compiler } = BOARDS.m4f;
    const assembly = async (...options: string[]) =>
      (await run(compiler, [...flags, "-std=gnu11", "-O2", "-ffp-contract=fast", ...options, "-S", "-o", "-", source]))
        .stdout;
    expect(await assembly()).not.toContain("vfma");
    // Without the pragma it would: the test sees what it looks for.
    expect(await assembly("-D__clang__", "-Wno-unknown-pragmas")).toContain("vfma");
  });

  it("refuses -ffast-math", gcc, async () => {
    const source = write(await filesOf((await buildModule(F32, { target: "wasm2c" })).wasm));
    await expect(run("gcc", ["-ffast-math", "-c", "-o", "/dev/null", source])).rejects.toThrow("-ffast-math");
  });

  it("names what has no C for a microcontroller", async () => {
    const global = `(module ${MINIMAL} (global $g (mut i32) (i32.const 0)) (func (export "f") (global.set $g (i32.const 1))))`;
    const square = `(module ${MINIMAL} (func (export "f") (param f64) (result f64) (f64.sqrt (local.get 0))))`;
    const imported = `(module (import "env" "abort" (func)) ${MINIMAL})`;
    await expect(moduleToC(await assemble(global))).rejects.toThrow(
      "Module holds what has no C for a microcontroller: instance",
    );
    await expect(moduleToC(await assemble(square))).rejects.toThrow(
      "Module uses wasm_sqrt, which wasm-rt.h does not have",
    );
    await expect(moduleToC(await assemble(imported))).rejects.toThrow("Module imports env.abort");
    await expect(moduleToC(await assemble("(module)"))).rejects.toThrow("Module does not export __heap_base");
  });

  it("refuses a prefix that is none in C", async () => {
    await expect(moduleToC(new Uint8Array(), { name: "2 pumps" })).rejects.toThrow(
      "2 pumps is no prefix of names in C",
    );
  });
});
