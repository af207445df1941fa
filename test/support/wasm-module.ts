// A small module with the ABI of `rivulet build`, written by hand: its state is the sum of all inputs, its output the sum so far.

import { code, functionOf } from "../../tools/wasm/encode.ts";
import { EMPTY_MODULE, type Export, type Global, type WasmModule } from "../../tools/wasm/module.ts";

/** Addresses in its memory. Data fill 16 to 48, the rest is zero when the module starts. */
export const SAMPLE_LAYOUT = {
  model_hash: 16,
  vectors: 32,
  input: 48,
  output: 52,
  state: 64,
  heapBase: 80,
} as const;

const STATUS_BAD_TOKEN = 4;
const { model_hash, vectors, input, output, state, heapBase } = SAMPLE_LAYOUT;

/** step: refuses a negative input, else adds it to the state. */
const step = code()
  .i32(0)
  .access("i32.load", input)
  .i32(0)
  .op("i32.lt_s")
  .if()
  .i32(STATUS_BAD_TOKEN)
  .op("return")
  .end()
  .i32(0)
  .i32(0)
  .access("i32.load", state)
  .i32(0)
  .access("i32.load", input)
  .op("i32.add")
  .tee(0)
  .access("i32.store", state)
  .i32(0)
  .get(0)
  .access("i32.store", output)
  .i32(0);

/** reset: 16 bytes of zeros. */
const reset = code()
  .i32(state)
  .set(0)
  .loop()
  .get(0)
  .i64(0n)
  .access("i64.store")
  .get(0)
  .i32(8)
  .op("i32.add")
  .tee(0)
  .i32(state + 16)
  .op("i32.ne")
  .brIf(0)
  .end();

/** selftest: four steps with the inputs at `vectors`; 0 when each gives the sum so far. */
const selftest = code()
  .call(1)
  .loop()
  .i32(0)
  .get(0)
  .access("i32.load", vectors)
  .access("i32.store", input)
  .call(0)
  .op("drop")
  .get(1)
  .get(0)
  .access("i32.load", vectors)
  .op("i32.add")
  .set(1)
  .get(0)
  .i32(4)
  .op("i32.add")
  .set(0)
  .i32(0)
  .access("i32.load", output)
  .get(1)
  .op("i32.ne")
  .if()
  .get(0)
  .i32(2)
  .op("i32.shr_u")
  .op("return")
  .end()
  .get(0)
  .i32(16)
  .op("i32.ne")
  .brIf(0)
  .end()
  .call(1)
  .i32(0);

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

/** The sample module, with other values of its exported globals where they are given. */
export function sampleModule(constants: Partial<Record<SampleConstant, number>> = {}): WasmModule {
  const values = Object.entries({ ...CONSTANTS, ...constants });
  return {
    ...EMPTY_MODULE,
    types: [
      { parameters: [], results: ["i32"] },
      { parameters: [], results: [] },
    ],
    functions: [functionOf(0, ["i32"], step), functionOf(1, ["i32"], reset), functionOf(0, ["i32", "i32"], selftest)],
    memories: [{ min: 1, max: 1, isShared: false }],
    globals: values.map(([, value]): Global => ({ type: "i32", isMutable: false, init: { kind: "i32.const", value } })),
    exports: [
      { name: "memory", kind: "memory", index: 0 },
      ...["step", "reset", "selftest"].map((name, index): Export => ({ name, kind: "function", index })),
      ...values.map(([name], index): Export => ({ name, kind: "global", index })),
    ],
    data: [
      {
        place: { kind: "active", memory: 0, address: { kind: "i32.const", value: model_hash } },
        bytes: Uint8Array.from({ length: 32 }, (_, index) => (index % 4 === 0 ? index + 1 : 0)),
      },
    ],
  };
}
