import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseModel, serializeModel } from "../../host/model/model.ts";
import type { Model } from "../../host/model/types.ts";
import { quantizeModel, type Range } from "../../host/quantize/quantize.ts";
import { createRuntime } from "../../host/runtime/runtime.ts";
import { createPump } from "../../tools/demo/pump.ts";
import { type CalibrateOptions, quantizeCalibrated } from "../../tools/quantize/calibrated.ts";
import { traceF32 } from "../../tools/quantize/trace.ts";
import { F32Oracle } from "../oracle/f32.ts";
import { changed } from "../support/changed.ts";
import { randomF32Model, randomSamples } from "../support/models.ts";
import { mulberry32 } from "../support/random.ts";
import type { ShapeOptions } from "../support/shapes.ts";
import { rangeSamples, wildSamples } from "../support/streams.ts";

type Steps = Pick<CalibrateOptions, "sums" | "scale" | "correctBias" | "compensate">;

const SCALE: Steps = { sums: "bound", scale: "error", correctBias: false, compensate: false };
const BIAS: Steps = { ...SCALE, correctBias: true };
const COMPENSATED: Steps = { ...BIAS, compensate: true };
const ALL: Steps = { ...COMPENSATED, sums: "minmax" };

const SHAPES: readonly (readonly [string, ShapeOptions])[] = [
  ["H = 1", { inputs: 1, layers: [1] }],
  ["H = 32", { inputs: 8, layers: [32], outputs: 8 }],
  ["H = 64", { inputs: 4, layers: [64] }],
  ["reset-before", { inputs: 4, layers: [16], reset: "before" }],
  ["two layers and a skip", { inputs: 3, layers: [16, 16], outputs: 3, skip: 3 }],
  ["a GRU as the last layer", { inputs: 4, layers: [8], outputs: 0, normalise: false }],
  ["relu", { inputs: 4, layers: [16], activation: "relu" }],
  ["softmax", { inputs: 4, layers: [16], outputs: 5, activation: "softmax", normalise: false }],
  [
    "dense only",
    {
      inputs: 4,
      layers: [
        { dense: 16, activation: "tanh" },
        { dense: 8, activation: "linear" },
      ],
      outputs: 2,
    },
  ],
  ["an embedding", { layers: [16], embedding: { vocabulary: 20, size: 8 }, outputs: 3 }],
];

/** SHA-256 of five plainly quantized models of each shape, as they were before rounding became exchangeable. */
const PLAIN_BITS = [
  "56ec357c9113792c",
  "dd3990817833a33e",
  "234eb24bf3b6e8ac",
  "f6f1b90f61f7942b",
  "a14dd81e126fe898",
  "18a070930b8c022b",
  "3b7cffe7ef92709c",
  "8fc6463e60fdbba3",
  "d3785d48ed506730",
  "3fe9152e8c52e84f",
];

const rangesOf = ({ spec }: Model): Range[] =>
  spec.inputs.map(({ range }) => ({ min: range?.[0] ?? -1, max: range?.[1] ?? 1 }));

function samplesOf({ spec }: Model, seed: number, steps = 1500): Float64Array {
  const source = spec.embedding ? wildSamples(spec, mulberry32(seed)) : rangeSamples(spec, mulberry32(seed));
  return Float64Array.from(source(steps));
}

function plain(model: Model): Uint8Array {
  const { spec, tensors } = quantizeModel(model, { ranges: rangesOf(model) });
  return serializeModel(spec, tensors);
}

function calibrated(model: Model, steps: Steps, samples = samplesOf(model, 1)): Uint8Array {
  const { spec, tensors } = quantizeCalibrated(model, { samples, ranges: rangesOf(model), ...steps });
  return serializeModel(spec, tensors);
}

/** rms error of the hidden state of a model whose state is one GRU layer of `size` units. */
function stateError(model: Model, bytes: Uint8Array, size: number, samples = samplesOf(model, 2)): number {
  const f32 = createRuntime(model).createSession();
  const q15 = createRuntime(parseModel(bytes)).createSession();
  const width = model.spec.inputs.length;
  const window = (model.spec.skip?.length ?? 0) * width;
  const start = (bytesEach: number) => Math.ceil((bytesEach * window) / 16) * 16;
  let sum = 0;
  const steps = samples.length / width;
  for (let t = 0; t < steps; t++) {
    const sample = samples.subarray(t * width, (t + 1) * width);
    f32.step(sample);
    q15.step(sample);
    const exact = new Float32Array(f32.snapshot().slice(28, -4).buffer, start(4), size);
    const found = new Int16Array(q15.snapshot().slice(28, -4).buffer, start(2), size);
    exact.forEach((value, j) => {
      sum += (value - (found[j] as number) / 32768) ** 2;
    });
  }
  return Math.sqrt(sum / steps / size);
}

