// A model as a list of layers, with the methods that Keras' models have.

import { type ModelSpecInput, parseModel, serializeModel } from "../../model/model.ts";
import type { NetworkSpec } from "../../model/network.ts";
import type { Model } from "../../model/types.ts";
import { createTrainer } from "../trainer.ts";
import type { Trainer, TrainerOptions, Weights } from "../types.ts";
import { type ArrayInput, arrayOf, type NdArray } from "./arrays.ts";
import { type Compiled, type CompileOptions, compiled } from "./compile.ts";
import { type Data, dataOf, type Results, run } from "./data.ts";
import { type FitOptions, type History, learn } from "./fit.ts";
import { type KerasLayer, type Plan, planOf } from "./layers.ts";
import { Pauses } from "./pause.ts";

/** What a model of a list of layers is made with. */
export interface SequentialOptions {
  /** Decides initial weights, the order of rows and what dropout leaves out; default 1. */
  readonly seed?: number;
}

/** Of an evaluation or a prediction. */
export interface RunOptions {
  /** Default 32. */
  readonly batchSize?: number;
}

/** What the document of a model says besides its layers. */
export type ModelOptions = Partial<Omit<ModelSpecInput, "numeric" | "layers" | "embedding" | "skip" | "selftest">>;

const DEFAULT_BATCH = 32;

/** A list of layers that learns. */
export class Sequential {
  readonly #plan: Plan;
  readonly #seed: number;
  #compiled: Compiled | undefined;
  #trainer: Trainer | undefined;
  /** Weights that were given before the data told the size of a sample. */
  #given: Weights | undefined;

  /** @internal */
  constructor(layers: readonly KerasLayer[], { seed = 1 }: SequentialOptions = {}) {
    this.#plan = planOf(layers);
    this.#seed = seed;
  }

  /**
   * Says how the model learns. Weights stay; the optimizer starts anew.
   *
   * @throws {RangeError} when a loss, metric or optimizer is not known
   */
  compile(options: CompileOptions): void {
    this.#given = this.#trainer?.weights() ?? this.#given;
    this.#compiled = compiled(options);
    this.#trainer = undefined;
  }

