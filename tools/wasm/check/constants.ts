// Constants that a module exports as globals.

import { importedCount, type WasmModule } from "../module.ts";
import { type Finding, finding } from "./subject.ts";

/**
 * Answers the value of an exported constant as a u32, or what is wrong with it: it has to be an immutable i32 global whose initial value is
 * a number, which is what runtimes and our tools can read without running anything.
 */
export function exportedConstant(module: WasmModule, name: string): number | Finding {
  const found = module.exports.find((item) => item.name === name);
  if (found === undefined) return finding(`Found no export ${name}, expected a global`);
  if (found.kind !== "global") return finding(`Found a ${found.kind} as ${name}, expected a global`, found);
  const global = module.globals[found.index - importedCount(module, "global")];
  if (global === undefined) return finding(`Found an import as ${name}, expected a constant`, found);
  if (global.type !== "i32") return finding(`Found a global of ${global.type} as ${name}, expected i32`, global);
  if (global.isMutable) return finding(`Found a mutable global as ${name}, expected an immutable one`, global);
  const { init } = global;
  if (init.kind === "i32.const") return init.value >>> 0;
  return finding(`Found ${init.kind} as the initial value of ${name}, expected i32.const`, global);
}

/** The value of an exported constant, undefined when it is none. */
export function constantValue(module: WasmModule, name: string): number | undefined {
  const value = exportedConstant(module, name);
  return typeof value === "number" ? value : undefined;
}
