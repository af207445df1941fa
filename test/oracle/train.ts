// What a batch comes to in double precision: what the kernels of training approximate.

import type { Batch, TrainerOptions } from "../../host/train/types.ts";
import { elementLoss } from "./train-functions.ts";
import { type Numbers, PlainNetwork, type Steps, type Vector } from "./train-network.ts";

const zeros = (count: number): Vector => new Array<number>(count).fill(0);
const at = (values: ArrayLike<number>, index: number) => values[index] as number;

/** Loss and the gradient of the outputs of one sequence: losses added, each times its weight. */
function plainLoss(options: TrainerOptions, batch: Batch, row: number, outputs: Steps) {
  const { network, loss, targets = "each" } = options;
  const isLast = targets === "last";
  const O = network.outputs.length;
  const isSparse = loss === "sparse_categorical_crossentropy";
  let [sum, weight, count] = [0, 0, 0];
  const gradient = outputs.map((y, t): Vector => {
    if (isLast && t < outputs.length - 1) return zeros(O);
    const place = isLast ? row : row * batch.steps + t;
    const w = batch.weights ? at(batch.weights, place) : 1;
    const width = isSparse ? 1 : O;
    const t_ = Array.from({ length: width }, (_, o) => at(batch.targets, place * width + o));
    const element = elementLoss(options, y, t_);
    element.losses.forEach((value) => {
      if (Number.isNaN(value)) return;
      sum += w * value;
      weight += w;
      count += 1;
    });
    return element.gradient.map((v) => w * v);
  });
  return { sum, weight: batch.mean === "count" ? count : weight, gradient };
}

/** What a batch comes to: losses added and what they are divided by, gradients of the mean, and outputs [B][T][O] in real units. */
export interface PlainResult {
  readonly sum: number;
  readonly weight: number;
  readonly gradients: Numbers;
  readonly outputs: readonly number[];
}

/**
 * Differentiates the loss of a batch, from a state of zeros.
 *
 * @param tensors  numbers by name, those of scaling where there are some
 * @param kept  factor of dropout
 */
export function differentiate(
  options: TrainerOptions,
  tensors: ReadonlyMap<string, ArrayLike<number>>,
  batch: Batch,
  kept?: (layer: number, step: number, unit: number, row: number) => number,
): PlainResult {
  const weights = new Map([...tensors].map(([name, values]) => [name, Float64Array.from(values)]));
  const network = new PlainNetwork(options, weights);
  const [offset, scale] = [weights.get("output.offset"), weights.get("output.scale")];
  const O = options.network.outputs.length;
  const isSparse = options.loss === "sparse_categorical_crossentropy";
  const targets = Array.from(batch.targets, (v, i) =>
    isSparse ? v : (v - (offset?.[i % O] ?? 0)) / (scale?.[i % O] ?? 1),
  );
  const I = options.network.inputs.length;
  const passes = Array.from({ length: batch.rows }, (_, row) => {
    const sample = (t: number) =>
      Array.from({ length: I }, (_, i) => at(batch.inputs, (row * batch.steps + t) * I + i));
    const samples = Array.from({ length: batch.steps }, (_, t) => sample(t));
    return network.run(samples, network.start(), kept && ((layer, t, unit) => kept(layer, t, unit, row)));
  });
  const parts = passes.map(({ outputs }, row) => plainLoss(options, { ...batch, targets }, row, outputs));
  const [sum, weight] = [total(parts.map((part) => part.sum)), total(parts.map((part) => part.weight))];
  const gradients = new Map([...weights].map(([name, values]) => [name, new Float64Array(values.length)]));
  passes.forEach((pass, row) => {
    pass.backward(parts[row]?.gradient.map((values) => values.map((v) => v / weight)) ?? [], gradients);
  });
  const outputs = passes
    .flatMap((pass) => pass.outputs.flat())
    .map((v, i) => v * (scale?.[i % O] ?? 1) + (offset?.[i % O] ?? 0));
  return { sum, weight, gradients, outputs };
}

const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);
