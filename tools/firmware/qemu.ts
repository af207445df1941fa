// Builds programs for boards and runs them under qemu.

import { execFile, spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { BOARDS, type BoardId } from "./boards.ts";

const run = promisify(execFile);

/** True when a program can be started. */
export function hasProgram(program: string): boolean {
  return spawnSync(program, ["--version"], { stdio: "ignore" }).status === 0;
}

/** What a board lacks on this machine: the names of the missing programs. */
export function missingPrograms(board: BoardId): readonly string[] {
  const { compiler, qemu } = BOARDS[board];
  return [compiler, qemu].filter((program) => !hasProgram(program));
}

export interface Firmware {
  readonly board: BoardId;
  /** Sources, relative to tools/firmware/, or absolute. */
  readonly sources: readonly string[];
  /** Generated files that the sources include. */
  readonly files: Readonly<Record<string, string>>;
  /** Where files and program go; made when missing. */
  readonly folder: string;
  readonly name?: string;
  /** Further options of the compiler. */
  readonly options?: readonly string[];
  /** True when the program needs newlib; the others are linked with libgcc alone. */
  readonly newlib?: boolean;
}

/** The folder of the firmware's sources; the working directory is that of the repository. */
export const FIRMWARE = path.resolve("tools/firmware");

/** Compiles and links a program for a board; answers the path of the ELF file. Warnings are failures. */
export async function buildFirmware(firmware: Firmware): Promise<string> {
  const board = BOARDS[firmware.board];
  const folder = path.resolve(firmware.folder);
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(firmware.files)) writeFileSync(path.join(folder, name), text);
  const program = path.join(folder, firmware.name ?? "firmware.elf");
  const common = ["common/startup.c", "common/semihosting.c", ...(firmware.newlib ? [] : ["common/memory.c"])];
  const generated = Object.keys(firmware.files).filter((file) => file.endsWith(".c"));
  const inputs = [...common, ...firmware.sources].map((source) => path.resolve(FIRMWARE, source));
  const command = [
    ...board.flags,
    ...[
      "-std=c11",
      "-O2",
      "-Wall",
      "-Wextra",
      "-Werror",
      "-ffp-contract=off",
      "-ffunction-sections",
      "-fdata-sections",
    ],
    // With a C library, memcpy of a few bytes becomes code in place: wasm3 then needs a third of the native stack.
    ...(firmware.newlib ? [] : ["-ffreestanding", "-fno-tree-loop-distribute-patterns"]),
    `-DBOARD_${board.name.replaceAll("-", "_")}`,
    ...[`-I${folder}`, `-I${FIRMWARE}/common`],
    ...(firmware.options ?? []),
    ...inputs,
    ...generated.map((file) => path.join(folder, file)),
    ...["-nostartfiles", "-Wl,--gc-sections", `-L${FIRMWARE}/common`, `-T${FIRMWARE}/common/boards/${board.name}.ld`],
    ...(firmware.newlib ? ["--specs=nano.specs", "--specs=nosys.specs"] : ["-nostdlib", "-lgcc"]),
    ...["-o", program],
  ];
  await run(board.compiler, command).catch((error: { stderr?: string }) => {
    throw new Error(`${board.compiler} fails for ${program}\n${error.stderr}`);
  });
  return program;
}

/** The option that makes qemu count: one nanosecond of the board's time for each instruction. */
export const COUNTING = ["-icount", "shift=0"];

/**
 * Runs a program under qemu and answers what it has written, `name number` in each line. Semihosting opens files relative
 * to `folder`.
 *
 * @throws {Error} with the output when the program fails or takes longer than `timeoutMs`
 */
export async function runFirmware(
  board: BoardId,
  program: string,
  words: readonly string[],
  { folder = ".", options = [] as readonly string[], timeoutMs = 60_000 } = {},
): Promise<ReadonlyMap<string, number>> {
  const { qemu, machine } = BOARDS[board];
  const semihosting = ["enable=on,target=native", ...words.map((word) => `arg=${word}`)].join(",");
  const quiet = ["-display", "none", "-monitor", "none", "-serial", "none"];
  const output = await run(
    qemu,
    [...machine, ...quiet, ...options, "-semihosting-config", semihosting, "-kernel", path.resolve(program)],
    { cwd: folder, timeout: timeoutMs, killSignal: "SIGKILL" },
  ).catch((error: Error & { stdout?: string; stderr?: string }) => {
    throw new Error(`${qemu} ${words.join(" ")}: ${error.message}\n${error.stdout}${error.stderr}`);
  });
  const lines = `${output.stdout}\n${output.stderr}`.matchAll(/^(\w+) (-?\d+)$/gm);
  return new Map([...lines].map(([, name = "", value]) => [name, Number(value)]));
}

/** What a program puts into flash: code, constants and initial data. */
export async function flashBytes(board: BoardId, program: string): Promise<number> {
  const size = BOARDS[board].compiler.replace(/gcc$/, "size");
  const { stdout } = await run(size, [program]);
  const [text = 0, data = 0] = stdout.split("\n")[1]?.trim().split(/\s+/).map(Number) ?? [];
  return text + data;
}
