// A small module with the ABI of `rivulet build`, written by hand: its state is the sum of all inputs, its output the sum so far.

import { wat } from "./wat.ts";

/** Addresses in its memory. Data fill 16 to 48, the rest is zero when the module starts. */
export const SAMPLE_LAYOUT = {
  model_hash: 16,
  vectors: 32,
  input: 48,
  output: 52,
  state: 64,
  heapBase: 80,
} as const;

const { model_hash, vectors, input, output, state, heapBase } = SAMPLE_LAYOUT;

const FUNCTIONS = `
  (type (func (result i32)))
  (type (func))
  ;; step: refuses a negative input with status 4, else adds it to the state.
  (func $step (type 0) (local i32)
    i32.const 0 i32.load offset=${input} i32.const 0 i32.lt_s
    if i32.const 4 return end
    i32.const 0 i32.const 0 i32.load offset=${state} i32.const 0 i32.load offset=${input} i32.add local.tee 0
    i32.store offset=${state}
    i32.const 0 local.get 0 i32.store offset=${output}
    i32.const 0)
  ;; reset: 16 bytes of zeros.
  (func $reset (type 1) (local i32)
    i32.const ${state} local.set 0
    loop
      local.get 0 i64.const 0 i64.store
      local.get 0 i32.const 8 i32.add local.tee 0 i32.const ${state + 16} i32.ne br_if 0
    end)
  ;; selftest: four steps with the inputs at 32; 0 when each gives the sum so far.
  (func $selftest (type 0) (local i32 i32)
    call $reset
    loop
      i32.const 0 local.get 0 i32.load offset=${vectors} i32.store offset=${input}
      call $step drop
      local.get 1 local.get 0 i32.load offset=${vectors} i32.add local.set 1
      local.get 0 i32.const 4 i32.add local.set 0
      i32.const 0 i32.load offset=${output} local.get 1 i32.ne
      if local.get 0 i32.const 2 i32.shr_u return end
      local.get 0 i32.const 16 i32.ne br_if 0
    end
    call $reset
    i32.const 0)`;

const DATA = Array.from({ length: 32 }, (_, index) => (index % 4 === 0 ? index + 1 : 0));

const CONSTANTS = {
  __heap_base: heapBase,
  __data_end: heapBase,
  abi_version: 1,
  input,
  input_count: 1,
  output,
  output_count: 1,
  state,
  state_size: 16,
  model_hash,
} as const;

/** A global that the sample module exports. */
export type SampleConstant = keyof typeof CONSTANTS;

/** The sample's data segment, as text. */
export const SAMPLE_DATA = `(data (i32.const ${model_hash}) "${hex(DATA)}")`;

function hex(bytes: readonly number[]): string {
  return bytes.map((byte) => `\\${byte.toString(16).padStart(2, "0")}`).join("");
}

/** The sample module as text, with other values of its exported globals where they are given. */
export function sampleText(constants: Partial<Record<SampleConstant, number>> = {}): string {
  const values = Object.entries({ ...CONSTANTS, ...constants });
  const lines = [
    FUNCTIONS,
    "(memory 1 1)",
    ...values.map(([name, value]) => `(global $${name} i32 (i32.const ${value}))`),
    '(export "memory" (memory 0))',
    ...["step", "reset", "selftest"].map((name) => `(export "${name}" (func $${name}))`),
    ...values.map(([name]) => `(export "${name}" (global $${name}))`),
    SAMPLE_DATA,
  ];
  return `(module ${lines.join("\n  ")})`;
}

/** The bytes of the sample module. */
export const sampleModule = (): Uint8Array => wat(sampleText());
