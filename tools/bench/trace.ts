// Executed WebAssembly operations, counted in the trace of wabt's wasm-interp.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

/** Operations of one step. */
export interface Operations {
  readonly total: number;
  /** Without local.get and constants: what an interpreter with registers dispatches. */
  readonly work: number;
}

/** Places for arguments and results that wasm-interp itself makes; no operations of the module. */
const OWN = new Set(["alloca", "drop_keep"]);

/**
 * Counts the operations of one call of `step`.
 *
 * @throws {Error} when wasm-interp fails
 */
export function countOperations(wasm: Uint8Array): Operations {
  const folder = mkdtempSync(path.join(tmpdir(), "rivulet-trace-"));
  try {
    const file = path.join(folder, "module.wasm");
    writeFileSync(file, wasm);
    const args = [path.resolve("node_modules/wabt/bin/wasm-interp"), file, "--run-export=step", "--trace"];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", maxBuffer: 2 ** 29 });
    if (status !== 0 || !/^step\(\) => i32:0$/m.test(stdout)) throw new Error(`wasm-interp: ${stderr.slice(0, 300)}`);
    return countTrace(stdout);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Counts the lines of a trace, such as `#0.   16: V:4  | i32.const 16777619`. A br_if that is taken is two of them, br_unless and br. */
function countTrace(trace: string): Operations {
  let total = 0;
  let work = 0;
  for (const [, name = ""] of trace.matchAll(/^#\d+\. +\d+: V:\d+ +\| ([\w.]+)/gm)) {
    if (OWN.has(name)) continue;
    total++;
    if (name !== "local.get" && !name.endsWith(".const")) work++;
  }
  return { total, work };
}
