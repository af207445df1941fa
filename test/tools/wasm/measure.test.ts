import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type FunctionMeasures, type Measures, measureModule } from "../../../tools/wasm/check/measure.ts";
import { decodeFunctions } from "../../../tools/wasm/check/subject.ts";
import { checkModule } from "../../../tools/wasm/check.ts";
import { readModule } from "../../../tools/wasm/read.ts";
import { wat } from "../../support/wat.ts";

/** Measures a module, after a look that it is valid. */
function measureBytes(bytes: Uint8Array): Measures {
  expect(WebAssembly.validate(bytes.slice())).toBe(true);
  const module = readModule(bytes);
  return measureModule({ bytes, module, functions: decodeFunctions(module) });
}

/** Measures functions without parameters and results, and with two locals, an i32 and an i64. */
function measure(bodies: readonly string[]): Measures {
  const functions = bodies.map((body) => `(func (type 0) (local i32 i64) ${body})`);
  return measureBytes(wat(`(module (type (func)) (memory 1 1) ${functions.join("\n")})`));
}

const one = (body: string): FunctionMeasures => measure([body]).functions[0]!;

/** So many operations. */
const operations = (count: number): string => "i32.const 0 local.set 0 ".repeat(count);

describe("run", () => {
  it("counts operations; reading locals and constants are none", () => {
    expect(one("").run).toBe(0);
    expect(one(operations(7)).run).toBe(7);
    expect(one("local.get 0 drop nop block i64.const 1 drop end").run).toBe(0);
  });

  it("takes the longer way of an if", () => {
    const body = `local.get 0 if ${operations(5)} else ${operations(9)} end ${operations(1)}`;
    expect(one(body).run).toBe(1 + 9 + 1);
  });

  it("counts the jump over the else", () => {
    const body = `local.get 0 if ${operations(9)} else ${operations(2)} end ${operations(1)}`;
    expect(one(body).run).toBe(1 + 9 + 1 + 1);
  });

  it("goes on past an if without else", () => {
    expect(one(`local.get 0 if return end ${operations(3)}`).run).toBe(1 + 3);
  });

  it("counts one round of a loop, and goes on from its end", () => {
    const body = `${operations(2)} loop ${operations(4)} local.get 0 br_if 0 end ${operations(3)}`;
    expect(one(body).run).toBe(2 + 1 + 4 + 1 + 3);
  });

  it("counts nothing behind a loop that never ends", () => {
    expect(one(`loop ${operations(4)} br 0 end ${operations(50)}`).run).toBe(1 + 4 + 1);
  });

  it("follows branches out of blocks", () => {
    const inner = `block local.get 0 br_if 1 ${operations(10)} br 0 end`;
    expect(one(`block ${inner} ${operations(1)} end ${operations(5)}`).run).toBe(1 + 10 + 1 + 1 + 5);
  });

  it("follows every label of a table", () => {
    const body = `block block local.get 0 br_table 0 1 end ${operations(10)} end ${operations(5)}`;
    expect(one(body).run).toBe(1 + 10 + 5);
  });

  it("counts nothing that is never reached", () => {
    for (const leave of ["return", "unreachable", "br 0"]) {
      expect(one(`${operations(2)} ${leave} ${operations(50)}`).run).toBe(3);
    }
  });

  it("adds a called function to the run up to the call, not to what follows", () => {
    const { functions, run } = measure([`${operations(2)} call 1 ${operations(4)}`, operations(10)]);
    expect(functions.map((item) => [item.run, item.runWithCalls])).toEqual([
      [7, 2 + 1 + 10],
      [10, 10],
    ]);
    expect(run).toBe(13);
  });
});

describe("stack", () => {
  it("is the most values at once", () => {
    expect(one("").stack).toBe(0);
    expect(one("local.get 0 local.get 0 local.get 0 i32.add i32.add drop").stack).toBe(3);
  });

  it("is cut at the end of blocks and behind code that never goes on", () => {
    const body = "block local.get 0 local.get 0 br 0 end local.get 0 local.get 0 i32.add drop";
    expect(one(body).stack).toBe(2);
    const never = "unreachable i32.add drop local.get 0 drop";
    expect(one(never).stack).toBe(1);
  });

  it("keeps what is below a block with a result", () => {
    const body = "local.get 0 local.get 0 if (result i64) i64.const 1 else i64.const 2 end i32.wrap_i64 i32.add drop";
    expect(one(body)).toMatchObject({ stack: 2, slots: 3 + 3 });
  });

  it("counts what a table and a select take", () => {
    const body = "local.get 1 local.get 1 local.get 0 select local.set 1 block local.get 0 br_table 0 end";
    expect(one(body)).toMatchObject({ stack: 3, slots: 3 + 5 });
  });
});

describe("slots", () => {
  it("are of 32 bits: an i64 takes two", () => {
    expect(one("local.get 1 local.get 1 i64.add drop")).toMatchObject({ locals: 2, stack: 2, slots: 3 + 4 });
    expect(one("local.get 1 local.tee 1 drop")).toMatchObject({ slots: 3 + 2 });
  });

  it("add up along the deepest chain of calls", () => {
    const { functions, slots, depth } = measure([
      "call 1 call 2",
      "call 3 local.get 0 drop",
      "local.get 1 local.get 1 i64.add drop",
      "",
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
    const { functions } = measureBytes(
      wat(`(module (type (func (param i64 i32) (result i64)))
        (func (type 0) (local i32) local.get 0)
        (func (type 0) local.get 0 local.get 1 call 0 global.get 0 i64.add)
        (global i64 (i64.const 0)))`),
    );
    expect(functions).toMatchObject([
      { locals: 3, stack: 1, slots: 4 + 2, instructions: 2, bytes: 3 },
      { locals: 2, stack: 2, slots: 3 + 4, depth: 2, slotsWithCalls: 7 + 6 },
    ]);
  });

  it.each(["f32", "q15"])("of build/%s.wasm are there for every function", (name) => {
    const bytes = new Uint8Array(readFileSync(`build/${name}.wasm`));
    const { functions, depth } = measureBytes(bytes);
    expect(functions.length).toBe(readModule(bytes).functions.length);
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
