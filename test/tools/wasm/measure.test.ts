import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type FunctionMeasures, type Measures, measureModule } from "../../../tools/wasm/check/measure.ts";
import { decodeFunctions } from "../../../tools/wasm/check/subject.ts";
import { checkModule } from "../../../tools/wasm/check.ts";
import { type Code, code, functionOf } from "../../../tools/wasm/encode.ts";
import { EMPTY_MODULE, type ValueType, type WasmModule } from "../../../tools/wasm/module.ts";
import { readModule } from "../../../tools/wasm/read.ts";
import { writeModule } from "../../../tools/wasm/write.ts";

/** Measures functions without parameters and results, after a look that they are valid. */
function measure(bodies: readonly Code[], locals: readonly ValueType[] = ["i32", "i64"]): Measures {
  const module: WasmModule = {
    ...EMPTY_MODULE,
    types: [{ parameters: [], results: [] }],
    functions: bodies.map((body) => functionOf(0, locals, body)),
    memories: [{ min: 1, max: 1, isShared: false }],
  };
  const bytes = writeModule(module);
  expect(WebAssembly.validate(bytes.slice())).toBe(true);
  return measureModule({ bytes, module, functions: decodeFunctions(module) });
}

const one = (body: Code): FunctionMeasures => measure([body]).functions[0]!;

/** So many operations. */
function operations(count: number, into = code()): Code {
  for (let index = 0; index < count; index++) into.i32(0).set(0);
  return into;
}

describe("run", () => {
  it("counts operations; reading locals and constants are none", () => {
    expect(one(code()).run).toBe(0);
    expect(one(operations(7)).run).toBe(7);
    expect(one(code().get(0).op("drop").op("nop").block().i64(1n).op("drop").end()).run).toBe(0);
  });

  it("takes the longer way of an if", () => {
    const body = code().get(0).if();
    operations(5, body).else();
    operations(9, body).end();
    expect(one(operations(1, body)).run).toBe(1 + 9 + 1);
  });

  it("counts the jump over the else", () => {
    const body = code().get(0).if();
    operations(9, body).else();
    operations(2, body).end();
    expect(one(operations(1, body)).run).toBe(1 + 9 + 1 + 1);
  });

  it("goes on past an if without else", () => {
    expect(one(operations(3, code().get(0).if().op("return").end())).run).toBe(1 + 3);
  });

  it("counts one round of a loop, and goes on from its end", () => {
    const body = operations(2).loop();
    operations(4, body).get(0).brIf(0).end();
    expect(one(operations(3, body)).run).toBe(2 + 1 + 4 + 1 + 3);
  });

  it("counts nothing behind a loop that never ends", () => {
    const body = code().loop();
    operations(4, body).br(0).end();
    expect(one(operations(50, body)).run).toBe(1 + 4 + 1);
  });

  it("follows branches out of blocks", () => {
    const body = code().block().block().get(0).brIf(1);
    operations(10, body).br(0).end();
    operations(1, body).end();
    expect(one(operations(5, body)).run).toBe(1 + 10 + 1 + 1 + 5);
  });

  it("follows every label of a table", () => {
    const body = code().block().block().get(0).raw([0x0e, 1, 0, 1]).end();
    operations(10, body).end();
    expect(one(operations(5, body)).run).toBe(1 + 10 + 5);
  });

  it("counts nothing that is never reached", () => {
    expect(one(operations(50, operations(2).op("return"))).run).toBe(3);
    expect(one(operations(50, operations(2).op("unreachable"))).run).toBe(3);
    expect(one(operations(50, operations(2).br(0))).run).toBe(3);
  });

  it("adds a called function to the run up to the call, not to what follows", () => {
    const caller = operations(2).call(1);
    const { functions, run } = measure([operations(4, caller), operations(10)]);
    expect(functions.map((item) => [item.run, item.runWithCalls])).toEqual([
      [7, 2 + 1 + 10],
      [10, 10],
    ]);
    expect(run).toBe(13);
  });
});

