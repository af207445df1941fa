// Each function is inlined into a module of one function and run next to the original: same results, same memory.

import { describe, expect, it } from "vitest";
import { inlineCall } from "../../../tools/mcu/inline.ts";
import { type Code, code, functionOf } from "../../../tools/wasm/encode.ts";
import { EMPTY_MODULE, type FunctionType, type ValueType, type WasmFunction } from "../../../tools/wasm/module.ts";
import { writeModule } from "../../../tools/wasm/write.ts";
import { instructionNames } from "../../support/bodies.ts";

/** A function of i32 parameters and one i32 result. */
interface Sample {
  readonly parameters: number;
  readonly locals?: readonly ValueType[];
  readonly body: Code;
}

const RESULT: FunctionType = { parameters: [], results: ["i32"] };

const typeOf = ({ parameters }: Sample): FunctionType => ({
  parameters: new Array<ValueType>(parameters).fill("i32"),
  results: ["i32"],
});

const sourceOf = ({ locals = [], body }: Sample): WasmFunction => functionOf(1, locals, body);

/** The body and the locals that a call with these arguments becomes. */
function inlined(sample: Sample, args: readonly number[], firstLocal = 0) {
  const into = code();
  const call = { source: sourceOf(sample), type: typeOf(sample), args, callee: (index: number) => index };
  const locals = inlineCall(into, call, firstLocal);
  return { locals, body: into };
}

/** Added behind a call, so that one that leaves more than itself is seen. */
const BEHIND = 2 ** 20;

/** What a call answers, inlined and as it was. */
function results(sample: Sample, args: readonly number[]) {
  const { locals, body } = inlined(sample, args);
  body.i32(BEHIND).op("i32.add");
  const module = {
    ...EMPTY_MODULE,
    types: [RESULT, typeOf(sample)],
    functions: [functionOf(0, locals, body), sourceOf(sample)],
    exports: [
      { name: "inlined", kind: "function" as const, index: 0 },
      { name: "original", kind: "function" as const, index: 1 },
    ],
  };
  const bytes = Uint8Array.from(writeModule(module));
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
  const { inlined: own, original } = exports as Record<string, (...args: readonly number[]) => number>;
  return { own: (own!() - BEHIND) | 0, original: original!(...args) };
}

const expectSame = (sample: Sample, ...args: readonly number[]) => {
  const { own, original } = results(sample, args);
  expect(own).toBe(original);
  return expect(own);
};

describe("inlineCall", () => {
  const difference: Sample = { parameters: 2, body: code().get(0).get(1).op("i32.sub") };

  it("puts constants in the place of parameters that are only read", () => {
    const { locals, body } = inlined(difference, [7, 5]);
    expect(instructionNames(body)).toEqual(["i32.const 7", "i32.const 5", "i32.sub", "end"]);
    expect(locals).toEqual([]);
  });

  it("passes arguments of any value", () => {
    expectSame(difference, -(2 ** 31), 1).toBe(2 ** 31 - 1);
    expectSame(difference, 2 ** 31 - 1, -1).toBe(-(2 ** 31));
  });

  it("numbers locals from the first that may be used, and tells their types", () => {
    const sample: Sample = {
      parameters: 1,
      locals: ["i64", "f32"],
      body: code().i64(3n).set(1).f32(1).set(2).get(0),
    };
    const { locals, body } = inlined(sample, [9], 4);
    expect(locals).toEqual(["i64", "f32"]);
    expect(instructionNames(body)).toEqual([
      "i64.const 3",
      "local.set 4",
      "f32.const 1065353216",
      "local.set 5",
      "i32.const 9",
      "end",
    ]);
  });

  it("asks for the new index of functions that the body calls", () => {
    const into = code();
    const source = functionOf(1, [], code().get(0).call(3));
    const type: FunctionType = { parameters: ["i32"], results: ["i32"] };
    inlineCall(into, { source, type, args: [1], callee: (index) => index + 200 }, 0);
    expect(instructionNames(into)).toEqual(["i32.const 1", "call 203", "end"]);
  });
});

