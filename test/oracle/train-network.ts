// Forward and backward pass of a network in double precision and plain loops, one sequence at a time.

import { type DenseStage, type GruStage, networkOf } from "../../host/model/network.ts";
import type { TrainerOptions } from "../../host/train/types.ts";
import { derivative, plainActivation } from "./train-functions.ts";

export type Vector = number[];
/** Values of all steps. */
export type Steps = Vector[];
/** Numbers by the name of their tensor. */
export type Numbers = ReadonlyMap<string, Float64Array>;

/** What one layer remembers of a sequence for its way back. */
interface Memory {
  readonly x: Steps;
  readonly y: Steps;
  /** Sums before the activation; of a GRU layer [n, r, z, U_n h + c_n] of all units. */
  readonly sums: Steps;
  readonly before: Vector;
  /** Factors of dropout behind the layer. */
  readonly kept: Steps | undefined;
}

/** State of one row: the window of the skip, and h of each layer. */
interface RowState {
  readonly window: Steps;
  readonly hidden: readonly Vector[];
}

/** What a pass over one sequence answers. */
interface Pass {
  /** [T][O] before the scaling of the output. */
  readonly outputs: Steps;
  readonly state: RowState;
  /** Adds the gradient to `into`, given that of the outputs. */
  backward(gradient: Steps, into: Numbers): void;
}

const sigmoid = (a: number) => 1 / (1 + Math.exp(-a));
const hard = (a: number) => Math.min(Math.max(a, 0), 1);
const zeros = (count: number): Vector => new Array<number>(count).fill(0);
const at = (values: ArrayLike<number>, index: number) => values[index] as number;

/** A network without its weights. */
export class PlainNetwork {
  readonly #options: TrainerOptions;
  readonly #weights: Numbers;

  constructor(options: TrainerOptions, weights: Numbers) {
    this.#options = options;
    this.#weights = weights;
  }

  /** The start of a sequence. */
  start(): RowState {
    const { layers, skip, input } = networkOf(this.#options.network);
    return {
      window: Array.from({ length: Math.max(0, (skip?.length ?? 1) - 1) }, () => zeros(input.size)),
      hidden: layers.map(({ kind, size }) => zeros(kind === "gru" ? size : 0)),
    };
  }

  /**
   * Runs a sequence.
   *
   * @param kept  factor of dropout for each value behind a layer, absent for none
   */
  run(samples: Steps, state: RowState, kept?: (layer: number, step: number, unit: number) => number): Pass {
    const network = networkOf(this.#options.network);
    const xs = samples.map((sample) => this.#input(sample));
    let y = xs;
    const memories = network.layers.map((stage, index) => {
      const memory = stage.kind === "gru" ? this.#gru(stage, y, state.hidden[index] as Vector) : this.#dense(stage, y);
      const factors = kept && memory.y.map((values, t) => values.map((_, i) => kept(index, t, i)));
      y = factors ? memory.y.map((values, t) => values.map((v, i) => v * at(factors[t] as Vector, i))) : memory.y;
      return { ...memory, kept: factors };
    });
    const all = [...state.window, ...xs];
    const length = network.skip?.length ?? 1;
    const windows = xs.map((_, t) => all.slice(t, t + length).flat());
    const outputs = network.skip ? y.map((v, t) => add(v, this.#rows("skip.W", windows[t] as Vector, v.length))) : y;
    return {
      outputs,
      state: { window: all.slice(all.length - length + 1), hidden: memories.map(({ y }) => y.at(-1) as Vector) },
      backward: (gradient, into) => {
        if (network.skip) this.#outer("skip.W", gradient, windows, into);
        let d = gradient;
        for (let index = memories.length - 1; index >= 0; index--) {
          const stage = network.layers[index] as DenseStage | GruStage;
          const memory = memories[index] as Memory;
          const { kept: factors } = memory;
          if (factors) d = d.map((values, t) => values.map((v, i) => v * at(factors[t] as Vector, i)));
          d = stage.kind === "gru" ? this.#gruBack(stage, memory, d, into) : this.#denseBack(stage, memory, d, into);
        }
        if (network.input.kind === "embedding") this.#embeddingBack(samples, d, into);
      },
    };
  }

  #tensor(name: string): Float64Array {
    const values = this.#weights.get(name);
    if (!values) throw new Error(`No tensor ${name}`);
    return values;
  }

  /** weight · x */
  #rows(name: string, x: Vector, rows: number): Vector {
    const w = this.#tensor(name);
    return Array.from({ length: rows }, (_, row) => x.reduce((sum, v, k) => sum + at(w, row * x.length + k) * v, 0));
  }

  /** weightᵀ · d */
  #columns(name: string, d: Vector, columns: number): Vector {
    const w = this.#tensor(name);
    return Array.from({ length: columns }, (_, k) => d.reduce((sum, v, row) => sum + at(w, row * columns + k) * v, 0));
  }

  /** into += Σ_t d[t] x[t]ᵀ */
  #outer(name: string, d: Steps, x: Steps, into: Numbers): void {
    const to = into.get(name);
    if (!to) return;
    d.forEach((rows, t) => {
      const values = x[t] as Vector;
      rows.forEach((v, row) => {
        for (let k = 0; k < values.length; k++)
          to[row * values.length + k] = at(to, row * values.length + k) + v * at(values, k);
      });
    });
  }

  #sum(name: string, d: Steps, into: Numbers): void {
    const to = into.get(name);
    if (!to) return;
    for (const values of d) {
      values.forEach((v, i) => {
        to[i] = at(to, i) + v;
      });
    }
  }