describe("stack", () => {
  it("is the most values at once", () => {
    expect(one(code()).stack).toBe(0);
    expect(one(code().get(0).get(0).get(0).op("i32.add").op("i32.add").op("drop")).stack).toBe(3);
  });

  it("is cut at the end of blocks and behind code that never goes on", () => {
    const body = code().block().get(0).get(0).br(0).end().get(0).get(0).op("i32.add").op("drop");
    expect(one(body).stack).toBe(2);
    const never = code().op("unreachable").op("i32.add").op("drop").get(0).op("drop");
    expect(one(never).stack).toBe(1);
  });

  it("keeps what is below a block with a result", () => {
    const body = code()
      .get(0)
      .get(0)
      .if("i64")
      .i64(1n)
      .else()
      .i64(2n)
      .end()
      .op("i32.wrap_i64")
      .op("i32.add")
      .op("drop");
    expect(one(body)).toMatchObject({ stack: 2, slots: 3 + 3 });
  });

  it("counts what a table and a select take", () => {
    const body = code().get(1).get(1).get(0).op("select").set(1).block().get(0).raw([0x0e, 0, 0]).end();
    expect(one(body)).toMatchObject({ stack: 3, slots: 3 + 5 });
  });
});

describe("slots", () => {
  it("are of 32 bits: an i64 takes two", () => {
    expect(one(code().get(1).get(1).op("i64.add").op("drop"))).toMatchObject({ locals: 2, stack: 2, slots: 3 + 4 });
    expect(one(code().get(1).tee(1).op("drop"))).toMatchObject({ slots: 3 + 2 });
  });

  it("add up along the deepest chain of calls", () => {
    const { functions, slots, depth } = measure([
      code().call(1).call(2),
      code().call(3).get(0).op("drop"),
      code().get(1).get(1).op("i64.add").op("drop"),
      code(),
    ]);
    expect(functions.map((item) => [item.depth, item.slots, item.slotsWithCalls])).toEqual([
      [3, 3, 3 + 7],
      [2, 4, 4 + 3],
      [1, 7, 7],
      [1, 3, 3],
    ]);
    expect([depth, slots]).toEqual([3, 10]);
  });
});

describe("measures", () => {
  it("take parameters, results and globals at their sizes", () => {
    const module: WasmModule = {
      ...EMPTY_MODULE,
      types: [{ parameters: ["i64", "i32"], results: ["i64"] }],
      functions: [
        functionOf(0, ["i32"], code().get(0)),
        functionOf(0, [], code().get(0).get(1).call(0).getGlobal(0).op("i64.add")),
      ],
      globals: [{ type: "i64", isMutable: false, init: { kind: "i64.const", value: 0n } }],
    };
    const bytes = writeModule(module);
    expect(WebAssembly.validate(bytes.slice())).toBe(true);
    expect(measureModule({ bytes, module, functions: decodeFunctions(module) }).functions).toMatchObject([
      { locals: 3, stack: 1, slots: 4 + 2, instructions: 2, bytes: 3 },
      { locals: 2, stack: 2, slots: 3 + 4, depth: 2, slotsWithCalls: 7 + 6 },
    ]);
  });

  it.each(["f32", "q15"])("of build/%s.wasm are there for every function", (name) => {
    const bytes = new Uint8Array(readFileSync(`build/${name}.wasm`));
    const module = readModule(bytes);
    const subject = { bytes, module, functions: decodeFunctions(module) };
    const { functions, depth } = measureModule(subject);
    expect(functions.length).toBe(module.functions.length);
    expect(depth).toBeGreaterThan(1);
    for (const { run, instructions, slots } of functions) {
      expect(run).toBeGreaterThanOrEqual(0);
      expect(run).toBeLessThan(instructions);
      expect(slots).toBeLessThan(200);
    }
  });

  it("are left out of a module that is not of the first WebAssembly", () => {
    const bytes = new Uint8Array(readFileSync("build/q15-simd.wasm"));
    const report = checkModule(bytes, { integerOnly: true });
    expect(report.measures).toBeUndefined();
    const features = report.properties.find((item) => item.code === "features");
    expect(features?.findings[0]?.message).toMatch(/\(SIMD\)/);
  });
});
