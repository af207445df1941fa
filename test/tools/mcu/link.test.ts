import { describe, expect, it } from "vitest";
import { MCU_Q15 } from "../../../build/mcu.ts";
import type { Activation, Model } from "../../../host/model/types.ts";
import { buildModule } from "../../../tools/mcu/build.ts";
import { linkModule } from "../../../tools/mcu/link.ts";
import type { Call, Pack, Program } from "../../../tools/mcu/types.ts";
import { checkModule } from "../../../tools/wasm/check.ts";
import { instructionsOf } from "../../../tools/wasm/instructions.ts";
import type { WasmModule } from "../../../tools/wasm/module.ts";
import { readModule } from "../../../tools/wasm/read.ts";
import { instructionNames } from "../../support/bodies.ts";
import { extremeModel } from "../../support/extremes.ts";
import { randomF32Model, randomQ15Model } from "../../support/models.ts";
import type { ShapeOptions } from "../../support/shapes.ts";
import { wat } from "../../support/wat.ts";
import { instantiate, q15 } from "./linked.ts";

const PACKS: readonly Pack[] = ["wide", "bytes", "rows"];

const SHAPES: readonly (readonly [string, ShapeOptions])[] = [
  ["one unit", { inputs: 1, layers: [1] }],
  ["reset-after and a skip", { inputs: 3, layers: [5], outputs: 2, skip: 4 }],
  ["reset-before, two layers", { inputs: 2, layers: [9, 4], reset: "before" }],
  [
    "an embedding and a softmax",
    { layers: [6], embedding: { vocabulary: 5, size: 3 }, outputs: 4, activation: "softmax" },
  ],
  ["no head", { inputs: 2, layers: [7], outputs: 0 }],
  ["dense layers alone", { inputs: 2, layers: [{ dense: 3, activation: "tanh" }], activation: "relu" }],
];

const moduleOf = async (model: Model, pack: Pack = "wide"): Promise<WasmModule> =>
  readModule((await buildModule(model, { target: "generic", pack })).wasm);

const countOf = async (module: Promise<WasmModule>, name: string): Promise<number> =>
  (await module).functions.flatMap(({ body }) => [...instructionsOf(body)]).filter((step) => step.name === name).length;

describe("linkModule, what a module holds", () => {
  const withActivation = (activation: Activation) => moduleOf(q15({ inputs: 2, layers: [4], outputs: 3, activation }));

  it("divides only for a softmax", async () => {
    expect(await countOf(withActivation("softmax"), "i32.div_u")).toBe(1);
    expect(await countOf(withActivation("sigmoid"), "i32.div_u")).toBe(0);
    expect(await countOf(withActivation("linear"), "i32.div_u")).toBe(0);
  });

  it("takes the inner loops of its pack and no others", async () => {
    const model = q15({ inputs: 2, layers: [4] });
    // In rows only the outputs take 64-bit products; wide has 48 in the loop of a group of units.
    expect(await countOf(moduleOf(model, "rows"), "i64.mul")).toBeLessThanOrEqual(2);
    expect(await countOf(moduleOf(model, "wide"), "i64.mul")).toBeGreaterThanOrEqual(48);
    expect(await countOf(moduleOf(model, "wide"), "i64.load8_u")).toBe(0);
  });

  it("asks whether sums pass i16 only where that is not proven", async () => {
    const model = q15({ inputs: 2, layers: [4] });
    const shifted = (shift: number): Model => {
      const layers = model.spec.layers.map((layer) =>
        layer.kind === "gru" ? { ...layer, shift_x: shift, shift_h: shift } : layer,
      );
      return { ...model, spec: { ...model.spec, layers } };
    };
    const asked = (shift: number) => countOf(moduleOf(shifted(shift)), "i64.and");
    // No sum of 32 bits passes i16 at a shift of 16.
    expect(await asked(16)).toBe(0);
    expect(await asked(0)).toBeGreaterThan(0);
  });

  it("has the inner loops once for layers alike", async () => {
    const one = moduleOf(q15({ inputs: 4, layers: [4] }));
    const three = moduleOf(q15({ inputs: 4, layers: [4, 4, 4] }));
    expect(await countOf(three, "i64.mul")).toBe(await countOf(one, "i64.mul"));
  });

  it("has no imports, no tables, no start function and no customs", async () => {
    const { imports, tables, start, customs, elements } = await moduleOf(q15({ inputs: 2, layers: [4] }));
    expect({ imports, tables, start, customs, elements }).toEqual({
      imports: [],
      tables: [],
      start: undefined,
      customs: [],
      elements: [],
    });
  });

  it("has `drive` only when asked", async () => {
    const model = q15({ inputs: 2, layers: [4] });
    const names = async (drive: boolean) =>
      Object.keys(instantiate((await buildModule(model, { target: "generic", drive })).wasm));
    const without = await names(false);
    expect(without).not.toContain("drive");
    expect(await names(true)).toEqual([...without.slice(0, 5), "drive", ...without.slice(5)]);
  });

  it("makes the same bytes of the same model, whatever was linked before", async () => {
    const built = async (pack: Pack) => {
      const { model } = randomQ15Model({ inputs: 3, layers: [5], skip: 2 });
      return Buffer.from((await buildModule(model, { target: "generic", pack })).wasm);
    };
    const first = await Promise.all(PACKS.map(built));
    await buildModule(randomF32Model({ inputs: 2, layers: [9, 4], reset: "before" }).model, { target: "generic" });
    for (const [index, pack] of PACKS.entries()) expect(await built(pack)).toEqual(first[index]);
  });
});

