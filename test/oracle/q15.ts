// FORMAT.md 5 word for word: plain numbers, which are exact below 2^53, and floor division instead of shifts. Slow on purpose.

import { EXP2_COEFFICIENTS, TANH_TABLE } from "../../host/model/tables.ts";
import type { DenseLayerSpec, GruLayerSpec, Model, ModelSpec } from "../../host/model/types.ts";
import { RingOracle } from "./ring.ts";
import { at, numbers } from "./tensors.ts";

/** Passes an integer that fits an i32 and throws on any other. */
function i32(value: number): number {
  if (Number.isInteger(value) && value >= -(2 ** 31) && value < 2 ** 31) return value;
  throw new RangeError(`${value} does not fit an i32`);
}

const sat16 = (value: number) => Math.max(-32768, Math.min(32767, i32(value)));

/** `value >> bits`: the floor of the quotient. */
const shiftRight = (value: number, bits: number) => Math.floor(i32(value) / 2 ** bits);

/** `bias + Σ weight[row·columns + k] · vector[k]`; every partial sum fits an i32. */
function rowSum(bias: number, weight: ArrayLike<number>, row: number, vector: ArrayLike<number>): number {
  let sum = bias;
  for (let k = 0; k < vector.length; k++) sum = i32(sum + at(weight, row * vector.length + k) * at(vector, k));
  return sum;
}

/** T(v) of FORMAT.md 5.3: tanh in Q15 of v in Q12. */
export function tableTanh(v: number): number {
  const segment = Math.floor(v / 256);
  const entry = segment < 0 ? segment + 256 : segment;
  return at(TANH_TABLE, 2 * entry) + shiftRight(at(TANH_TABLE, 2 * entry + 1) * (v - segment * 256), 8);
}

/** σ in Q15 of twice v in Q12, 1..32767. */
const tableSigmoid = (v: number) => shiftRight(tableTanh(v) + 32769, 1);

/** FORMAT.md 5.6: classes in Q15 from logits v in Q10 of octaves. */
export function softmax(v: ArrayLike<number>): number[] {
  const [A, B, C] = EXP2_COEFFICIENTS;
  const top = Math.max(...Array.from(v));
  const e = Array.from(v, (logit) => {
    const d = top - logit;
    const f = (d % 1024) * 32;
    const inner = B - shiftRight(f * C, 15);
    const outer = A - shiftRight(f * inner, 15);
    const p = 32768 - shiftRight(f * outer, 15);
    return shiftRight(p, Math.min(Math.floor(d / 1024), 31));
  });
  const sum = e.reduce((total, value) => total + value, 0);
  if (sum >= 2 ** 32) throw new RangeError(`${sum} does not fit a u32`);
  return e.map((value) => Math.floor((value * 32768) / sum));
}

/** `(a · m) >> 16` of the exact product. */
const scaleDown = (a: number, m: number) => Math.floor((i32(a) * m) / 65536);

/** The raw integers of a sample in real values (FORMAT.md 5.1); a token stays what it is. */
export function toRaw(spec: ModelSpec, sample: ArrayLike<number>): Int32Array {
  return Int32Array.from(spec.inputs, ({ fraction }, i) => {
    const value = at(sample, i);
    if (fraction === undefined) return value;
    return Math.max(-(2 ** 30), Math.min(2 ** 30, Math.floor(value * 2 ** fraction + 0.5)));
  });
}

/** The real values of raw outputs. */
export function toReal(spec: ModelSpec, out: ArrayLike<number>): Float64Array {
  return Float64Array.from(spec.outputs, ({ fraction = 0 }, o) => at(out, o) / 2 ** fraction);
}

/** The q15 network step by definition: one session of one model. */
export class Q15Oracle {
  readonly #model: Model;
  #window: number[] = [];
  #hidden: number[][] = [];
  #ring: RingOracle;

  constructor(model: Model) {
    if (model.spec.numeric !== "q15") throw new TypeError(`Model ${model.id} is ${model.spec.numeric}, expected q15`);
    this.#model = model;
    this.#ring = new RingOracle(model.spec);
    this.reset();
  }

  /** Puts the state back to zeros. */
  reset(): void {
    const { layers, skip, inputs } = this.#model.spec;
    this.#ring = new RingOracle(this.#model.spec);
    this.#window = new Array<number>((skip?.length ?? 0) * inputs.length).fill(0);
    this.#hidden = layers.map(({ kind, size }) => new Array<number>(kind === "gru" ? size : 0).fill(0));
  }

