// Gates that are straight between 0 and 1, in the kernels and against double precision.
import { describe, expect, it } from "vitest";
import { ModelFormatError } from "../../host/model/errors.ts";
import { parseSpec } from "../../host/model/spec.ts";
import type { ModelSpec } from "../../host/model/types.ts";
import { checkActivations } from "../../host/quantize/quantize.ts";
import { createRuntime } from "../../host/runtime/index.ts";
import { F32Oracle } from "../oracle/f32.ts";
import { buildModel, randomF32Model, randomSamples } from "../support/models.ts";

/** Layers of sizes within, at and beyond a block, with weights that are half as large again: sums reach both ends of the gates. */
function hardModel(reset: "after" | "before") {
  const { spec, tensors } = randomF32Model({ layers: [5, 16, 19], outputs: 3, reset, seed: 5 });
  const layers = spec.layers.map((layer) => (layer.kind === "gru" ? { ...layer, gates: "hard" as const } : layer));
  const wider = new Map(
    [...tensors].map(([name, tensor]) => {
      const isOfGru = /^layers\.[012]\.[WUbc]$/.test(name);
      return [name, isOfGru ? { ...tensor, data: Float32Array.from(tensor.data, (value) => 1.5 * value) } : tensor];
    }),
  );
  return buildModel({ ...spec, layers } as ModelSpec, wider);
}

describe.each(["after", "before"] as const)("hard gates, reset-%s", (reset) => {
  const { model, spec } = hardModel(reset);
  const samples = randomSamples(spec, 300);

  it("are as near to double precision as single precision comes, and are not the logistic function", () => {
    const oracle = new F32Oracle(model);
    const session = createRuntime(model).createSession();
    const errors = samples.flatMap((sample) => {
      const expected = oracle.step(sample);
      return [...session.step(sample)].map((value, i) => Math.abs(value - (expected[i] as number)));
    });
    expect(Math.max(...errors)).toBeLessThan(1e-5);
  });

  it("give the same bits in the SIMD and the scalar build", () => {
    const [simd, scalar] = [true, false].map((isSimd) => createRuntime(model, { simd: isSimd }).createSession());
    for (const sample of samples) expect([...simd!.step(sample)]).toEqual([...scalar!.step(sample)]);
    expect([...simd!.snapshot()]).toEqual([...scalar!.snapshot()]);
  });

  it("have no fixed-point form, and say what it would take", () => {
    expect(() => checkActivations(model)).toThrow(/layer 0 has hard gates, .* Run the model in f32, or train it with/);
    const fixed = { ...spec, numeric: "q15", inputs: spec.inputs.map((input) => ({ ...input, fraction: 4 })) };
    const outputs = spec.outputs.map((output) => ({ ...output, fraction: 4 }));
    expect(() => parseSpec({ ...fixed, outputs })).toThrow(ModelFormatError);
    expect(() => parseSpec({ ...fixed, outputs })).toThrow(
      /layers\[0\]\.gates: not allowed here: .* no fixed-point form/,
    );
  });
});

it("gates of another name are refused", () => {
  const { spec } = randomF32Model({ layers: [3], outputs: 1 });
  const layers = spec.layers.map((layer) => (layer.kind === "gru" ? { ...layer, gates: "soft" } : layer));
  expect(() => parseSpec({ ...spec, layers })).toThrow('layers[0].gates: found "soft", expected "hard"');
});
