// The functions of dense layers beyond those of a GRU, in the kernels and against double precision.
import { describe, expect, it } from "vitest";
import { ModelFormatError } from "../../host/model/errors.ts";
import { parseSpec } from "../../host/model/spec.ts";
import { checkActivations, quantizeModel } from "../../host/quantize/quantize.ts";
import { createRuntime } from "../../host/runtime/index.ts";
import { F32Oracle } from "../oracle/f32.ts";
import { randomF32Model, randomSamples } from "../support/models.ts";

const FUNCTIONS = [
  "prelu",
  "elu",
  "hardtanh",
  "gelu",
  "gelu_tanh",
  "silu",
  "softplus",
  "hardswish",
  "hardsigmoid",
] as const;

describe.each(FUNCTIONS)("a dense layer with %s", (activation) => {
  const { model, spec } = randomF32Model({
    layers: [{ dense: 19, activation }, 8, { dense: 33, activation }],
    outputs: 5,
    activation,
    seed: 7,
  });
  const samples = randomSamples(spec, 300);

  it("is within 2e-6 of double precision, in any place", () => {
    const oracle = new F32Oracle(model);
    const session = createRuntime(model).createSession();
    const errors = samples.flatMap((sample) => {
      const expected = oracle.step(sample);
      return [...session.step(sample)].map((value, i) => Math.abs(value - (expected[i] as number)));
    });
    expect(Math.max(...errors)).toBeLessThan(1e-5);
  });

  it.each([1, 2, 3])("is as near with %i outputs, few of which are packed row by row", (outputs) => {
    const few = randomF32Model({ layers: [8], outputs, activation, seed: 9 });
    const oracle = new F32Oracle(few.model);
    const session = createRuntime(few.model).createSession();
    for (const sample of samples) {
      const expected = oracle.step(sample);
      for (const [i, value] of session.step(sample).entries()) expect(value).toBeCloseTo(expected[i] as number, 4);
    }
  });

  it("gives the same bits in the SIMD and the scalar build", () => {
    const [simd, scalar] = [true, false].map((isSimd) => createRuntime(model, { simd: isSimd }).createSession());
    for (const sample of samples) expect([...simd!.step(sample)]).toEqual([...scalar!.step(sample)]);
  });

  it("has no fixed-point form, and says what it would take", () => {
    const ranges = spec.inputs.map(() => ({ min: -4, max: 4 }));
    const text = new RegExp(`layer 0 applies ${activation}, which has no fixed-point form: .* Run the model in f32`);
    expect(() => checkActivations(model)).toThrow(text);
    expect(() => quantizeModel(model, { ranges })).toThrow(RangeError);
    const fixed = { ...spec, numeric: "q15", inputs: spec.inputs.map((input) => ({ ...input, fraction: 4 })) };
    const layers = [{ kind: "dense", size: 5, activation, shift_x: 2 }];
    const outputs = spec.outputs.map((output) => ({ ...output, fraction: 4 }));
    expect(() => parseSpec({ ...fixed, layers, outputs })).toThrow(ModelFormatError);
    expect(() => parseSpec({ ...fixed, layers, outputs })).toThrow(/no fixed-point form/);
  });
});
