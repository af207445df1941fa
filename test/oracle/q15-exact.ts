// The network of a q15 model in exact arithmetic: what is left out is the noise of FORMAT.md 5 (its table, shifts and saturation).

import type { DenseLayerSpec, GruLayerSpec, Model } from "../../host/model/types.ts";
import { at, numbers } from "./tensors.ts";

const ONE = 32768; // 1 in Q15
const Q12 = 4096;

const sat16 = (value: number) => Math.max(-32768, Math.min(32767, value));
const tanhQ15 = (v: number) => ONE * Math.tanh(v / Q12);
const sigmoidQ15 = (v: number) => (ONE + tanhQ15(v)) / 2;

function rowSum(bias: number, weight: ArrayLike<number>, row: number, vector: readonly number[]): number {
  return vector.reduce((sum, value, k) => sum + at(weight, row * vector.length + k) * value, bias);
}

/** `2^(shift - 1)`, or 0 without a shift: what a writer adds to a bias for rounding to nearest. */
const roundingOf = (shift: number) => (shift > 0 ? 2 ** (shift - 1) : 0);

/** A q15 network with the same weights, biases and multipliers, computed in f64 with the exact tanh; only the input saturates. */
export class Q15Exact {
  readonly #model: Model;
  readonly #isRounded: boolean;
  #window: number[] = [];
  #hidden: number[][] = [];

  /** @param options.rounded whether the biases hold rounding constants (FORMAT.md 5.2), which are then taken off; default true */
  constructor(model: Model, options: { readonly rounded?: boolean } = {}) {
    if (model.spec.numeric !== "q15") throw new TypeError(`Model ${model.id} is ${model.spec.numeric}, expected q15`);
    this.#model = model;
    this.#isRounded = options.rounded ?? true;
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
   * @param raw i32[I], or the token
   * @returns the prediction in real values [O]
   */
  step(raw: ArrayLike<number>): Float64Array {
    const { layers, skip, outputs } = this.#model.spec;
    const x = this.#input(raw);
    if (skip) this.#window = [...this.#window.slice(x.length), ...x];
    let y = x;
    layers.forEach((layer, index) => {
      y = layer.kind === "gru" ? this.#gru(layer, index, y) : this.#dense(layer, index, y);
    });
    const last = layers.at(-1);
    const isOpen = last?.kind === "dense" && (last.activation === "linear" || last.activation === "relu");
    return Float64Array.from(outputs, ({ fraction = 0 }, o) => {
      const u = isOpen ? at(y, o) : at(y, o) * 256;
      const main = u * at(numbers(this.#model, "output.multiplier"), o);
      const side = skip
        ? rowSum(0, numbers(this.#model, "skip.W"), o, this.#window) * at(numbers(this.#model, "skip.multiplier"), o)
        : 0;
      return ((main + side) / 65536 + at(numbers(this.#model, "output.offset"), o)) / 2 ** fraction;
    });
  }

  /** The hidden state of all GRU layers in real values, one after the other. */
  hidden(): Float64Array {
    return Float64Array.from(this.#hidden.flat(), (value) => value / ONE);
  }

  #input(raw: ArrayLike<number>): number[] {
    const { embedding } = this.#model.spec;
    if (embedding) {
      const weight = numbers(this.#model, "embedding.weight");
      return Array.from({ length: embedding.size }, (_, i) => at(weight, at(raw, 0) * embedding.size + i));
    }
    const offset = numbers(this.#model, "input.offset");
    return Array.from(raw, (value, i) => sat16(value - at(offset, i)));
  }

  /** The part of v, in Q12, that comes from one matrix: its sum times the real ratio `multiplier · 2^-(shift + 14)`. */
  #rows(prefix: string, weight: "W" | "U", bias: "b" | "c", shift: number) {
    const [W, b] = [numbers(this.#model, `${prefix}.${weight}`), numbers(this.#model, `${prefix}.${bias}`)];
    const multiplier = numbers(this.#model, `${prefix}.${weight}.multiplier`);
    const rounding = this.#isRounded ? roundingOf(shift) : 0;
    return (row: number, vector: readonly number[]) =>
      (rowSum(at(b, row) - rounding, W, row, vector) * at(multiplier, row)) / 2 ** (shift + 14);
  }

  #gru(layer: GruLayerSpec, index: number, x: readonly number[]): number[] {
    const { size: H, shift_x = 0, shift_h = 0 } = layer;
    const gx = this.#rows(`layers.${index}`, "W", "b", shift_x);
    const gh = this.#rows(`layers.${index}`, "U", "c", shift_h);
    const h = this.#hidden[index] ?? [];
    const r = h.map((_, j) => sigmoidQ15(gx(j, x) + gh(j, h)) / ONE);
    const z = h.map((_, j) => sigmoidQ15(gx(H + j, x) + gh(H + j, h)) / ONE);
    const q = h.map((value, k) => at(r, k) * value);
    const n = h.map((_, j) => {
      const row = 2 * H + j;
      return tanhQ15(gx(row, x) + (layer.reset === "after" ? at(r, j) * gh(row, h) : gh(row, q)));
    });
    const next = h.map((value, j) => at(n, j) + at(z, j) * (value - at(n, j)));
    this.#hidden[index] = next;
    return next;
  }

  #dense(layer: DenseLayerSpec, index: number, x: readonly number[]): number[] {
    const prefix = `layers.${index}`;
    const isLast = index === this.#model.spec.layers.length - 1;
    const rows = Array.from({ length: layer.size }, (_, row) => row);
    if (isLast && (layer.activation === "linear" || layer.activation === "relu")) {
      const [W, b] = [numbers(this.#model, `${prefix}.W`), numbers(this.#model, `${prefix}.b`)];
      const acc = rows.map((row) => rowSum(at(b, row), W, row, x));
      return layer.activation === "relu" ? acc.map((value) => Math.max(value, 0)) : acc;
    }
    const scaled = this.#rows(prefix, "W", "b", layer.shift_x ?? 0);
    const v = rows.map((row) => scaled(row, x));
    switch (layer.activation) {
      case "linear":
        return v;
      case "relu":
        return v.map((value) => Math.max(value, 0));
      case "tanh":
        return v.map(tanhQ15);
      case "sigmoid":
        return v.map(sigmoidQ15);
      case "softmax": {
        const top = Math.max(...v);
        const e = v.map((value) => 2 ** ((value - top) / 1024));
        const sum = e.reduce((total, value) => total + value, 0);
        return e.map((value) => (value / sum) * ONE);
      }
      default:
        throw new TypeError(`${layer.activation} has no fixed-point form`);
    }
  }
}
