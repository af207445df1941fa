// Packages on processors: AVR in simavr, ARM and RISC-V in qemu. Two models take turns, and every output has the host's bits.

import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import type { Model } from "../../host/model/types.ts";
import { createRuntime } from "../../host/runtime/runtime.ts";
import { BOARDS, type BoardId } from "../../tools/firmware/boards.ts";
import { buildFirmware, missingPrograms } from "../../tools/firmware/qemu.ts";
import { buildModule } from "../../tools/mcu/build.ts";
import { randomQ15Model } from "../support/models.ts";
import { lacking } from "../support/needs.ts";
import { writePackage } from "../tools/mcu/package/support.ts";

const run = promisify(execFile);
const root = mkdtempSync(path.join(tmpdir(), "rivulet-boards-"));
afterAll(() => rmSync(root, { recursive: true }));

const STEPS = 50;
const { model } = randomQ15Model({ inputs: 4, layers: [8], outputs: 4, horizon: 1 });

/** A program that steps two models with samples of a linear congruential generator, and prints outputs in hexadecimal by `put`. */
const program = (head: string, end: string): string => `${head}
#include "rivulet.h"
static rivulet_model_t models[2];
static void hex(uint32_t v) {
  for (int i = 28; i >= 0; i -= 4) put("0123456789abcdef"[v >> i & 15]);
}
int main(void) {
  start();
  int status = rivulet_init(&models[0]) | rivulet_init(&models[1]) | rivulet_selftest();
  hex((uint32_t)status);
  put('\\n');
  uint32_t seed = 1;
  for (int t = 0; t < ${STEPS}; t++) {
    int32_t in[RIVULET_INPUT_COUNT], out[RIVULET_OUTPUT_COUNT];
    for (int i = 0; i < RIVULET_INPUT_COUNT; i++) in[i] = (int32_t)(seed = seed * 1664525u + 1013904223u) >> 16;
    rivulet_step_raw(&models[t % 3 == 0], in, out);
    for (int i = 0; i < RIVULET_OUTPUT_COUNT; i++) {
      hex((uint32_t)out[i]);
      put(i + 1 < RIVULET_OUTPUT_COUNT ? ' ' : '\\n');
    }
  }
  ${end}
  return 0;
}
`;

/** What it must print, from the host. */
function expected({ spec }: Model): string[] {
  const runtime = createRuntime(model, { simd: false });
  const sessions = [runtime.createSession(), runtime.createSession()];
  let seed = 1;
  const lines = ["00000000"];
  for (let t = 0; t < STEPS; t++) {
    const sample = spec.inputs.map(({ fraction = 0 }) => {
      seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
      return (seed >> 16) * 2 ** -fraction;
    });
    const answer = Array.from(sessions[t % 3 === 0 ? 1 : 0]!.step(sample), Number);
    const words = answer.map((value, o) => (value * 2 ** (spec.outputs[o]?.fraction ?? 0)) >>> 0);
    lines.push(words.map((word) => word.toString(16).padStart(8, "0")).join(" "));
  }
  return lines;
}

const linesOf = (text: string): string[] => text.split("\n").filter((line) => /^[0-9a-f ]+$/.test(line));

describe("a package on a Cortex-M and on RISC-V", () => {
  const cases = (["m0", "m4", "rv32"] as const satisfies readonly BoardId[]).flatMap((board) => [
    { board, flash: 0 },
    { board, flash: 1 },
  ]);

  it.each(cases.map((each) => ({ ...each, core: BOARDS[each.board].core })))(
    "computes the bits of the host: $core, constants in flash: $flash",
    { timeout: 60_000, ...lacking([...new Set(cases.flatMap(({ board }) => missingPrograms(board)))]) },
    async ({ board, flash }) => {
      const folder = path.join(root, `${board}-${flash}`);
      await writePackage(folder, "cmake", { model, built: await buildModule(model, { target: "wasm2c", vectors: 2 }) });
      const head = `#include "semihosting.h"
static void start(void) {}
static void put(char c) { char text[2] = {c, 0}; semihosting_write(text); }`;
      const elf = await buildFirmware({
        board,
        folder: path.join(folder, "firmware"),
        files: { "main.c": program(head, "") },
        sources: ["rivulet.c", "rivulet_module.c"].map((name) => path.join(folder, "src", name)),
        options: [`-DRIVULET_FLASH=${flash}`, `-I${folder}/include`, `-I${folder}/src`],
      });
      const { qemu, machine } = BOARDS[board];
      const quiet = ["-display", "none", "-monitor", "none", "-serial", "none"];
      const semihosting = ["-semihosting-config", "enable=on,target=native"];
      const { stdout, stderr } = await run(qemu, [...machine, ...quiet, ...semihosting, "-kernel", elf], {
        timeout: 30_000,
      });
      expect(linesOf(`${stdout}\n${stderr}`)).toEqual(expected(model));
    },
  );
});

describe("a package on an ATmega328P", () => {
  const missing = ["avr-gcc", "simavr"].filter(
    (name) => !(process.env.PATH ?? "").split(":").some((at) => existsSync(path.join(at, name))),
  );

  it("computes the bits of the host, within 16 KB of flash and 1 KB of RAM", {
    timeout: 60_000,
    ...lacking(missing),
  }, async () => {
    const folder = path.join(root, "avr");
    await writePackage(folder, "arduino", { model, built: await buildModule(model, { target: "wasm2c", vectors: 2 }) });
    const head = `#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/sleep.h>
static void start(void) { UCSR0B = 1 << TXEN0; }
static void put(char c) {
  while (!(UCSR0A & 1 << UDRE0)) {
  }
  UDR0 = (uint8_t)c;
}`;
    writeFileSync(path.join(folder, "main.c"), program(head, "cli();\n  sleep_enable();\n  sleep_cpu();"));
    const elf = path.join(folder, "main.elf");
    const options = [
      "-mmcu=atmega328p",
      "-std=c99",
      "-Os",
      "-Wall",
      "-Wextra",
      "-Werror",
      "-ffunction-sections",
      "-Wl,--gc-sections",
    ];
    const sources = ["main.c", "src/rivulet.c", "src/rivulet_module.c"].map((name) => path.join(folder, name));
    await run("avr-gcc", [...options, `-I${folder}/src`, ...sources, "-o", elf]);
    const size = (await run("avr-size", [elf])).stdout.split("\n")[1]?.trim().split(/\s+/).map(Number) ?? [];
    expect(size[0]! + size[1]!).toBeLessThan(16 * 1024);
    expect(size[1]! + size[2]!).toBeLessThan(1024);
    const { stdout, stderr } = await run("simavr", ["-m", "atmega328p", "-f", "16000000", elf], { timeout: 50_000 });
    // simavr colours the lines of a serial port, and shows their ends as points.
    const plain = `${stdout}\n${stderr}`
      .replace(new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, "g"), "")
      .replace(/\.+$/gm, "");
    expect(linesOf(plain)).toEqual(expected(model));
  });
});
