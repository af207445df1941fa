// A trainer: batches in, weights out.

import { networkOf } from "../model/network.ts";
import { tensorRules } from "../model/tensors.ts";
import { checkBatch, checkOptions } from "./check.ts";
import { TrainingError } from "./errors.ts";
import { adamOf, adamStep } from "./optimizer.ts";
import { checkWeights, type Parameter, parametersOf } from "./parameters.ts";
import { PlainNetwork, plainLoss, type RowState } from "./plain.ts";
import { mulberry32 } from "./random.ts";
import type { Batch, Evaluation, StepResult, Trainer, TrainerOptions, Weights } from "./types.ts";

/**
 * Makes a trainer of a network.
 *
 * @throws {RangeError} when the options contradict each other or the network
 */
export function createTrainer(options: TrainerOptions): Trainer {
  checkOptions(options);
  return new PlainTrainer(options, parametersOf(options));
}

interface Learned extends Parameter {
  readonly numbers: Float64Array;
  readonly first: Float64Array;
  readonly second: Float64Array;
}

class PlainTrainer implements Trainer {
  readonly options: TrainerOptions;
  readonly parameters: number;
  readonly #tensors: readonly Learned[];
  #network: PlainNetwork;
  #updates = 0;
  #states: RowState[] = [];

  constructor(options: TrainerOptions, parameters: readonly Parameter[]) {
    this.options = options;
    this.#tensors = parameters.map((parameter) => ({
      ...parameter,
      numbers: Float64Array.from(parameter.values),
      first: new Float64Array(parameter.values.length),
      second: new Float64Array(parameter.values.length),
    }));
    this.parameters = this.#learning.reduce((sum, { values }) => sum + values.length, 0);
    this.#network = new PlainNetwork(options, this.#numbers());
  }

  get updates(): number {
    return this.#updates;
  }

  step(batch: Batch, { learningRate }: { readonly learningRate?: number } = {}): StepResult {
    checkBatch(this.options, batch);
    const { loss, gradients } = this.#differentiate(batch, true);
    const norm = Math.sqrt([...gradients.values()].reduce((sum, values) => sum + square(values), 0));
    if (!Number.isFinite(loss + norm)) {
      throw new TrainingError(
        this.#updates,
        `Update ${this.#updates + 1}: the loss is ${loss}, the norm of the gradient ${norm}`,
      );
    }
    const adam = adamOf(this.options.optimizer);
    const rate = learningRate ?? adam.learningRate;
    this.#updates += 1;
    const factors = adamStep(adam, rate, this.#updates);
    for (const tensor of this.#learning) {
      const gradient = this.#clipped(gradients.get(tensor.name) as Float64Array, norm);
      const decay = tensor.decays ? rate * adam.weightDecay : 0;
      tensor.numbers.forEach((w, i) => {
        const g = gradient[i] as number;
        const m = (tensor.first[i] as number) + (g - (tensor.first[i] as number)) * (1 - adam.beta1);
        const v = (tensor.second[i] as number) + (g * g - (tensor.second[i] as number)) * (1 - adam.beta2);
        tensor.first[i] = m;
        tensor.second[i] = v;
        tensor.numbers[i] = w - w * decay - (factors.rate * m) / (Math.sqrt(v) * factors.scale + factors.epsilon);
      });
    }
    return { loss, norm };
  }

  evaluate(batch: Batch): Evaluation {
    checkBatch(this.options, batch);
    const passes = this.#run(batch, false);
    const parts = passes.map((pass, row) => plainLoss(this.options, this.#scaled(batch), row, pass.outputs));
    return { sum: total(parts.map(({ sum }) => sum)), weight: total(parts.map(({ weight }) => weight)) };
  }

  predict(batch: Omit<Batch, "targets" | "weights">): Float32Array {
    checkBatch(this.options, batch);
    const { offset, scale } = this.#outputScaling();
    const last = this.options.targets === "last";
    const rows = this.#run(batch, false).map(({ outputs }) => (last ? outputs.slice(-1) : outputs));
    return Float32Array.from(rows.flat(2), (v, i) => v * scale(i) + offset(i));
  }

  gradients(batch: Batch): ReadonlyMap<string, Float32Array> {
    checkBatch(this.options, batch);
    const { gradients } = this.#differentiate(batch, false);
    return new Map([...gradients].map(([name, values]) => [name, Float32Array.from(values)]));
  }

  weights(): Weights {
    return new Map(
      this.#tensors.map(({ name, shape, numbers }) => [
        name,
        { dtype: "F32", shape, data: Float32Array.from(numbers) },
      ]),
    );
  }

  load(weights: Weights): void {
    checkWeights(tensorRules({ ...this.options.network, numeric: "f32" }), weights);
    for (const { name, numbers } of this.#tensors) numbers.set(weights.get(name)?.data ?? numbers);
  }

  snapshot(): Uint8Array {
    const state = this.#states.flatMap(({ window, hidden }) => [...window.flat(), ...hidden.flat()]);
    const all = this.#tensors.flatMap(({ numbers, first, second }) => [...numbers, ...first, ...second]);
    return new Uint8Array(Float64Array.of(this.#updates, this.#states.length, ...all, ...state).buffer);
  }

  restore(snapshot: Uint8Array): void {
    const values = new Float64Array(snapshot.slice().buffer);
    const counts = this.#tensors.map(({ numbers }) => 3 * numbers.length);
    const fresh = Array.from({ length: values[1] ?? 0 }, () => this.#network.start());
    const sizes = fresh.flatMap(({ window, hidden }) => [...window, ...hidden].map(({ length }) => length));
    const expected = 2 + total(counts) + total(sizes);
    if (values.length !== expected) throw new RangeError(`Snapshot of ${values.length} numbers, expected ${expected}`);
    let at = 2;
    const take = (into: Float64Array | number[]) => {
      for (let i = 0; i < into.length; i++) into[i] = values[at++] as number;
    };
    for (const { numbers, first, second } of this.#tensors) for (const part of [numbers, first, second]) take(part);
    for (const { window, hidden } of fresh) for (const part of [...window, ...hidden]) take(part as number[]);
    this.#states = fresh;
    this.#updates = values[0] as number;
  }

  get #learning(): readonly Learned[] {
    return this.#tensors.filter(({ learns }) => learns);
  }

  #numbers() {
    return new Map(this.#tensors.map(({ name, numbers }) => [name, numbers]));
  }

  #outputScaling() {
    const { output } = networkOf(this.options.network);
    const [offsets, scales] = [output.offset, output.scale].map((name) => this.#numbers().get(name));
    return {
      offset: (i: number) => offsets?.[i % output.size] ?? 0,
      scale: (i: number) => scales?.[i % output.size] ?? 1,
    };
  }

  /** The batch with targets as the last layer has them. */
  #scaled(batch: Batch): Batch {
    if (this.options.loss === "sparse_categorical_crossentropy") return batch;
    const { offset, scale } = this.#outputScaling();
    return { ...batch, targets: Array.from(batch.targets, (v, i) => (v - offset(i)) / scale(i)) };
  }

  #run(batch: Omit<Batch, "targets">, isTraining: boolean) {
    const { rows, steps, inputs, carry = false } = batch;
    const I = this.options.network.inputs.length;
    const rates = this.options.dropout ?? [];
    const random = mulberry32((this.options.seed ?? 1) + this.#updates);
    const kept = (layer: number) => {
      const rate = rates[layer] ?? 0;
      return rate > 0 ? (random() < rate ? 0 : 1 / (1 - rate)) : 1;
    };
    const passes = Array.from({ length: rows }, (_, row) => {
      const samples = Array.from({ length: steps }, (_, t) =>
        Array.from({ length: I }, (_, i) => inputs[(row * steps + t) * I + i] as number),
      );
      const isCarried = typeof carry === "boolean" ? carry : carry[row] === true;
      const state = (isCarried && this.#states[row]) || this.#network.start();
      return this.#network.run(samples, state, isTraining && rates.some((rate) => rate > 0) ? kept : undefined);
    });
    this.#states = passes.map(({ state }) => state);
    return passes;
  }

  #differentiate(batch: Batch, isTraining: boolean) {
    const passes = this.#run(batch, isTraining);
    const scaled = this.#scaled(batch);
    const parts = passes.map((pass, row) => plainLoss(this.options, scaled, row, pass.outputs));
    const weight = total(parts.map((part) => part.weight));
    const gradients = new Map(this.#learning.map(({ name, values }) => [name, new Float64Array(values.length)]));
    passes.forEach((pass, row) => {
      pass.backward(
        (parts[row]?.gradient ?? []).map((values) => values.map((v) => v / weight)),
        gradients,
      );
    });
    return { loss: total(parts.map(({ sum }) => sum)) / weight, gradients };
  }

  #clipped(gradient: Float64Array, norm: number): Float64Array {
    const {
      clipNorm = Number.POSITIVE_INFINITY,
      clipTensorNorm = clipNorm,
      clipValue = Number.POSITIVE_INFINITY,
    } = this.options.optimizer ?? {};
    const own = clipTensorNorm === clipNorm ? norm : Math.sqrt(square(gradient));
    const factor = own > clipTensorNorm ? clipTensorNorm / own : 1;
    return gradient.map((g) => Math.min(Math.max(g * factor, -clipValue), clipValue));
  }
}

const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);
const square = (values: Float64Array) => values.reduce((sum, value) => sum + value * value, 0);
