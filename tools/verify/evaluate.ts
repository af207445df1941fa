// A network in double precision, for choosing among many that share most of their layers.

import type { Applied, DenseLayer, GruLayer, Network } from "../read/network.ts";

type Layer = GruLayer | DenseLayer;

/** A gate that is straight between 0 and 1. */
export const hardGate = (a: number): number => Math.min(Math.max(a, 0), 1);

const sigmoid = (a: number): number => 1 / (1 + Math.exp(-a));

/** The outputs of a layer over the steps of one sequence, and those of the layers that may follow. */
interface Stage {
  readonly rows: readonly Float64Array[];
  readonly following: { readonly layer: Layer; readonly stage: Stage }[];
}

/**
 * Computes what networks answer to a sequence, from a state of zeros. Layers that several networks begin with are computed once.
 *
 * @param inputs  samples f64[T][I], or tokens [T]
 */
export class Evaluator {
  readonly #inputs: Float64Array;
  readonly #starts: { readonly key: unknown; readonly stage: Stage }[] = [];

  constructor(inputs: Float64Array) {
    this.#inputs = inputs;
  }

  /** The answers of a network, one row for each step. */
  answers(network: Network): readonly Float64Array[] {
    let stage = this.#start(network);
    for (const layer of network.layers) stage = next(stage, layer);
    const { output } = network;
    if (!output) return stage.rows;
    return stage.rows.map((row) =>
      row.map((value, i) => value * (output.scale[i] as number) + (output.offset[i] as number)),
    );
  }

  #start(network: Network): Stage {
    const key = network.embedding?.weight ?? network.normalisation?.scale;
    const known = this.#starts.find((start) => start.key === key);
    if (known) return known.stage;
    const stage = { rows: rowsOf(network, this.#inputs), following: [] };
    this.#starts.push({ key, stage });
    return stage;
  }
}

function rowsOf({ inputs: width, embedding, normalisation }: Network, inputs: Float64Array): Float64Array[] {
  if (embedding) {
    const { size, weight } = embedding;
    return Array.from(inputs, (token) => Float64Array.from(weight.subarray(token * size, (token + 1) * size)));
  }
  return Array.from({ length: inputs.length / width }, (_, t) => {
    const row = Float64Array.from(inputs.subarray(t * width, (t + 1) * width), Math.fround);
    if (!normalisation) return row;
    return row.map((value, i) => (value - (normalisation.offset[i] as number)) * (normalisation.scale[i] as number));
  });
}

function next(stage: Stage, layer: Layer): Stage {
  const known = stage.following.find((one) => isSame(one.layer, layer));
  if (known) return known.stage;
  const rows = layer.kind === "gru" ? gruRows(layer, stage.rows) : denseRows(layer, stage.rows);
  const made = { rows, following: [] };
  stage.following.push({ layer, stage: made });
  return made;
}

function isSame(a: Layer, b: Layer): boolean {
  if (a.kind === "gru" || b.kind === "gru") return a === b;
  const isEqual = a.activation === b.activation && String(a.parameters) === String(b.parameters);
  return isEqual && a.b === b.b && a.W === b.W;
}

function denseRows(layer: DenseLayer, rows: readonly Float64Array[]): Float64Array[] {
  return rows.map((x) => {
    const sums = Float64Array.from(layer.b, (bias, row) => bias + product(layer.W, row, x));
    return applyFunction(layer, sums);
  });
}

/** The normal distribution function, by the fit of erfc in Numerical Recipes: relative error 1.2e-7. */
function normal(a: number): number {
  const x = Math.abs(a) / Math.SQRT2;
  const t = 1 / (1 + x / 2);
  const powers = [
    -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587, -0.82215223,
    0.17087277,
  ];
  const tail = 0.5 * t * Math.exp(powers.reduceRight((sum, power) => sum * t + power, 0) - x * x);
  return a > 0 ? 1 - tail : tail;
}

/** Applies the function of a layer to its sums, f64[M]. */
export function applyFunction({ activation, parameters = [] }: Applied, sums: Float64Array): Float64Array {
  const [first = [0], second = [0]] = parameters;
  const of = (values: ArrayLike<number>, row: number) => (values[values.length === 1 ? 0 : row] ?? 0) as number;
  switch (activation) {
    case "prelu":
      return sums.map((a, row) => (a > 0 ? a : a * of(first, row)));
    case "elu":
      return sums.map((a, row) => (a > 0 ? a : of(first, row) * Math.expm1(a)));
    case "hardtanh":
      return sums.map((a, row) => Math.min(Math.max(a, of(first, row)), of(second, row)));
    case "gelu":
      return sums.map((a) => a * normal(a));
    case "gelu_tanh":
      return sums.map((a) => a * sigmoid(2 * Math.sqrt(2 / Math.PI) * (a + 0.044715 * a ** 3)));
    case "silu":
      return sums.map((a) => a * sigmoid(a));
    case "softplus":
      return sums.map((a) => Math.max(a, 0) + Math.log1p(Math.exp(-Math.abs(a))));
    case "hardsigmoid":
      return sums.map((a, row) => hardGate(a * of(first, row) + of(second, row)));
    case "hardswish":
      return sums.map((a) => a * hardGate(a / 6 + 0.5));
    case "linear":
      return sums;
    case "relu":
      return sums.map((a) => Math.max(a, 0));
    case "tanh":
      return sums.map(Math.tanh);
    case "sigmoid":
      return sums.map(sigmoid);
    case "softmax": {
      const top = sums.reduce((greatest, a) => Math.max(greatest, a), -Infinity);
      const powers = sums.map((a) => Math.exp(a - top));
      const total = powers.reduce((sum, a) => sum + a, 0);
      return powers.map((a) => a / total);
    }
  }
}

function gruRows({ size: H, reset, gates, W, U, b, c }: GruLayer, rows: readonly Float64Array[]): Float64Array[] {
  let h = new Float64Array(H);
  const open = gates === "hard" ? hardGate : sigmoid;
  return rows.map((x) => {
    const gate = (row: number) =>
      open((b[row] as number) + (c[row] as number) + product(W, row, x) + product(U, row, h));
    const r = Float64Array.from(h, (_, j) => gate(j));
    const gated = reset === "before" ? h.map((value, j) => value * (r[j] as number)) : h;
    h = h.map((value, j) => {
      const row = 2 * H + j;
      const recurrent = (c[row] as number) + product(U, row, gated);
      const sum = (b[row] as number) + product(W, row, x) + (reset === "before" ? 1 : (r[j] as number)) * recurrent;
      const z = gate(H + j);
      return (1 - z) * Math.tanh(sum) + z * value;
    });
    return h;
  });
}

function product(matrix: Float32Array, row: number, x: Float64Array): number {
  let sum = 0;
  const start = row * x.length;
  for (let k = 0; k < x.length; k++) sum += (matrix[start + k] as number) * (x[k] as number);
  return sum;
}
