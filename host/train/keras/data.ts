// Sequences with their targets, and runs over all of them.

import type { Batch, LossName, Trainer } from "../types.ts";
import { type NdArray, rowsAt } from "./arrays.ts";
import type { MetricName } from "./compile.ts";
import { measure } from "./metrics.ts";
import type { Pauses } from "./pause.ts";

/** Data that fit a model. */
export interface Data {
  readonly rows: number;
  readonly steps: number;
  /** Values of a sample. */
  readonly inputs: number;
  readonly x: NdArray;
  readonly y: NdArray | undefined;
  /** [rows], [rows][steps] where every step has a target. */
  readonly weights: NdArray | undefined;
}

/** What data must fit. */
export interface Fit {
  readonly isTokens: boolean;
  readonly inputs: number | undefined;
  readonly outputs: number;
  readonly targets: "each" | "last";
  readonly loss: LossName;
}

/** @throws {RangeError} when data do not fit */
export function dataOf(given: { x: NdArray; y?: NdArray | undefined; weights?: NdArray | undefined }, fit: Fit): Data {
  const { x, y, weights } = given;
  const [rows = 0, steps = 0, inputs = 1] = x.shape;
  const expected = fit.isTokens ? "[rows, steps]" : `[rows, steps, ${fit.inputs ?? "values"}]`;
  const isFit = fit.isTokens ? x.shape.length === 2 : x.shape.length === 3 && inputs === (fit.inputs ?? inputs);
  if (!isFit || rows * steps * inputs === 0) throw new RangeError(`x: Found shape [${x.shape}], expected ${expected}`);
  const places = fit.targets === "each" ? [rows, steps] : [rows];
  if (y) checkTargets(y, places, fit);
  if (weights && weights.shape.join() !== places.join() && weights.shape.join() !== String(rows)) {
    throw new RangeError(`sampleWeight: Found shape [${weights.shape}], expected [${places}]`);
  }
  return { rows, steps, inputs, x, y, weights: weights && perStep(weights, places) };
}

function checkTargets({ shape }: NdArray, places: readonly number[], { outputs, loss }: Fit): void {
  const isSparse = loss === "sparse_categorical_crossentropy";
  const expected = isSparse ? places : [...places, outputs];
  const found = shape.join();
  const isAlike =
    found === expected.join() || (outputs === 1 && found === places.join()) || (isSparse && found === `${places},1`);
  if (!isAlike) throw new RangeError(`y: Found shape [${shape}], expected [${expected}]`);
}

/** Weights of rows as weights of their steps. */
function perStep(weights: NdArray, [rows = 0, steps = 1]: readonly number[]): NdArray {
  if (weights.data.length === rows * steps) return weights;
  const data = Float32Array.from({ length: rows * steps }, (_, i) => weights.data[Math.floor(i / steps)] as number);
  return { data, shape: [rows, steps] };
}

/** The batch of some rows. */
export function batchOf({ x, y, weights, steps }: Data, order: readonly number[]): Batch {
  return {
    rows: order.length,
    steps,
    inputs: rowsAt(x, order),
    targets: y ? rowsAt(y, order) : [],
    ...(weights && { weights: rowsAt(weights, order) }),
    mean: "count",
  };
}

/** Loss and metrics by name. */
export type Results = { readonly loss: number } & Readonly<Partial<Record<MetricName, number>>>;

/** Means of losses and metrics over batches. */
export class Means {
  readonly #trainer: Trainer;
  readonly #metrics: readonly MetricName[];
  #loss = { sum: 0, count: 0 };
  readonly #sums = new Map<MetricName, { sum: number; count: number }>();

  constructor(trainer: Trainer, metrics: readonly MetricName[]) {
    [this.#trainer, this.#metrics] = [trainer, metrics];
  }

  /** Takes the batch whose predictions the trainer has just made, with its mean loss. */
  add(batch: Batch, loss: number): void {
    this.#loss = { sum: this.#loss.sum + loss * batch.rows, count: this.#loss.count + batch.rows };
    const { network, loss: name } = this.#trainer.options;
    for (const metric of this.#metrics) {
      const predictions = this.#trainer.predictions(batch.rows);
      const { sum, count } = measure(metric, name, network.outputs.length, predictions, batch.targets);
      const before = this.#sums.get(metric) ?? { sum: 0, count: 0 };
      this.#sums.set(metric, { sum: before.sum + sum, count: before.count + count });
    }
  }

  get results(): Results {
    const metrics = this.#metrics.map((metric) => {
      const { sum, count } = this.#sums.get(metric) ?? { sum: 0, count: 0 };
      return [metric, sum / count] as const;
    });
    return { loss: this.#loss.sum / this.#loss.count, ...Object.fromEntries(metrics) };
  }
}

/** Runs a model over all rows, without learning. */
export async function run(trainer: Trainer, data: Data, metrics: readonly MetricName[], pauses: Pauses) {
  const size = trainer.options.batch ?? data.rows;
  const means = new Means(trainer, metrics);
  const parts: Float32Array[] = [];
  for (let from = 0; from < data.rows; from += size) {
    const order = Array.from({ length: Math.min(size, data.rows - from) }, (_, i) => from + i);
    const batch = batchOf(data, order);
    if (data.y) {
      const { sum, weight } = trainer.evaluate(batch);
      means.add(batch, sum / weight);
    } else parts.push(trainer.predict(batch));
    if (pauses.isDue) await pauses.take();
  }
  const predictions = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    predictions.set(part, at);
    at += part.length;
  }
  return { results: means.results, predictions };
}
