// How far a quantized model is from its f32 model, on samples within their ranges.

import { describe, expect, it } from "vitest";
import type { Model } from "../../host/model/types.ts";
import { quantizeInMemory } from "../../host/quantize/in-memory.ts";
import { createRuntime } from "../../host/runtime/runtime.ts";
import { changed, placed } from "../support/changed.ts";
import { randomF32Model } from "../support/models.ts";
import { mulberry32 } from "../support/random.ts";
import type { ShapeOptions } from "../support/shapes.ts";
import { rangeSamples, type SampleSource, wildSamples } from "../support/streams.ts";

const sourceOf = ({ spec }: Model, seed: number): SampleSource =>
  // Tokens have no range; all of wildSamples' tokens are valid.
  spec.embedding ? wildSamples(spec, mulberry32(seed)) : rangeSamples(spec, mulberry32(seed));

interface Errors {
  /** Worst rms and greatest error of an output, each as a part of that output's own range. */
  readonly rms: number;
  readonly max: number;
}

/** How far a quantized model is from its f32 model on samples within their ranges. */
function outputErrors(model: Model, steps = 4000): Errors {
  const samples = sourceOf(model, 11)(steps);
  const exact = createRuntime(model).createSession().run(samples);
  const quantized = createRuntime(quantizeInMemory(model)).createSession().run(samples);
  const size = model.spec.outputs.length;
  const errors = model.spec.outputs.map((_, o) => {
    const at = (values: Float64Array) => values.filter((_value, i) => i % size === o);
    const [wanted, found] = [at(exact), at(quantized)];
    const range = Math.max(...wanted) - Math.min(...wanted);
    const differences = wanted.map((value, i) => Math.abs(value - (found[i] ?? Number.NaN)) / range);
    return {
      rms: Math.sqrt(differences.reduce((sum, value) => sum + value * value, 0) / differences.length),
      max: Math.max(...differences),
    };
  });
  return { rms: Math.max(...errors.map(({ rms }) => rms)), max: Math.max(...errors.map(({ max }) => max)) };
}

/** Greatest |difference| of a hidden state that is the only part of the state, over many steps. */
function stateError(model: Model, size: number): number {
  const f32 = createRuntime(model).createSession();
  const q15 = createRuntime(quantizeInMemory(model)).createSession();
  const source = sourceOf(model, 12);
  let worst = 0;
  for (let t = 0; t < 1000; t++) {
    const sample = source(1);
    f32.step(sample);
    q15.step(sample);
    const exact = new Float32Array(f32.snapshot().slice(28, -4).buffer, 0, size);
    const found = new Int16Array(q15.snapshot().slice(28, -4).buffer, 0, size);
    exact.forEach((value, j) => {
      worst = Math.max(worst, Math.abs(value - (found[j] ?? Number.NaN) / 32768));
    });
  }
  return worst;
}

const SHAPES: readonly (readonly [string, ShapeOptions])[] = [
  ["H = 1", { inputs: 1, layers: [1] }],
  ["H = 32", { inputs: 8, layers: [32], outputs: 8 }],
  ["H = 64", { inputs: 4, layers: [64] }],
  ["reset-before", { inputs: 4, layers: [16], reset: "before" }],
  ["two layers and a skip", { inputs: 3, layers: [16, 16], outputs: 3, skip: 3 }],
  ["a GRU as the last layer", { inputs: 4, layers: [8], outputs: 0, normalise: false }],
  ["relu", { inputs: 4, layers: [16], activation: "relu" }],
  ["tanh", { inputs: 4, layers: [16], outputs: 3, activation: "tanh", normalise: false }],
  ["sigmoid", { inputs: 4, layers: [16], outputs: 3, activation: "sigmoid", normalise: false }],
  ["softmax", { inputs: 4, layers: [16], outputs: 5, activation: "softmax", normalise: false }],
  ["an embedding", { layers: [16], embedding: { vocabulary: 20, size: 8 }, outputs: 3 }],
];

