import { beforeAll, describe, expect, it } from "vitest";
import type { Model } from "../../../host/model/types.ts";
import { type BuildOptions, type BuiltModule, linkFor } from "../../../tools/mcu/build.ts";
import { RUNTIME_MEMORY } from "../../../tools/mcu/costs.ts";
import { linkWithin, memoryNeed, warningsOf } from "../../../tools/mcu/fit.ts";
import { randomF32Model, randomQ15Model } from "../../support/models.ts";

const SHAPE = { inputs: 2, layers: [6], outputs: 1 };
const { model: Q15 } = randomQ15Model(SHAPE);
const { model: F32 } = randomF32Model(SHAPE);

let wide: BuiltModule;
let bytes: BuiltModule;
let rows: BuiltModule;
let float: BuiltModule;

beforeAll(async () => {
  wide = await linkFor(Q15, { target: "generic", pack: "wide" });
  bytes = await linkFor(Q15, { target: "generic", pack: "bytes" });
  rows = await linkFor(Q15, { target: "wasm2c" });
  float = await linkFor(F32, { target: "generic" });
}, 30_000);

const on = (built: BuiltModule, target: BuiltModule["target"]): BuiltModule => ({ ...built, target });

describe("memoryNeed", () => {
  it("is linear memory alone where nothing was measured", () => {
    const linear = bytes.program.memoryBytes;
    expect(memoryNeed(bytes)).toEqual({ linear, runtime: undefined, module: 0, stack: undefined, total: linear });
    expect(memoryNeed(on(float, "wasm3")).total).toBe(float.program.memoryBytes);
  });

  it("adds heap and stack of wasm3 as measured for the pack", () => {
    for (const built of [bytes, wide]) {
      const { heap, stack = 0 } = RUNTIME_MEMORY.wasm3![built.pack]!;
      const linear = built.program.memoryBytes;
      const total = linear + heap + stack;
      expect(memoryNeed(on(built, "wasm3"))).toEqual({ linear, runtime: heap, module: 0, stack, total });
    }
  });

  it("adds the native stack of C, which needs no heap", () => {
    const { stack = 0 } = RUNTIME_MEMORY.wasm2c!.rows!;
    const linear = rows.program.memoryBytes;
    expect(memoryNeed(rows)).toEqual({ linear, runtime: 0, module: 0, stack, total: linear + stack });
  });

  it("adds the module itself for WAMR, which writes into it", () => {
    const linear = bytes.program.memoryBytes;
    const module = bytes.wasm.length;
    const { heap } = RUNTIME_MEMORY.wamr!.bytes!;
    expect(memoryNeed(on(bytes, "wamr"))).toMatchObject({
      linear,
      module,
      runtime: heap,
      total: linear + module + heap,
    });
  });
});

