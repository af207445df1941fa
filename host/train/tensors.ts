// The tensors of a network in the memory of the kernels: weights, and for those that learn gradient and moments.

import type { Arena } from "./kernels.ts";
import { adamOf, adamStep } from "./optimizer.ts";
import type { Parameter } from "./parameters.ts";
import type { OptimizerOptions, Weights } from "./types.ts";

/** A tensor and where it lies. */
export interface Placed {
  readonly name: string;
  readonly shape: readonly number[];
  readonly count: number;
  /** Address of its weights. */
  readonly w: number;
  /** Addresses of gradient and moments; 0 where it does not learn. */
  readonly g: number;
  readonly m: number;
  readonly v: number;
  readonly decays: boolean;
}

/** All tensors of a trainer. */
export class Tensors {
  readonly #arena: Arena;
  readonly #placed: ReadonlyMap<string, Placed>;

  constructor(arena: Arena, parameters: readonly Parameter[]) {
    this.#arena = arena;
    this.#placed = new Map(
      parameters.map(({ name, shape, values, learns, decays }) => {
        const count = values.length;
        const take = () => (learns ? arena.take(count) : 0);
        return [name, { name, shape, count, w: arena.take(count), g: take(), m: take(), v: take(), decays }];
      }),
    );
    for (const { name, values } of parameters) arena.view(this.get(name).w, values.length).set(values);
  }

  /** All, in the order of the stages. */
  get all(): readonly Placed[] {
    return [...this.#placed.values()];
  }

  /** Those that learn. */
  get learning(): readonly Placed[] {
    return this.all.filter(({ g }) => g > 0);
  }

  /** A tensor that the network has. */
  get(name: string): Placed {
    const placed = this.#placed.get(name);
    if (!placed) throw new Error(`The network has no tensor ${name}`);
    return placed;
  }

  /** The values of an optional tensor. */
  find(name: string): Float32Array | undefined {
    const placed = this.#placed.get(name);
    return placed && this.#arena.view(placed.w, placed.count);
  }

  /** Copies of all. */
  weights(): Weights {
    const copy = ({ w, count }: Placed) => this.#arena.view(w, count).slice();
    return new Map(this.all.map((placed) => [placed.name, { dtype: "F32", shape: placed.shape, data: copy(placed) }]));
  }

  /** Takes the values of those that are given. */
  load(weights: Weights): void {
    for (const { name, w, count } of this.all) {
      const given = weights.get(name);
      if (given) this.#arena.view(w, count).set(given.data);
    }
  }

  /** Norm of the gradient. */
  norm(): number {
    const { squares } = this.#arena.kernels;
    return Math.sqrt(this.learning.reduce((sum, { g, count }) => sum + squares(g, count), 0));
  }

  /** Cuts the gradient whose norm is `norm` as the options say. */
  clip(options: OptimizerOptions, norm: number): void {
    const { clipNorm, clipTensorNorm, clipValue } = options;
    if (clipNorm === undefined && clipTensorNorm === undefined && clipValue === undefined) return;
    const { squares, limit } = this.#arena.kernels;
    const whole = clipNorm !== undefined && norm > clipNorm ? clipNorm / norm : 1;
    const norms = new Map<string, number>();
    for (const { name, g, count } of this.learning) {
      norms.set(variableOf(name), (norms.get(variableOf(name)) ?? 0) + squares(g, count));
    }
    for (const { name, g, count } of this.learning) {
      const own = Math.sqrt(norms.get(variableOf(name)) as number) * whole;
      const factor = clipTensorNorm !== undefined && own > clipTensorNorm ? (whole * clipTensorNorm) / own : whole;
      limit(g, count, factor, clipValue ?? Number.POSITIVE_INFINITY);
    }
  }

  /** Update `count` of Adam. */
  update(options: OptimizerOptions, learningRate: number | undefined, count: number): void {
    const adam = adamOf(options);
    const eta = learningRate ?? adam.learningRate;
    const { rate, scale, epsilon } = adamStep(adam, eta, count);
    const { update } = this.#arena.kernels;
    for (const { w, g, m, v, count: size, decays } of this.learning) {
      const decay = decays ? eta * adam.weightDecay : 0;
      update(w, g, m, v, size, 1 - adam.beta1, 1 - adam.beta2, rate, scale, epsilon, decay);
    }
  }

  /** The numbers of all that `update` changes: weights of all tensors, moments of those that learn. */
  views(): readonly Float32Array[] {
    return this.all.flatMap(({ w, m, v, count }) =>
      [w, m, v].filter((at) => at > 0).map((at) => this.#arena.view(at, count)),
    );
  }
}

/** The two biases of a GRU layer are one variable of Keras. */
const variableOf = (name: string) => name.replace(/\.c$/, ".b");
