import { describe, expect, it } from "vitest";
import { renderCheck } from "../../../tools/wasm/check/text.ts";
import { type CheckReport, checkModule, PROPERTIES, type PropertyCode } from "../../../tools/wasm/check.ts";
import { type Code, code, functionOf } from "../../../tools/wasm/encode.ts";
import type { DataSegment, Global, ValueType, WasmFunction, WasmModule } from "../../../tools/wasm/module.ts";
import { writeModule } from "../../../tools/wasm/write.ts";
import { type SampleConstant, sampleModule } from "../../support/wasm-module.ts";

const CODES = Object.keys(PROPERTIES) as PropertyCode[];

const check = (module: WasmModule, integerOnly = true) => checkModule(writeModule(module), { integerOnly });

/** Every finding as `property: message`, and properties that are not told as `property?`. */
const problems = ({ properties }: CheckReport): string[] =>
  properties.flatMap(({ code, status, findings }) =>
    status === "unknown" ? [`${code}?`] : findings.map(({ message }) => `${code}: ${message}`),
  );

/** The sample with changes made to its data. */
const edited = (edit: (module: WasmModule) => Partial<WasmModule>): WasmModule => {
  const module = sampleModule();
  return { ...module, ...edit(module) };
};

/** The sample with other constants in its globals. */
const constants = (values: Partial<Record<SampleConstant, number>>) => sampleModule(values);

/** The sample with one more function, which nothing calls. */
const withFunction = (body: Code, locals: readonly ValueType[] = [], more: Partial<WasmModule> = {}): WasmModule =>
  edited(({ functions }) => ({ functions: [...functions, functionOf(1, locals, body)], ...more }));

const segment = (address: number, length: number): DataSegment => ({
  place: { kind: "active", memory: 0, address: { kind: "i32.const", value: address } },
  bytes: new Uint8Array(length).fill(1),
});

/** The sample with one exported global replaced. */
const withGlobal = (name: string, change: Partial<Global>): WasmModule =>
  edited(({ globals, exports }) => {
    const { index } = exports.find((item) => item.name === name)!;
    return { globals: globals.map((global, at) => (at === index ? { ...global, ...change } : global)) };
  });

const renamed = (name: string): WasmModule =>
  edited(({ exports }) => ({
    exports: exports.map((item) => (item.name === name ? { ...item, name: `${name}2` } : item)),
  }));

const exportedAs = (name: string, kind: "function" | "global" | "memory", index: number): WasmModule =>
  edited(({ exports }) => ({ exports: exports.map((item) => (item.name === name ? { name, kind, index } : item)) }));

const memory = (change: object): WasmModule =>
  edited(({ memories }) => ({ memories: [{ ...memories[0]!, ...change }] }));

const FUNCTION: WasmFunction = functionOf(1, [], code());
const DROPPED_LOAD = code().i32(0).access("f32.load").op("drop");

