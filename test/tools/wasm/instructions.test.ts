import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { instructionsOf } from "../../../tools/wasm/instructions.ts";
import { OPCODES, opcodeOf } from "../../../tools/wasm/opcodes.ts";
import { readModule } from "../../../tools/wasm/read.ts";
import { wat } from "../../support/wat.ts";

const names = (body: Uint8Array) => [...instructionsOf(body)].map(({ name }) => name);
/** The body of a function, written as text. */
const bodyOf = (text: string) => readModule(wat(`(module (func ${text}))`)).functions[0]!.body;

const immediates = (...bytes: number[]) => [...instructionsOf(Uint8Array.from([...bytes, 0x0b]))][0]?.immediates;

describe("opcodes", () => {
  it("have one code and one name each", () => {
    expect(new Set(OPCODES.map(({ code }) => code)).size).toBe(OPCODES.length);
    expect(new Set(OPCODES.map(({ name }) => name)).size).toBe(OPCODES.length);
  });

  it("of the first WebAssembly are 172", () => {
    expect(OPCODES.filter(({ feature }) => feature === "MVP").length).toBe(172);
  });

  it("of SIMD are 236, of relaxed SIMD 20, of threads 67", () => {
    const count = (feature: string) => OPCODES.filter((opcode) => opcode.feature === feature).length;
    expect([count("SIMD"), count("relaxed SIMD"), count("threads")]).toEqual([236, 20, 67]);
  });

  it.each([
    [0x6a, "i32.add", "MVP", { pops: "ii", pushes: "i" }, false],
    [0x37, "i64.store", "MVP", { pops: "il", pushes: "" }, false],
    [0xbf, "f64.reinterpret_i64", "MVP", { pops: "l", pushes: "d" }, true],
    [0xc4, "i64.extend32_s", "sign extension", { pops: "l", pushes: "l" }, false],
    [0xfc0007, "i64.trunc_sat_f64_u", "nontrapping conversion", { pops: "d", pushes: "l" }, true],
    [0xfc000b, "memory.fill", "bulk memory", { pops: "iii", pushes: "" }, false],
    [0xfd00ba, "i32x4.dot_i16x8_s", "SIMD", { pops: "vv", pushes: "v" }, false],
    [0xfd00ff, "f64x2.convert_low_i32x4_u", "SIMD", { pops: "v", pushes: "v" }, true],
    [0xfd0113, "i32x4.relaxed_dot_i8x16_i7x16_add_s", "relaxed SIMD", { pops: "vvv", pushes: "v" }, false],
    [0xfe004e, "i64.atomic.rmw32.cmpxchg_u", "threads", { pops: "ill", pushes: "l" }, false],
    [0x10, "call", "MVP", undefined, false],
  ] as const)("at %i are %s", (code, name, feature, stack, isFloat) => {
    expect(opcodeOf(code)).toMatchObject({ name, feature, stack, isFloat });
  });
});

describe("instructionsOf", () => {
  it("tells offset, end and name of every instruction", () => {
    const body = bodyOf("local.get 0 i32.const 1000 i32.add");
    expect([...instructionsOf(body)].map(({ offset, end, name }) => [offset, end, name])).toEqual([
      [0, 2, "local.get"],
      [2, 5, "i32.const"],
      [5, 6, "i32.add"],
      [6, 7, "end"],
    ]);
  });

  it.each<[string, number[], object]>([
    ["i32.const", [0x41, 0x7f], { value: -1 }],
    ["i64.const", [0x42, 0x80, 0x01], { value: 128n }],
    ["f32.const", [0x43, 0, 0, 0x80, 0x3f], { value: 0x3f800000 }],
    ["f64.const", [0x44, 1, 0, 0, 0, 0, 0, 0xf0, 0x7f], { value: 0x7ff0000000000001n }],
    ["call", [0x10, 0x83, 0], { index: 3 }],
    ["br_if", [0x0d, 2], { label: 2 }],
    ["br_table", [0x0e, 2, 5, 6, 7], { labels: [5, 6, 7] }],
    ["call_indirect", [0x11, 4, 1], { index: 4, second: 1 }],
    ["i32.load", [0x28, 2, 0x80, 1], { alignment: 2, offset: 128 }],
    ["i32.load of another memory", [0x28, 0x42, 1, 8], { alignment: 2, index: 1, offset: 8 }],
    ["memory.copy", [0xfc, 10, 0, 0], { index: 0, second: 0 }],
    ["v128.load8_lane", [0xfd, 84, 0, 9, 3], { alignment: 0, offset: 9, index: 3 }],
    ["ref.null", [0xd0, 0x70], { block: -16 }],
    ["select_t", [0x1c, 1, 0x7f], {}],
    ["i32.atomic.rmw.add", [0xfe, 0x1e, 2, 0], { alignment: 2, offset: 0 }],
  ])("reads the operands of %s", (_, bytes, expected) => {
    expect(immediates(...bytes)).toEqual(expected);
  });

  it("reads the types of blocks", () => {
    const body = bodyOf("block end loop (result i32) i32.const 0 end");
    expect([...instructionsOf(body)].flatMap(({ immediates: { block } }) => block ?? [])).toEqual([-64, -1]);
  });

  it.each(["f32", "f32-simd", "q15", "q15-simd"])("walks through every body of build/%s.wasm", (file) => {
    for (const { body } of readModule(new Uint8Array(readFileSync(`build/${file}.wasm`))).functions) {
      expect(names(body).at(-1)).toBe("end");
    }
  });

  it.each<[string, number[], string]>([
    ["an opcode that is not known", [0x27, 0x0b], "Opcode 0x27 is not known, at byte 100"],
    ["one of garbage collection", [0xfb, 1, 0x0b], "Opcode 0xfb 1 is not known (garbage collection), at byte 100"],
    ["a number beyond the table", [0xfc, 0x80, 0x80, 0x04, 0x0b], "Opcode 0xfc 65536 is not known, at byte 100"],
    ["an operand that is cut off", [0x41], "Module ends inside an operand of i32.const, at byte 101"],
    ["a body without end", [0x01], "Module ends inside an instruction, at byte 101"],
    ["a block without end", [0x02, 0x40, 0x0b], "Module ends inside an instruction, at byte 103"],
    ["bytes behind the end", [0x0b, 0x01], "The body of a function has 1 bytes too many, at byte 101"],
    ["a table of labels without end", [0x0e, 0xff, 0x7f, 0x0b], "Found a count of 16383 labels with 1 bytes left"],
  ])("refuses %s", (_, bytes, message) => {
    expect(() => [...instructionsOf(Uint8Array.from(bytes), 100)]).toThrow(message);
  });
});
