import { describe, expect, it } from "vitest";
import { ModelFormatError } from "../../host/model/errors.ts";
import { parseModel, serializeModel } from "../../host/model/model.ts";
import type { Model, Tensor } from "../../host/model/types.ts";
import { createRuntime } from "../../host/runtime/runtime.ts";
import { checkSelftest, runSelftest } from "../../host/runtime/selftest.ts";
import {
  type BuiltModel,
  buildModel,
  randomF32Model,
  randomQ15Model,
  tensorOf,
  withSelftest,
} from "../support/models.ts";

const SHAPE = { inputs: 2, layers: [6], outputs: 3, skip: 2 } as const;
const f32 = withSelftest(randomF32Model(SHAPE), 64);
const q15 = withSelftest(randomQ15Model(SHAPE), 64);

/** The same model with one tensor's elements changed. */
function changed(built: BuiltModel, name: string, change: (value: number, index: number) => number): Model {
  const tensor = built.tensors.get(name) as Tensor;
  const data = tensorOf(tensor.dtype, tensor.shape, Array.from(tensor.data, change));
  return parseModel(serializeModel(built.spec, new Map(built.tensors).set(name, data)));
}

const resultOf = (model: Model) => runSelftest(model, createRuntime(model).createSession());

describe("runSelftest", () => {
  it("answers nothing for a model without test vectors", () => {
    expect(resultOf(randomF32Model(SHAPE).model)).toBeUndefined();
  });

  it("passes a model that computes its test vectors", () => {
    expect(resultOf(f32.model)).toMatchObject({ steps: 64, passed: true });
    expect(resultOf(f32.model)?.worst).toBeLessThan(2e-6);
    expect(resultOf(q15.model)).toEqual({ steps: 64, worst: 0, passed: true });
  });

  it("passes inputs and outputs of unlike fractions", () => {
    const { spec, tensors } = randomQ15Model(SHAPE);
    const outputs = spec.outputs.map((output, o) => ({ ...output, fraction: 4 + 3 * o }));
    const inputs = spec.inputs.map((input, i) => ({ ...input, fraction: 9 + 2 * i }));
    expect(resultOf(withSelftest(buildModel({ ...spec, inputs, outputs }, tensors), 64).model)?.worst).toBe(0);
  });

  it("passes tokens", () => {
    const shape = { layers: [4], embedding: { vocabulary: 9, size: 3 }, outputs: 4, activation: "softmax" } as const;
    for (const built of [randomF32Model(shape), randomQ15Model(shape)]) {
      expect(resultOf(withSelftest(built, 32).model)).toMatchObject({ steps: 32, passed: true });
    }
  });

  it("passes raw integers at the ends of their range", () => {
    const built = randomQ15Model({ inputs: 1, layers: [3] });
    const raws = [2 ** 30, -(2 ** 30), 0, 2 ** 30 - 1];
    const session = createRuntime(built.model).createSession();
    const { fraction: inFraction = 0 } = built.spec.inputs[0] ?? {};
    const { fraction: outFraction = 0 } = built.spec.outputs[0] ?? {};
    const outputs = raws.map((raw) => (session.step([raw * 2 ** -inFraction])[0] ?? 0) * 2 ** outFraction);
    const tensors = new Map(built.tensors)
      .set("selftest.input", tensorOf("I32", [4, 1], raws))
      .set("selftest.output", tensorOf("I32", [4, 1], outputs));
    const spec = { ...built.spec, selftest: { steps: 4 } };
    expect(resultOf(parseModel(serializeModel(spec, tensors)))).toEqual({ steps: 4, worst: 0, passed: true });
  });

  it("fails a q15 model whose expected output is off by one", () => {
    const model = changed(q15, "selftest.output", (value, index) => (index === 100 ? value + 1 : value));
    expect(resultOf(model)).toEqual({ steps: 64, worst: 1, passed: false });
  });

  it("allows f32 the tolerance in the file, times the output where that is above 1", () => {
    const offBy = (relative: number) =>
      changed(f32, "selftest.output", (value, index) =>
        index === 100 ? value + relative * Math.max(1, Math.abs(value)) : value,
      );
    expect(resultOf(offBy(0.9e-5))?.passed).toBe(true);
    expect(resultOf(offBy(1.2e-5))?.passed).toBe(false);
    const spec = { ...f32.spec, selftest: { steps: 64, tolerance: 1e-3 } };
    const tolerant = parseModel(serializeModel(spec, offBy(0.9e-3).tensors));
    expect(resultOf(tolerant)?.passed).toBe(true);
    expect(resultOf(tolerant)?.worst).toBeCloseTo(0.9e-3, 5);
  });

  it("fails a prediction that is not a number", () => {
    const session = createRuntime(f32.model).createSession();
    const broken = { ...session, run: () => new Float64Array(64 * 3).fill(Number.NaN) };
    const result = runSelftest(f32.model, broken as unknown as typeof session);
    expect(result).toEqual({ steps: 64, worst: Number.POSITIVE_INFINITY, passed: false });
  });

  it.each(["layers.0.W", "layers.0.U", "layers.0.b", "layers.0.c", "layers.1.W", "skip.W", "output.offset"])(
    "notices a changed %s",
    (name) => {
      expect(resultOf(changed(f32, name, (value, index) => (index === 0 ? value + 0.25 : value)))?.passed).toBe(false);
    },
  );

  it.each(["layers.0.W", "layers.0.U", "layers.1.W", "skip.W", "output.offset", "input.offset"])(
    "notices a changed %s in q15",
    (name) => {
      // Zero and one are within every bound.
      const model = changed(q15, name, (value, index) => (index === 0 ? (value === 1 ? 0 : 1) : value));
      expect(resultOf(model)?.passed).toBe(false);
    },
  );
});

describe("checkSelftest", () => {
  it("says by how much the outputs differ, and what is allowed", () => {
    const model = changed(q15, "selftest.output", (value, index) => (index === 5 ? value - 3 : value));
    const check = () => checkSelftest(model, createRuntime(model).createSession());
    expect(check).toThrow(ModelFormatError);
    expect(check).toThrow(
      "selftest.output: differs by 3 from what the model computes, allowed is 0; the file is damaged or was written wrongly",
    );
  });

  it("accepts a model without test vectors", () => {
    const { model } = randomF32Model(SHAPE);
    expect(() => checkSelftest(model, createRuntime(model).createSession())).not.toThrow();
  });
});