describe("inlineCall, parameters that are written", () => {
  it("gives the constant to reads before the write, the local to those behind it", () => {
    const sample: Sample = {
      parameters: 1,
      body: code().get(0).get(0).i32(10).op("i32.mul").set(0).get(0).op("i32.add"),
    };
    expectSame(sample, 3).toBe(33);
    const { locals, body } = inlined(sample, [3]);
    expect(locals).toEqual(["i32"]);
    expect(instructionNames(body).slice(0, 2)).toEqual(["i32.const 3", "i32.const 3"]);
  });

  it("starts the local with the constant when a write may be jumped over", () => {
    const sample: Sample = { parameters: 2, body: code().get(1).if().i32(8).set(0).end().get(0) };
    expectSame(sample, 3, 0).toBe(3);
    expectSame(sample, 3, 1).toBe(8);
  });

  it("starts it when a branch may leave the block of the write", () => {
    const sample: Sample = {
      parameters: 2,
      body: code().block().get(1).brIf(0).i32(8).set(0).end().get(0),
    };
    expectSame(sample, 3, 1).toBe(3);
    expectSame(sample, 3, 0).toBe(8);
  });

  it("starts nothing when every read left follows a write that nothing leads around", () => {
    const sample: Sample = { parameters: 1, body: code().i32(4).set(0).get(0).get(0).op("i32.add") };
    expectSame(sample, 3).toBe(8);
    expect(instructionNames(inlined(sample, [3]).body)).not.toContain("i32.const 3");
  });

  it("counts a tee as a write", () => {
    const sample: Sample = { parameters: 1, body: code().get(0).i32(5).tee(0).op("i32.mul").get(0).op("i32.sub") };
    expectSame(sample, 3).toBe(10);
  });

  it("keeps apart what the arms of an if write", () => {
    const sample: Sample = {
      parameters: 2,
      body: code()
        .get(1)
        .if()
        .get(0)
        .i32(1)
        .op("i32.add")
        .set(0)
        .else()
        .get(0)
        .i32(2)
        .op("i32.add")
        .set(0)
        .end()
        .get(0),
    };
    expectSame(sample, 3, 1).toBe(4);
    expectSame(sample, 3, 0).toBe(5);
  });
});

describe("inlineCall, loops", () => {
  /** Adds 1 + 2 + … + n to a start. */
  const sum: Sample = {
    parameters: 2,
    body: code().loop().get(1).get(0).op("i32.add").set(1).get(0).i32(1).op("i32.sub").tee(0).brIf(0).end().get(1),
  };

  it("sees that a read comes behind a write further down in its loop", () => {
    expectSame(sum, 4, 100).toBe(110);
    expectSame(sum, 1, 0).toBe(1);
  });

  it("puts constants where a loop only reads", () => {
    const sample: Sample = {
      parameters: 2,
      body: code().loop().get(0).get(1).op("i32.sub").tee(0).get(1).op("i32.gt_s").brIf(0).end().get(0),
    };
    expectSame(sample, 20, 6).toBe(2);
    const { locals, body } = inlined(sample, [20, 6]);
    expect(locals).toEqual(["i32"]);
    expect(instructionNames(body).filter((text) => text === "i32.const 6")).toHaveLength(2);
  });

  it("starts a local that a loop reads in its first turn, before its own write", () => {
    // Turn 1 reads the parameter, turn 2 what turn 1 wrote.
    const sample: Sample = {
      parameters: 1,
      locals: ["i32", "i32"],
      body: code()
        .loop()
        .get(1)
        .get(0)
        .op("i32.add")
        .set(1)
        .i32(50)
        .set(0)
        .get(2)
        .i32(1)
        .op("i32.add")
        .tee(2)
        .i32(2)
        .op("i32.lt_s")
        .brIf(0)
        .end()
        .get(1),
    };
    expectSame(sample, 3).toBe(53);
  });

  it("sees writes of an outer loop behind an inner one", () => {
    const sample: Sample = {
      parameters: 2,
      locals: ["i32"],
      body: code()
        .loop()
        .loop()
        .get(2)
        .get(0)
        .op("i32.add")
        .set(2)
        .end()
        .get(0)
        .i32(10)
        .op("i32.add")
        .set(0)
        .get(1)
        .i32(1)
        .op("i32.sub")
        .tee(1)
        .brIf(0)
        .end()
        .get(2),
    };
    expectSame(sample, 1, 3).toBe(33); // 1 + 11 + 21
  });
});

describe("inlineCall, bodies that are left early", () => {
  it("wraps a body with a return into a block that the return leaves", () => {
    const sample: Sample = {
      parameters: 1,
      body: code().get(0).i32(0).op("i32.lt_s").if().i32(-1).op("return").end().i32(1),
    };
    expectSame(sample, -5).toBe(-1);
    expectSame(sample, 5).toBe(1);
    expect(instructionNames(inlined(sample, [5]).body)).not.toContain("return");
  });

  it("returns from within several blocks", () => {
    const sample: Sample = {
      parameters: 1,
      body: code().block().loop().get(0).if().i32(7).op("return").end().br(1).end().end().i32(9),
    };
    expectSame(sample, 1).toBe(7);
    expectSame(sample, 0).toBe(9);
  });

  it("lets a branch to the function's own label leave the block", () => {
    const sample: Sample = { parameters: 1, body: code().block().i32(7).get(0).brIf(1).op("drop").end().i32(9) };
    expectSame(sample, 1).toBe(7);
    expectSame(sample, 0).toBe(9);
  });

  it("lets the labels of br_table leave it", () => {
    // br_table 0 1: value 0 leaves the inner block, all else the function.
    const table = [0x0e, 0x01, 0x00, 0x01];
    const sample: Sample = {
      parameters: 1,
      body: code().block("i32").i32(5).get(0).raw(table).end().i32(10).op("i32.add"),
    };
    expectSame(sample, 0).toBe(15);
    expectSame(sample, 1).toBe(5);
  });

  it("wraps no body that ends at its end", () => {
    const sample: Sample = { parameters: 1, body: code().block().get(0).brIf(0).end().get(0) };
    expect(instructionNames(inlined(sample, [1]).body).filter((text) => text === "block")).toHaveLength(1);
  });
});