  #input(sample: Vector): Vector {
    const { input } = networkOf(this.#options.network);
    if (input.kind === "embedding") {
      const w = this.#tensor(input.weight);
      return Array.from({ length: input.size }, (_, i) => at(w, at(sample, 0) * input.size + i));
    }
    const [offset, scale] = [this.#weights.get(input.offset), this.#weights.get(input.scale)];
    return sample.map((v, i) => (offset && scale ? (v - at(offset, i)) * at(scale, i) : v));
  }

  #gru({ layer, size: H, w, u }: GruStage, x: Steps, before: Vector): Omit<Memory, "kept"> {
    const [b, c] = [this.#tensor(w.bias), this.#tensor(u.bias)];
    const gate = layer.gates === "hard" ? hard : sigmoid;
    const y: Steps = [];
    const sums: Steps = [];
    let h = before;
    for (const values of x) {
      const gx = add(this.#rows(w.weight, values, 3 * H), b);
      const gh = add(this.#rows(u.weight, h, 3 * H), c);
      const r = h.map((_, j) => gate(at(gx, j) + at(gh, j)));
      const z = h.map((_, j) => gate(at(gx, H + j) + at(gh, H + j)));
      const gated = this.#rows(
        u.weight,
        h.map((v, j) => v * at(r, j)),
        3 * H,
      );
      const n = h.map((_, j) => {
        const after = at(r, j) * at(gh, 2 * H + j);
        return Math.tanh(
          at(gx, 2 * H + j) + (layer.reset === "after" ? after : at(gated, 2 * H + j) + at(c, 2 * H + j)),
        );
      });
      h = h.map((v, j) => at(n, j) + at(z, j) * (v - at(n, j)));
      y.push(h);
      sums.push([...n, ...r, ...z, ...gh.slice(2 * H)]);
    }
    return { x, y, sums, before };
  }

  #gruBack(stage: GruStage, { x, y, sums, before }: Memory, dy: Steps, into: Numbers): Steps {
    const { layer, size: H, sizeIn, w, u } = stage;
    const slope = layer.gates === "hard" ? (g: number) => (g > 0 && g < 1 ? 1 : 0) : (g: number) => g * (1 - g);
    const isAfter = layer.reset === "after";
    let carried = zeros(H);
    const toW: Steps = [];
    const toU: Steps = [];
    const vectors: Steps = [];
    const dx: Steps = [];
    for (let t = x.length - 1; t >= 0; t--) {
      const h = t > 0 ? (y[t - 1] as Vector) : before;
      const part = (k: number) => (sums[t] as Vector).slice(k * H, (k + 1) * H);
      const [n, r, z, nh] = [part(0), part(1), part(2), part(3)] as [Vector, Vector, Vector, Vector];
      const d = add(dy[t] as Vector, carried);
      const an = d.map((v, j) => v * (1 - at(z, j)) * (1 - at(n, j) ** 2));
      const az = d.map((v, j) => v * (at(h, j) - at(n, j)) * slope(at(z, j)));
      const q = isAfter ? undefined : this.#columns(u.weight, [...zeros(2 * H), ...an], H);
      const ar = r.map((v, j) => (q ? at(q, j) * at(h, j) : at(an, j) * at(nh, j)) * slope(v));
      const un = isAfter ? an.map((v, j) => v * at(r, j)) : zeros(H);
      toW[t] = [...ar, ...az, ...an];
      toU[t] = [...ar, ...az, ...un];
      vectors[t] = h;
      carried = add(
        d.map((v, j) => v * at(z, j)),
        this.#columns(u.weight, toU[t] as Vector, H),
      );
      if (q) {
        carried = add(
          carried,
          q.map((v, j) => v * at(r, j)),
        );
        this.#outer(u.weight, [[...zeros(2 * H), ...an]], [h.map((v, j) => v * at(r, j))], into);
      }
      dx[t] = this.#columns(w.weight, toW[t] as Vector, sizeIn);
    }
    this.#outer(w.weight, toW, x, into);
    this.#outer(u.weight, toU, vectors, into);
    this.#sum(w.bias, toW, into);
    this.#sum(u.bias, isAfter ? toU : toW, into);
    return dx;
  }

  #dense({ size, layer, w, parameters }: DenseStage, x: Steps): Omit<Memory, "kept"> {
    const p = parameters && this.#tensor(parameters.name);
    const sums = x.map((values) => add(this.#rows(w.weight, values, size), this.#tensor(w.bias)));
    return { x, sums, y: sums.map((a) => plainActivation(layer.activation, a, p)), before: [] };
  }

  #denseBack(stage: DenseStage, { x, y, sums }: Memory, dy: Steps, into: Numbers): Steps {
    const { layer, w, parameters, sizeIn } = stage;
    const p = parameters && this.#tensor(parameters.name);
    const da = dy.map((d, t) => derivative(layer.activation, sums[t] as Vector, y[t] as Vector, d, p));
    if (layer.activation === "prelu" && parameters) {
      const below = dy.map((d, t) =>
        d.map((v, i) => (at(sums[t] as Vector, i) > 0 ? 0 : v * at(sums[t] as Vector, i))),
      );
      this.#sum(parameters.name, below, into);
    }
    this.#outer(w.weight, da, x, into);
    this.#sum(w.bias, da, into);
    return da.map((d) => this.#columns(w.weight, d, sizeIn));
  }

  #embeddingBack(samples: Steps, d: Steps, into: Numbers): void {
    const to = into.get("embedding.weight");
    if (!to) return;
    samples.forEach((sample, t) => {
      const values = d[t] as Vector;
      values.forEach((v, i) => {
        const place = at(sample, 0) * values.length + i;
        to[place] = at(to, place) + v;
      });
    });
  }
}

const add = (a: ArrayLike<number>, b: ArrayLike<number>): Vector => Array.from(a, (v, i) => v + at(b, i));
