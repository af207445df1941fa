// Modules for microcontrollers as programs of this machine, through the C that `rivulet build --wasm2c` writes.

import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { moduleToC } from "../../tools/mcu/wasm2c.ts";
import { needProgram, RUNNERS } from "./install.ts";
import { runProgram } from "./jobs.ts";

/** How the C is compiled. */
export interface CompileOptions {
  /** Whether every access to linear memory is checked. */
  readonly bounds: boolean;
}

/**
 * Compiles a module that exports `drive`. Its program takes NAME, SEED and STEPS, and answers as a runner does.
 *
 * @param folder  an empty one, for the sources
 * @returns the path of the program
 * @throws {Unavailable} when there is no gcc
 */
export async function compileModule(module: string, folder: string, { bounds }: CompileOptions): Promise<string> {
  const gcc = needProgram("gcc");
  for (const { name, text } of await moduleToC(await readFile(module))) await writeFile(path.join(folder, name), text);
  const flags = ["-std=gnu11", "-O2", "-ffp-contract=off", `-DRIVULET_BOUNDS=${bounds ? 1 : 0}`, "-I."];
  const host = path.join(RUNNERS, "host.c");
  await runProgram(gcc, [...flags, "rivulet.c", host, "-o", "host"], { cwd: folder });
  return path.join(folder, "host");
}