describe("linkModule, a library of six functions", () => {
  /** `refuse` answers its argument; `selftest` calls the import, which stands for the step. */
  const library = wat(`(module
    (import "selftest" "step" (func $step (result i32)))
    (memory 1)
    (data (i32.const 4) "own")
    (func (export "clear") (param i32 i32))
    (func (export "selftest") (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32) (call $step))
    (func (export "check") (param i32 i32 i32 i32 i32) (result i32) (local.get 3))
    (func (export "refuse") (param i32) (result i32) (i32.mul (local.get 0) (i32.load (i32.const 64))))
    (func (export "unused") (param i32) (result i32) (i32.const 12345))
    (func (export "drive_q15") (param i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
      (i32.add (i32.shl (local.get 0) (local.get 1)) (local.get 8))))`);
  const place = (address: number) => ({ address, bytes: 4 });
  const ONE = { name: "one", address: 64, bytes: 1, data: Uint8Array.of(1) };
  const programOf = (...calls: readonly Call[]): Program => ({
    numeric: "q15",
    calls,
    regions: [ONE],
    input: place(16),
    output: place(20),
    state: { address: 32, bytes: 16 },
    modelHash: { address: 48, bytes: 16 },
    vectors: { ...place(64), steps: 0 },
    vocabulary: 7,
    memoryBytes: 80,
  });
  const refuse = (status: number, hasStatus = true): Call => ({ name: "refuse", args: [status], hasStatus });
  const linked = (...calls: readonly Call[]) => linkModule(library, programOf(...calls));
  const stepOf = async (...calls: readonly Call[]) => instantiate(await linked(...calls)).step();

  it("answers 0 without calls", async () => {
    expect(await stepOf()).toBe(0);
  });

  it("ends a step with the first status that is not 0", async () => {
    expect(await stepOf(refuse(0), refuse(0))).toBe(0);
    expect(await stepOf(refuse(0), refuse(7), refuse(9))).toBe(7);
    expect(await stepOf(refuse(9))).toBe(9);
    expect(await stepOf(refuse(0), refuse(9))).toBe(9);
  });

  it("gives the check the constants of library and program", async () => {
    expect((instantiate(await linked()).check as () => number)()).toBe(80);
  });

  it("lets the step stand for the library's import", async () => {
    expect(instantiate(await linked(refuse(7))).selftest()).toBe(7);
  });

  it("gives a run its two parameters, then the places and the vocabulary", async () => {
    const wasm = await linkModule(library, programOf(), { drive: true });
    expect((instantiate(wasm).drive as (seed: number, steps: number) => number)(5, 3)).toBe(5 * 8 + 7);
  });

  it("inlines a function that is called once", async () => {
    expect(readModule(await linked(refuse(7))).functions).toHaveLength(4);
  });

  it("leaves out what nothing calls", async () => {
    const { functions } = readModule(await linked(refuse(7)));
    expect(functions.flatMap(({ body }) => instructionNames(body))).not.toContain("i32.const 12345");
  });

  it("refuses a call of a function that the library has not", async () => {
    await expect(linked({ name: "absent", args: [] })).rejects.toThrow("The library has no function absent");
    await expect(linked({ name: "memory", args: [] })).rejects.toThrow("The library has no function memory");
  });

  it("keeps the library's data before those of the program", async () => {
    const { data } = readModule(await linked());
    expect(data.map(({ place: at, bytes }) => [at, [...bytes]])).toEqual([
      [{ kind: "active", memory: 0, address: { kind: "i32.const", value: 4 } }, [...Buffer.from("own")]],
      [{ kind: "active", memory: 0, address: { kind: "i32.const", value: 64 } }, [1]],
    ]);
  });

  it("has as many pages as the memory in use takes", async () => {
    const pages = async (memoryBytes: number) =>
      readModule(await linkModule(library, { ...programOf(), memoryBytes })).memories.map(({ min, max }) => [min, max]);
    expect(await pages(65536)).toEqual([[1, 1]]);
    expect(await pages(65552)).toEqual([[2, 2]]);
  });
});

describe("linkModule, the static checker", () => {
  const problems = (wasm: Uint8Array, integerOnly: boolean) =>
    checkModule(wasm, { integerOnly }).properties.filter(({ status }) => status !== "ok");

  it.each(PACKS.flatMap((pack) => SHAPES.map(([title, shape]) => ({ pack, title, shape }))))(
    "finds every property in q15, $pack: $title",
    async ({ pack, shape }) => {
      for (const { model } of [randomQ15Model(shape), extremeModel(shape)]) {
        for (const drive of [false, true]) {
          expect(problems((await buildModule(model, { target: "generic", pack, drive })).wasm, true)).toEqual([]);
        }
      }
    },
  );

  it.each(SHAPES)("finds every property but that of floats in f32: %s", async (_, shape) => {
    const { wasm } = await buildModule(randomF32Model(shape).model, { target: "generic", drive: true });
    expect(problems(wasm, false)).toEqual([]);
    expect(problems(wasm, true).map(({ code }) => code)).toEqual(["floats"]);
  });

  it("finds the q15 library itself to be no module of ours: it imports the step", () => {
    const report = checkModule(Buffer.from(MCU_Q15, "base64"), { integerOnly: true });
    expect(report.isSound).toBe(false);
  });
});