/** Mean square error of the outputs on samples that calibration did not see, as a part of their variance. */
function outputError(model: Model, bytes: Uint8Array): number {
  const samples = samplesOf(model, 3);
  const exact = createRuntime(model).createSession().run(samples);
  const found = createRuntime(parseModel(bytes)).createSession().run(samples);
  const O = model.spec.outputs.length;
  const means = model.spec.outputs.map(
    (_, o) => exact.reduce((s, v, i) => s + (i % O === o ? v : 0), 0) / (exact.length / O),
  );
  let [error, variance] = [0, 0];
  exact.forEach((value, i) => {
    error += (value - (found[i] as number)) ** 2;
    variance += (value - (means[i % O] as number)) ** 2;
  });
  // A relu may be off throughout.
  return variance > 0 ? error / variance : 0;
}

describe("the plain quantizer", () => {
  it("writes the bits that it wrote before its rounding became exchangeable", () => {
    const found = SHAPES.map(([, shape]) => {
      const hash = createHash("sha256");
      for (const seed of [1, 2, 3, 4, 5]) hash.update(plain(randomF32Model({ ...shape, seed }).model));
      return hash.digest("hex").slice(0, 16);
    });
    expect(found).toEqual(PLAIN_BITS);
  });
});

describe("traceF32", () => {
  it.each(SHAPES)("computes the states of the reference: %s", (_, shape) => {
    const { model, spec } = randomF32Model(shape);
    const samples = randomSamples(spec, 30);
    const oracle = new F32Oracle(model);
    traceF32(model, samples.flat(), (layers, t) => {
      oracle.step(samples[t] as number[]);
      const hidden = layers.flatMap(({ y }, k) => (spec.layers[k]?.kind === "gru" ? [...y] : []));
      expect(hidden.length).toBe(oracle.hidden().length);
      hidden.forEach((value, j) => {
        expect(value).toBeCloseTo(oracle.hidden()[j] as number, 12);
      });
    });
  });

  it("refuses a token that is not in the vocabulary", () => {
    const { model } = randomF32Model({ layers: [4], embedding: { vocabulary: 20, size: 8 } });
    expect(() => traceF32(model, [3, 20], () => {})).toThrow("Sample 2 is token 20, expected 0 to 19");
  });
});

