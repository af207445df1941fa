// The loop of epochs and batches.

import { mulberry32 } from "../random.ts";
import type { Trainer } from "../types.ts";
import { type ArrayInput, slice } from "./arrays.ts";
import type { MetricName, Optimizer } from "./compile.ts";
import { batchOf, type Data, Means, type Results, run } from "./data.ts";
import { Pauses } from "./pause.ts";

/** Progress after a batch. */
export interface BatchEvent {
  /** From 0 on, as in Keras. */
  readonly epoch: number;
  readonly batch: number;
  /** Batches of an epoch. */
  readonly batches: number;
  /** Of this batch, before its update. */
  readonly loss: number;
}

/** Progress after an epoch: means over its batches, and those of validation. */
export interface EpochEvent {
  readonly epoch: number;
  readonly epochs: number;
  readonly results: Results;
  readonly validation: Results | undefined;
}

/** Of `fit`, with the defaults of Keras. */
export interface FitOptions {
  /** Default 32. */
  readonly batchSize?: number;
  /** Default 1. */
  readonly epochs?: number;
  /** Whether rows come in another order in every epoch; default true. */
  readonly shuffle?: boolean;
  readonly validationData?: readonly [x: ArrayInput, y: ArrayInput];
  /** Part of the rows, the last of them, that validates; default 0. */
  readonly validationSplit?: number;
  /** Weight of each row, or of each step. */
  readonly sampleWeight?: ArrayInput;
  /** Weight of each class. */
  readonly classWeight?: Readonly<Record<number, number>>;
  readonly onBatch?: (event: BatchEvent) => void;
  readonly onEpoch?: (event: EpochEvent) => void;
  /** Ends the training after the batch at hand. */
  readonly signal?: AbortSignal;
}

/** Results by name, one for each epoch; those of validation begin with `val_`. */
export type History = Readonly<Record<string, readonly number[]>>;

/** What learns, and from what. */
export interface Learning {
  readonly trainer: Trainer;
  readonly optimizer: Optimizer;
  readonly metrics: readonly MetricName[];
  readonly data: Data;
  readonly validation: Data | undefined;
  readonly seed: number;
}

/** Learns. Answers the results of all epochs. */
export async function learn(learning: Learning, options: FitOptions): Promise<History> {
  const { epochs = 1, validationSplit = 0, signal } = options;
  const [data, held] = split(weighted(learning, options), validationSplit);
  const validation = learning.validation ?? held;
  const { trainer, metrics } = learning;
  const pauses = new Pauses();
  const history = new Map<string, number[]>();
  const note = (results: Results, prefix: string) => {
    for (const [name, value] of Object.entries(results)) {
      history.set(prefix + name, [...(history.get(prefix + name) ?? []), value]);
    }
  };
  for (let epoch = 0; epoch < epochs && signal?.aborted !== true; epoch++) {
    const results = await oneEpoch({ ...learning, data }, options, epoch, pauses);
    note(results, "");
    const own = validation && (await run(trainer, validation, metrics, pauses)).results;
    if (own) note(own, "val_");
    options.onEpoch?.({ epoch, epochs, results, validation: own });
  }
  return Object.fromEntries(history);
}

async function oneEpoch(learning: Learning, options: FitOptions, epoch: number, pauses: Pauses): Promise<Results> {
  const { trainer, optimizer, metrics, data, seed } = learning;
  const { shuffle = true, signal, onBatch } = options;
  const order = Array.from({ length: data.rows }, (_, row) => row);
  // The updates count on when `fit` is called again: so another order comes, too.
  if (shuffle) mix(order, Math.imul(seed, 0x9e3779b9) + trainer.updates);
  const size = trainer.options.batch as number;
  const batches = Math.ceil(data.rows / size);
  const means = new Means(trainer, metrics);
  for (let at = 0; at < batches && signal?.aborted !== true; at++) {
    const batch = batchOf(data, order.slice(at * size, (at + 1) * size));
    const learningRate = optimizer.schedule(trainer.updates);
    const { loss } = await pauses.finish(trainer.parts(batch, { learningRate }));
    means.add(batch, loss);
    onBatch?.({ epoch, batch: at, batches, loss });
    if (pauses.isDue) await pauses.take();
  }
  return means.results;
}

/** Puts numbers into another order (Fisher and Yates). */
function mix(order: number[], seed: number): void {
  const random = mulberry32(seed);
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j] as number, order[i] as number];
  }
}

/** Rows to learn from, and those that validate. */
function split(data: Data, part: number): [Data, Data | undefined] {
  if (!(part >= 0 && part < 1))
    throw new RangeError(`validationSplit: Found ${part}, expected a number from 0 to below 1`);
  if (part === 0) return [data, undefined];
  const from = Math.floor(data.rows * (1 - part));
  if (from < 1 || from === data.rows)
    throw new RangeError(`validationSplit: ${part} of ${data.rows} rows leaves none on one side`);
  const rows = (start: number, end: number): Data => ({
    ...data,
    rows: end - start,
    x: slice(data.x, start, end),
    y: data.y && slice(data.y, start, end),
    weights: data.weights && slice(data.weights, start, end),
  });
  return [rows(0, from), rows(from, data.rows)];
}

/** The data with weights of classes. */
function weighted({ data, trainer }: Learning, { classWeight }: FitOptions): Data {
  if (!classWeight || !data.y) return data;
  const { outputs } = trainer.options.network;
  const width = trainer.options.loss === "categorical_crossentropy" ? outputs.length : 1;
  const { data: y } = data.y;
  const count = y.length / width;
  const weights = Float32Array.from({ length: count }, (_, place) => {
    const one = Array.from({ length: width }, (_, i) => y[place * width + i] as number);
    const label = width === 1 ? (one[0] as number) : one.indexOf(Math.max(...one));
    return (classWeight[label] ?? 1) * (data.weights?.data[place] ?? 1);
  });
  return { ...data, weights: { data: weights, shape: data.weights?.shape ?? [count] } };
}
