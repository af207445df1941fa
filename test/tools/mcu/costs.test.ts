import { describe, expect, it } from "vitest";
import type { Model } from "../../../host/model/types.ts";
import { gruModel } from "../../../tools/bench/models.ts";
import { estimateSteps } from "../../../tools/mcu/costs.ts";
import type { Pack, Target } from "../../../tools/mcu/types.ts";
import { randomQ15Model } from "../../support/models.ts";

/** Estimates of a plan; only its numeric form counts. */
function estimates(model: Model, target: Target, pack: Pack) {
  const built = { target, pack, program: { numeric: model.spec.numeric } };
  return estimateSteps(model, built as Parameters<typeof estimateSteps>[1]);
}

describe("estimateSteps", () => {
  it("is within 15 % of what was measured (docs/microcontrollers.md)", () => {
    const measured = [
      [16, "wasm2c", "rows", 2, 4622],
      [32, "wasm2c", "rows", 2, 12367],
      [64, "wasm2c", "rows", 2, 39511],
      [16, "wasm3", "bytes", 1, 140118],
      [32, "wasm3", "wide", 1, 200893],
      [64, "wasm3", "bytes", 1, 1052299],
    ] as const;
    for (const [H, target, pack, index, instructions] of measured) {
      const found = estimates(gruModel("q15", 8, H), target, pack);
      const { instructions: told } = found.length === 1 ? found[0]! : found[index - 1]!;
      expect(Math.abs(told / instructions - 1), `${H} ${target} ${pack}`).toBeLessThan(0.15);
    }
  });

  it("names what was measured for the target and the pack", () => {
    const model = gruModel("q15", 8, 16);
    expect(estimates(model, "wasm2c", "rows").map(({ name }) => name)).toEqual([
      "wasm2c, Cortex-M0",
      "wasm2c, Cortex-M3, M4, M33",
      "wasm2c, rv32imac",
    ]);
    expect(estimates(model, "wasm3", "wide").map(({ name }) => name)).toEqual(["wasm3, Cortex-M4"]);
    expect(estimates(model, "generic", "bytes").map(({ name }) => name)).toEqual(["wasm3, Cortex-M4"]);
    expect(estimates(model, "wamr", "bytes")).toEqual([]);
    expect(estimates(gruModel("f32", 8, 16), "generic", "bytes")).toEqual([]);
  });

  it("counts dense layers, the skip and every unit, to two digits", () => {
    const one = (shape: Parameters<typeof randomQ15Model>[0]) =>
      estimates(randomQ15Model(shape).model, "wasm2c", "rows")[1]?.instructions;
    // 2.53 for each multiplication, 57 for each unit, 762 besides: 3 · 4 · (2 + 4) + 4 products, 4 units.
    expect(one({ inputs: 2, layers: [4], outputs: 1 })).toBe(1200);
    // 16 · 200 and 16 · 200 more products of dense layers.
    expect(one({ inputs: 2, layers: [4, { dense: 200, activation: "relu" }], outputs: 16 })).toBe(11000);
    // 100 · 2 · 2 more of a skip.
    expect(one({ inputs: 2, layers: [4], outputs: 2, skip: 100 })).toBe(2200);
  });
});