/** Broken modules by the properties that they break: every finding, in order. */
const BROKEN: readonly (readonly [string, WasmModule, ...string[]])[] = [
  [
    "a body that pops from an empty stack",
    withFunction(code().op("drop")),
    "valid: Found a module that WebAssembly.validate refuses, expected a valid one",
  ],
  [
    "an import",
    edited(({ functions, exports }) => ({
      imports: [{ module: "env", name: "abort", item: { kind: "function", type: 1 } }],
      functions: [functions[0]!, functions[1]!, functionOf(0, [], code().i32(0))],
      exports: exports.map((item) => (item.kind === "function" ? { ...item, index: item.index + 1 } : item)),
    })),
    "imports: Found import env.abort (function), expected none",
  ],
  ["a start function", edited(() => ({ start: 1 })), "start: Found function 1 as the start function, expected none"],
  [
    "a table with elements",
    edited(() => ({
      tables: [{ type: "funcref", min: 1, max: 1 }],
      elements: [
        { place: { kind: "active", table: 0, start: { kind: "i32.const", value: 0 } }, type: "funcref", items: [1] },
      ],
    })),
    "tables: Found a table of funcref, expected none",
    "tables: Found 1 elements of a table, expected none",
  ],
  [
    "call_indirect",
    withFunction(code().i32(0).raw([0x11, 1, 0]), [], { tables: [{ type: "funcref", min: 0, max: 0 }] }),
    "tables: Found a table of funcref, expected none",
    "indirect-calls: Found call_indirect, expected calls of known functions only",
  ],
  [
    "a memory that may grow",
    memory({ max: 2 }),
    "memory: Found a minimum of 1 pages and a maximum of 2, expected the same number",
  ],
  [
    "a memory without maximum",
    memory({ max: undefined }),
    "memory: Found a minimum of 1 pages and no maximum, expected the same number",
  ],
  [
    "a memory of no pages",
    memory({ min: 0, max: 0 }),
    "memory: Found a memory of 0 pages, expected at least 1",
    "heap-base: Found __heap_base 80, expected at most 0, the size of the memory",
  ],
  ["a shared memory", memory({ isShared: true }), "memory: Found a shared memory, expected one of this module alone"],
  [
    "a memory that is not exported",
    edited(({ exports }) => ({ exports: exports.slice(1) })),
    "memory: Found nothing as export memory, expected the memory",
  ],
  [
    "a memory by the name of a function",
    exportedAs("memory", "function", 1),
    "memory: Found function as export memory, expected the memory",
  ],
  [
    "no memory",
    edited(({ exports }) => ({ memories: [], exports: exports.slice(1), functions: [FUNCTION], data: [] })),
    "valid: Found a module that WebAssembly.validate refuses, expected a valid one",
    "memory: Found no memory, expected one",
    "heap-base: Found __heap_base 80, expected at most 0, the size of the memory",
    "abi: Found a function () -> () as step, expected a function () -> (i32)",
    "abi: Found an import as reset, expected a function () -> ()",
    "abi: Found an import as selftest, expected a function () -> (i32)",
  ],
  [
    "memory.size and memory.grow",
    withFunction(code().raw([0x3f, 0, 0x40, 0]).op("drop").raw([0x3f, 0]).op("drop")),
    "memory-growth: Found memory.size 2 times, expected a memory of fixed size",
    "memory-growth: Found memory.grow, expected a memory of fixed size",
  ],
  [
    "a mutable global",
    edited(({ globals }) => ({
      globals: [...globals, { type: "i32", isMutable: true, init: { kind: "i32.const", value: 64 } }],
    })),
    "globals: Found a mutable global of i32, expected state in memory only",
  ],
  ["no __heap_base", renamed("__heap_base"), "heap-base: Found no export __heap_base, expected a global", "layout?"],
  ["no __data_end", renamed("__data_end"), "heap-base: Found no export __data_end, expected a global", "data?"],
  [
    "a mutable __heap_base",
    withGlobal("__heap_base", { isMutable: true }),
    "globals: Found a mutable global of i32, expected state in memory only",
    "heap-base: Found a mutable global as __heap_base, expected an immutable one",
    "layout?",
  ],
  [
    "a __heap_base of i64",
    withGlobal("__heap_base", { type: "i64", init: { kind: "i64.const", value: 80n } }),
    "heap-base: Found a global of i64 as __heap_base, expected i32",
    "layout?",
  ],
  [
    "a __heap_base that is computed",
    withGlobal("__heap_base", { init: { kind: "other", bytes: code().i32(64).i32(16).op("i32.add").bytes() } }),
    "heap-base: Found other as the initial value of __heap_base, expected i32.const",
    "features: Found a computed initial value of a global, expected a single constant",
    "layout?",
  ],
  [
    "a function as __heap_base",
    exportedAs("__heap_base", "function", 1),
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
    withFunction(code().i32(1).op("i32.extend8_s").op("drop")),
    "features: Found i32.extend8_s (sign extension), expected instructions of the first WebAssembly",
  ],
  [
    "bulk memory",
    withFunction(code().i32(16).i32(0).i32(0).raw([0xfc, 11, 0])),
    "features: Found memory.fill (bulk memory), expected instructions of the first WebAssembly",
  ],
  [
    "conversion that does not trap",
    withFunction(code().f32(1).op("i32.trunc_sat_f32_s").op("drop")),
    "features: Found i32.trunc_sat_f32_s (nontrapping conversion), expected instructions of the first WebAssembly",
    "floats: Found f32.const, expected no floats",
    "floats: Found i32.trunc_sat_f32_s (nontrapping conversion), expected no floats",
  ],
  [
    "SIMD",
    withFunction(code().i32(0).op("i32x4.splat").op("drop"), ["v128"]),
    "features: Found i32x4.splat (SIMD), expected instructions of the first WebAssembly",
    "features: Found locals of v128, expected i32, i64, f32 or f64",
  ],
  [
    "reference types",
    withFunction(code().raw([0xd0, 0x70]).op("drop")),
    "features: Found ref.null (reference types), expected instructions of the first WebAssembly",
  ],
  [
    "tail calls",
    withFunction(code().raw([0x12, 1])),
    "features: Found return_call (tail call), expected instructions of the first WebAssembly",
  ],
  [
    "threads",
    withFunction(code().raw([0xfe, 3, 0])),
    "features: Found atomic.fence (threads), expected instructions of the first WebAssembly",
  ],
  [
    "several results",
    edited(({ types }) => ({ types: [...types, { parameters: [], results: ["i32", "i32"] }] })),
    "features: Found type 2 with 2 results, expected at most 1",
  ],
  [
    "a block with a type of its own",
    withFunction(code().raw([0x02, 1, 0x0b])),
    "features: Found a block of type 1, expected no parameters and at most 1 result",
  ],
  [
    "a count of data segments",
    edited(() => ({ hasDataCount: true })),
    "features: Found a count of data segments (bulk memory), expected none",
  ],
  ["a float instruction", withFunction(DROPPED_LOAD), "floats: Found f32.load, expected no floats"],
  ["float locals", withFunction(code(), ["f64"]), "floats: Found locals of f64, expected no floats"],
  [
    "a float in a type",
    edited(({ types }) => ({ types: [...types, { parameters: ["i32", "f32"], results: [] }] })),
    "floats: Found f32 in type 2, expected no floats",
  ],
  [
    "a float global",
    edited(({ globals }) => ({
      globals: [...globals, { type: "f32", isMutable: false, init: { kind: "f32.const", value: 0 } }],
    })),
    "floats: Found a global of f32, expected no floats",
  ],
  [
    "a block of f32",
    withFunction(code().block("f32").op("unreachable").end().op("drop")),
    "floats: Found a block of f32, expected no floats",
  ],
  [
    "data at address 8",
    edited(() => ({ data: [segment(8, 16)] })),
    "data: Found data at 8 to 24, expected them within 16 to 80",
  ],
  [
    "data beyond __data_end",
    edited(() => ({ data: [segment(64, 17)] })),
    "data: Found data at 64 to 81, expected them within 16 to 80",
  ],
  [
    "data at a negative address",
    edited(() => ({ data: [segment(-16, 4)] })),
    "data: Found data at 4294967280 to 4294967284, expected them within 16 to 80",
  ],
  [
    "data over data",
    edited(() => ({ data: [segment(32, 8), segment(16, 17)] })),
    "data: Found data at 32 to 40 over others up to 33, expected no overlap",
  ],
  [
    "passive data",
    edited(() => ({ data: [{ place: { kind: "passive" }, bytes: Uint8Array.of(1) }] })),
    "data: Found a passive data segment, expected an active one",
  ],
  [
    "data whose address is computed",
    edited(() => ({
      data: [
        {
          place: {
            kind: "active",
            memory: 0,
            address: { kind: "other", bytes: code().i32(8).i32(8).op("i32.add").bytes() },
          },
          bytes: Uint8Array.of(1),
        },
      ],
    })),
    "data: Found other as the address of data, expected i32.const",
  ],
  ...["step", "selftest"].map(
    (name) => [`no ${name}`, renamed(name), `abi: Found no export ${name}, expected a function () -> (i32)`] as const,
  ),
  ["no reset", renamed("reset"), "abi: Found no export reset, expected a function () -> ()"],
  [
    "a step without result",
    exportedAs("step", "function", 1),
    "abi: Found a function () -> () as step, expected a function () -> (i32)",
  ],
  ["a global as step", exportedAs("step", "global", 1), "abi: Found a global as step, expected a function () -> (i32)"],
  [
    "a drive without parameters",
    edited(({ exports }) => ({ exports: [...exports, { name: "drive", kind: "function", index: 0 }] })),
    "abi: Found a function () -> (i32) as drive, expected a function (i32, i32) -> (i32)",
  ],
  ["no abi_version", renamed("abi_version"), "abi: Found no export abi_version, expected a global"],
  ["another abi_version", constants({ abi_version: 2 }), "abi: Found abi_version 2, expected 1"],
  ...["input", "input_count", "output", "output_count", "state", "state_size", "model_hash"].map(
    (name) => [`no ${name}`, renamed(name), `abi: Found no export ${name}, expected a global`, "layout?"] as const,
  ),
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
    withFunction(code().call(3)),
    "recursion: Found the calls function 3 → function 3, expected no recursion",
  ],
  [
    "two functions that call each other",
    edited(({ functions }) => ({
      functions: [...functions, ...[4, 5, 4].map((callee) => functionOf(1, [], code().call(callee)))],
    })),
    "recursion: Found the calls function 4 → function 5 → function 4, expected no recursion",
  ],
];

