import { describe, expect, it } from "vitest";
import { buildModel, randomF32Model, tensorOf } from "../support/models.ts";
import { F32Oracle } from "./f32.ts";
import { at } from "./tensors.ts";

describe("F32Oracle", () => {
  const ones = (...shape: number[]) => tensorOf("F32", shape, new Array(shape.reduce((a, b) => a * b, 1)).fill(1));

  it("computes a step with normalisation, a GRU and a skip as by hand", () => {
    const { model } = buildModel(
      {
        ...randomF32Model({ inputs: 1, layers: [1], skip: 2, normalise: false }).spec,
      },
      new Map(
        Object.entries({
          "input.offset": tensorOf("F32", [1], [10]),
          "input.scale": tensorOf("F32", [1], [0.5]),
          "layers.0.W": tensorOf("F32", [3, 1], [0, 0, 1]),
          "layers.0.b": tensorOf("F32", [3], [0, 0, 0]),
          "layers.0.U": ones(3, 1),
          "layers.0.c": tensorOf("F32", [3], [0, 0, 0.5]),
          "layers.1.W": ones(1, 1),
          "layers.1.b": tensorOf("F32", [1], [3]),
          "skip.W": tensorOf("F32", [1, 2], [100, 1000]),
          "output.scale": tensorOf("F32", [1], [2]),
          "output.offset": tensorOf("F32", [1], [-1]),
        }),
      ),
    );
    const oracle = new F32Oracle(model);
    const h1 = Math.tanh(1 + 0.5 * 0.5) / 2;
    expect(oracle.step([12])[0]).toBeCloseTo((h1 + 3 + 1000) * 2 - 1, 12);
    const gate = 1 / (1 + Math.exp(-h1));
    const h2 = (1 - gate) * Math.tanh(-2 + gate * (h1 + 0.5)) + gate * h1;
    expect(oracle.step([6])[0]).toBeCloseTo((h2 + 3 + 100 - 2000) * 2 - 1, 11);
    expect(oracle.hidden()[0]).toBeCloseTo(h2, 14);
  });

  it("applies the reset gate before the product", () => {
    const { model } = randomF32Model({ inputs: 1, layers: [2], outputs: 0, reset: "before", normalise: false });
    const value = (name: string, index: number) => model.tensors.get(`layers.0.${name}`)?.data[index] ?? Number.NaN;
    const oracle = new F32Oracle(model);
    const h = oracle.step([1]).slice();
    const gate = (row: number) => {
      const sum = value("b", row) + value("c", row) - value("W", row);
      return 1 / (1 + Math.exp(-(sum + value("U", 2 * row) * at(h, 0) + value("U", 2 * row + 1) * at(h, 1))));
    };
    const recurrent = value("U", 8) * gate(0) * at(h, 0) + value("U", 9) * gate(1) * at(h, 1);
    const n = Math.tanh(value("b", 4) + value("c", 4) - value("W", 4) + recurrent);
    expect(oracle.step([-1])[0]).toBeCloseTo((1 - gate(2)) * n + gate(2) * at(h, 0), 14);
  });

  it("gives shares that add up to 1 behind softmax", () => {
    const { model } = randomF32Model({ layers: [4], outputs: 5, activation: "softmax" });
    expect(new F32Oracle(model).step([1, 2, 3, 4]).reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 14);
  });
});
