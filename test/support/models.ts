import { parseModel, serializeModel } from "../../host/model/model.ts";
import { tensorRules } from "../../host/model/tensors.ts";
import type { Dtype, Model, ModelSpec, Tensor } from "../../host/model/types.ts";
import { F32Oracle } from "../oracle/f32.ts";
import { Q15Oracle, toRaw } from "../oracle/q15.ts";
import { quantizedTensors } from "./models-q15.ts";
import { gaussian, mulberry32, uniform } from "./random.ts";
import { drawPlaces, randomSample, type ShapeOptions, shapeSpec } from "./shapes.ts";

/** A model in its parts, and as a reader sees it. */
export interface BuiltModel {
  readonly spec: ModelSpec;
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly model: Model;
  /** The file. */
  readonly bytes: Uint8Array;
}

const ARRAYS = { F32: Float32Array, I8: Int8Array, I16: Int16Array, I32: Int32Array } as const;

/** Makes a tensor. */
export const tensorOf = (dtype: Dtype, shape: readonly number[], values: ArrayLike<number>): Tensor => ({
  dtype,
  shape,
  data: ARRAYS[dtype].from(values),
});

/** Writes a model and reads it again. */
export function buildModel(spec: ModelSpec, tensors: ReadonlyMap<string, Tensor>): BuiltModel {
  const bytes = serializeModel(spec, tensors);
  return { spec, tensors, model: parseModel(bytes), bytes };
}

/**
 * Makes an f32 model of a shape, with weights as PyTorch starts them: uniform within ±1/√H in a GRU layer, ±1/√N in a dense one and
 * in the skip; rows of an embedding are normal.
 */
export function randomF32Model(options: ShapeOptions): BuiltModel {
  const random = mulberry32(options.seed ?? 1);
  const places = drawPlaces(options, random);
  const spec = shapeSpec(options, places, "f32");
  const isNormalised = options.normalise ?? true;
  const tensors = new Map<string, Tensor>();
  for (const [name, { shape, partner }] of tensorRules(spec)) {
    if (partner !== undefined && !isNormalised) continue;
    const count = shape.reduce((product, length) => product * length, 1);
    const values = Array.from({ length: count }, (_, index) => {
      if (name === "input.offset") return places[index]?.centre ?? 0;
      if (name === "input.scale") return 1 / (places[index]?.unit ?? 1);
      if (name === "output.scale") return 0.5 + random();
      if (name === "output.offset") return uniform(random, 10);
      if (name === "embedding.weight") return gaussian(random);
      return uniform(random, weightLimit(spec, name, shape));
    });
    tensors.set(name, tensorOf("F32", shape, values));
  }
  return buildModel(spec, tensors);
}

/** 1/√H of the GRU layer, or 1/√N of the dense layer or skip, that a weight or bias belongs to. */
function weightLimit(spec: ModelSpec, name: string, shape: readonly number[]): number {
  const layer = spec.layers[Number(name.split(".")[1])];
  if (layer?.kind === "gru") return 1 / Math.sqrt(layer.size);
  return 1 / Math.sqrt(shape[1] ?? shape[0] ?? 1);
}

/**
 * Makes a q15 model of a shape: the f32 model of the same options in whole numbers, with inputs in units of 2^-12 of their place,
 * multipliers near their greatest and biases rounded to nearest. Pre-activations live within about ±4.
 */
export function randomQ15Model(options: ShapeOptions): BuiltModel {
  const places = drawPlaces(options, mulberry32(options.seed ?? 1));
  const { spec, tensors } = quantizedTensors(randomF32Model({ ...options, normalise: false }), places);
  return buildModel(spec, tensors);
}

/** Samples that suit a model, row by row: real values, or tokens. */
export function randomSamples(spec: ModelSpec, steps: number, seed = 2): number[][] {
  const random = mulberry32(seed);
  return Array.from({ length: steps }, () => randomSample(spec, random));
}

/** The same model with a self-test of `steps` samples; the predictions are those of the oracle. */
export function withSelftest({ spec, tensors, model }: BuiltModel, steps: number, seed = 3): BuiltModel {
  const samples = randomSamples(spec, steps, seed);
  const inShape = [steps, spec.inputs.length];
  const outShape = [steps, spec.outputs.length];
  const all = new Map(tensors);
  if (spec.numeric === "q15") {
    const oracle = new Q15Oracle(model);
    const raws = samples.map((sample) => toRaw(spec, sample));
    all.set(
      "selftest.input",
      tensorOf(
        "I32",
        inShape,
        raws.flatMap((raw) => [...raw]),
      ),
    );
    all.set(
      "selftest.output",
      tensorOf(
        "I32",
        outShape,
        raws.flatMap((raw) => [...oracle.step(raw)]),
      ),
    );
    return buildModel({ ...spec, selftest: { steps, tolerance: 0 } }, all);
  }
  const oracle = new F32Oracle(model);
  const input = spec.embedding ? tensorOf("I32", inShape, samples.flat()) : tensorOf("F32", inShape, samples.flat());
  all.set("selftest.input", input);
  all.set(
    "selftest.output",
    tensorOf(
      "F32",
      outShape,
      samples.flatMap((sample) => [...oracle.step(sample)]),
    ),
  );
  return buildModel({ ...spec, selftest: { steps, tolerance: 1e-5 } }, all);
}