describe("a quantized model", () => {
  it.each(SHAPES)("is within an rms of 1 % and 2 % at most of each output's range: %s", (_, shape) => {
    for (const seed of [1, 2, 3]) {
      const { rms, max } = outputErrors(randomF32Model({ ...shape, seed }).model);
      expect(rms).toBeLessThan(0.01);
      expect(max).toBeLessThan(0.02);
    }
  });

  it("is as near with dense layers of every activation", () => {
    const dense = (["relu", "tanh", "relu", "linear", "sigmoid"] as const).map((activation) => ({
      dense: 16,
      activation,
    }));
    for (const seed of [1, 2, 3]) {
      const built = randomF32Model({ inputs: 4, layers: dense, outputs: 2, seed });
      // Weights as PyTorch starts them would leave an output that hardly moves.
      const { model } = changed(built, (name, { data }) =>
        data.map((value) => (/\.W$/.test(name) ? 3 * value : value)),
      );
      const { rms, max } = outputErrors(model);
      expect(rms).toBeLessThan(0.015);
      expect(max).toBeLessThan(0.05);
    }
  });

  it("keeps its hidden state within 0.02 of that of the f32 model", () => {
    for (const reset of ["after", "before"] as const) {
      for (const size of [1, 5, 32]) {
        const worst = stateError(randomF32Model({ inputs: 4, layers: [size], reset }).model, size);
        expect(worst).toBeLessThan(0.02);
      }
    }
  });

  it("repeats its input through a skip as well as its int16 weight allows", () => {
    // An offset off the grid of raw integers: what it is rounded by must come back through the output's offset.
    const places = [
      { min: -1, max: 1.2, offset: 0.30002, scale: 0.5 },
      { min: 980, max: 1050, offset: 1013.7, scale: 2 ** -5 },
    ];
    const { spec, tensors } = placed({ layers: [4], outputs: 2, skip: 3 }, places);
    const identity = changed({ spec, tensors }, (name, tensor) => {
      if (name === "skip.W") return [0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1]; // the newest of three samples
      if (name === "output.offset") return places.map(({ offset }) => offset);
      if (name === "output.scale") return places.map(({ scale }) => 1 / scale);
      return name.startsWith("layers.1.") ? new Float32Array(tensor.data.length) : tensor.data;
    });
    const runtime = createRuntime(quantizeInMemory(identity.model));
    const factors = runtime.model.spec.inputs.map(({ fraction = 0 }) => 2 ** fraction);
    const reaches = [1.3, 36.4];
    const steps = runtime.model.spec.outputs.map(({ fraction = 0 }) => 2 ** -fraction);
    const samples = rangeSamples(
      spec,
      mulberry32(1),
    )(2000).map((value, at) => {
      const factor = factors[at % 2] ?? 1;
      return Math.round(value * factor) / factor;
    });
    const predictions = runtime.createSession().run(samples);
    for (const i of [0, 1]) {
      const errors = predictions.map((value, at) => (at % 2 === i ? Math.abs(value - (samples[at] ?? Number.NaN)) : 0));
      expect(Math.max(...errors)).toBeLessThan((reaches[i] ?? 0) / 65534 + (steps[i] ?? 0));
    }
  });

  it("rounds its outputs without a bias", () => {
    const places = [{ min: -1, max: 1, offset: 0, scale: 1 }];
    const { spec, tensors } = placed({ layers: [] }, places);
    const identity = changed({ spec, tensors }, (name) =>
      name.endsWith("offset") || name === "layers.0.b" ? [0] : [1],
    );
    const runtime = createRuntime(quantizeInMemory(identity.model));
    const [factor = 1, step = 1] = [
      2 ** (runtime.model.spec.inputs[0]?.fraction ?? 0),
      2 ** -(runtime.model.spec.outputs[0]?.fraction ?? 0),
    ];
    const samples = rangeSamples(spec, mulberry32(1))(2000).map((value) => Math.round(value * factor) / factor);
    const predictions = runtime.createSession().run(samples);
    const mean = predictions.reduce((sum, value, t) => sum + (value - (samples[t] ?? 0)) / step, 0) / samples.length;
    expect(Math.abs(mean)).toBeLessThan(0.3);
  });

  it("adds the rounding constants of FORMAT.md 5.2 to its biases", () => {
    const shape = { inputs: 1, layers: [3, { dense: 2, activation: "tanh" }], normalise: false } as const;
    const { model } = changed(randomF32Model(shape), (name, { data }) =>
      /\.[bc]$/.test(name) ? data.map(() => 0) : data,
    );
    const { spec, tensors } = quantizeInMemory(model);
    const [gru, dense] = spec.layers;
    if (gru?.kind !== "gru" || dense?.kind !== "dense") throw new Error("Expected a GRU and a dense layer");
    const constant = (shift = 0) => (shift > 0 ? 2 ** (shift - 1) : 0);
    expect(gru.shift_h).toBeGreaterThan(0);
    expect(new Set(tensors.get("layers.0.b")?.data)).toEqual(new Set([constant(gru.shift_x)]));
    expect(new Set(tensors.get("layers.0.c")?.data)).toEqual(new Set([constant(gru.shift_h)]));
    expect(new Set(tensors.get("layers.1.b")?.data)).toEqual(new Set([constant(dense.shift_x)]));
  });

  it("survives rows of zeros", () => {
    const built = randomF32Model({ inputs: 2, layers: [4], outputs: 2 });
    const { model } = changed(built, (name, { data, shape: [rows = 1, columns = 1] }) =>
      // Every other row of W, U and the head, and all of the biases.
      data.map((value, i) =>
        !name.startsWith("layers") || (Math.floor(i / columns) % 2 === 1 && rows > 1) ? value : 0,
      ),
    );
    const samples = rangeSamples(model.spec, mulberry32(2))(500);
    const exact = createRuntime(model).createSession().run(samples);
    createRuntime(quantizeInMemory(model))
      .createSession()
      .run(samples)
      .forEach((value, i) => {
        expect(Math.abs(value - (exact[i] ?? 0))).toBeLessThan(0.02);
      });
  });

  it("survives a model of nothing but zeros", () => {
    const built = randomF32Model({ inputs: 2, layers: [3, { dense: 2, activation: "relu" }], outputs: 2 });
    const { model } = changed(built, (name, { data }) => data.map((value) => (name.startsWith("layers") ? 0 : value)));
    const session = createRuntime(quantizeInMemory(model)).createSession();
    const offset = model.tensors.get("output.offset")?.data ?? [];
    session.step([1, 2]).forEach((value, o) => {
      expect(value).toBeCloseTo(offset[o] ?? 0, 7);
    });
  });

  it("keeps gates open or shut whose biases are far greater than their weights", () => {
    const built = randomF32Model({ inputs: 2, layers: [6], outputs: 2, normalise: false });
    for (const bias of [9, -9, 500, -500]) {
      // Of the update gate: 6 to 11.
      const { model } = changed(built, (name, { data }) =>
        name === "layers.0.b" ? data.map((value, row) => (row >= 6 && row < 12 ? bias : value)) : data,
      );
      expect(stateError(model, 6)).toBeLessThan(0.02);
    }
  });

  it.each([
    ["1e-6 to 1e-3", [{ min: 1e-6, max: 1e-3, offset: 5e-4, scale: 3000 }]],
    ["100,000 ± 10", [{ min: 99_990, max: 100_010, offset: 1e5, scale: 0.15 }]],
    ["±1e9", [{ min: -1e9, max: 1e9, offset: 0, scale: 1.5e-9 }]],
    [
      "unlike ranges side by side",
      [
        { min: 0, max: 2e-4, offset: 1e-4, scale: 1.5e4 },
        { min: -4e6, max: 4e6, offset: 0, scale: 3.75e-7 },
        { min: 1012, max: 1014, offset: 1013, scale: 1.5 },
      ],
    ],
  ])("loses no more to inputs of %s than to plain ones", (_, places) => {
    const shape = { layers: [12], outputs: 2 };
    const { rms, max } = outputErrors(placed(shape, places));
    const plain = outputErrors(
      placed(
        shape,
        places.map(() => ({ min: -1.5, max: 1.5, offset: 0, scale: 1 })),
      ),
    );
    // What is left is the rounding of the weights, the same in both.
    expect(Math.abs(rms - plain.rms)).toBeLessThan(1e-3);
    expect(Math.abs(max - plain.max)).toBeLessThan(2e-3);
  });
});
