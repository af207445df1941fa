// Reader and writer of modules.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ByteWriter } from "../../../tools/wasm/bytes.ts";
import { code, functionOf } from "../../../tools/wasm/encode.ts";
import { EMPTY_MODULE, importedCount, type WasmModule } from "../../../tools/wasm/module.ts";
import { readModule, readSections } from "../../../tools/wasm/read.ts";
import { writeModule } from "../../../tools/wasm/write.ts";
import { SAMPLE_LAYOUT, sampleModule } from "../../support/wasm-module.ts";

const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
const BUILT = ["f32", "f32-simd", "q15", "q15-simd"];

/** The module without the places in the file. */
function withoutPlaces(module: WasmModule): WasmModule {
  return JSON.parse(
    JSON.stringify(module, (key, value) =>
      key === "fileOffset" ? undefined : typeof value === "bigint" ? `${value}n` : value,
    ),
  );
}

/** A module with a section, whose contents are `bytes`. */
const withSection = (id: number, ...bytes: number[]) =>
  Uint8Array.from([...HEADER, ...new ByteWriter().raw([id]).sized(Uint8Array.from(bytes)).toBytes()]);

/** A module that uses every form that the data have. */
const EVERYTHING: WasmModule = {
  ...EMPTY_MODULE,
  types: [
    { parameters: ["i32", "i64"], results: ["f32"] },
    { parameters: [], results: ["f64", "v128", "externref"] },
  ],
  imports: [
    { module: "env", name: "abort", item: { kind: "function", type: 0 } },
    { module: "env", name: "é", item: { kind: "table", type: "externref", min: 0, max: undefined } },
    { module: "", name: "", item: { kind: "memory", min: 1, max: 2, isShared: true } },
    { module: "env", name: "g", item: { kind: "global", type: "f64", isMutable: true } },
  ],
  functions: [functionOf(0, ["i32", "i32", "f32"], code().f32(1))],
  tables: [{ type: "funcref", min: 1, max: 5 }],
  memories: [{ min: 3, max: undefined, isShared: false }],
  globals: [
    { type: "i64", isMutable: true, init: { kind: "i64.const", value: -(2n ** 63n) } },
    { type: "f32", isMutable: false, init: { kind: "f32.const", value: 0x7fc00001 } },
    { type: "f64", isMutable: false, init: { kind: "f64.const", value: 0x7ff0000000000001n } },
    { type: "funcref", isMutable: false, init: { kind: "ref.func", index: 1 } },
    { type: "externref", isMutable: false, init: { kind: "ref.null", type: "externref" } },
    { type: "f64", isMutable: false, init: { kind: "global.get", index: 0 } },
    { type: "i32", isMutable: false, init: { kind: "other", bytes: code().i32(1).i32(2).op("i32.add").bytes() } },
  ],
  exports: [
    { name: "f", kind: "function", index: 1 },
    { name: "t", kind: "table", index: 1 },
  ],
  start: 1,
  elements: [
    { place: { kind: "active", table: 0, start: { kind: "i32.const", value: 0 } }, type: "funcref", items: [1, 1] },
    { place: { kind: "active", table: 1, start: { kind: "i32.const", value: 0 } }, type: "funcref", items: [1] },
    { place: { kind: "passive" }, type: "funcref", items: [0] },
    { place: { kind: "declarative" }, type: "funcref", items: [0] },
    { place: { kind: "passive" }, type: "externref", items: [{ kind: "ref.null", type: "externref" }] },
    { place: { kind: "declarative" }, type: "funcref", items: [{ kind: "ref.func", index: 0 }] },
    {
      place: { kind: "active", table: 0, start: { kind: "global.get", index: 2 } },
      type: "externref",
      items: [{ kind: "ref.null", type: "externref" }],
    },
    {
      place: { kind: "active", table: 0, start: { kind: "i32.const", value: -1 } },
      type: "funcref",
      items: [{ kind: "ref.null", type: "funcref" }],
    },
  ],
  data: [
    {
      place: { kind: "active", memory: 0, address: { kind: "i32.const", value: 16 } },
      bytes: Uint8Array.of(1, 2, 3),
    },
    { place: { kind: "active", memory: 1, address: { kind: "i32.const", value: 0 } }, bytes: Uint8Array.of() },
    { place: { kind: "passive" }, bytes: Uint8Array.of(9) },
  ],
  hasDataCount: true,
  customs: [
    { name: "first", after: 0, bytes: Uint8Array.of(1) },
    { name: "name", after: 11, bytes: Uint8Array.of(0) },
  ],
};

describe("writeModule", () => {
  it("writes what readModule reads back, whatever the module holds", () => {
    for (const module of [EMPTY_MODULE, sampleModule(), EVERYTHING]) {
      expect(withoutPlaces(readModule(writeModule(module)))).toEqual(withoutPlaces(module));
    }
  });

  it("writes a module that runs", async () => {
    const { instance } = await WebAssembly.instantiate(writeModule(sampleModule()).slice());
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

  it.each(BUILT)("writes build/%s.wasm byte for byte", (name) => {
    const bytes = new Uint8Array(readFileSync(`build/${name}.wasm`));
    expect(writeModule(readModule(bytes))).toEqual(bytes);
  });

  it("joins locals of one type and leaves out runs of none", () => {
    const [item] = sampleModule().functions;
    const locals = [
      { count: 1, type: "i32" },
      { count: 0, type: "i64" },
      { count: 2, type: "i32" },
    ] as const;
    const read = readModule(writeModule({ ...sampleModule(), functions: [{ ...item!, locals }] }));
    expect(read.functions[0]?.locals).toEqual([{ count: 3, type: "i32" }]);
  });
});

describe("readModule", () => {
  it("tells where functions, data and exports stand in the file", () => {
    const bytes = writeModule(sampleModule());
    const { functions, exports } = readModule(bytes);
    for (const { body, fileOffset } of functions) {
      expect(bytes.subarray(fileOffset, fileOffset! + body.length)).toEqual(body);
    }
    expect(bytes[exports[0]!.fileOffset!]).toBe("memory".length);
  });

  it("counts imports before what the module defines", () => {
    expect(importedCount(EVERYTHING, "function")).toBe(1);
    expect(importedCount(sampleModule(), "function")).toBe(0);
  });

  it("cuts bodies out of the file without copying them", () => {
    const bytes = writeModule(sampleModule());
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
    const runs = new ByteWriter().u32(2).u32(2).raw([0x7f]).u32(49_999).raw([0x7e]).toBytes();
    const body = new ByteWriter().sized(Uint8Array.from([...runs, 0x0b])).toBytes();
    const bytes = Uint8Array.from([
      ...withSection(1, 1, 0x60, 0, 0),
      ...withSection(3, 1, 0).subarray(8),
      ...withSection(10, 1, ...body).subarray(8),
    ]);
    expect(() => readModule(bytes)).toThrow("Found 50001 locals, expected at most 50000");
  });

  it("refuses every file that is cut off, except between sections", () => {
    const bytes = writeModule(sampleModule());
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
