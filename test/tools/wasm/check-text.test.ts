import { describe, expect, it } from "vitest";
import { renderCheck } from "../../../tools/wasm/check/text.ts";
import { sampleModule } from "../../support/wasm-module.ts";
import { check, edited, withFunction, withMore } from "./edited.ts";

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
