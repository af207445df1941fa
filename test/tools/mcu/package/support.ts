// A package on this machine: written, compiled, and driven through its own functions.

import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { makePackage, type Packaged } from "../../../../tools/mcu/package/package.ts";
import type { PackageKind } from "../../../../tools/mcu/package/types.ts";

export const run = promisify(execFile);

/** Writes a package into a folder. */
export async function writePackage(
  folder: string,
  kind: PackageKind,
  packaged: Packaged,
  prefix?: string,
): Promise<void> {
  for (const { path: name, text } of await makePackage(kind, packaged, prefix)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), text);
  }
}

/** Compiles the driver with a package of CMake, as strictly as its users may; answers the program. */
export async function compileDriver(folder: string, flash: boolean): Promise<string> {
  const program = path.join(folder, `driver-${flash ? "flash" : "ram"}`);
  const object = `${program}-rivulet.o`;
  const options = ["-std=c99", "-O1", "-ffp-contract=off", `-DRIVULET_FLASH=${flash ? 1 : 0}`, `-I${folder}/include`];
  const strict = ["-Wall", "-Wextra", "-Wconversion", "-Wsign-conversion", "-Werror"];
  await run("gcc", [...options, ...strict, "-pedantic", "-c", `${folder}/src/rivulet.c`, "-o", object]);
  const checks = [
    "-Wall",
    "-Wextra",
    "-Wsign-conversion",
    "-Werror",
    "-fsanitize=undefined,address",
    "-fno-sanitize-recover=undefined",
  ];
  const sources = [`${folder}/src/rivulet_module.c`, "test/tools/mcu/package/driver.c", object];
  await run("gcc", [...options, ...checks, ...sources, "-o", program]);
  return program;
}

/** Feeds lines to the driver and answers its lines; the first is the status of the start. */
export async function drive(program: string, lines: readonly string[]): Promise<string[]> {
  const running = run(program, { maxBuffer: 2 ** 24 });
  running.child.stdin?.end(`${lines.join("\n")}\n`);
  return (await running).stdout.trim().split("\n");
}

/** Words of 32 bits in hexadecimal, as the driver reads and writes them. */
export const hexWords = (words: ArrayLike<number>): string =>
  Array.from(words, (word) => (word >>> 0).toString(16).padStart(8, "0")).join(" ");

/** The bits of floats. */
export const bitsOf = (values: ArrayLike<number>): Int32Array => new Int32Array(Float32Array.from(values).buffer);
