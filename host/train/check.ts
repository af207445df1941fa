// What a trainer refuses.

import { type LayerStage, type NetworkSpec, networkOf } from "../model/network.ts";
import type { Batch, TrainerOptions } from "./types.ts";

/** Greatest sizes of a batch. */
export const DEFAULT_BATCH = 32;
export const DEFAULT_STEPS = 64;

/** @throws {RangeError} when a network cannot be trained so */
export function checkOptions({
  network,
  loss,
  batch = DEFAULT_BATCH,
  steps = DEFAULT_STEPS,
  dropout = [],
}: TrainerOptions): void {
  const { layers } = networkOf(network);
  const last = layers.at(-1);
  if (!last) throw new RangeError("The network has no layers, expected one at least");
  const activation = last.kind === "dense" ? last.layer.activation : "GRU";
  if (last.size !== network.outputs.length) {
    throw new RangeError(
      `The last layer has ${last.size} values, expected ${network.outputs.length}, one for each output`,
    );
  }
  const needed =
    loss === "binary_crossentropy" ? "sigmoid" : loss.endsWith("categorical_crossentropy") ? "softmax" : undefined;
  if (needed && activation !== needed)
    throw new RangeError(`${loss}: the last layer is ${activation}, expected ${needed}`);
  if (network.skip) checkSkip(network, last);
  if (needed && network.skip)
    throw new RangeError(`${loss}: the network has a skip, which adds to what is to be a probability`);
  for (const [name, value] of [
    ["batch", batch],
    ["steps", steps],
  ] as const) {
    if (!Number.isInteger(value) || value < 1)
      throw new RangeError(`${name}: Found ${value}, expected a whole number from 1`);
  }
  dropout.forEach((rate, layer) => {
    if (!(rate >= 0 && rate < 1))
      throw new RangeError(`dropout of layer ${layer}: Found ${rate}, expected a number from 0 to below 1`);
  });
}

/** A skip adds to sums that nothing else reads: behind a GRU layer it would add to the state. The rule of FORMAT.md 3. */
function checkSkip({ embedding }: NetworkSpec, last: LayerStage): void {
  if (embedding)
    throw new RangeError("skip: the network has an embedding, whose tokens cannot be weighed; leave out the skip");
  if (last.kind === "dense" && last.layer.activation === "linear") return;
  const found = last.kind === "dense" ? `dense with ${last.layer.activation}` : "a GRU layer";
  throw new RangeError(`skip: the last layer is ${found}, expected dense with linear; add one, or leave out the skip`);
}

/** What of a batch is looked at; targets only where there are some. */
type Given = Omit<Batch, "targets"> & { readonly targets?: Batch["targets"] };

/** @throws {RangeError} when a batch does not fit a trainer */
export function checkBatch(options: TrainerOptions, batch: Given): void {
  const { network, loss, targets = "each" } = options;
  const { rows, steps, weights, carry } = batch;
  const most = { rows: options.batch ?? DEFAULT_BATCH, steps: options.steps ?? DEFAULT_STEPS };
  for (const name of ["rows", "steps"] as const) {
    if (Number.isInteger(batch[name]) && batch[name] >= 1 && batch[name] <= most[name]) continue;
    throw new RangeError(`${name}: Found ${batch[name]}, expected 1 to ${most[name]}, the trainer's`);
  }
  const places = targets === "last" ? rows : rows * steps;
  const width = loss === "sparse_categorical_crossentropy" ? 1 : network.outputs.length;
  checkLength("inputs", batch.inputs, rows * steps * network.inputs.length);
  if (batch.targets) checkLength("targets", batch.targets, places * width);
  if (weights) checkLength("weights", weights, places);
  if (typeof carry === "object") checkLength("carry", carry, rows);
  const below = network.embedding?.vocabulary;
  if (below !== undefined) checkIndices("inputs", batch.inputs, below);
  if (loss === "sparse_categorical_crossentropy" && batch.targets) {
    checkIndices("targets", batch.targets, network.outputs.length, true);
  }
  if (loss === "binary_crossentropy" || loss === "categorical_crossentropy") checkShares(loss, batch.targets ?? []);
}

/** Targets of cross-entropies are probabilities. */
function checkShares(loss: string, values: ArrayLike<number>): void {
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if ((value >= 0 && value <= 1) || Number.isNaN(value)) continue;
    throw new RangeError(`targets: element ${i} is ${value}, expected 0 to 1 for ${loss}`);
  }
}

/** What in a batch leaves no finite loss, in words; undefined where its numbers are all finite. */
export function unfitNumber(
  { network }: TrainerOptions,
  { rows, steps, inputs, targets, weights }: Batch,
): string | undefined {
  const width = network.inputs.length;
  for (let i = 0; i < inputs.length; i++) {
    if (Number.isFinite(Math.fround(inputs[i] as number))) continue;
    const { name } = network.inputs[i % width] as { readonly name: string };
    const place = Math.floor(i / width);
    return `inputs: row ${Math.floor(place / steps)}, step ${place % steps}, "${name}" is ${inputs[i]}`;
  }
  for (const [name, values] of [
    ["targets", targets],
    ["weights", weights ?? []],
  ] as const) {
    const at = Array.prototype.findIndex.call(values, (value: number) => {
      const own = Math.fround(value);
      return name === "targets" ? Math.abs(own) === Number.POSITIVE_INFINITY : !Number.isFinite(own);
    });
    if (at >= 0) return `${name}: row ${Math.floor((at * rows) / values.length)}, element ${at} is ${values[at]}`;
  }
  return undefined;
}

function checkLength(name: string, values: ArrayLike<unknown>, length: number): void {
  if (values.length !== length) throw new RangeError(`${name}: Found ${values.length} values, expected ${length}`);
}

function checkIndices(name: string, values: ArrayLike<number>, below: number, mayMiss = false): void {
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if ((Number.isInteger(value) && value >= 0 && value < below) || (mayMiss && Number.isNaN(value))) continue;
    throw new RangeError(`${name}: element ${i} is ${value}, expected a whole number from 0 to ${below - 1}`);
  }
}
