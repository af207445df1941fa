// Reader of modules.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { importedCount } from "../../../tools/wasm/module.ts";
import { readModule, readSections } from "../../../tools/wasm/read.ts";
import { sized, unsigned } from "../../support/leb.ts";
import { SAMPLE_LAYOUT, sampleModule } from "../../support/wasm-module.ts";
import { wat } from "../../support/wat.ts";

const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
const BUILT = ["f32", "f32-simd", "q15", "q15-simd"];

/** Plain data without the places in the file; bytes as an array, bigints as text. */
function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (key, item) => {
      if (key === "fileOffset") return undefined;
      if (item instanceof Uint8Array) return [...item];
      return typeof item === "bigint" ? `${item}n` : item;
    }),
  );
}

/** A module with a section, whose contents are `bytes`. */
const withSection = (id: number, ...bytes: number[]) => Uint8Array.from([...HEADER, id, ...sized(...bytes)]);

/** A custom section. */
const custom = (name: string, ...bytes: number[]): number[] => [0, ...sized(...sized(...Buffer.from(name)), ...bytes)];

/** A module that uses every form that the data have. */
const EVERYTHING = wat(`(module
  (type (func (param i32 i64) (result f32)))
  (type (func (result f64 v128 externref)))
  (import "env" "abort" (func (type 0)))
  (import "env" "\\c3\\a9" (table 0 externref))
  (import "" "" (memory 1 2 shared))
  (import "env" "g" (global (mut f64)))
  (func (type 0) (local i32 i32 f32) f32.const 1 memory.init 1 data.drop 1)
  (table 1 5 funcref)
  (memory 3)
  (global (mut i64) (i64.const -9223372036854775808))
  (global f32 (f32.const nan:0x400001))
  (global f64 (f64.const nan:0x1))
  (global funcref (ref.func 1))
  (global externref (ref.null extern))
  (global f64 (global.get 0))
  (global i32 (i32.add (i32.const 1) (i32.const 2)))
  (export "f" (func 1))
  (export "t" (table 1))
  (export "m" (memory 1))
  (export "g" (global 2))
  (start 1)
  (elem (i32.const 0) func 1 1)
  (elem (table 1) (i32.const 0) func 1)
  (elem func 0)
  (elem declare func 0)
  (elem externref (ref.null extern))
  (elem (table 0) (offset (global.get 2)) externref (ref.null extern))
  (data (i32.const 16) "\\01\\02\\03")
  (data "\\09"))`);

const zero = { kind: "i32.const", value: 0 };

const EXPECTED = {
  types: [
    { parameters: ["i32", "i64"], results: ["f32"] },
    { parameters: [], results: ["f64", "v128", "externref"] },
  ],
  imports: [
    { module: "env", name: "abort", item: { kind: "function", type: 0 } },
    { module: "env", name: "é", item: { kind: "table", type: "externref", min: 0 } },
    { module: "", name: "", item: { kind: "memory", min: 1, max: 2, isShared: true } },
    { module: "env", name: "g", item: { kind: "global", type: "f64", isMutable: true } },
  ],
  functions: [
    {
      type: 0,
      locals: [
        { count: 2, type: "i32" },
        { count: 1, type: "f32" },
      ],
      body: [0x43, 0, 0, 0x80, 0x3f, 0xfc, 8, 1, 0, 0xfc, 9, 1, 0x0b],
    },
  ],
  tables: [{ type: "funcref", min: 1, max: 5 }],
  memories: [{ min: 3, isShared: false }],
  globals: [
    { type: "i64", isMutable: true, init: { kind: "i64.const", value: "-9223372036854775808n" } },
    { type: "f32", isMutable: false, init: { kind: "f32.const", value: 0x7fc00001 } },
    { type: "f64", isMutable: false, init: { kind: "f64.const", value: `${0x7ff0000000000001n}n` } },
    { type: "funcref", isMutable: false, init: { kind: "ref.func", index: 1 } },
    { type: "externref", isMutable: false, init: { kind: "ref.null", type: "externref" } },
    { type: "f64", isMutable: false, init: { kind: "global.get", index: 0 } },
    { type: "i32", isMutable: false, init: { kind: "other", bytes: [0x41, 1, 0x41, 2, 0x6a, 0x0b] } },
  ],
  exports: [
    { name: "f", kind: "function", index: 1 },
    { name: "t", kind: "table", index: 1 },
    { name: "m", kind: "memory", index: 1 },
    { name: "g", kind: "global", index: 2 },
  ],
  start: 1,
  elements: [
    { place: { kind: "active", table: 0, start: zero }, type: "funcref", items: [1, 1] },
    { place: { kind: "active", table: 1, start: zero }, type: "funcref", items: [1] },
    { place: { kind: "passive" }, type: "funcref", items: [0] },
    { place: { kind: "declarative" }, type: "funcref", items: [0] },
    { place: { kind: "passive" }, type: "externref", items: [{ kind: "ref.null", type: "externref" }] },
    {
      place: { kind: "active", table: 0, start: { kind: "global.get", index: 2 } },
      type: "externref",
      items: [{ kind: "ref.null", type: "externref" }],
    },
  ],
  data: [
    { place: { kind: "active", memory: 0, address: { kind: "i32.const", value: 16 } }, bytes: [1, 2, 3] },
    { place: { kind: "passive" }, bytes: [9] },
  ],
  hasDataCount: true,
  customs: [],
};

