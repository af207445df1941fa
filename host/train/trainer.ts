// A trainer: batches in, weights out.

import { tensorRules } from "../model/tensors.ts";
import { hasSimd } from "../runtime/compile.ts";
import { checkBatch, checkOptions } from "./check.ts";
import { TrainingError } from "./errors.ts";
import { Arena } from "./kernels.ts";
import { checkWeights, parametersOf } from "./parameters.ts";
import { Pass } from "./pass.ts";
import { readSnapshot, writeSnapshot } from "./snapshot.ts";
import { Tensors } from "./tensors.ts";
import type { Batch, Evaluation, StepResult, Trainer, TrainerOptions, Weights } from "./types.ts";

/**
 * Makes a trainer of a network. The builds with SIMD and without give the same bits.
 *
 * @param build.simd  default: what the engine can
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

  step(batch: Batch, { learningRate }: { readonly learningRate?: number } = {}): StepResult {
    checkBatch(this.options, batch);
    const { optimizer = {}, dropout = [], seed = 1 } = this.options;
    const key = dropout.some((rate) => rate > 0) ? { seed, update: this.#updates } : undefined;
    const loss = this.#differentiate(batch, key);
    const norm = this.#tensors.norm();
    if (!Number.isFinite(loss) || !Number.isFinite(norm)) {
      const found = `the loss is ${loss}, the norm of its gradient ${norm}`;
      throw new TrainingError(
        this.#updates,
        `Update ${this.#updates + 1} was not made: ${found}; expected finite numbers`,
      );
    }
    this.#tensors.clip(optimizer, norm);
    this.#updates += 1;
    this.#tensors.update(optimizer, learningRate, this.#updates);
    this.#isPacked = false;
    return { loss, norm };
  }

  evaluate(batch: Batch): Evaluation {
    checkBatch(this.options, batch);
    this.#forward(batch);
    return this.#pass.loss(batch);
  }

  predict(batch: Omit<Batch, "targets" | "weights">): Float32Array {
    checkBatch(this.options, batch);
    this.#forward(batch);
    return this.#pass.predictions(batch.rows);
  }

  gradients(batch: Batch): ReadonlyMap<string, Float32Array> {
    checkBatch(this.options, batch);
    this.#differentiate(batch);
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
    return writeSnapshot(this.#updates, [...this.#tensors.views(), ...this.#pass.state()]);
  }

  restore(snapshot: Uint8Array): void {
    this.#pass.rewind();
    this.#updates = readSnapshot(snapshot, [...this.#tensors.views(), ...this.#pass.state()]);
    this.#isPacked = false;
  }

  #forward(batch: Omit<Batch, "targets">, key?: Parameters<Pass["forward"]>[1]): void {
    if (!this.#isPacked) this.#pass.pack();
    this.#isPacked = true;
    this.#pass.forward(batch, key);
  }

  /** Makes gradients; answers the mean loss, 0 where no target counts. */
  #differentiate(batch: Batch, key?: Parameters<Pass["forward"]>[1]): number {
    this.#forward(batch, key);
    const { sum, weight } = this.#pass.loss(batch);
    this.#pass.backward(key);
    return weight === 0 ? 0 : sum / weight;
  }
}
