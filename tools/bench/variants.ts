// Modules for microcontrollers, changed so that one step of them can be measured. They are changed as text: the other instructions stay as they are.

import wabt from "wabt";

const { readWasm, parseWat } = await wabt();

/** Bytes that a module is to find in its memory. */
export interface Patch {
  readonly address: number;
  readonly bytes: Uint8Array;
}

const EXPORT = /^ *\(export "(\w+)" \(\w+ (\d+)\)\)/gm;

const textOf = (wasm: Uint8Array): string => readWasm(wasm, {}).toText({});

/** The bytes of a module in text format, with more fields at its end. */
function extended(text: string, fields: readonly string[]): Uint8Array {
  const all = `${text.slice(0, text.lastIndexOf(")"))}\n${fields.join("\n")})`;
  return parseWat("variant.wat", all).toBinary({}).buffer;
}

/** Index of an exported function. */
function indexOf(text: string, name: string): string {
  const found = [...text.matchAll(EXPORT)].find((match) => match[1] === name)?.[2];
  if (found === undefined) throw new Error(`The module has no export ${name}`);
  return found;
}

/** Puts bytes into the memory that a module starts with. */
export function withMemory(wasm: Uint8Array, patches: readonly Patch[]): Uint8Array {
  const hex = (bytes: Uint8Array) => [...bytes].map((byte) => `\\${byte.toString(16).padStart(2, "0")}`).join("");
  const data = patches.map(({ address, bytes }) => `(data (i32.const ${address}) "${hex(bytes)}")`);
  return extended(textOf(wasm), data);
}

/** Gives a module the export `drive(seed, steps)` that does nothing but call `step` so many times, and answers 0. */
export function withLoop(wasm: Uint8Array): Uint8Array {
  const text = textOf(wasm);
  const loop = `loop call ${indexOf(text, "step")} drop local.get 1 i32.const 1 i32.sub local.tee 1 br_if 0 end`;
  return extended(text, [`(func (export "drive") (param i32 i32) (result i32) ${loop} i32.const 0)`]);
}

/** Leaves a module one export, `run() = drive(0, steps)`, for runtimes that pass no arguments. */
export function withRun(wasm: Uint8Array, steps: number): Uint8Array {
  const text = textOf(wasm);
  const run = `(func (export "run") (result i32) i32.const 0 i32.const ${steps} call ${indexOf(text, "drive")})`;
  return extended(text.replaceAll(EXPORT, ""), [run]);
}
