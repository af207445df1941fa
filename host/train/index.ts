/**
 * Training: models as lists of layers with the names and defaults of Keras, and the trainer beneath them. Without any input or output of
 * its own: it runs in Node, in a browser, in a worker.
 *
 * @module rivulet/train
 */

export type { ModelSpecInput } from "../model/model.ts";
export type { NetworkSpec } from "../model/network.ts";
export type * from "../model/types.ts";
export { TrainingError } from "./errors.ts";
export type { ArrayInput, NdArray, NestedNumbers } from "./keras/arrays.ts";
export {
  type AdamOptions,
  adam,
  adamW,
  type CompileOptions,
  type Huber,
  huber,
  type KerasLoss,
  type MetricName,
  type Optimizer,
} from "./keras/compile.ts";
export type { Results } from "./keras/data.ts";
export type { BatchEvent, EpochEvent, FitOptions, History } from "./keras/fit.ts";
export {
  type DenseOptions,
  dense,
  dropout,
  embedding,
  type GruOptions,
  gru,
  input,
  type KerasActivation,
  type KerasLayer,
} from "./keras/layers.ts";
export {
  type ModelOptions,
  type RunOptions,
  type Sequential,
  type SequentialOptions,
  sequential,
} from "./keras/model.ts";
export { constant, cosine, type Schedule, steps, warmUp } from "./schedule.ts";
export { createTrainer } from "./trainer.ts";
export type * from "./types.ts";
