// A module whose constants are damaged says so.

import { describe, expect, it } from "vitest";
import type { Model } from "../../../host/model/types.ts";
import { buildModule } from "../../../tools/mcu/build.ts";
import type { Pack } from "../../../tools/mcu/types.ts";
import { readModule } from "../../../tools/wasm/read.ts";
import { randomF32Model, randomQ15Model } from "../../support/models.ts";
import { mulberry32 } from "../../support/random.ts";

interface Exports {
  check(): number;
  step(): number;
  selftest(): number;
}

const start = (wasm: Uint8Array): Exports =>
  new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.from(wasm))).exports as unknown as Exports;

/** Places in the file of the bytes that the module writes into its memory. */
const dataPlaces = (wasm: Uint8Array): readonly number[] =>
  readModule(wasm).data.flatMap(({ bytes }) => Array.from(bytes, (_, i) => bytes.byteOffset - wasm.byteOffset + i));

/** Whether the self-test passes; a damaged address traps. */
function passes(module: Exports): boolean {
  try {
    return module.selftest() === 0;
  } catch {
    return false;
  }
}

/** Single-bit flips in those bytes: `found` of `count` are found by check(). */
function flip(wasm: Uint8Array, count: number): { found: number; passed: number } {
  const places = dataPlaces(wasm);
  const random = mulberry32(16);
  let [found, passed] = [0, 0];
  for (let i = 0; i < count; i++) {
    const damaged = Uint8Array.from(wasm);
    const at = places[Math.floor(random() * places.length)]!;
    damaged[at] = damaged[at]! ^ (1 << Math.floor(random() * 8));
    const module = start(damaged);
    found += module.check();
    passed += passes(module) ? 1 : 0;
  }
  return { found, passed };
}

describe("check of a module", () => {
  const q15 = randomQ15Model({ inputs: 8, layers: [32], outputs: 2, horizon: 1 }).model;
  const f32 = randomF32Model({ inputs: 3, layers: [7], outputs: 1 }).model;
  const modules: readonly (readonly [title: string, model: Model, pack: Pack | undefined])[] = [
    ["wide", q15, "wide"],
    ["bytes", q15, "bytes"],
    ["rows", q15, "rows"],
    ["f32", f32, undefined],
  ];

  it.each(modules)(
    "finds every flipped bit of the constants, %s; the self-test misses some",
    async (_, model, pack) => {
      const { wasm } = await buildModule(model, { target: "generic", vectors: 1, ...(pack && { pack }) });
      const { found, passed } = flip(wasm, 400);
      expect(found).toBe(400);
      expect(passed).toBeGreaterThan(40);
    },
  );

  it.each(modules)("passes an undamaged module before and after its steps, %s", async (_, model, pack) => {
    const { wasm } = await buildModule(model, { target: "generic", ...(pack && { pack }) });
    const module = start(wasm);
    expect(module.check()).toBe(0);
    for (let t = 0; t < 20; t++) module.step();
    expect([module.selftest(), module.check()]).toEqual([0, 0]);
  });
});
