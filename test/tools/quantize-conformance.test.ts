// What q15 costs on the models of the conformance cases, whose weights are random: from PyTorch, Keras and ONNX.
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type ModelSpecInput, parseModel, serializeModel } from "../../host/model/model.ts";
import type { Model } from "../../host/model/types.ts";
import type { Range } from "../../host/quantize/quantize.ts";
import { quantizeCalibrated } from "../../tools/quantize/calibrated.ts";
import { traceLayers } from "../../tools/quantize/report/layers.ts";
import { F32Trace } from "../../tools/quantize/trace.ts";
import { toModel } from "../../tools/read/network.ts";
import { CASES, readCase as readKerasCase } from "../read/keras-cases.ts";
import { onnxCases, readCase as readOnnxCase } from "../read/onnx-cases.ts";
import { changed } from "../support/changed.ts";
import { randomF32Model } from "../support/models.ts";
import { mulberry32 } from "../support/random.ts";

const STEPS = 1500;

/** Activations of FORMAT.md 5.4; the quantizer refuses the others (test/quantize/quantize.test.ts). */
const IN_FIXED_POINT = ["linear", "sigmoid", "tanh", "relu", "softmax"];

const hasFixedPointForm = ({ layers }: Pick<ModelSpecInput, "layers">): boolean =>
  layers.every((layer) => layer.kind === "gru" || IN_FIXED_POINT.includes(layer.activation));

/** All models that have a fixed-point form, by name. */
async function conformanceModels(): Promise<Map<string, Model>> {
  const folder = "test/vectors/torch";
  const models = new Map(
    readdirSync(folder)
      .filter((file) => file.endsWith(".safetensors"))
      .map((file): [string, Model] => [file, parseModel(readFileSync(`${folder}/${file}`))]),
  );
  const networks = [
    ...CASES.map(async (one) => ({ name: one.file, network: (await readKerasCase(one)).network })),
    ...onnxCases.map(async ({ name }) => ({ name: `${name}.onnx`, network: await readOnnxCase(name) })),
  ];
  for (const { name, network } of await Promise.all(networks)) {
    const { spec, tensors } = toModel(network, { name: "case" });
    if (!hasFixedPointForm(spec)) continue;
    models.set(name, parseModel(serializeModel(spec, tensors)));
  }
  for (const [size, bias] of [16, 32].flatMap((H) => [1, 2, 3, 4].map((bias) => [H, bias] as const))) {
    const built = randomF32Model({ inputs: 4, layers: [size], normalise: false });
    const slow = changed(built, (name, { data }) =>
      name === "layers.0.b" ? data.map((value, row) => (row >= size && row < 2 * size ? value + bias : value)) : data,
    );
    models.set(`random H = ${size}, z ${bias} more`, slow.model);
  }
  return models;
}

/** Samples of a normal distribution, as the scripts of the cases draw them, where the model's normalisation expects them. */
function samplesOf({ spec, tensors }: Model, seed: number): Float64Array {
  const random = mulberry32(seed);
  const [I, vocabulary] = [spec.inputs.length, spec.embedding?.vocabulary];
  const [offset, scale] = ["input.offset", "input.scale"].map((name) => tensors.get(name)?.data);
  return Float64Array.from({ length: STEPS * I }, (_, at) => {
    if (vocabulary !== undefined) return Math.floor(random() * vocabulary);
    const normal = Array.from({ length: 12 }, random).reduce((sum, value) => sum + value, -6);
    return normal / (scale?.[at % I] ?? 1) + (offset?.[at % I] ?? 0);
  });
}

/** The range of each input in the samples. */
function rangesOf({ spec }: Model, samples: Float64Array): Range[] {
  return spec.inputs.map((_, i) => {
    const values = samples.filter((_value, at) => at % spec.inputs.length === i);
    return { min: Math.min(...values), max: Math.max(...values) };
  });
}

/** rms error of a layer's state where nothing but the weights is rounded: to nearest, int8, a scale for each row. */
function int8Floor({ spec, tensors }: Model, samples: Float64Array, layer: number): number {
  const rounded = changed({ spec, tensors }, (name, { data, shape: [, columns = 1] }) => {
    if (!/^layers\.\d+\.[WU]$/.test(name)) return data;
    return data.map((value, i) => {
      const row = Math.floor(i / columns) * columns;
      const unit = Math.max(...data.subarray(row, row + columns).map(Math.abs)) / 127;
      return Math.round(value / unit) * unit;
    });
  });
  const [exact, other] = [new F32Trace({ spec, tensors } as Model), new F32Trace(rounded.model)];
  let [sum, count] = [0, 0];
  for (let t = 0; t < STEPS; t++) {
    const { y } = exact.step(samples, t)[layer]!;
    const { y: found } = other.step(samples, t)[layer]!;
    for (const [j, value] of y.entries()) sum += (value - found[j]!) ** 2;
    count += y.length;
  }
  return Math.sqrt(sum / count);
}

describe("a calibrated model of a conformance case", () => {
  it("keeps its states within an rms of 2e-3, or what int8 weights alone cost, where their memory is at most 100 steps", async () => {
    let longest = 0;
    let layers = 0;
    const beyond: string[] = [];
    for (const [name, model] of await conformanceModels()) {
      const samples = samplesOf(model, 1);
      const ranges = rangesOf(model, samples);
      const options = { sums: "minmax", scale: "error", correctBias: true, compensate: true } as const;
      const { spec, tensors } = quantizeCalibrated(model, { samples, ranges, ...options });
      const unseen = samplesOf(model, 2);
      const facts = traceLayers(model, parseModel(serializeModel(spec, tensors)), unseen, STEPS);
      for (const [index, { memory, state }] of facts.entries()) {
        if (!memory || !state || memory.slowest.f32 > 100) continue;
        layers++;
        longest = Math.max(longest, memory.slowest.f32);
        if (state.rms <= 2e-3) continue;
        beyond.push(name);
        expect(state.rms, name).toBeLessThan(int8Floor(model, unseen, index));
      }
    }
    expect(layers).toBeGreaterThan(90);
    expect(longest).toBeGreaterThan(80);
    // 64 inputs of white noise into 128 units with weights of no pattern: 2.5e-3.
    expect(beyond).toEqual(["tutorial-3-classifier.keras"]);
  }, 120_000);
});
