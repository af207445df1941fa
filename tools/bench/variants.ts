// Modules for microcontrollers, changed so that one step of them can be measured.

import { code, functionOf } from "../wasm/encode.ts";
import type { WasmModule } from "../wasm/module.ts";
import { readModule } from "../wasm/read.ts";
import { writeModule } from "../wasm/write.ts";

/** Bytes that a module is to find in its memory. */
export interface Patch {
  readonly address: number;
  readonly bytes: Uint8Array;
}

/** Puts bytes into the memory that a module starts with. */
export function withMemory(wasm: Uint8Array, patches: readonly Patch[]): Uint8Array {
  const module = readModule(wasm);
  const data = patches.map(
    ({ address, bytes }) =>
      ({ place: { kind: "active", memory: 0, address: { kind: "i32.const", value: address } }, bytes }) as const,
  );
  return writeModule({ ...module, data: [...module.data, ...data] });
}

/** Gives a module the export `drive(seed, steps)` that does nothing but call `step` so many times, and answers 0. */
export function withLoop(wasm: Uint8Array): Uint8Array {
  const module = readModule(wasm);
  const body = code().loop().call(indexOf(module, "step")).op("drop");
  body.get(1).i32(1).op("i32.sub").tee(1).brIf(0).end().i32(0);
  const type = { parameters: ["i32", "i32"], results: ["i32"] } as const;
  return writeModule({
    ...module,
    types: [...module.types, type],
    functions: [...module.functions, functionOf(module.types.length, [], body)],
    exports: [...module.exports, { kind: "function", name: "drive", index: module.functions.length }],
  });
}

/** Leaves a module one export, `run() = drive(0, steps)`, for runtimes that pass no arguments. */
export function withRun(wasm: Uint8Array, steps: number): Uint8Array {
  const module = readModule(wasm);
  const body = code().i32(0).i32(steps).call(indexOf(module, "drive"));
  return writeModule({
    ...module,
    types: [...module.types, { parameters: [], results: ["i32"] }],
    functions: [...module.functions, functionOf(module.types.length, [], body)],
    exports: [{ kind: "function", name: "run", index: module.functions.length }],
  });
}

function indexOf({ exports }: WasmModule, name: string): number {
  const found = exports.find((item) => item.kind === "function" && item.name === name);
  if (found === undefined) throw new Error(`The module has no export ${name}`);
  return found.index;
}
