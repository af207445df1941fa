// What is folded is read from the instructions; that it computes the same is read from V8.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compactLocals, foldConstants } from "../../../tools/mcu/fold.ts";
import { type Code, code } from "../../../tools/wasm/encode.ts";
import { EMPTY_MODULE, type ValueType, type WasmModule } from "../../../tools/wasm/module.ts";
import { writeModule } from "../../../tools/wasm/write.ts";
import { instructionNames } from "../../support/bodies.ts";

const folded = (body: Code): string[] => instructionNames(foldConstants(body.bytes()));

/** What a body without parameters and with two i32 locals answers. */
function run(body: Uint8Array): number {
  const module: WasmModule = {
    ...EMPTY_MODULE,
    types: [{ parameters: [], results: ["i32"] }],
    functions: [{ type: 0, locals: [{ count: 2, type: "i32" }], body }],
    memories: [{ min: 1, max: 1, isShared: false }],
    exports: [{ name: "run", kind: "function", index: 0 }],
  };
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.from(writeModule(module))));
  return (exports.run as () => number)();
}

describe("foldConstants, arithmetic", () => {
  const binary = (name: string, a: number, b: number) => folded(code().i32(a).i32(b).op(name));

  it.each([
    ["i32.add", 2 ** 31 - 1, 1, -(2 ** 31)],
    ["i32.sub", 3, 5, -2],
    ["i32.sub", -(2 ** 31), 1, 2 ** 31 - 1],
    ["i32.mul", 65537, 65537, 131073],
    ["i32.shl", 1, 33, 2],
    ["i32.shr_s", -8, 1, -4],
    ["i32.shr_u", -8, 28, 15],
    ["i32.shr_u", -1, 0, -1],
    ["i32.and", 0xff0f, 0x0ff0, 0x0f00],
  ])("computes %s of %i and %i as WebAssembly does", (name, a, b, expected) => {
    expect(binary(name, a, b)).toEqual([`i32.const ${expected}`, "end"]);
    expect(run(code().i32(a).i32(b).op(name).bytes())).toBe(expected);
  });

  it("folds what is made of folded constants", () => {
    const body = code().i32(1).i32(2).op("i32.add").i32(4).op("i32.mul").i32(100).i32(1).op("i32.sub").op("i32.add");
    expect(folded(body)).toEqual(["i32.const 111", "end"]);
  });

  it("leaves arithmetic that it does not know", () => {
    const body = code().i32(6).i32(3).op("i32.div_s");
    expect(folded(body)).toEqual(["i32.const 6", "i32.const 3", "i32.div_s", "end"]);
  });

  it("leaves what is not constant", () => {
    const body = code().get(0).i32(3).op("i32.mul").i32(2).op("i32.add");
    expect(folded(body)).toEqual(instructionNames(body));
  });

  it("computes what the body computed", () => {
    const names = ["i32.add", "i32.sub", "i32.mul", "i32.shl", "i32.shr_s", "i32.shr_u", "i32.and", "i32.xor"];
    const step = fc.tuple(fc.integer(), fc.constantFrom(...names), fc.boolean());
    fc.assert(
      fc.property(fc.integer(), fc.array(step, { maxLength: 12 }), (start, steps) => {
        const body = code().i32(start);
        for (const [value, name, isLocal] of steps)
          (isLocal ? body.tee(0).get(1).op("i32.or") : body).i32(value).op(name);
        const bytes = body.bytes();
        return run(foldConstants(bytes)) === run(bytes);
      }),
      { numRuns: 200, seed: 4 },
    );
  });
});

describe("foldConstants, addresses", () => {
  it("moves what is added to an address into the offset of a load", () => {
    const body = code().get(0).i32(16).op("i32.add").access("i32.load", 4);
    expect(folded(body)).toEqual(["local.get 0", "i32.load 20", "end"]);
  });

  it("moves it whichever side it stands on", () => {
    const body = code().i32(16).get(0).op("i32.add").access("i32.load16_s");
    expect(folded(body)).toEqual(["local.get 0", "i32.load16_s 16", "end"]);
  });

  it("moves all that is added, one after the other", () => {
    const body = code().get(0).i32(16).op("i32.add").i32(8).op("i32.add").access("i32.load", 4);
    expect(folded(body)).toEqual(["local.get 0", "i32.load 28", "end"]);
  });

  it("moves a sum of constants", () => {
    const body = code().get(0).i32(16).i32(8).op("i32.add").op("i32.add").access("i32.load");
    expect(folded(body)).toEqual(["local.get 0", "i32.load 24", "end"]);
  });

  it("moves what is added to the address of a store, past its value", () => {
    const body = code().get(0).i32(16).op("i32.add").get(1).i32(1).op("i32.add").access("i32.store16", 2);
    expect(folded(body)).toEqual(["local.get 0", "local.get 1", "i32.const 1", "i32.add", "i32.store16 18", "end"]);
  });

  it("leaves a value that is stored", () => {
    const body = code().get(0).get(1).i32(16).op("i32.add").access("i32.store", 4);
    expect(folded(body)).toEqual(instructionNames(body));
  });

  it("keeps the alignment of an access", () => {
    const body = code().get(0).i32(16).op("i32.add").access("i64.load", 0, 1);
    const expected = code().get(0).access("i64.load", 16, 1);
    expect([...foldConstants(body.bytes())]).toEqual([...expected.bytes()]);
  });

  it("leaves negative numbers: an offset has none", () => {
    const body = code().get(0).i32(-16).op("i32.add").access("i32.load", 32);
    expect(folded(body)).toEqual(instructionNames(body));
  });

  it("leaves negative numbers that were folded", () => {
    const body = code().get(0).i32(-1).i32(0).op("i32.shr_u").op("i32.add").access("i32.load", 32);
    expect(folded(body)).toEqual(["local.get 0", "i32.const -1", "i32.add", "i32.load 32", "end"]);
  });

  it("leaves a constant address", () => {
    const body = code().i32(16).access("i32.load", 4);
    expect(folded(body)).toEqual(instructionNames(body));
  });

  it("leaves an address that is kept by a tee, and moves what is added behind it", () => {
    const body = code()
      .get(0)
      .i32(16)
      .op("i32.add")
      .tee(1)
      .i32(8)
      .op("i32.add")
      .access("i32.load")
      .get(1)
      .op("i32.add");
    expect(folded(body)).toEqual([
      "local.get 0",
      "i32.const 16",
      "i32.add",
      "local.tee 1",
      "i32.load 8",
      "local.get 1",
      "i32.add",
      "end",
    ]);
  });

  it("leaves sums whose use it does not see", () => {
    const body = code().get(0).i32(16).op("i32.add").set(1).get(1).access("i32.load");
    expect(folded(body)).toEqual(instructionNames(body));
  });
});

