// Modules of tests, written as text (WebAssembly Core Specification 2.0, chapter 6) and made bytes by wabt, without a look whether they are valid.

import wabt from "wabt";

const FEATURES = { threads: true, tail_call: true, extended_const: true, multi_memory: true };

const { parseWat } = await wabt();

/** The bytes of a module in text format. */
export function wat(text: string): Uint8Array {
  const module = parseWat("test.wat", text, FEATURES);
  return Uint8Array.from(module.toBinary({}).buffer);
}