describe("checkModule", () => {
  it("finds nothing wrong with a module that keeps to the ABI", () => {
    const report = check(sampleModule());
    expect(problems(report)).toEqual([]);
    expect(report.isSound).toBe(true);
    expect(report.properties.map(({ code }) => code)).toEqual(CODES);
  });

  it.each(BROKEN.map(([name, module, ...expected]) => ({ name, module, expected })))(
    "refuses $name",
    ({ module, expected }) => {
      const report = check(module);
      // Engines differ in whether they compute constants.
      const isComputed = expected.some((text) => text.includes("Found other"));
      expect(problems(report).filter((text) => !isComputed || !text.startsWith("valid:"))).toEqual(expected);
      expect(report.isSound).toBe(false);
    },
  );

  it("has a broken module for every property", () => {
    const broken = BROKEN.flatMap(([, , ...findings]) => findings.map((text) => text.split(":")[0]));
    expect(CODES.filter((code) => code !== "well-formed" && !broken.includes(code))).toEqual([]);
  });

  it("takes floats unless the module has to do without them", () => {
    const report = check(withFunction(DROPPED_LOAD), false);
    expect(problems(report)).toEqual([]);
    expect(report.properties.map(({ code }) => code)).not.toContain("floats");
  });

  it("knows nothing but that a malformed module is malformed", () => {
    const report = checkModule(writeModule(sampleModule()).subarray(0, -1), { integerOnly: true });
    const [first, ...others] = report.properties;
    expect(first?.findings).toEqual([
      {
        message: expect.stringMatching(/^The data section needs \d+ bytes, \d+ are left, at byte \d+$/),
        offset: expect.any(Number),
      },
    ]);
    expect(new Set(others.map(({ status }) => status))).toEqual(new Set(["unknown"]));
    expect(report).toMatchObject({ isSound: false, sections: [] });
  });

  it("calls a module malformed when an instruction is not known", () => {
    const report = check(withFunction(code().raw([0x27])));
    expect(problems(report)[0]).toMatch(/^well-formed: Opcode 0x27 is not known, at byte \d+$/);
  });

  it("tells the byte and the function of an instruction", () => {
    const bytes = writeModule(withFunction(code().i32(7).op("i32.extend8_s").op("drop")));
    const { properties } = checkModule(bytes, { integerOnly: true });
    const [found] = properties.find(({ code }) => code === "features")!.findings;
    expect(found?.function).toBe("function 3");
    expect(bytes[found!.offset!]).toBe(0xc0);
  });

  it("names functions by their export, then by the name section", () => {
    const names = [1, 8, 2, 1, 1, 0x78, 3, 2, 0x79, 0x79]; // function names: 1 is x, 3 is yy
    const customs = [{ name: "name", after: 11, bytes: Uint8Array.from(names) }];
    const report = check(withFunction(code().call(3), [], { customs }));
    expect(problems(report)).toEqual(["recursion: Found the calls yy → yy, expected no recursion"]);
    const damaged = [{ name: "name", after: 11, bytes: Uint8Array.of(1, 200) }];
    expect(problems(check(withFunction(code().call(3), [], { customs: damaged })))).toEqual([
      "recursion: Found the calls function 3 → function 3, expected no recursion",
    ]);
  });

  it("is done with long chains of calls and many broken functions", () => {
    const count = 30_000;
    const functions = Array.from({ length: count }, (_, index) =>
      functionOf(
        1,
        ["f32"],
        code()
          .call((index + 1) % count)
          .op("f32.abs"),
      ),
    );
    const report = check(edited((module) => ({ functions: [...module.functions, ...functions] })));
    expect(report.isSound).toBe(false);
  });

  it("tells what each section takes of the file", () => {
    const report = check(sampleModule());
    expect(report.sections.map(({ name }) => name)).toEqual([
      "type",
      "function",
      "memory",
      "global",
      "export",
      "code",
      "data",
    ]);
    expect(report.sections.reduce((sum, { bytes }) => sum + bytes, 8)).toBe(report.bytes);
    expect(report.memoryBytes).toBe(80);
  });

  it("is plain data", () => {
    const report = check(sampleModule());
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });
});