describe("foldConstants, control", () => {
  it.each([
    ["block", code().i32(1).set(0).block("i32").i32(5).end().i32(3).op("i32.add")],
    ["loop", code().loop("i32").i32(5).end().i32(3).op("i32.add")],
    ["if", code().get(0).if("i32").i32(5).else().i32(6).end().i32(3).op("i32.add")],
    ["br_if", code().block("i32").i32(5).get(0).brIf(0).i32(3).op("i32.add").end()],
  ])("does not fold a constant across the edge of a %s", (_, body) => {
    expect(folded(body)).toContain("i32.const 5");
    expect(folded(body)).toContain("i32.const 3");
    expect(run(foldConstants(body.bytes()))).toBe(run(body.bytes()));
  });

  it("does not move what is added to an address before a block into it", () => {
    const body = code().get(0).i32(16).op("i32.add").block().end().access("i32.load");
    expect(folded(body)).toEqual(instructionNames(body));
  });

  it("does not fold across a call", () => {
    const body = code().i32(5).call(1).i32(3).op("i32.add");
    expect(folded(body)).toEqual(instructionNames(body));
  });

  it("folds within a block", () => {
    const body = code().block("i32").i32(5).i32(3).op("i32.add").end();
    expect(folded(body)).toEqual(["block", "i32.const 8", "end", "end"]);
  });
});

describe("foldConstants, locals", () => {
  it("puts the constant in the place of a local that is set once", () => {
    const body = code().i32(7).set(0).get(0).get(1).op("i32.mul").get(0).op("i32.add");
    expect(folded(body)).toEqual(["i32.const 7", "local.get 1", "i32.mul", "i32.const 7", "i32.add", "end"]);
  });

  it("folds what that leaves, again and again", () => {
    const body = code().i32(7).set(0).get(0).i32(1).op("i32.add").set(1).get(1).get(1).op("i32.mul");
    expect(folded(body)).toEqual(["i32.const 64", "end"]);
  });

  it.each([
    ["set twice", code().i32(7).set(0).get(0).i32(8).set(0).get(0).op("i32.add")],
    ["kept by a tee", code().i32(7).set(0).get(0).get(1).tee(0).op("i32.add").get(0).op("i32.add")],
    ["read before it is set", code().get(0).i32(7).set(0).get(0).op("i32.add")],
    ["set in a block", code().block().get(1).brIf(0).i32(7).set(0).end().get(0)],
    ["set to what is no constant", code().get(1).set(0).get(0)],
  ])("leaves a local that is %s", (_, body) => {
    expect(folded(body)).toEqual(instructionNames(body));
  });
});

describe("compactLocals", () => {
  it("numbers the locals that are used anew, in their order", () => {
    const body = code().get(3).tee(1).set(3);
    const types: readonly ValueType[] = ["i32", "i64", "f32", "i64"];
    const { body: numbered, locals } = compactLocals(body.bytes(), types);
    expect(locals).toEqual(["i64", "i64"]);
    expect(instructionNames(numbered)).toEqual(["local.get 1", "local.tee 0", "local.set 1", "end"]);
  });

  it("leaves out all when none is used", () => {
    const { body, locals } = compactLocals(code().i32(1).bytes(), ["i32", "i64"]);
    expect(locals).toEqual([]);
    expect(instructionNames(body)).toEqual(["i32.const 1", "end"]);
  });

  it("leaves indices that are no local's", () => {
    const { body } = compactLocals(code().call(2).get(2).bytes(), ["i32", "i32", "i32"]);
    expect(instructionNames(body)).toEqual(["call 2", "local.get 0", "end"]);
  });
});
