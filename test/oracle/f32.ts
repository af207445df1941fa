// The f32 network of FORMAT.md 4 in double precision, with the exact tanh and exp: what the f32 kernels approximate.

import type { DenseLayerSpec, GruLayerSpec, Model } from "../../host/model/types.ts";
import { at, numbers } from "./tensors.ts";

const sigmoid = (a: number) => 1 / (1 + Math.exp(-a));
const hard = (a: number) => Math.min(Math.max(a, 0), 1);

/** The normal distribution function, by its series Σ a^(2k+1) / (1·3·5·…·(2k+1)) about zero, with the density. */
function normal(a: number): number {
  if (Math.abs(a) > 9) return a > 0 ? 1 : 0;
  let term = a;
  let sum = a;
  for (let k = 1; k < 400; k++) {
    term *= (a * a) / (2 * k + 1);
    sum += term;
  }
  return 0.5 + (sum * Math.exp((-a * a) / 2)) / Math.sqrt(2 * Math.PI);
}

/** `bias + Σ weight[row·columns + k] · vector[k]` */
function rowSum(bias: number, weight: ArrayLike<number>, row: number, vector: readonly number[]): number {
  return vector.reduce((sum, value, k) => sum + at(weight, row * vector.length + k) * value, bias);
}

/** The f32 network step in double precision: one session of one model. Samples are rounded to f32, as the kernels get them. */
export class F32Oracle {
  readonly #model: Model;
  #window: number[] = [];
  #hidden: number[][] = [];

  constructor(model: Model) {
    if (model.spec.numeric !== "f32") throw new TypeError(`Model ${model.id} is ${model.spec.numeric}, expected f32`);
    this.#model = model;
    this.reset();
  }

  /** Puts the state back to zeros. */
  reset(): void {
    const { layers, skip, inputs } = this.#model.spec;
    this.#window = new Array<number>((skip?.length ?? 0) * inputs.length).fill(0);
    this.#hidden = layers.map(({ kind, size }) => new Array<number>(kind === "gru" ? size : 0).fill(0));
  }

  /**
   * Advances the state by one sample.
   *
   * @param sample real values [I], or the token
   * @returns the prediction [O]
   */
  step(sample: ArrayLike<number>): Float64Array {
    const { layers, skip, outputs } = this.#model.spec;
    const x = this.#input(sample);
    if (skip) this.#window = [...this.#window.slice(x.length), ...x];
    let y = x;
    layers.forEach((layer, index) => {
      y = layer.kind === "gru" ? this.#gru(layer, index, y) : this.#dense(layer, index, y);
    });
    const scale = this.#model.tensors.get("output.scale")?.data;
    const offset = this.#model.tensors.get("output.offset")?.data;
    return Float64Array.from(outputs, (_, o) => {
      const sum = skip ? rowSum(at(y, o), numbers(this.#model, "skip.W"), o, this.#window) : at(y, o);
      return scale && offset ? sum * at(scale, o) + at(offset, o) : sum;
    });
  }

  /** The hidden state of all GRU layers, one after the other. */
  hidden(): Float64Array {
    return Float64Array.from(this.#hidden.flat());
  }

  #input(sample: ArrayLike<number>): number[] {
    const { embedding, inputs } = this.#model.spec;
    if (sample.length !== inputs.length) throw new RangeError(`${sample.length} values, expected ${inputs.length}`);
    if (embedding) {
      const weight = numbers(this.#model, "embedding.weight");
      return Array.from({ length: embedding.size }, (_, i) => at(weight, at(sample, 0) * embedding.size + i));
    }
    const offset = this.#model.tensors.get("input.offset")?.data;
    const scale = this.#model.tensors.get("input.scale")?.data;
    return Array.from(sample, (value, i) => {
      const rounded = Math.fround(value);
      return offset && scale ? (rounded - at(offset, i)) * at(scale, i) : rounded;
    });
  }

  #gru(layer: GruLayerSpec, index: number, x: readonly number[]): number[] {
    const tensor = (name: string) => numbers(this.#model, `layers.${index}.${name}`);
    const [W, b, U, c] = [tensor("W"), tensor("b"), tensor("U"), tensor("c")];
    const H = layer.size;
    const h = this.#hidden[index] ?? [];
    const gx = (row: number) => rowSum(at(b, row), W, row, x);
    const gh = (row: number, vector: readonly number[]) => rowSum(at(c, row), U, row, vector);

    const gate = layer.gates === "hard" ? hard : sigmoid;
    const r = h.map((_, j) => gate(gx(j) + gh(j, h)));
    const z = h.map((_, j) => gate(gx(H + j) + gh(H + j, h)));
    const gated = h.map((value, k) => at(r, k) * value);
    const n = h.map((_, j) => {
      const row = 2 * H + j;
      return Math.tanh(gx(row) + (layer.reset === "after" ? at(r, j) * gh(row, h) : gh(row, gated)));
    });
    const next = h.map((value, j) => (1 - at(z, j)) * at(n, j) + at(z, j) * value);
    this.#hidden[index] = next;
    return next;
  }

  #parameter(index: number, at_: number): number {
    return at(numbers(this.#model, `layers.${index}.p`), at_);
  }

  #dense(layer: DenseLayerSpec, index: number, x: readonly number[]): number[] {
    const W = numbers(this.#model, `layers.${index}.W`);
    const b = numbers(this.#model, `layers.${index}.b`);
    const a = Array.from({ length: layer.size }, (_, row) => rowSum(at(b, row), W, row, x));
    switch (layer.activation) {
      case "linear":
        return a;
      case "relu":
        return a.map((value) => Math.max(value, 0));
      case "tanh":
        return a.map(Math.tanh);
      case "sigmoid":
        return a.map(sigmoid);
      case "prelu":
        return a.map((value, row) => (value > 0 ? value : value * this.#parameter(index, row)));
      case "elu":
        return a.map((value, row) => (value > 0 ? value : this.#parameter(index, row) * Math.expm1(value)));
      case "hardtanh":
        return a.map((value, row) =>
          Math.min(Math.max(value, this.#parameter(index, row)), this.#parameter(index, layer.size + row)),
        );
      case "gelu":
        return a.map((value) => value * normal(value));
      case "gelu_tanh":
        return a.map((value) => value * sigmoid(2 * Math.sqrt(2 / Math.PI) * (value + 0.044715 * value ** 3)));
      case "silu":
        return a.map((value) => value * sigmoid(value));
      case "softplus":
        return a.map((value) => Math.max(value, 0) + Math.log1p(Math.exp(-Math.abs(value))));
      case "hardsigmoid":
        return a.map((value, row) =>
          hard(value * this.#parameter(index, row) + this.#parameter(index, layer.size + row)),
        );
      case "hardswish":
        return a.map((value) => value * hard(value / 6 + 0.5));
      case "softmax": {
        const top = Math.max(...a);
        const e = a.map((value) => Math.exp(value - top));
        const sum = e.reduce((total, value) => total + value, 0);
        return e.map((value) => value / sum);
      }
    }
  }
}
