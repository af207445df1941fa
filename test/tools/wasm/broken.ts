import { SAMPLE_DATA, sampleText } from "../../support/wasm-module.ts";
import { wat } from "../../support/wat.ts";
import {
  constants,
  edited,
  exportedAs,
  MEMORY,
  memory,
  patched,
  renamed,
  segment,
  withData,
  withDataCount,
  withFunction,
  withGlobal,
  withMore,
  withRing,
} from "./edited.ts";

export const DROPPED_LOAD = "i32.const 0 f32.load drop";

/** Broken modules by the properties that they break: every finding, in order. */
export const BROKEN: readonly (readonly [string, Uint8Array, ...string[]])[] = [
  [
    "a body that pops from an empty stack",
    withFunction("drop"),
    "valid: Found a module that WebAssembly.validate refuses, expected a valid one",
  ],
  [
    "an import",
    edited(["(func $step", '(import "env" "abort" (func (type 1))) (func $step']),
    "imports: Found import env.abort (function), expected none",
  ],
  ["a start function", withMore("(start 1)"), "start: Found function 1 as the start function, expected none"],
  [
    "a table with elements",
    withMore("(table 1 1 funcref) (elem (i32.const 0) func 1)"),
    "tables: Found a table of funcref, expected none",
    "tables: Found 1 elements of a table, expected none",
  ],
  [
    "call_indirect",
    withFunction("i32.const 0 call_indirect (type 1)", "", "(table 0 0 funcref)"),
    "tables: Found a table of funcref, expected none",
    "indirect-calls: Found call_indirect, expected calls of known functions only",
  ],
  [
    "a memory that may grow",
    memory("1 2"),
    "memory: Found a minimum of 1 pages and a maximum of 2, expected the same number",
  ],
  [
    "a memory without maximum",
    memory("1"),
    "memory: Found a minimum of 1 pages and no maximum, expected the same number",
  ],
  [
    "a memory of no pages",
    memory("0 0"),
    "memory: Found a memory of 0 pages, expected at least 1",
    "heap-base: Found __heap_base 80, expected at most 0, the size of the memory",
  ],
  ["a shared memory", memory("1 1 shared"), "memory: Found a shared memory, expected one of this module alone"],
  [
    "a memory that is not exported",
    edited(['(export "memory" (memory 0))', ""]),
    "memory: Found nothing as export memory, expected the memory",
  ],
  [
    "a memory by the name of a function",
    exportedAs("memory", "func 1"),
    "memory: Found function as export memory, expected the memory",
  ],
  [
    "no memory",
    wat(
      `(module (func $step) ${sampleText().slice(sampleText().indexOf(MEMORY) + MEMORY.length)}`
        .replace('(export "memory" (memory 0))', "")
        .replace("(func $reset)", "(func 1)")
        .replace("(func $selftest)", "(func 2)")
        .replace(SAMPLE_DATA, ""),
    ),
    "valid: Found a module that WebAssembly.validate refuses, expected a valid one",
    "memory: Found no memory, expected one",
    "heap-base: Found __heap_base 80, expected at most 0, the size of the memory",
    "abi: Found a function () -> () as step, expected a function () -> (i32)",
    "abi: Found an import as reset, expected a function () -> ()",
    "abi: Found an import as selftest, expected a function () -> (i32)",
  ],
  [
    "memory.size and memory.grow",
    withFunction("memory.size memory.grow drop memory.size drop"),
    "memory-growth: Found memory.size 2 times, expected a memory of fixed size",
    "memory-growth: Found memory.grow, expected a memory of fixed size",
  ],
  [
    "a mutable global",
    withMore("(global (mut i32) (i32.const 64))"),
    "globals: Found a mutable global of i32, expected state in memory only",
  ],
  ["no __heap_base", renamed("__heap_base"), "heap-base: Found no export __heap_base, expected a global", "layout?"],
  ["no __data_end", renamed("__data_end"), "heap-base: Found no export __data_end, expected a global", "data?"],
  [
    "a mutable __heap_base",
    withGlobal("__heap_base", "(mut i32)", "i32.const 80"),
    "globals: Found a mutable global of i32, expected state in memory only",
    "heap-base: Found a mutable global as __heap_base, expected an immutable one",
    "layout?",
  ],
  [
    "a __heap_base of i64",
    withGlobal("__heap_base", "i64", "i64.const 80"),
    "heap-base: Found a global of i64 as __heap_base, expected i32",
    "layout?",
  ],
  [
    "a __heap_base that is computed",
    withGlobal("__heap_base", "i32", "i32.add (i32.const 64) (i32.const 16)"),
    "heap-base: Found other as the initial value of __heap_base, expected i32.const",
    "features: Found a computed initial value of a global, expected a single constant",
    "layout?",
  ],
  [
    "a function as __heap_base",
    exportedAs("__heap_base", "func 1"),
    "heap-base: Found a function as __heap_base, expected a global",
    "layout?",
  ],
  [
    "__data_end above __heap_base",
    constants({ __data_end: 96 }),
    "heap-base: Found __data_end 96, expected at most 80",
  ],
  [
    "__heap_base beyond the memory",
    constants({ __heap_base: 65_552 }),
    "heap-base: Found __heap_base 65552, expected at most 65536, the size of the memory",
  ],
  [
    "__heap_base off by 4",
    constants({ __heap_base: 84 }),
    "heap-base: Found __heap_base 84, expected a multiple of 16",
  ],
  [
    "sign extension",
    withFunction("i32.const 1 i32.extend8_s drop"),
    "features: Found i32.extend8_s (sign extension), expected instructions of the first WebAssembly",
  ],
  [
    "bulk memory",
    withFunction("i32.const 16 i32.const 0 i32.const 0 memory.fill"),
    "features: Found memory.fill (bulk memory), expected instructions of the first WebAssembly",
  ],
  [
    "conversion that does not trap",
    withFunction("f32.const 1 i32.trunc_sat_f32_s drop"),
    "features: Found i32.trunc_sat_f32_s (nontrapping conversion), expected instructions of the first WebAssembly",
    "floats: Found f32.const, expected no floats",
    "floats: Found i32.trunc_sat_f32_s (nontrapping conversion), expected no floats",
  ],
  [
    "SIMD",
    withFunction("i32.const 0 i32x4.splat drop", "v128"),
    "features: Found i32x4.splat (SIMD), expected instructions of the first WebAssembly",
    "features: Found locals of v128, expected i32, i64, f32 or f64",
  ],
  [
    "reference types",
    withFunction("ref.null func drop"),
    "features: Found ref.null (reference types), expected instructions of the first WebAssembly",
  ],
  [
    "tail calls",
    withFunction("return_call 1"),
    "features: Found return_call (tail call), expected instructions of the first WebAssembly",
  ],
  [
    "threads",
    withFunction("atomic.fence"),
    "features: Found atomic.fence (threads), expected instructions of the first WebAssembly",
  ],
  [
    "several results",
    withMore("(type (func (result i32 i32)))"),
    "features: Found type 2 with 2 results, expected at most 1",
  ],
  [
    "a block with a type of its own",
    patched(withFunction("i32.const 7777 drop"), [0x41, 0xe1, 0x3c, 0x1a], [0x02, 1, 0x0b, 0x01]),
    "features: Found a block of type 1, expected no parameters and at most 1 result",
  ],
  [
    "a count of data segments",
    withDataCount(),
    "features: Found a count of data segments (bulk memory), expected none",
  ],
  ["a float instruction", withFunction(DROPPED_LOAD), "floats: Found f32.load, expected no floats"],
  ["float locals", withFunction("", "f64"), "floats: Found locals of f64, expected no floats"],
  ["a float in a type", withMore("(type (func (param i32 f32)))"), "floats: Found f32 in type 2, expected no floats"],
  ["a float global", withMore("(global f32 (f32.const 0))"), "floats: Found a global of f32, expected no floats"],
  [
    "a block of f32",
    withFunction("block (result f32) unreachable end drop"),
    "floats: Found a block of f32, expected no floats",
  ],
  ["data at address 8", withData(segment(8, 16)), "data: Found data at 8 to 24, expected them within 16 to 80"],
  ["data beyond __data_end", withData(segment(64, 17)), "data: Found data at 64 to 81, expected them within 16 to 80"],
  [
    "data at a negative address",
    withData(segment(-16, 4)),
    "data: Found data at 4294967280 to 4294967284, expected them within 16 to 80",
  ],
  [
    "data over data",
    withData(segment(32, 8), segment(16, 17)),
    "data: Found data at 32 to 40 over others up to 33, expected no overlap",
  ],
  ["passive data", withData('(data "x")'), "data: Found a passive data segment, expected an active one"],
  [
    "data whose address is computed",
    withData('(data (offset (i32.add (i32.const 8) (i32.const 8))) "x")'),
    "data: Found other as the address of data, expected i32.const",
  ],
  ...["step", "selftest"].map(
    (name) => [`no ${name}`, renamed(name), `abi: Found no export ${name}, expected a function () -> (i32)`] as const,
  ),
  ["no reset", renamed("reset"), "abi: Found no export reset, expected a function () -> ()"],
  [
    "a step without result",
    exportedAs("step", "func 1"),
    "abi: Found a function () -> () as step, expected a function () -> (i32)",
  ],
  ["a global as step", exportedAs("step", "global 1"), "abi: Found a global as step, expected a function () -> (i32)"],
  [
    "a drive without parameters",
    withMore('(export "drive" (func 0))'),
    "abi: Found a function () -> (i32) as drive, expected a function (i32, i32) -> (i32)",
  ],
  ["no abi_version", renamed("abi_version"), "abi: Found no export abi_version, expected a global"],
  ["another abi_version", constants({ abi_version: 2 }), "abi: Found abi_version 2, expected 1"],
  ...["input", "input_count", "output", "output_count", "state", "state_size", "model_hash"].map(
    (name) => [`no ${name}`, renamed(name), `abi: Found no export ${name}, expected a global`, "layout?"] as const,
  ),
  [
    "a ring of forecasts without a residual",
    withRing({ residual: undefined }),
    "abi: Found no export residual, expected a global",
  ],
  [
    "a residual without a ring",
    withRing({ steps: undefined, horizon: undefined, expected: undefined, residual_count: undefined }),
    ...["steps", "horizon", "expected", "residual_count"].map(
      (name) => `abi: Found no export ${name}, expected a global`,
    ),
  ],
  [
    "a residual beyond the state",
    withRing({ residual: 80 }),
    "layout: Found residual at 80 to 84, expected it inside state, 64 to 80",
  ],
  [
    "an expectation before the state",
    withRing({ expected: 60 }),
    "layout: Found expected at 60 to 64, expected it inside state, 64 to 80",
  ],
  ["a count of steps off by 2", withRing({ steps: 66 }), "layout: Found steps at 66, expected a multiple of 4"],
  [
    "more residuals than the state holds",
    withRing({ residual_count: 3 }),
    "layout: Found expected at 72 to 84, expected it inside state, 64 to 80",
    "layout: Found residual at 76 to 88, expected it inside state, 64 to 80",
  ],
  ["an input off by 2", constants({ input: 50, output: 56 }), "layout: Found input at 50, expected a multiple of 4"],
  ["an output off by 1", constants({ output: 53 }), "layout: Found output at 53, expected a multiple of 4"],
  [
    "a state off by 8",
    constants({ state: 56, state_size: 16 }),
    "layout: Found state at 56, expected a multiple of 16",
  ],
  [
    "a state beyond __heap_base",
    constants({ state_size: 17 }),
    "layout: Found state at 64 to 81, expected it above 0 and up to 80",
  ],
  ["an input at address 0", constants({ input: 0 }), "layout: Found input at 0 to 4, expected it above 0 and up to 80"],
  ["no inputs", constants({ input_count: 0 }), "layout: Found input_count 0, expected at least 1"],
  [
    "so many inputs that they do not fit 32 bits",
    constants({ input: 72, input_count: 0x40000000, state: 48, output: 68 }),
    "layout: Found input at 72 to 4294967368, expected it above 0 and up to 80",
  ],
  [
    "an output inside the state",
    constants({ output: 76 }),
    "layout: Found output at 76 inside state, which ends at 80, expected them apart",
  ],
  [
    "a hash inside the input",
    constants({ input_count: 4, input: 16, output: 32, model_hash: 24 }),
    "layout: Found model_hash at 24 inside input, which ends at 32, expected them apart",
    "layout: Found output at 32 inside model_hash, which ends at 40, expected them apart",
  ],
  [
    "a function that calls itself",
    withFunction("call 3"),
    "recursion: Found the calls function 3 → function 3, expected no recursion",
  ],
  [
    "two functions that call each other",
    withMore("(func (type 1) call 4) (func (type 1) call 5) (func (type 1) call 4)"),
    "recursion: Found the calls function 4 → function 5 → function 4, expected no recursion",
  ],
];
