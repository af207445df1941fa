// Optimizers, losses and metrics by the names of Keras.

import { constant, type Schedule } from "../schedule.ts";
import type { LossName, OptimizerOptions } from "../types.ts";

/** Options of {@link adam}, with the defaults of Keras. */
export interface AdamOptions {
  /** Default .001; a function of the update, as those of `cosine` and `warmUp`. */
  readonly learningRate?: number | Schedule;
  /** Default .9. */
  readonly beta1?: number;
  /** Default .999. */
  readonly beta2?: number;
  /** Default 1e-7. */
  readonly epsilon?: number;
  /** Default 0; of adamW .004. */
  readonly weightDecay?: number;
  /** Greatest norm of the gradient of each tensor. */
  readonly clipnorm?: number;
  /** Greatest norm of the gradient of all tensors together. */
  readonly globalClipnorm?: number;
  /** Greatest element of the gradient. */
  readonly clipvalue?: number;
}

/** An optimizer for `compile`. */
export interface Optimizer {
  readonly options: OptimizerOptions;
  readonly schedule: Schedule;
}

/** Adam. */
export function adam(options: AdamOptions = {}): Optimizer {
  const { learningRate = 1e-3, clipnorm, globalClipnorm, clipvalue, ...rest } = options;
  return {
    options: {
      ...rest,
      ...(globalClipnorm !== undefined && { clipNorm: globalClipnorm }),
      ...(clipnorm !== undefined && { clipTensorNorm: clipnorm }),
      ...(clipvalue !== undefined && { clipValue: clipvalue }),
    },
    schedule: typeof learningRate === "number" ? constant(learningRate) : learningRate,
  };
}

/** Adam with weight decay, .004 unless told. */
export const adamW = (options: AdamOptions = {}): Optimizer => adam({ weightDecay: 0.004, ...options });

/** A loss with its parameter. */
export interface Huber {
  readonly name: "huber";
  readonly delta: number;
}

/** Huber's loss, straight from `delta` on. */
export const huber = (delta = 1): Huber => ({ name: "huber", delta });

/** What `compile` takes for a loss. */
export type KerasLoss = LossName | "mean_squared_error" | Huber;

/** What `compile` takes for a metric. */
export type MetricName = "accuracy" | "mae" | "mse";

/** What `compile` takes. */
export interface CompileOptions {
  /** Default adam. */
  readonly optimizer?: Optimizer | "adam" | "adamw";
  readonly loss: KerasLoss;
  readonly metrics?: readonly MetricName[];
}

/** What `compile` was told, in the words of the trainer. */
export interface Compiled {
  readonly optimizer: Optimizer;
  readonly loss: LossName;
  readonly delta: number;
  readonly metrics: readonly MetricName[];
}

const LOSSES: readonly string[] = [
  "mse",
  "huber",
  "binary_crossentropy",
  "categorical_crossentropy",
  "sparse_categorical_crossentropy",
] satisfies LossName[];
const METRICS: readonly string[] = ["accuracy", "mae", "mse"] satisfies MetricName[];

/** @throws {RangeError} when a name is none that is known */
export function compiled({ optimizer = "adam", loss, metrics = [] }: CompileOptions): Compiled {
  const name = typeof loss === "object" ? loss.name : loss === "mean_squared_error" ? "mse" : loss;
  if (!LOSSES.includes(name)) throw new RangeError(`loss: Found ${name}, expected one of ${LOSSES.join(", ")}`);
  for (const metric of metrics) {
    if (!METRICS.includes(metric))
      throw new RangeError(`metrics: Found ${metric}, expected some of ${METRICS.join(", ")}`);
  }
  if (typeof optimizer === "string" && optimizer !== "adam" && optimizer !== "adamw") {
    throw new RangeError(`optimizer: Found ${optimizer}, expected adam or adamw`);
  }
  const own = optimizer === "adam" ? adam() : optimizer === "adamw" ? adamW() : optimizer;
  return { optimizer: own, loss: name, delta: typeof loss === "object" ? loss.delta : 1, metrics };
}
