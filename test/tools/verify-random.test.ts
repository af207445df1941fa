// What verify takes for rounding and what it does not: right conversions of a thousand random networks pass, mutated ones fail.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { createRuntime, loadModel, type Model, type ModelSpec, type Tensor } from "../../host/runtime/index.ts";
import { compareWithReference } from "../../tools/verify/compare.ts";
import { DoubleNetwork } from "../../tools/verify/double.ts";
import type { Sequence } from "../../tools/verify/reference.ts";
import { type BuiltModel, buildModel, tensorOf } from "../support/models.ts";
import * as mutations from "../support/mutations.ts";
import { gaussian, integer, mulberry32, type Random, uniform } from "../support/random.ts";

/** A random network: weights × 1 to × 3, a head × 1 to × 1000, one to three layers. */
function randomNetwork(random: Random): BuiltModel {
  const count = integer(random, 1, 3);
  const size = integer(random, 3, 12);
  const [inputs, outputs] = [integer(random, 1, 3), integer(random, 1, 2)];
  const weight = 1 + 2 * random();
  const head = 10 ** (3 * random());
  const tensors = new Map<string, Tensor>();
  const put = (name: string, shape: readonly number[], limit: number) => {
    const length = shape.reduce((a, b) => a * b);
    tensors.set(
      name,
      tensorOf(
        "F32",
        shape,
        Float32Array.from({ length }, () => uniform(random, limit)),
      ),
    );
  };
  const limit = weight / Math.sqrt(size);
  const layers: ModelSpec["layers"][number][] = [];
  for (let layer = 0; layer < count; layer++) {
    put(`layers.${layer}.W`, [3 * size, layer === 0 ? inputs : size], limit);
    put(`layers.${layer}.U`, [3 * size, size], limit);
    put(`layers.${layer}.b`, [3 * size], limit);
    put(`layers.${layer}.c`, [3 * size], limit);
    layers.push({ kind: "gru", size, reset: random() < 0.5 ? "after" : "before" });
  }
  put(`layers.${count}.W`, [outputs, size], head / Math.sqrt(size));
  put(`layers.${count}.b`, [outputs], head / Math.sqrt(size));
  layers.push({ kind: "dense", size: outputs, activation: "linear" });
  const names = (letter: string, many: number) => Array.from({ length: many }, (_, i) => ({ name: `${letter}${i}` }));
  const spec: ModelSpec = {
    format: 1,
    name: "random",
    numeric: "f32",
    horizon: 1,
    warmup: 0,
    inputs: names("x", inputs),
    outputs: names("y", outputs),
    layers,
  };
  return buildModel(spec, tensors);
}

/** What a framework answers in single precision: the network in double precision with errors of the size of rounding, seed by seed. */
function answers(model: Model, steps: number, seed: number, samples?: Float32Array): Sequence {
  const random = mulberry32(seed);
  const width = model.spec.inputs.length;
  const inputs = Float64Array.from(samples ?? Float32Array.from({ length: steps * width }, () => gaussian(random)));
  const network = new DoubleNetwork(model, 2 ** -24, random);
  const outputs = new Float64Array(steps * model.spec.outputs.length);
  for (let t = 0; t < steps; t++) {
    const size = model.spec.outputs.length;
    network.step(inputs, t, outputs.subarray(t * size, (t + 1) * size));
  }
  return { inputs, outputs: Float64Array.from(outputs, Math.fround), steps, lastOnly: false };
}

const errorOf = (model: Model, sequence: Sequence): number =>
  Math.max(...compareWithReference(createRuntime(model), [sequence]).outputs.map(({ error }) => error));

describe("compareWithReference", () => {
  it("passes right conversions of 1,000 random networks, with room", () => {
    const random = mulberry32(11);
    let worst = 0;
    for (let i = 0; i < 1000; i++) {
      const { model } = randomNetwork(random);
      worst = Math.max(worst, errorOf(model, answers(model, 60, i)));
    }
    console.log(`worst right conversion: ${worst.toFixed(3)} of what is allowed`);
    expect(worst).toBeLessThanOrEqual(0.5);
  }, 120_000);

  it("fails mutations of random networks", () => {
    const random = mulberry32(12);
    let least = Infinity;
    for (let i = 0; i < 40; i++) {
      const built = randomNetwork(random);
      const reference = answers(built.model, 60, i);
      for (const [name, mutate] of Object.entries(mutations)) {
        const gru = built.model.spec.layers.filter(({ kind }) => kind === "gru");
        if (name === "dropLayer" && gru.length < 2) continue;
        // Merged biases are right where r does not weigh them.
        if (name === "mergeBiases" && gru.every((layer) => layer.kind === "gru" && layer.reset === "before")) continue;
        const error = errorOf(mutate(built).model, reference);
        least = Math.min(least, error);
        expect(error, `${name} of network ${i}`).toBeGreaterThan(1);
      }
    }
    console.log(`quietest mutation: ${least.toFixed(0)} times what is allowed`);
  }, 120_000);

  it.each(["tanh", "sigmoid", "relu"] as const)("fails a head that lost its %s", (activation) => {
    const built = randomNetwork(mulberry32(16));
    const change = (to: "linear" | typeof activation): BuiltModel => {
      const layers = built.spec.layers.map((layer) => (layer.kind === "dense" ? { ...layer, activation: to } : layer));
      return buildModel({ ...built.spec, layers }, built.tensors);
    };
    const reference = answers(change(activation).model, 60, 1);
    if (activation === "relu") expect(reference.outputs).toContain(0);
    expect(errorOf(change(activation).model, reference)).toBeLessThanOrEqual(1);
    expect(errorOf(change("linear").model, reference)).toBeGreaterThan(1);
  });

  describe.each(["pump", "machine-temperature"])("with the trained model %s", (name) => {
    const built = loadModel(readFileSync(`models/${name}.safetensors`)).then(
      ({ spec: { selftest: _, ...spec }, tensors }) =>
        buildModel(spec, new Map([...tensors].filter(([tensor]) => !tensor.startsWith("selftest.")))),
    );
    /** Samples about the offset; `quiet` times smaller, so that outputs hardly move. */
    const samplesOf = ({ model }: BuiltModel, quiet: number) => {
      const [offset, scale] = ["input.offset", "input.scale"].map((tensor) => model.tensors.get(tensor)?.data ?? []);
      const random = mulberry32(5);
      const width = model.spec.inputs.length;
      return Float32Array.from(
        { length: 300 * width },
        (_, i) => Number(offset?.[i % width]) + (quiet * gaussian(random)) / Number(scale?.[i % width]),
      );
    };
    const kept = Object.entries(mutations).filter(([mutation]) => mutation !== "dropLayer");

    it.each(kept.flatMap(([mutation, mutate]) => [1, 0.2, 0.01].map((quiet) => [mutation, quiet, mutate] as const)))(
      "fails %s where samples move by %f",
      async (_, quiet, mutate) => {
        const model = await built;
        const reference = answers(model.model, 300, 3, samplesOf(model, quiet));
        expect(errorOf(model.model, reference)).toBeLessThanOrEqual(1);
        expect(errorOf(mutate(model).model, reference)).toBeGreaterThan(1);
      },
    );
  });
});
