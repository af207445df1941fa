import { describe, expect, it } from "vitest";
import { renderCheck } from "../../../tools/wasm/check/text.ts";
import { type CheckReport, checkModule, PROPERTIES, type PropertyCode } from "../../../tools/wasm/check.ts";
import { readSections } from "../../../tools/wasm/read.ts";
import { SAMPLE_DATA, type SampleConstant, sampleModule, sampleText } from "../../support/wasm-module.ts";
import { wat } from "../../support/wat.ts";

const CODES = Object.keys(PROPERTIES) as PropertyCode[];

const check = (bytes: Uint8Array, integerOnly = true) => checkModule(bytes, { integerOnly });

/** Every finding as `property: message`, and properties that are not told as `property?`. */
const problems = ({ properties }: CheckReport): string[] =>
  properties.flatMap(({ code, status, findings }) =>
    status === "unknown" ? [`${code}?`] : findings.map(({ message }) => `${code}: ${message}`),
  );

/** The sample with parts of its text replaced by others. */
function edited(...changes: readonly (readonly [from: string, to: string])[]): Uint8Array {
  const text = changes.reduce((before, [from, to]) => {
    expect(before).toContain(from);
    return before.replace(from, () => to);
  }, sampleText());
  return wat(text);
}

/** The sample with other constants in its globals. */
const constants = (values: Partial<Record<SampleConstant, number>>) => wat(sampleText(values));

/** A ring of one forecast: addresses in the state of the sample. */
const RING = { steps: 64, horizon: 1, expected: 72, residual: 76, residual_count: 1 };

/** The sample with a ring of one forecast that fills its state, changed. */
function withRing(values: Partial<Record<keyof typeof RING, number | undefined>>): Uint8Array {
  const all = Object.entries({ ...RING, ...values }).filter(([, value]) => value !== undefined);
  return withMore(
    all
      .map(([name, value]) => `(global $${name} i32 (i32.const ${value})) (export "${name}" (global $${name}))`)
      .join("\n"),
  );
}

const MEMORY = "(memory 1 1)";

/** The sample with more fields behind its functions. */
const withMore = (fields: string): Uint8Array => edited([MEMORY, `${fields} ${MEMORY}`]);

/** The sample with one more function, which nothing calls. */
const withFunction = (body: string, locals = "", more = ""): Uint8Array =>
  withMore(`(func (type 1) (local ${locals}) ${body}) ${more}`);

/** The sample with other data. */
const withData = (...segments: readonly string[]): Uint8Array => edited([SAMPLE_DATA, segments.join("\n")]);

const segment = (address: number, length: number): string => `(data (i32.const ${address}) "${"x".repeat(length)}")`;

/** The sample with one exported global replaced. */
const withGlobal = (name: SampleConstant, type: string, value: string): Uint8Array =>
  edited([`(global $${name} i32 (i32.const 80))`, `(global $${name} ${type} (${value}))`]);

const renamed = (name: string): Uint8Array => edited([`(export "${name}"`, `(export "${name}2"`]);

const exportedAs = (name: string, what: string): Uint8Array => {
  const own = name === "memory" ? "memory 0" : name.startsWith("__") ? `global $${name}` : `func $${name}`;
  return edited([`(export "${name}" (${own}))`, `(export "${name}" (${what}))`]);
};

const memory = (limits: string): Uint8Array => edited([MEMORY, `(memory ${limits})`]);

/** A module with bytes in the place of others, which it holds once. */
function patched(bytes: Uint8Array, from: readonly number[], to: readonly number[]): Uint8Array {
  const found = Buffer.from(bytes).indexOf(Buffer.from(from));
  expect(found).toBeGreaterThan(0);
  return Uint8Array.from([...bytes.subarray(0, found), ...to, ...bytes.subarray(found + from.length)]);
}

/** The sample with a count of its one data segment in front of the code. */
function withDataCount(): Uint8Array {
  const bytes = sampleModule();
  const code = readSections(bytes).find(({ id }) => id === 10)!;
  const start = code.fileOffset - (code.bytes.length < 128 ? 2 : 3);
  return Uint8Array.from([...bytes.subarray(0, start), 12, 1, 1, ...bytes.subarray(start)]);
}

const DROPPED_LOAD = "i32.const 0 f32.load drop";

/** Broken modules by the properties that they break: every finding, in order. */
const BROKEN: readonly (readonly [string, Uint8Array, ...string[]])[] = [
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
    const report = check(sampleModule().subarray(0, -1));
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
    const report = check(patched(withFunction("i32.const 7777 drop"), [0x41, 0xe1, 0x3c], [0x27, 0x01, 0x01]));
    expect(problems(report)[0]).toMatch(/^well-formed: Opcode 0x27 is not known, at byte \d+$/);
  });

  it("tells the byte and the function of an instruction", () => {
    const bytes = withFunction("i32.const 7 i32.extend8_s drop");
    const { properties } = checkModule(bytes, { integerOnly: true });
    const [found] = properties.find(({ code }) => code === "features")!.findings;
    expect(found?.function).toBe("function 3");
    expect(bytes[found!.offset!]).toBe(0xc0);
  });

  it("names functions by their export, then by the name section", () => {
    const names = [1, 8, 2, 1, 1, 0x78, 3, 2, 0x79, 0x79]; // function names: 1 is x, 3 is yy
    const named = (...section: number[]) =>
      Uint8Array.from([...withFunction("call 3"), 0, 5 + section.length, 4, ...Buffer.from("name"), ...section]);
    const report = check(named(...names));
    expect(problems(report)).toEqual(["recursion: Found the calls yy → yy, expected no recursion"]);
    expect(problems(check(named(1, 200)))).toEqual([
      "recursion: Found the calls function 3 → function 3, expected no recursion",
    ]);
  });

  it("is done with long chains of calls and many broken functions", () => {
    const count = 30_000;
    const functions = Array.from(
      { length: count },
      (_, index) => `(func (type 1) (local f32) call ${(index + 1) % count} f32.abs)`,
    );
    const report = check(withMore(functions.join("\n")));
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
        longest run           23 operations
        call depth            2 functions
        locals and operands   8 slots of 32 bits
        operand stack, wasm3  320 bytes
        operand stack, WAMR   320 bytes

      functions
        step      42 bytes  run 9, with calls 9    locals 1  stack 3  4 slots
        reset     29 bytes  run 7, with calls 7    locals 1  stack 2  4 slots
        selftest  64 bytes  run 16, with calls 23  locals 2  stack 2  4 slots
      "
    `);
  });

  it("tells what breaks a property below it, with its place", () => {
    const text = renderCheck(check(withFunction("i32.const 7 i32.extend8_s drop")), false);
    expect(text).toContain("1 of 16 properties not shown");
    expect(text).toMatch(
      /FAILED {2}instructions and types of the first WebAssembly\n {10}Found i32.extend8_s \(sign extension\), .*, in function 3, at byte \d+\n/,
    );
  });

  it("tells five findings of a property and the number of the others", () => {
    const text = renderCheck(check(withMore("(func (type 1) (local f32))".repeat(7))), false);
    expect(text.match(/Found locals of f32/g)?.length).toBe(5);
    expect(text).toContain("and 2 more");
  });

  it("keeps control characters of names away from the terminal", () => {
    const bytes = edited(["(func $step", String.raw`(import "\1b[31m" "\n" (func (type 1))) (func $step`]);
    expect(renderCheck(check(bytes), false)).toContain("Found import �[31m.� (function)");
  });
});
