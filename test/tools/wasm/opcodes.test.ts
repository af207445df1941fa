// The table of instructions beside two that know them: wabt, which writes them by name, and the engine, which checks their types.

import { describe, expect, it } from "vitest";
import { type ImmediateKind, OPCODES, type Opcode } from "../../../tools/wasm/opcodes.ts";
import { readModule } from "../../../tools/wasm/read.ts";
import { unsigned } from "../../support/leb.ts";
import { wat } from "../../support/wat.ts";

/** Locals by the letter of their type. */
const LETTERS = ["i", "l", "f", "d", "v"];
const LOCALS = "i32 i64 f32 f64 v128";

/** What stands behind a name in the text, by the immediates that the table has. */
const OPERANDS: Partial<Record<ImmediateKind, string>> = {
  none: "",
  memarg: "",
  lane: "0",
  "memarg-lane": "0",
  i32: "1",
  i64: "1",
  f32: "1",
  f64: "1",
};

const SHUFFLE = Array.from({ length: 16 }, (_, lane) => lane).join(" ");

const operandOf = ({ name, immediates }: Opcode): string | undefined => {
  if (immediates === "bytes") return name === "v128.const" ? "i32x4 1 2 3 4" : SHUFFLE;
  return OPERANDS[immediates];
};

/** Instructions that pop and push what the table says, whatever stands around them. */
const TYPED = OPCODES.filter(
  (opcode) =>
    opcode.stack !== undefined &&
    !/[xr]/.test(opcode.stack.pops + opcode.stack.pushes) &&
    operandOf(opcode) !== undefined &&
    ["MVP", "sign extension", "nontrapping conversion", "SIMD", "threads"].includes(opcode.feature) &&
    opcode.name !== "atomic.fence",
);

/** A module with one function: it pushes a local for each letter, runs the instruction, and takes what is to be there. */
function moduleOf(opcode: Opcode, pops: string, pushes: string): Uint8Array {
  const local = (letter: string) => LETTERS.indexOf(letter);
  const before = [...pops].map((letter) => `local.get ${local(letter)}`);
  const after = [...pushes].reverse().map((letter) => `local.set ${local(letter)}`);
  const body = [...before, `${opcode.name} ${operandOf(opcode)}`, ...after].join(" ");
  return wat(`(module (memory 1 1 shared) (func (local ${LOCALS}) ${body}))`);
}

const codeBytes = ({ code }: Opcode): number[] => (code < 0x100 ? [code] : [code >> 16, ...unsigned(code & 0xffff)]);

describe("the table of instructions", () => {
  it("covers nearly all of the first WebAssembly and of SIMD", () => {
    const count = (feature: string) => TYPED.filter((opcode) => opcode.feature === feature).length;
    expect([count("MVP"), count("SIMD")]).toEqual([151, 230]);
  });

  it.each(TYPED.map((opcode) => ({ name: opcode.name, opcode })))("is right about $name", ({ opcode }) => {
    const { pops, pushes } = opcode.stack!;
    const bytes = moduleOf(opcode, pops, pushes);
    const { body } = readModule(bytes).functions[0]!;
    const expected = codeBytes(opcode);
    expect([...body.subarray(2 * pops.length, 2 * pops.length + expected.length)]).toEqual(expected);
    expect(WebAssembly.validate(bytes as BufferSource)).toBe(true);
  });

  it("would be told wrong by the engine", () => {
    for (const opcode of TYPED) {
      const { pops, pushes } = opcode.stack!;
      for (const [otherPops, otherPushes] of [
        [`i${pops}`, pushes],
        [pops, `i${pushes}`],
      ] as const) {
        expect(WebAssembly.validate(moduleOf(opcode, otherPops, otherPushes) as BufferSource), opcode.name).toBe(false);
      }
    }
  });

  it("says of an instruction whether it works on floats: where its name says so", () => {
    for (const { name, isFloat, stack } of OPCODES.filter(({ feature }) => feature === "MVP")) {
      const types = `${stack?.pops ?? ""}${stack?.pushes ?? ""}`;
      expect([name, isFloat]).toEqual([name, stack === undefined ? isFloat : /[fd]/.test(types)]);
    }
  });
});
