// Modules for microcontrollers compute the bits of the host.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Activation, Model } from "../../../host/model/types.ts";
import { type BuildOptions, buildModule } from "../../../tools/mcu/build.ts";
import type { Pack } from "../../../tools/mcu/types.ts";
import { driveHost, driveOracle } from "../../support/drive.ts";
import { extremeModel } from "../../support/extremes.ts";
import { SHAPES } from "../../support/kinds.ts";
import { randomF32Model, randomQ15Model } from "../../support/models.ts";

const PACKS: readonly Pack[] = ["wide", "bytes", "rows"];

const KINDS: typeof SHAPES = [...SHAPES, ["no head", { inputs: 2, layers: [6], outputs: 0 }]];

interface Exports {
  readonly memory: WebAssembly.Memory;
  step(): number;
  reset(): void;
  selftest(): number;
  drive(seed: number, steps: number): number;
  readonly [name: string]: unknown;
}

async function instantiate(model: Model, options: Partial<BuildOptions> = {}): Promise<Exports> {
  const { wasm } = await buildModule(model, { target: "generic", drive: true, ...options });
  return new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.from(wasm))).exports as unknown as Exports;
}

describe("buildModule", () => {
  const cases = PACKS.flatMap((pack) => KINDS.map(([title, shape]) => ({ pack, title, shape })));

  it.each(cases)("computes the bits of the host in q15, $pack: $title", async ({ pack, shape }) => {
    const { model } = randomQ15Model(shape);
    const module = await instantiate(model, { pack });
    expect(module.selftest()).toBe(0);
    expect(module.drive(7, 3000) >>> 0).toBe(driveHost(model, false, 7, 3000));
    expect(module.drive(8, 300) >>> 0).toBe(driveOracle(model, 8, 300));
  });

  it.each(cases)(
    "computes the bits of the oracle at the bounds of the numbers, $pack: $title",
    async ({ pack, shape }) => {
      for (let seed = 1; seed <= 5; seed++) {
        const { model } = extremeModel({ ...shape, seed });
        const module = await instantiate(model, { pack });
        expect(module.drive(seed, 200) >>> 0).toBe(driveOracle(model, seed, 200));
      }
    },
  );

  it.each(KINDS)("computes the bits of the host in f32: %s", async (_, shape) => {
    const { model } = randomF32Model(shape);
    const module = await instantiate(model);
    expect(module.selftest()).toBe(0);
    expect(module.drive(7, 1000) >>> 0).toBe(driveHost(model, false, 7, 1000));
  });

  it("computes the bits of the oracle whatever the shape", async () => {
    const activation = fc.constantFrom<Activation>("linear", "relu", "tanh", "sigmoid", "softmax");
    const shapes = fc.record({
      inputs: fc.integer({ min: 1, max: 9 }),
      layers: fc.array(fc.integer({ min: 1, max: 19 }), { minLength: 1, maxLength: 3 }),
      outputs: fc.integer({ min: 1, max: 5 }),
      reset: fc.constantFrom<"after" | "before">("after", "before"),
      activation,
      horizon: fc.integer({ min: 0, max: 4 }),
      seed: fc.integer({ min: 1, max: 1e6 }),
    });
    await fc.assert(
      fc.asyncProperty(shapes, fc.constantFrom(...PACKS), fc.boolean(), async (shape, pack, extreme) => {
        const { model } = extreme ? extremeModel(shape) : randomQ15Model(shape);
        const module = await instantiate(model, { pack });
        return module.drive(shape.seed, 40) >>> 0 === driveOracle(model, shape.seed, 40);
      }),
      { numRuns: 150, seed: 4 },
    );
  }, 60_000);
});