  /**
   * Advances the state by one sample.
   *
   * @param raw i32[I], or the token
   * @returns i32[O]
   */
  step(raw: ArrayLike<number>): Int32Array {
    const { layers, skip, outputs } = this.#model.spec;
    const x = this.#input(raw);
    if (skip) this.#window = [...this.#window.slice(x.length), ...x];
    let y = x;
    layers.forEach((layer, index) => {
      y = layer.kind === "gru" ? this.#gru(layer, index, y) : this.#dense(layer, index, y);
    });
    const last = layers.at(-1);
    const isOpen = last?.kind === "dense" && (last.activation === "linear" || last.activation === "relu");
    const u = isOpen ? y : y.map((value) => i32(value * 256));
    const prediction = Int32Array.from(outputs, (_, o) => this.#output(o, at(u, o)));
    this.#ring.step(raw, prediction);
    return prediction;
  }

  #input(raw: ArrayLike<number>): number[] {
    const { embedding, inputs } = this.#model.spec;
    if (raw.length !== inputs.length) throw new RangeError(`${raw.length} values, expected ${inputs.length}`);
    if (!embedding) {
      const offset = numbers(this.#model, "input.offset");
      return Array.from(raw, (value, i) => sat16(i32(value) - at(offset, i)));
    }
    const token = at(raw, 0);
    if (!Number.isInteger(token) || token < 0 || token >= embedding.vocabulary) {
      throw new RangeError(`Token ${token}, expected 0 to ${embedding.vocabulary - 1}`);
    }
    const weight = numbers(this.#model, "embedding.weight");
    return Array.from({ length: embedding.size }, (_, i) => at(weight, token * embedding.size + i));
  }

  #gru(layer: GruLayerSpec, index: number, x: readonly number[]): number[] {
    const { size: H, shift_x = 0, shift_h = 0 } = layer;
    const tensor = (name: string) => numbers(this.#model, `layers.${index}.${name}`);
    const [W, b, mx] = [tensor("W"), tensor("b"), tensor("W.multiplier")];
    const [U, c, mh] = [tensor("U"), tensor("c"), tensor("U.multiplier")];
    const h = this.#hidden[index] ?? [];
    const ax = (row: number) => sat16(shiftRight(rowSum(at(b, row), W, row, x), shift_x));
    const ah = (row: number, vector: readonly number[]) =>
      sat16(shiftRight(rowSum(at(c, row), U, row, vector), shift_h));
    const scaled = (row: number, recurrent: number) =>
      sat16(shiftRight(i32(i32(ax(row) * at(mx, row) + recurrent) + 8192), 14));
    const gate = (row: number) => tableSigmoid(scaled(row, ah(row, h) * at(mh, row)));

    const r14 = h.map((_, j) => shiftRight(gate(j), 1));
    const z = h.map((_, j) => gate(H + j));
    const q = h.map((value, k) => shiftRight(at(r14, k) * value + 8192, 14));
    const n = h.map((_, j) => {
      const row = 2 * H + j;
      if (layer.reset === "before") return tableTanh(scaled(row, ah(row, q) * at(mh, row)));
      const t = shiftRight(ah(row, h) * at(mh, row) + 8192, 14);
      return tableTanh(scaled(row, t * at(r14, j)));
    });
    const next = h.map((value, j) => at(n, j) + shiftRight(i32(at(z, j) * (value - at(n, j))) + 16384, 15));
    this.#hidden[index] = next;
    return next;
  }

  #dense(layer: DenseLayerSpec, index: number, x: readonly number[]): number[] {
    const tensor = (name: string) => numbers(this.#model, `layers.${index}.${name}`);
    const [W, b] = [tensor("W"), tensor("b")];
    const acc = Array.from({ length: layer.size }, (_, row) => rowSum(at(b, row), W, row, x));
    const isLast = index === this.#model.spec.layers.length - 1;
    if (isLast && layer.activation === "linear") return acc;
    if (isLast && layer.activation === "relu") return acc.map((value) => Math.max(value, 0));

    const { shift_x = 0 } = layer;
    const multiplier = tensor("W.multiplier");
    const v = acc.map((value, row) =>
      sat16(shiftRight(i32(sat16(shiftRight(value, shift_x)) * at(multiplier, row) + 8192), 14)),
    );
    switch (layer.activation) {
      case "linear":
        return v;
      case "relu":
        return v.map((value) => Math.max(value, 0));
      case "tanh":
        return v.map(tableTanh);
      case "sigmoid":
        return v.map(tableSigmoid);
      case "softmax":
        return softmax(v);
      default:
        throw new TypeError(`${layer.activation} has no fixed-point form`);
    }
  }

  /** FORMAT.md 5.5 for output o. */
  #output(o: number, u: number): number {
    const main = scaleDown(u, at(numbers(this.#model, "output.multiplier"), o));
    const offset = at(numbers(this.#model, "output.offset"), o);
    if (!this.#model.spec.skip) return i32(i32(main) + offset);
    const s = rowSum(0, numbers(this.#model, "skip.W"), o, this.#window);
    return i32(i32(main + scaleDown(s, at(numbers(this.#model, "skip.multiplier"), o))) + offset);
  }

  /** The state block of FORMAT.md 7. */
  state(): Uint8Array {
    const parts = [this.#window, ...this.#hidden].filter((part) => part.length > 0);
    const ring = this.#ring.state();
    const size = parts.reduce((total, part) => total + paddedBytes(part.length), 0);
    const bytes = new Uint8Array(size + ring.length);
    const view = new DataView(bytes.buffer);
    let start = 0;
    for (const part of parts) {
      part.forEach((value, k) => {
        view.setInt16(start + 2 * k, value, true);
      });
      start += paddedBytes(part.length);
    }
    bytes.set(ring, start);
    return bytes;
  }
}

const paddedBytes = (count: number) => Math.ceil((2 * count) / 16) * 16;
