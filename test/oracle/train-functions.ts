// Activations, losses and their slopes in double precision.

import type { Activation } from "../../host/model/types.ts";
import type { TrainerOptions } from "../../host/train/types.ts";

type Vector = number[];

const sigmoid = (a: number) => 1 / (1 + Math.exp(-a));
const hard = (a: number) => Math.min(Math.max(a, 0), 1);
const at = (values: ArrayLike<number>, index: number) => values[index] as number;
const ROOT = Math.sqrt(2 / Math.PI);

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

/** What a dense layer answers for the sums `a`, with the parameters of its activation. */
export function plainActivation(kind: Activation, a: Vector, p?: ArrayLike<number>): Vector {
  if (kind === "softmax") {
    const top = Math.max(...a);
    const e = a.map((v) => Math.exp(v - top));
    const sum = e.reduce((total, v) => total + v, 0);
    return e.map((v) => v / sum);
  }
  const [first, second] = parametersOf(a.length, p);
  return a.map((v, i) => scalar(kind, v, first(i), second(i)));
}

/** The two parameters of each row. */
function parametersOf(size: number, p: ArrayLike<number> = []) {
  return [(i: number) => at(p, i), (i: number) => at(p, size + i)] as const;
}

function scalar(kind: Exclude<Activation, "softmax">, a: number, p: number, q: number): number {
  switch (kind) {
    case "linear":
      return a;
    case "relu":
      return Math.max(a, 0);
    case "tanh":
      return Math.tanh(a);
    case "sigmoid":
      return sigmoid(a);
    case "prelu":
      return a > 0 ? a : a * p;
    case "elu":
      return a > 0 ? a : p * Math.expm1(a);
    case "hardtanh":
      return Math.min(Math.max(a, p), q);
    case "gelu":
      return a * normal(a);
    case "gelu_tanh":
      return a * sigmoid(2 * ROOT * (a + 0.044715 * a ** 3));
    case "silu":
      return a * sigmoid(a);
    case "softplus":
      return Math.max(a, 0) + Math.log1p(Math.exp(-Math.abs(a)));
    case "hardsigmoid":
      return hard(a * p + q);
    case "hardswish":
      return a * hard(a / 6 + 0.5);
  }
}

/** The gradient of the sums `a` from that of the values y. */
export function derivative(kind: Activation, a: Vector, y: Vector, d: Vector, p?: ArrayLike<number>): Vector {
  if (kind === "softmax") {
    const along = d.reduce((sum, v, i) => sum + v * at(y, i), 0);
    return d.map((v, i) => at(y, i) * (v - along));
  }
  const [first, second] = parametersOf(a.length, p);
  return d.map((v, i) => v * slope(kind, at(a, i), at(y, i), first(i), second(i)));
}

function slope(kind: Exclude<Activation, "softmax">, a: number, y: number, p: number, q: number): number {
  switch (kind) {
    case "linear":
      return 1;
    case "relu":
      return a > 0 ? 1 : 0;
    case "tanh":
      return 1 - y * y;
    case "sigmoid":
      return y * (1 - y);
    case "prelu":
      return a > 0 ? 1 : p;
    case "elu":
      return a > 0 ? 1 : y + p;
    case "hardtanh":
      return a > p && a < q ? 1 : 0;
    case "gelu":
      return normal(a) + (a * Math.exp((-a * a) / 2)) / Math.sqrt(2 * Math.PI);
    case "gelu_tanh": {
      const s = sigmoid(2 * ROOT * (a + 0.044715 * a ** 3));
      return s + a * s * (1 - s) * 2 * ROOT * (1 + 3 * 0.044715 * a * a);
    }
    case "silu":
      return sigmoid(a) * (1 + a * (1 - sigmoid(a)));
    case "softplus":
      return sigmoid(a);
    case "hardsigmoid":
      return a * p + q > 0 && a * p + q < 1 ? p : 0;
    case "hardswish":
      return a <= -3 ? 0 : a >= 3 ? 1 : a / 3 + 0.5;
  }
}

/** Least number whose logarithm is taken, as Keras has it. */
const LEAST = 1e-7;
const cutLog = (v: number) => Math.log(Math.min(Math.max(v, LEAST), 1 - LEAST));

/**
 * The losses of one step, and the gradient of y for their sum. Means over the outputs are up to the caller: mse, huber and binary
 * cross-entropy have a loss for each output, NaN where it has no target; the others one for all.
 */
export function elementLoss(options: TrainerOptions, y: Vector, t: Vector): { losses: Vector; gradient: Vector } {
  const { loss, delta = 1 } = options;
  if (loss === "sparse_categorical_crossentropy" || loss === "categorical_crossentropy") {
    const isKnown = t.every((v) => !Number.isNaN(v));
    const target = loss === "categorical_crossentropy" ? t : y.map((_, i) => (i === t[0] ? 1 : 0));
    return {
      losses: [isKnown ? target.reduce((sum, v, i) => (v === 0 ? sum : sum - v * cutLog(at(y, i))), 0) : Number.NaN],
      gradient: y.map((v, i) => (isKnown && v > 0 ? -at(target, i) / v : 0)),
    };
  }
  const known = t.map((v) => !Number.isNaN(v));
  const error = y.map((v, i) => (known[i] ? v - at(t, i) : 0));
  if (loss === "mse")
    return { losses: error.map((e, i) => (known[i] ? e * e : Number.NaN)), gradient: error.map((e) => 2 * e) };
  if (loss === "huber") {
    const cost = (e: number) => (Math.abs(e) <= delta ? (e * e) / 2 : delta * (Math.abs(e) - delta / 2));
    return {
      losses: error.map((e, i) => (known[i] ? cost(e) : Number.NaN)),
      gradient: error.map((e) => Math.min(Math.max(e, -delta), delta)),
    };
  }
  return {
    losses: y.map((v, i) => -at(t, i) * cutLog(v) - (1 - at(t, i)) * cutLog(1 - v)),
    gradient: y.map((v, i) => (known[i] && v > 0 && v < 1 ? at(error, i) / (v * (1 - v)) : 0)),
  };
}