describe("quantizeCalibrated", () => {
  it.each(SHAPES)("writes a valid model, the same each time, and does not hurt: %s", (_, shape) => {
    let [before, after] = [0, 0];
    for (const seed of [1, 2, 3]) {
      const { model } = randomF32Model({ ...shape, seed });
      const bytes = calibrated(model, ALL);
      expect(calibrated(model, ALL)).toEqual(bytes);
      before += outputError(model, plain(model));
      after += outputError(model, bytes);
    }
    // 10 % for chance where a handful of weights is all there is.
    expect(after).toBeLessThan(1.1 * before);
  });

  it("brings the state nearer with each step, on average, to an rms of 6e-4", () => {
    const sums = [0, 0, 0, 0];
    const models = [1, 2, 3].flatMap((seed) =>
      [16, 32].map((size) => ({ size, model: randomF32Model({ inputs: 4, layers: [size], seed }).model })),
    );
    for (const { size, model } of models) {
      const files = [plain(model), ...[SCALE, BIAS, ALL].map((steps) => calibrated(model, steps))];
      files.forEach((bytes, i) => {
        sums[i] = (sums[i] as number) + stateError(model, bytes, size) / models.length;
      });
    }
    const [none, scale, bias, all] = sums as [number, number, number, number];
    expect(scale).toBeLessThan(0.9 * none);
    expect(bias).toBeLessThan(1.01 * scale);
    expect(all).toBeLessThan(0.97 * bias);
    expect(all).toBeLessThan(6e-4);
  });

  it("adds at most 1 % to the one-step error of the demo model", () => {
    const model = parseModel(readFileSync("models/pump.safetensors"));
    const pump = createPump(5);
    const samples = Float64Array.from(Array.from({ length: 8000 }, () => pump.next()).flat());
    const half = samples.length / 2;
    const heldOut = samples.subarray(half);
    const exact = createRuntime(model).createSession().run(heldOut);
    const file = calibrated(model, ALL, samples.subarray(0, half));
    const found = createRuntime(parseModel(file)).createSession().run(heldOut);
    const { inputs, outputs, horizon } = model.spec;
    expect(horizon).toBe(1);
    outputs.forEach(({ forecasts }, o) => {
      const input = inputs.findIndex(({ name }) => name === forecasts);
      const mae = (predictions: Float64Array) => {
        let sum = 0;
        for (let t = 0; t + 1 < heldOut.length / inputs.length; t++) {
          const next = heldOut[(t + 1) * inputs.length + input] as number;
          sum += Math.abs((predictions[t * outputs.length + o] as number) - next);
        }
        return sum;
      };
      expect(mae(found) / mae(exact)).toBeLessThan(1.01);
    });
  });

  it("halves the error of the demo model's state by reaching no further than its sums do", () => {
    const model = parseModel(readFileSync("models/pump.safetensors"));
    const pump = createPump(5);
    const samples = Float64Array.from(Array.from({ length: 6000 }, () => pump.next()).flat());
    const [known, heldOut] = [samples.subarray(0, samples.length / 2), samples.subarray(samples.length / 2)];
    const error = (sums: Steps["sums"]) => stateError(model, calibrated(model, { ...ALL, sums }, known), 24, heldOut);
    const bound = error("bound");
    for (const sums of ["minmax", "percentile", "error"] as const) expect(error(sums)).toBeLessThan(0.6 * bound);
  });

  it("lets rare sums saturate for the sake of all others where that is asked for", () => {
    const built = randomF32Model({ inputs: 2, layers: [12], normalise: false });
    const wide = { ...built.spec, inputs: built.spec.inputs.map((input) => ({ ...input, range: [-60, 60] as const })) };
    const { model } = changed({ ...built, spec: wide }, (name, { data }) =>
      // One row of W as great as the others are together: it decides the shift.
      name === "layers.0.W" ? data.map((value, i) => (i < 2 ? 12 * value : value)) : data,
    );
    const ordinary = Float64Array.from({ length: 12_000 }, (_, i) => Math.sin(i / (3 + (i % 2))));
    const spiked = ordinary.map((value, i) => (i % 6000 === 3000 ? 55 : value));
    const errors = (sums: Steps["sums"]) => {
      const file = calibrated(model, { ...ALL, sums }, spiked);
      return { ordinary: stateError(model, file, 12, ordinary), spiked: stateError(model, file, 12, spiked) };
    };
    const [minmax, percentile, error] = [errors("minmax"), errors("percentile"), errors("error")];
    expect(percentile.ordinary).toBeLessThan(0.4 * minmax.ordinary);
    expect(percentile.spiked).toBeGreaterThan(2 * minmax.spiked);
    // Squared errors of a spike weigh more than those of the thousands of samples around it.
    expect(error.spiked).toBeLessThan(0.5 * percentile.spiked);
  });

  it("rounds as the plain quantizer does when every step is off", () => {
    const { model } = randomF32Model({ inputs: 4, layers: [16], outputs: 2 });
    const none: Steps = { sums: "bound", scale: "max", correctBias: false, compensate: false };
    expect(calibrated(model, none)).toEqual(plain(model));
  });

  it("copes with inputs that never change, with zero weights and with one sample", () => {
    const built = randomF32Model({ inputs: 3, layers: [8], outputs: 2, normalise: false });
    const flat = samplesOf(built.model, 1).map((value, i) => (i % 3 === 1 ? 0 : value));
    expect(() => parseModel(calibrated(built.model, ALL, flat))).not.toThrow();
    expect(() => parseModel(calibrated(built.model, ALL, new Float64Array(3)))).not.toThrow();
    const zero = changed(built, (_, { data }) => new Float32Array(data.length));
    expect(() => parseModel(calibrated(zero.model, ALL, flat))).not.toThrow();
  });

  it("refuses to calibrate without samples", () => {
    const { model } = randomF32Model({ inputs: 3, layers: [8] });
    expect(() => calibrated(model, ALL, new Float64Array(0))).toThrow("There are no calibration samples");
  });

  it("tells what it did", () => {
    const { model } = randomF32Model({ inputs: 3, layers: [8] });
    const { notes } = quantizeCalibrated(model, { samples: samplesOf(model, 1), ranges: rangesOf(model), ...ALL });
    expect(notes[0]).toBe("calibrated with 1500 samples");
    expect(notes[1]).toMatch(/^scale by least error: \d+ of 49 rows differ from max$/);
    expect(notes).toHaveLength(4);
  });
});
