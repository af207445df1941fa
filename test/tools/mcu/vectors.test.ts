import { describe, expect, it } from "vitest";
import type { Model } from "../../../host/model/types.ts";
import { createRuntime } from "../../../host/runtime/runtime.ts";
import { makeVectors } from "../../../tools/mcu/vectors.ts";
import { randomF32Model, randomQ15Model, withSelftest } from "../../support/models.ts";

const words = (model: Model, steps: number) => {
  const { steps: taken, words } = makeVectors(model, steps);
  return { steps: taken, view: new DataView(words.buffer), bytes: words.length };
};

describe("makeVectors", () => {
  it("takes the first samples of the self-test, with what the host answers from a fresh state", () => {
    const built = withSelftest(randomQ15Model({ inputs: 2, layers: [3], outputs: 1 }), 5);
    const { steps, view, bytes } = words(built.model, 3);
    expect([steps, bytes]).toEqual([3, 4 * 3 * 3]);
    const input = built.model.tensors.get("selftest.input")!.data;
    const output = built.model.tensors.get("selftest.output")!.data;
    for (let t = 0; t < 3; t++) {
      expect(view.getInt32(12 * t, true)).toBe(input[2 * t]);
      expect(view.getInt32(12 * t + 4, true)).toBe(input[2 * t + 1]);
      expect(view.getInt32(12 * t + 8, true)).toBe(output[t]);
    }
  });

  it("takes no more samples than the self-test has", () => {
    const { model } = withSelftest(randomQ15Model({ inputs: 1, layers: [2] }), 2);
    expect(words(model, 8).steps).toBe(2);
  });

  it("draws samples from the ranges of a model without self-test", () => {
    const { model } = randomF32Model({ inputs: 2, layers: [3], outputs: 1 });
    const inputs = model.spec.inputs.map(({ name }, i) => ({ name, ...(i === 0 && { range: [10, 24] as const }) }));
    const ranged: Model = { ...model, spec: { ...model.spec, inputs } };
    const { steps, view } = words(ranged, 4);
    expect(steps).toBe(4);
    const session = createRuntime(ranged, { simd: false }).createSession();
    for (let t = 0; t < 4; t++) {
      const sample = [10 + 2 * ((5 * t) % 8), Math.fround(-1 + (2 * ((5 * t + 3) % 8)) / 7)];
      expect([0, 4].map((at) => view.getFloat32(12 * t + at, true))).toEqual(sample);
      expect(view.getFloat32(12 * t + 8, true)).toBe(session.step(sample)[0]);
    }
  });

  it("draws tokens below the vocabulary", () => {
    const { model } = randomQ15Model({ layers: [3], embedding: { vocabulary: 5, size: 2 }, outputs: 1 });
    const { view } = words(model, 6);
    expect(Array.from({ length: 6 }, (_, t) => view.getInt32(8 * t, true))).toEqual([3, 0, 2, 4, 1, 3]);
  });

  it("takes the tokens of a self-test as they are", () => {
    const built = withSelftest(randomQ15Model({ layers: [3], embedding: { vocabulary: 5, size: 2 }, outputs: 1 }), 4);
    const { view } = words(built.model, 4);
    const tokens = [...built.model.tensors.get("selftest.input")!.data];
    expect(Array.from({ length: 4 }, (_, t) => view.getInt32(8 * t, true))).toEqual(tokens);
  });

  it("takes the floats of a self-test as they are", () => {
    const built = withSelftest(randomF32Model({ inputs: 1, layers: [3], outputs: 1 }), 2);
    const { view } = words(built.model, 2);
    const floats = [...built.model.tensors.get("selftest.input")!.data];
    expect([view.getFloat32(0, true), view.getFloat32(8, true)]).toEqual(floats);
  });
});