describe("renderCheck", () => {
  it("has a line for every property, then the measurements", () => {
    expect(renderCheck(check(sampleModule()), false)).toMatchInlineSnapshot(`
      "integer module  437 bytes  sound

      properties
        ok      every byte belongs to a WebAssembly module
        ok      engines accept the module
        ok      no imports
        ok      no start function
        ok      no tables
        ok      no indirect calls
        ok      one exported memory of fixed size
        ok      no memory.size, no memory.grow
        ok      no mutable globals
        ok      __data_end and __heap_base tell the memory in use
        ok      instructions and types of the first WebAssembly
        ok      no floats
        ok      data apart from each other, below __data_end
        ok      functions and constants of the ABI
        ok      input, output, state and hash aligned and apart
        ok      no recursion

      size
        type                  10 bytes
        function              6 bytes
        memory                6 bytes
        global                56 bytes
        export                160 bytes
        code                  151 bytes
        data                  40 bytes
        total                 437 bytes
        linear memory in use  80 bytes

      stack
        longest run          23 operations
        call depth           2 functions
        locals and operands  8 slots of 32 bits

      functions
        step      42 bytes  run 9, with calls 9    locals 1  stack 3  4 slots
        reset     29 bytes  run 7, with calls 7    locals 1  stack 2  4 slots
        selftest  64 bytes  run 16, with calls 23  locals 2  stack 2  4 slots
      "
    `);
  });

  it("tells what breaks a property below it, with its place", () => {
    const text = renderCheck(check(withFunction(code().i32(7).op("i32.extend8_s").op("drop"))), false);
    expect(text).toContain("1 of 16 properties not shown");
    expect(text).toMatch(
      /FAILED {2}instructions and types of the first WebAssembly\n {10}Found i32.extend8_s \(sign extension\), .*, in function 3, at byte \d+\n/,
    );
  });

  it("tells five findings of a property and the number of the others", () => {
    const drops = Array.from({ length: 7 }, () => functionOf(1, ["f32"], code()));
    const text = renderCheck(check(edited(({ functions }) => ({ functions: [...functions, ...drops] }))), false);
    expect(text.match(/Found locals of f32/g)?.length).toBe(5);
    expect(text).toContain("and 2 more");
  });

  it("keeps control characters of names away from the terminal", () => {
    const imports = [{ module: "\u001b[31m", name: "\n", item: { kind: "function", type: 1 } }] as const;
    expect(renderCheck(check(edited(() => ({ imports }))), false)).toContain("Found import �[31m.� (function)");
  });
});