describe("linkWithin", () => {
  const packWithin = async (memory: number | undefined, options: Partial<BuildOptions> = {}) =>
    (await linkWithin(Q15, { target: "generic", ...options }, memory)).pack;

  it("takes the pack of the target without a bound", async () => {
    expect(await packWithin(undefined)).toBe("bytes");
    expect(await packWithin(undefined, { target: "wasm2c" })).toBe("rows");
    expect(await packWithin(undefined, { pack: "wide" })).toBe("wide");
  });

  it("takes wide down to the last byte that it needs, then bytes", async () => {
    const need = memoryNeed(wide).total;
    expect(await packWithin(need)).toBe("wide");
    expect(await packWithin(need - 1)).toBe("bytes");
    expect(await packWithin(need, { pack: "bytes" })).toBe("bytes");
  });

  it("gives a compiler rows, and an f32 model what its target takes", async () => {
    expect(await packWithin(1e6, { target: "wasm2c" })).toBe("rows");
    expect((await linkWithin(F32, { target: "generic" }, 1e6)).pack).toBe("bytes");
  });

  it("refuses with the least need of all packs, part by part, and the units that would fit", async () => {
    const need = memoryNeed(bytes).total;
    await expect(packWithin(need - 1)).rejects.toThrow(
      new RegExp(
        `^Model ${Q15.id} needs ${need} bytes, weights bytes \\(${need} of linear memory\\), --memory gives ${need - 1}; \\d units would fit$`,
      ),
    );
    const onWasm3 = memoryNeed(on(bytes, "wasm3"));
    await expect(packWithin(onWasm3.total - 1, { target: "wasm3" })).rejects.toThrow(
      `needs ${onWasm3.total} bytes, weights bytes (${onWasm3.linear} of linear memory, ${onWasm3.runtime} of wasm3, ${onWasm3.stack} of stack)`,
    );
    const onWamr = memoryNeed(on(bytes, "wamr"));
    await expect(packWithin(onWamr.total - 1, { target: "wamr" })).rejects.toThrow(
      `needs ${onWamr.total} bytes, weights bytes (${onWamr.linear} of linear memory, ${onWamr.module} of the module itself, ${onWamr.runtime} of wamr)`,
    );
  }, 30_000);

  it("says that no number of units would fit", async () => {
    await expect(packWithin(100)).rejects.toThrow("--memory gives 100; no number of units would fit");
  });

  it("names bytes where they would fit and wide was asked for, down to the last byte", async () => {
    const need = memoryNeed(bytes).total;
    await expect(packWithin(need, { pack: "wide" })).rejects.toThrow(`; with --pack bytes it needs ${need}`);
    await expect(packWithin(need - 1, { pack: "wide" })).rejects.toThrow(/weights wide .*; \d units would fit$/);
  });

  it("advises an f32 model to be quantized", async () => {
    const need = memoryNeed(float).total;
    await expect(linkWithin(F32, { target: "generic" }, need - 1)).rejects.toThrow(
      `Model ${F32.id} needs ${need} bytes (${need} of linear memory), --memory gives ${need - 1}; quantize it: q15 takes about a quarter`,
    );
  });

  it("finds the greatest number of units: they fit, and one more does not", async () => {
    const fits = async (size: number, model: (size: number) => Model, memory: number): Promise<boolean> =>
      await linkWithin(model(size), { target: "generic", pack: "bytes", vectors: 2 }, memory).then(
        () => true,
        () => false,
      );
    for (const [model, words] of [
      [(size: number) => randomQ15Model({ inputs: 2, layers: [size], outputs: 1 }).model, "units would fit"],
      [
        (size: number) => randomQ15Model({ inputs: 2, layers: [size, size], outputs: 1, reset: "before" }).model,
        "units in each GRU layer would fit",
      ],
      [(size: number) => randomQ15Model({ inputs: 2, layers: [size], outputs: 0 }).model, "units would fit"],
    ] as const) {
      const memory = 2600;
      const refused = linkWithin(model(24), { target: "generic", pack: "bytes", vectors: 2 }, memory);
      const message = await refused.then(
        () => "",
        (error: Error) => error.message,
      );
      expect(message).toContain(words);
      const units = Number(/(\d+) units/.exec(message)?.[1]);
      expect(await fits(units, model, memory)).toBe(true);
      expect(await fits(units + 1, model, memory)).toBe(false);
    }
  }, 60_000);
});

describe("warningsOf", () => {
  const first = (built: BuiltModule) => warningsOf(built).map((text) => text.split(/[ :,]/).slice(0, 2).join(" "));

  it("has none where pack and target suit each other", () => {
    for (const built of [bytes, wide, on(bytes, "wasm3"), on(wide, "wamr"), rows, float, on(float, "wamr")]) {
      expect(warningsOf(built)).toEqual([]);
    }
  });

  it("warns of floats in wasm3 and of fused floats in C", () => {
    expect(first(on(float, "wasm3"))).toEqual(["wasm3 keeps"]);
    expect(first(on(float, "wasm2c"))).toEqual(["compile with"]);
  });

  it("warns of packs for interpreters in C, and of rows in interpreters", () => {
    expect(warningsOf(on(wide, "wasm2c"))).toEqual([
      "weights wide are for interpreters: compiled for 32 bits, rows takes less than half the instructions",
    ]);
    expect(first(on(rows, "generic"))).toEqual(["weights in"]);
  });

  it("warns of more than one page of memory", () => {
    const sized = (memoryBytes: number) => ({ ...bytes, program: { ...bytes.program, memoryBytes } });
    expect(warningsOf(sized(65536))).toEqual([]);
    expect(warningsOf(sized(65537))).toEqual(["linear memory spans 2 pages of 64 KiB"]);
    expect(warningsOf(sized(131073))).toEqual(["linear memory spans 3 pages of 64 KiB"]);
  });
});