  /**
   * Learns from sequences. A page or worker that calls it goes on living: no part of the work lasts long.
   *
   * @param x  [rows][steps][values], or tokens [rows][steps]
   * @param y  [rows][steps][outputs], or [rows][outputs] behind a GRU layer without `returnSequences`; classes are numbers, without [outputs]
   * @throws {RangeError} when the data do not fit the layers
   * @throws {TrainingError} when the loss is not finite
   */
  async fit(x: ArrayInput, y: ArrayInput, options: FitOptions = {}): Promise<History> {
    const { optimizer, metrics } = this.#needCompiled("fit");
    const data = this.#data(x, y, options.sampleWeight);
    const validation = options.validationData && this.#data(...options.validationData);
    const trainer = this.#trainerFor(data, options.batchSize ?? DEFAULT_BATCH);
    return learn({ trainer, optimizer, metrics, data, validation, seed: this.#seed }, options);
  }

  /** Loss and metrics over sequences. */
  async evaluate(x: ArrayInput, y: ArrayInput, options: RunOptions = {}): Promise<Results> {
    const { metrics } = this.#needCompiled("evaluate");
    const data = this.#data(x, y);
    const { results } = await run(
      this.#trainerFor(data, options.batchSize ?? DEFAULT_BATCH),
      data,
      metrics,
      new Pauses(),
    );
    return results;
  }

  /** Predictions: [rows][steps][outputs], or [rows][outputs] behind a GRU layer without `returnSequences`. */
  async predict(x: ArrayInput, options: RunOptions = {}): Promise<NdArray & { readonly data: Float32Array }> {
    const data = this.#data(x);
    const trainer = this.#trainerFor(data, options.batchSize ?? DEFAULT_BATCH);
    const { predictions } = await run(trainer, data, [], new Pauses());
    const { outputs, targets } = this.#plan;
    return { data: predictions, shape: targets === "each" ? [data.rows, data.steps, outputs] : [data.rows, outputs] };
  }

  /** Copies of the weights by the names of FORMAT.md 4. */
  weights(): Weights {
    const weights = this.#trainer?.weights() ?? this.#given;
    if (!weights)
      throw new Error("The model has no weights yet: call `build` or `fit`, which tell the size of a sample");
    return weights;
  }

  /** Takes weights, all or some. */
  load(weights: Weights): void {
    if (this.#trainer) this.#trainer.load(weights);
    else this.#given = new Map([...(this.#given ?? []), ...weights]);
  }

  /** Makes the weights of samples of `inputs` values, where neither layers nor data have told it. */
  build(inputs = this.#plan.inputs ?? 0): void {
    if (inputs < 1) throw new RangeError(`inputs: Found ${inputs}, expected the values of a sample`);
    this.#trainer ??= this.#create(inputs, 1, 1);
  }

  /**
   * The model of the runtime. It answers after every step, whatever `returnSequences` says.
   *
   * @param options  names, units, interval, provenance: what FORMAT.md 3 allows; names are x0, … and y0, … unless told
   */
  toModel(options: ModelOptions = {}): Model {
    return parseModel(this.toBytes(options));
  }

  /** The bytes of a model file. */
  toBytes(options: ModelOptions = {}): Uint8Array {
    const weights = this.weights();
    const { network } = this.#trainer?.options ?? { network: this.#network(this.#plan.inputs ?? 1) };
    return serializeModel({ name: "sequential", ...network, ...options, numeric: "f32" }, weights);
  }

  #needCompiled(method: string): Compiled {
    if (!this.#compiled) throw new Error(`${method}: the model is not compiled, call \`compile\` first`);
    return this.#compiled;
  }

  #data(x: ArrayInput, y?: ArrayInput, weights?: ArrayInput): Data {
    const { embedding, outputs, targets, inputs } = this.#plan;
    const loss = this.#compiled?.loss ?? "mse";
    const given = { x: arrayOf(x, "x"), y: y && arrayOf(y, "y"), weights: weights && arrayOf(weights, "sampleWeight") };
    const known = this.#trainer?.options.network.inputs.length ?? inputs;
    return dataOf(given, { isTokens: embedding !== undefined, inputs: known, outputs, targets, loss });
  }

  #network(inputs: number): NetworkSpec {
    const { layers, embedding, outputs } = this.#plan;
    const names = (prefix: string, count: number) =>
      Array.from({ length: count }, (_, i) => ({ name: `${prefix}${i}` }));
    return { inputs: names("x", inputs), outputs: names("y", outputs), layers, ...(embedding && { embedding }) };
  }

  /** A trainer for batches like these; its weights, moments and updates are those of the one before. */
  #trainerFor({ steps, inputs }: Data, batch: number): Trainer {
    const own = this.#trainer;
    if (own && (own.options.steps ?? 0) >= steps && own.options.batch === batch) return own;
    const next = this.#create(own?.options.network.inputs.length ?? inputs, batch, steps);
    if (own) next.restore(own.snapshot());
    this.#trainer = next;
    return next;
  }

  #create(inputs: number, batch: number, steps: number): Trainer {
    const { targets, dropout, frozen, leaky } = this.#plan;
    const { optimizer, loss = "mse", delta = 1 } = this.#compiled ?? {};
    const options: TrainerOptions = {
      network: this.#network(inputs),
      loss,
      delta,
      optimizer: optimizer?.options ?? {},
      seed: this.#seed,
      batch,
      steps,
      targets,
      dropout,
      frozen,
      initial: new Map([...this.#slopes(leaky), ...(this.#given ?? [])]),
    };
    return createTrainer(options);
  }

  /** Slopes of leaky_relu. */
  #slopes(leaky: readonly number[]): Weights {
    return new Map(
      leaky.map((k) => {
        const size = this.#plan.layers[k]?.size ?? 0;
        return [`layers.${k}.p`, { dtype: "F32", shape: [1, size], data: new Float32Array(size).fill(0.2) }];
      }),
    );
  }
}

/**
 * Makes a model of layers that follow each other.
 *
 * @throws {RangeError} when they do not follow each other so
 */
export function sequential(layers: readonly KerasLayer[], options: SequentialOptions = {}): Sequential {
  return new Sequential(layers, options);
}
