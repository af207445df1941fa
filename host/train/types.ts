// The vocabulary of training: what a trainer is made of, what it is given, and what it answers.

import type { NetworkSpec } from "../model/network.ts";
import type { Tensor } from "../model/types.ts";

/**
 * What a prediction costs. With y what the last layer answers, before `output.offset` and `output.scale`, and t the target in the same
 * units:
 *
 *     mse                        (y - t)²
 *     huber                      (y - t)² / 2 as far as |y - t| <= delta, then delta (|y - t| - delta / 2)
 *     binary_crossentropy        -t log y - (1 - t) log (1 - y), behind a sigmoid
 *     categorical_crossentropy   -Σ t log y over the outputs, behind a softmax
 *     sparse_categorical_…       the same with the number of the class as its target
 *
 * Logarithms are of numbers between 1e-7 and 1 - 1e-7, as Keras cuts them; gradients are those of the uncut loss.
 */
export type LossName =
  | "mse"
  | "huber"
  | "binary_crossentropy"
  | "categorical_crossentropy"
  | "sparse_categorical_crossentropy";

/** Adam, with weight decay apart from the gradient (AdamW) where there is one. */
export interface OptimizerOptions {
  /** Default .001. */
  readonly learningRate?: number;
  /** Default .9. */
  readonly beta1?: number;
  /** Default .999. */
  readonly beta2?: number;
  /** Default 1e-7. */
  readonly epsilon?: number;
  /** Where epsilon is added: to √v as Keras has it (the default), or to √v / √(1 - beta2^t) as PyTorch has it. */
  readonly epsilonTo?: "moment" | "corrected";
  /** Part of every weight that each update takes away, times the learning rate; default 0. */
  readonly weightDecay?: number;
  /** Tensors that keep all of their weights; default none. */
  readonly noDecay?: readonly string[];
  /** Greatest norm of the gradient of all weights together; default none. */
  readonly clipNorm?: number;
  /** Greatest norm of the gradient of each tensor, the two biases of a GRU layer being one as in Keras; default none. */
  readonly clipTensorNorm?: number;
  /** Greatest element of the gradient, either sign; default none. */
  readonly clipValue?: number;
}

/** What a trainer is made of. */
export interface TrainerOptions {
  /** Inputs, outputs, embedding, layers and skip, as in the document of a model. */
  readonly network: NetworkSpec;
  readonly loss: LossName;
  /** Of huber; default 1. */
  readonly delta?: number;
  readonly optimizer?: OptimizerOptions;
  /** Decides the initial weights and what dropout leaves out; default 1. */
  readonly seed?: number;
  /** Most rows of a batch; default 32. */
  readonly batch?: number;
  /** Most steps of a batch: how far back the gradient goes; default 64. */
  readonly steps?: number;
  /** Which steps have a target: each of them (the default), or the last alone, as with Keras' `return_sequences=False`. */
  readonly targets?: "each" | "last";
  /** Part of the values behind each layer that a step of training leaves out, 0 or absent for none. */
  readonly dropout?: readonly number[];
  /** Tensors that stay as they are. */
  readonly frozen?: readonly string[];
  /** Tensors to start with, by the names of FORMAT.md 4, those of scaling too; others start as Keras starts them. */
  readonly initial?: Weights;
}

/** Tensors of an f32 model by name. */
export type Weights = ReadonlyMap<string, Tensor>;

/**
 * Sequences to learn from. B rows of T steps; I inputs, O outputs. Samples and targets are in real units: `input.offset`, `input.scale`,
 * `output.offset` and `output.scale` are applied by the trainer.
 */
export interface Batch {
  /** B, at most the trainer's. */
  readonly rows: number;
  /** T, at most the trainer's. */
  readonly steps: number;
  /** f32[B][T][I]; or tokens [B][T]. */
  readonly inputs: ArrayLike<number>;
  /**
   * [B][T][O], or [B][O] where the last step alone has a target. The number of the class takes the place of [O] in
   * sparse_categorical_crossentropy. A target that is NaN does not count.
   */
  readonly targets: ArrayLike<number>;
  /** Weight of each step in the mean, [B][T], or [B]; absent for 1. Steps of warm-up and padding have 0. */
  readonly weights?: ArrayLike<number>;
  /** What weighted losses are divided by: their weights (the default), or their number, as Keras does. */
  readonly mean?: "weights" | "count";
  /** Whether rows go on where the batch before ended, all of them or each: state and window are kept. Absent: they start anew. */
  readonly carry?: boolean | readonly boolean[];
}

/** Of one update. */
export interface StepOptions {
  /** In the place of the optimizer's. */
  readonly learningRate?: number;
}

/** What a step of training comes to. */
export interface StepResult {
  /** Mean loss over the targets, before the update. */
  readonly loss: number;
  /** Norm of the gradient of all weights together, before it is clipped. */
  readonly norm: number;
}

/** What an evaluation comes to: the mean is `sum / weight`. */
export interface Evaluation {
  /** Weighted losses, added. */
  readonly sum: number;
  /** What they are divided by for the mean. */
  readonly weight: number;
}

/** Learns the weights of one network. Holds them, the moments of the optimizer, and the state at the end of the last batch. */
export interface Trainer {
  readonly options: TrainerOptions;
  /** Numbers that learn. */
  readonly parameters: number;
  /** Updates so far. */
  readonly updates: number;
  /** Memory in use. */
  readonly bytes: number;

  /**
   * One update. A loss or gradient that is not finite updates nothing.
   *
   * @throws {RangeError} when the batch does not fit
   * @throws {TrainingError} when the loss or the gradient is not finite
   */
  step(batch: Batch, options?: StepOptions): StepResult;

  /** The same in parts, so that a page may live between them: nothing else may be asked of the trainer until the last is done. */
  parts(batch: Batch, options?: StepOptions): Generator<undefined, StepResult>;

  /** The loss without an update and without dropout. */
  evaluate(batch: Batch): Evaluation;

  /** Predictions in real units without dropout: f32[B][T][O], or f32[B][O] where the last step alone has a target. */
  predict(batch: Omit<Batch, "targets" | "weights">): Float32Array;

  /** What was predicted last, by whatever ran the network: for the first `rows` rows, as `predict` answers it. */
  predictions(rows: number): Float32Array;

  /** The gradient of the mean loss by every tensor that learns, without dropout, clipping and update. */
  gradients(batch: Batch): ReadonlyMap<string, Float32Array>;

  /** A copy of all tensors, which with the document makes a model. */
  weights(): Weights;

  /** Takes tensors, all or some; the moments of the optimizer stay. */
  load(weights: Weights): void;

  /** All that the next steps depend on but options and data: weights, moments, number of updates, carried state. */
  snapshot(): Uint8Array;

  /**
   * Goes on from a snapshot. Carried state is taken only where batch and steps are those of the snapshot.
   *
   * @throws {RangeError} when the snapshot is of another network
   */
  restore(snapshot: Uint8Array): void;
}