const NOTHING = { types: [], imports: [], functions: [], tables: [], memories: [], globals: [], exports: [] };

describe("readModule", () => {
  it("reads everything that a module may hold", () => {
    expect(plain(readModule(EVERYTHING))).toEqual(EXPECTED);
  });

  it("reads a module that holds nothing", () => {
    const rest = { elements: [], data: [], customs: [], hasDataCount: false };
    expect(plain(readModule(Uint8Array.from(HEADER)))).toEqual({ ...NOTHING, ...rest });
  });

  it("reads data of another memory", () => {
    const [first] = readModule(withSection(11, 1, 2, 1, 0x41, 0, 0x0b, 2, 7, 8)).data;
    expect(plain(first)).toEqual({ place: { kind: "active", memory: 1, address: zero }, bytes: [7, 8] });
  });

  it("reads declared elements that are expressions", () => {
    const [first] = readModule(withSection(9, 1, 7, 0x70, 1, 0xd2, 3, 0x0b)).elements;
    const items = [{ kind: "ref.func", index: 3 }];
    expect(plain(first)).toEqual({ place: { kind: "declarative" }, type: "funcref", items });
  });

  it("reads active elements that are expressions", () => {
    const [first] = readModule(withSection(9, 1, 4, 0x41, 0x7f, 0x0b, 1, 0xd0, 0x70, 0x0b)).elements;
    expect(plain(first)).toEqual({
      place: { kind: "active", table: 0, start: { kind: "i32.const", value: -1 } },
      type: "funcref",
      items: [{ kind: "ref.null", type: "funcref" }],
    });
  });

  it("tells behind which section a custom one stands", () => {
    const bytes = [...HEADER, ...custom("first", 1), 1, ...sized(0), ...custom("name", 0, 2)];
    expect(plain(readModule(Uint8Array.from(bytes)).customs)).toEqual([
      { name: "first", after: 0, bytes: [1] },
      { name: "name", after: 1, bytes: [0, 2] },
    ]);
  });

  it.each(BUILT)("finds in build/%s.wasm the exports that an engine finds", (name) => {
    const bytes = new Uint8Array(readFileSync(`build/${name}.wasm`));
    const found = readModule(bytes).exports.map(({ name, kind }) => ({ name, kind }));
    expect(found).toEqual(WebAssembly.Module.exports(new WebAssembly.Module(bytes)));
  });

  it("reads what runs: the sample keeps to the ABI", async () => {
    const { instance } = await WebAssembly.instantiate(Uint8Array.from(sampleModule()));
    const { selftest, step, memory } = instance.exports as unknown as {
      selftest(): number;
      step(): number;
      readonly memory: WebAssembly.Memory;
    };
    const view = new DataView(memory.buffer);
    expect(selftest()).toBe(0);
    for (const value of [5, 7]) {
      view.setInt32(SAMPLE_LAYOUT.input, value, true);
      expect(step()).toBe(0);
    }
    expect(view.getInt32(SAMPLE_LAYOUT.output, true)).toBe(12);
    view.setInt32(SAMPLE_LAYOUT.input, -1, true);
    expect(step()).toBe(4);
  });

  it("tells where functions, data and exports stand in the file", () => {
    const bytes = sampleModule();
    const { functions, exports, data, memories, globals } = readModule(bytes);
    for (const { body, fileOffset } of functions) {
      expect(bytes.subarray(fileOffset, fileOffset! + body.length)).toEqual(body);
    }
    expect(bytes[exports[0]!.fileOffset!]).toBe("memory".length);
    expect([...bytes.subarray(memories[0]!.fileOffset!).subarray(0, 3)]).toEqual([1, 1, 1]);
    expect(bytes[globals[0]!.fileOffset!]).toBe(0x7f);
    expect([...bytes.subarray(data[0]!.fileOffset!).subarray(0, 4)]).toEqual([0, 0x41, SAMPLE_LAYOUT.model_hash, 0x0b]);
    const { imports, tables, elements } = readModule(EVERYTHING);
    expect(EVERYTHING[imports[1]!.fileOffset!]).toBe("env".length);
    expect(EVERYTHING[tables[0]!.fileOffset!]).toBe(0x70);
    expect(EVERYTHING[elements[1]!.fileOffset!]).toBe(2);
  });

  it("counts imports before what the module defines", () => {
    expect(importedCount(readModule(EVERYTHING), "function")).toBe(1);
    expect(importedCount(readModule(sampleModule()), "function")).toBe(0);
  });

  it("cuts bodies out of the file without copying them", () => {
    const bytes = sampleModule();
    expect(readModule(bytes).functions[0]?.body.buffer).toBe(bytes.buffer);
  });

  it.each([
    ["no bytes", [], "Module ends inside the header, at byte 0"],
    ["another magic number", [0x7f, 0x45, 0x4c, 0x46], "Found 127, expected 0 in the header, at byte 0"],
    ["another version", [0, 0x61, 0x73, 0x6d, 13, 0, 1, 0], "Found 13, expected 1 in the header, at byte 4"],
  ])("refuses %s", (_, bytes, message) => {
    expect(() => readModule(Uint8Array.from(bytes))).toThrow(message);
  });

  it.each<[string, number, number[], string]>([
    ["a section that is not known", 14, [], "Section 14 is not known, at byte 8"],
    ["a section of tags", 13, [0], "Section 13 (exceptions) is not known, at byte 8"],
    ["bytes behind the items", 1, [0, 0], "The type section has 1 bytes too many, at byte 11"],
    ["a form of type that is no function", 1, [1, 0x5f], "Found type form 0x5f, expected 0x60, a function, at byte 11"],
    ["a type that is not known", 1, [1, 0x60, 1, 0x40, 0], "Type 0x40 is not known, at byte 13"],
    ["a count beyond the section", 1, [200, 1], "Found a count of 200 types with 0 bytes left, at byte 10"],
    ["a memory of 64 bits", 5, [1, 4, 1], "Found 4 as the flags of a memory, expected less than 4, at byte 11"],
    ["a memory without minimum", 5, [1, 0], "Module ends inside the minimum of a memory"],
    ["mutability 2", 6, [1, 0x7f, 2], "Found 2 as the mutability of a global, expected less than 2, at byte 12"],
    ["a constant without end", 6, [1, 0x7f, 0, 0x41, 0], "Module ends inside an instruction, at byte 15"],
    ["a kind of export", 7, [1, 0, 4, 0], "Found 4 as the kind of an export, expected less than 4, at byte 12"],
    ["an export that is there twice", 7, [2, 1, 97, 0, 0, 1, 97, 0, 0], 'Export "a" is there twice, at byte 17'],
    ["functions without bodies", 3, [1, 0], "Found 0 function bodies, expected 1, at byte 12"],
    ["bodies without functions", 10, [1, 2, 0, 0x0b], "Found function body 1, expected 0, at byte 11"],
    ["flags of data", 11, [1, 3], "Found 3 as the flags of a data segment, expected at most 2, at byte 12"],
    ["data beyond the section", 11, [1, 1, 5, 0], "A data segment needs 5 bytes, 1 are left, at byte 13"],
    ["flags of elements", 9, [1, 8], "Found 8 as the flags of an element segment, expected at most 7, at byte 12"],
    ["types of elements", 9, [1, 1, 5, 0], "Type 0x5 of elements is not known, at byte 12"],
    ["a count of data without data", 12, [1], "Found 0 data segments, expected 1, at byte 11"],
  ])("refuses %s", (_, id, bytes, message) => {
    expect(() => readModule(withSection(id, ...bytes))).toThrow(message);
  });

  it("refuses sections out of order and sections that are there twice", () => {
    const [memory, types] = [withSection(5, 0).subarray(8), withSection(1, 0).subarray(8)];
    for (const [first, second, name] of [
      [memory, types, "type"],
      [memory, memory, "memory"],
    ] as const) {
      const bytes = Uint8Array.from([...HEADER, ...first, ...second]);
      expect(() => readModule(bytes)).toThrow(`Found the ${name} section twice or too late, at byte 13`);
    }
  });

  it("refuses more locals than engines take, without making them", () => {
    const body = sized(2, 2, 0x7f, ...unsigned(49_999), 0x7e, 0x0b);
    const bytes = Uint8Array.from([
      ...withSection(1, 1, 0x60, 0, 0),
      ...withSection(3, 1, 0).subarray(8),
      ...withSection(10, 1, ...body).subarray(8),
    ]);
    expect(() => readModule(bytes)).toThrow("Found 50001 locals, expected at most 50000");
  });

  it("refuses every file that is cut off, except between sections", () => {
    const bytes = sampleModule();
    const ends = new Set(readSections(bytes).map((section) => section.fileOffset + section.bytes.length));
    for (let length = 0; length < bytes.length; length++) {
      if (length === 8 || ends.has(length)) continue;
      expect(() => readModule(bytes.subarray(0, length)), `${length} bytes`).toThrow(/at byte \d+$/);
    }
  });
});

describe("readSections", () => {
  it("tells every section with its place and length", () => {
    expect(readSections(withSection(1, 0))).toEqual([{ id: 1, fileOffset: 10, bytes: Uint8Array.of(0) }]);
  });

  it("refuses a section beyond the end of the file", () => {
    expect(() => readSections(Uint8Array.from([...HEADER, 1, 9, 0]))).toThrow(
      "The type section needs 9 bytes, 1 are left, at byte 10",
    );
  });
});
