// A trainer: batches in, weights out.

import { tensorRules } from "../model/tensors.ts";
import { hasSimd } from "../runtime/compile.ts";
import { checkBatch, checkOptions, unfitNumber } from "./check.ts";
import { TrainingError } from "./errors.ts";
import { Arena } from "./kernels.ts";
import type { Parts } from "./layers.ts";
import { checkWeights, parametersOf } from "./parameters.ts";
import { type DropoutKey, Pass } from "./pass.ts";
import { readSnapshot, writeSnapshot } from "./snapshot.ts";
import { Tensors } from "./tensors.ts";
import type { Batch, Evaluation, StepOptions, StepResult, Trainer, TrainerOptions, Weights } from "./types.ts";

/**
 * Makes a trainer of a network. The builds with SIMD and without give the same bits; `simd` chooses one, by default what the
 * engine can.
 *
 * @throws {RangeError} when the options contradict each other or the network, or there is not enough memory
 */
export function createTrainer(
  options: TrainerOptions,
  { simd = hasSimd() }: { readonly simd?: boolean } = {},
): Trainer {
  checkOptions(options);
  return new KernelTrainer(options, new Arena(simd));
}

class KernelTrainer implements Trainer {
  readonly options: TrainerOptions;
  readonly parameters: number;
  readonly #arena: Arena;
  readonly #tensors: Tensors;
  readonly #pass: Pass;
  #updates = 0;
  #isPacked = false;

  constructor(options: TrainerOptions, arena: Arena) {
    this.options = options;
    this.#arena = arena;
    this.#tensors = new Tensors(arena, parametersOf(options));
    this.#pass = new Pass(arena, this.#tensors, options);
    this.parameters = this.#tensors.learning.reduce((sum, { count }) => sum + count, 0);
  }

  get updates(): number {
    return this.#updates;
  }

  get bytes(): number {
    return this.#arena.bytes;
  }

  step(batch: Batch, options: StepOptions = {}): StepResult {
    return finish(this.parts(batch, options));
  }

  *parts(batch: Batch, { learningRate }: StepOptions = {}): Generator<undefined, StepResult> {
    checkBatch(this.options, batch);
    const { optimizer = {}, dropout = [], seed = 1 } = this.options;
    const key = dropout.some((rate) => rate > 0) ? { seed, update: this.#updates } : undefined;
    const loss = yield* this.#differentiate(batch, key);
    const norm = this.#tensors.norm();
    if (!Number.isFinite(loss) || !Number.isFinite(norm)) throw this.#failure(batch, loss, norm);
    this.#tensors.clip(optimizer, norm);
    this.#updates += 1;
    this.#tensors.update(optimizer, learningRate, this.#updates);
    this.#isPacked = false;
    return { loss, norm };
  }

  evaluate(batch: Batch): Evaluation {
    checkBatch(this.options, batch);
    finish(this.#forward(batch));
    return this.#pass.loss(batch);
  }

  predict({ rows, steps, inputs, carry = false }: Omit<Batch, "targets" | "weights">): Float32Array {
    const batch = { rows, steps, inputs, carry };
    checkBatch(this.options, batch);
    finish(this.#forward(batch));
    return this.predictions(rows);
  }

  predictions(rows: number): Float32Array {
    return this.#pass.predictions(rows);
  }

  gradients(batch: Batch): ReadonlyMap<string, Float32Array> {
    checkBatch(this.options, batch);
    finish(this.#differentiate(batch));
    return new Map(this.#tensors.learning.map(({ name, g, count }) => [name, this.#arena.view(g, count).slice()]));
  }

  weights(): Weights {
    return this.#tensors.weights();
  }

  load(weights: Weights): void {
    checkWeights(tensorRules({ ...this.options.network, numeric: "f32" }), weights);
    this.#tensors.load(weights);
    this.#isPacked = false;
  }

  snapshot(): Uint8Array {
    return writeSnapshot(this.#updates, this.#tensors.views(), this.#pass.state());
  }

  restore(snapshot: Uint8Array): void {
    this.#pass.rewind();
    this.#updates = readSnapshot(snapshot, this.#tensors.views(), this.#pass.state());
    this.#isPacked = false;
  }

  /** Why an update was not made, and what to do. */
  #failure(batch: Batch, loss: number, norm: number): TrainingError {
    const unfit = unfitNumber(this.options, batch);
    const found = `the loss is ${loss}, the norm of its gradient ${norm}, expected finite numbers`;
    const advice =
      unfit === undefined
        ? "lower the learning rate, limit the gradient with clipNorm, and look for inputs and targets far from all others"
        : `${unfit}, expected a finite number; leave such rows out, or give what is not known a target of NaN`;
    return new TrainingError(this.#updates, `Update ${this.#updates + 1} was not made: ${found}`, advice);
  }

  *#forward(batch: Omit<Batch, "targets">, key?: DropoutKey): Parts {
    if (!this.#isPacked) this.#pass.pack();
    this.#isPacked = true;
    yield* this.#pass.forward(batch, key);
  }

  /** Makes gradients; answers the mean loss, 0 where no target counts. */
  *#differentiate(batch: Batch, key?: DropoutKey): Generator<undefined, number> {
    yield* this.#forward(batch, key);
    const { sum, weight } = this.#pass.loss(batch);
    yield;
    yield* this.#pass.backward(key);
    return weight === 0 ? 0 : sum / weight;
  }
}

/** Does all parts of a piece of work. */
function finish<T>(parts: Generator<undefined, T>): T {
  for (;;) {
    const { done, value } = parts.next();
    if (done) return value;
  }
}
