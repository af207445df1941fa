import { describe, expect, it } from "vitest";
import { F32Oracle } from "../oracle/f32.ts";
import { Q15Oracle, toRaw, toReal } from "../oracle/q15.ts";
import { randomF32Model, randomQ15Model, randomSamples, withSelftest } from "./models.ts";
import { mulberry32 } from "./random.ts";
import type { ShapeOptions } from "./shapes.ts";

const SHAPES: Readonly<Record<string, ShapeOptions>> = {
  "one GRU layer": { inputs: 3, layers: [8], outputs: 2 },
  "stacked, reset-before, relu": { inputs: 1, layers: [5, 7], reset: "before", activation: "relu" },
  "a skip of three": { inputs: 2, layers: [6], outputs: 2, skip: 3 },
  "an embedding and softmax": { embedding: { vocabulary: 9, size: 4 }, layers: [8], outputs: 9, activation: "softmax" },
  "dense layers before": {
    layers: [{ dense: 6, activation: "relu" }, { dense: 4, activation: "tanh" }, 5],
    activation: "sigmoid",
  },
  "a GRU at the end": { layers: [4], outputs: 0 },
  "rows that are long": { inputs: 700, layers: [2] },
};

describe("mulberry32", () => {
  it("gives the same numbers for the same seed", () => {
    expect(mulberry32(7)()).toBe(mulberry32(7)());
    expect(mulberry32(7)()).not.toBe(mulberry32(8)());
  });
});

describe.each(Object.entries(SHAPES))("random models with %s", (_, options) => {
  it("makes the same f32 file for the same seed, and another for another", () => {
    const { hash } = randomF32Model(options).model;
    expect(randomF32Model(options).model.hash).toBe(hash);
    expect(randomF32Model({ ...options, seed: 2 }).model.hash).not.toBe(hash);
  });

  it("makes a q15 model whose predictions are near those of the f32 model it comes from", () => {
    const { model } = randomQ15Model(options);
    const plain = randomF32Model({ ...options, normalise: false }).model;
    const [q15, f32] = [new Q15Oracle(model), new F32Oracle(plain)];
    let worst = 0;
    for (const sample of randomSamples(model.spec, 50)) {
      const actual = toReal(model.spec, q15.step(toRaw(model.spec, sample)));
      const inputs = model.spec.inputs.map(({ range = [0, 0] }, i) =>
        model.spec.embedding
          ? (sample[i] ?? 0)
          : (6 * ((sample[i] ?? 0) - (range[0] + range[1]) / 2)) / (range[1] - range[0]),
      );
      const expected = f32.step(inputs);
      expected.forEach((value, o) => {
        worst = Math.max(worst, Math.abs(value - (actual[o] ?? Number.NaN)));
      });
    }
    expect(worst).toBeLessThan(0.05);
  });

  it("adds a self-test", () => {
    expect(withSelftest(randomF32Model(options), 4).model.spec.selftest).toEqual({ steps: 4, tolerance: 1e-5 });
    expect(withSelftest(randomQ15Model(options), 4).model.spec.selftest).toEqual({ steps: 4, tolerance: 0 });
  });
});
