// The f32 network of FORMAT.md 4 in double precision, with everything that happens inside: what calibration and the report look at.

import {
  type BiasedMatrix,
  type DenseStage,
  type GruStage,
  type Network,
  networkOf,
} from "../../host/model/network.ts";
import { dataOf } from "../../host/model/tensors.ts";
import type { DenseLayerSpec, Model } from "../../host/model/types.ts";

/** What one layer did in one step. The arrays are reused by the next step. */
export interface LayerTrace {
  /** The layer's input [N]. */
  readonly x: Float64Array;
  /** The state before the step [H]; empty in a dense layer. */
  readonly h: Float64Array;
  /** What the rows of U for the candidate multiply [H]: r * h in reset-before, otherwise h; empty in a dense layer. */
  readonly gated: Float64Array;
  /** Sums of the rows of W and b [3H], rows rzn; in a dense layer arguments of its activation [M]. */
  readonly sumsX: Float64Array;
  /** Sums of the rows of U and c [3H]; empty in a dense layer. */
  readonly sumsH: Float64Array;
  /** The update gate [H]; empty in a dense layer. */
  readonly z: Float64Array;
  /** The layer's output: h' [H] or y [M]. */
  readonly y: Float64Array;
}

interface TracedLayer extends LayerTrace {
  step(x: Float64Array): void;
}

const sigmoid = (a: number): number => 1 / (1 + Math.exp(-a));

/** Steps an f32 model, from a state of zeros. The skip and the output's scale, which change no state, are left out. */
export class F32Trace {
  readonly #model: Model;
  readonly #network: Network;
  readonly #layers: readonly TracedLayer[];

  /** @throws {RangeError} when the model is not f32 */
  constructor(model: Model) {
    const { spec } = model;
    if (spec.numeric !== "f32") throw new RangeError(`Model ${model.id} is ${spec.numeric}, expected f32`);
    this.#model = model;
    this.#network = networkOf(spec);
    this.#layers = this.#network.layers.map((stage) =>
      stage.kind === "gru" ? gruLayer(model, stage) : denseLayer(model, stage),
    );
  }

  /**
   * Takes the sample in row `t` of `samples`, T·I values in real units or T tokens.
   *
   * @returns what each layer did, until the next step
   * @throws {RangeError} when a token is not in the vocabulary
   */
  step(samples: ArrayLike<number>, t: number): readonly LayerTrace[] {
    let x = inputOf(this.#model, this.#network.input, samples, t);
    for (const layer of this.#layers) {
      layer.step(x);
      x = layer.y;
    }
    return this.#layers;
  }
}

/**
 * Runs samples through an f32 model, from a state of zeros, and shows every step.
 *
 * @param samples  T·I values row by row, in real units, or T tokens
 * @param onStep  sees one trace for each layer; it must copy what it keeps
 * @throws {RangeError} when the model is not f32, or a token is not in the vocabulary
 */
export function traceF32(
  model: Model,
  samples: ArrayLike<number>,
  onStep: (layers: readonly LayerTrace[], step: number) => void,
): void {
  const trace = new F32Trace(model);
  const steps = Math.floor(samples.length / model.spec.inputs.length);
  for (let t = 0; t < steps; t++) onStep(trace.step(samples, t), t);
}

/** x of the first layer: a scaled sample, or a row of the embedding. */
function inputOf(model: Model, stage: Network["input"], samples: ArrayLike<number>, t: number): Float64Array {
  const { size } = stage;
  if (stage.kind === "embedding") {
    const token = samples[t] as number;
    if (!Number.isInteger(token) || token < 0 || token >= stage.vocabulary) {
      throw new RangeError(`Sample ${t + 1} is token ${token}, expected 0 to ${stage.vocabulary - 1}`);
    }
    return Float64Array.from(dataOf(model, stage.weight).subarray(token * size, (token + 1) * size));
  }
  const offset = model.tensors.get(stage.offset)?.data;
  const scale = model.tensors.get(stage.scale)?.data;
  return Float64Array.from({ length: size }, (_, i) => {
    const value = Math.fround(samples[t * size + i] as number);
    return offset && scale ? (value - (offset[i] as number)) * (scale[i] as number) : value;
  });
}

/** The sum of one row: its bias and weights times a vector. */
function rowSum(w: ArrayLike<number>, b: ArrayLike<number>, row: number, x: Float64Array): number {
  let sum = b[row] as number;
  const start = row * x.length;
  for (let k = 0; k < x.length; k++) sum += (w[start + k] as number) * (x[k] as number);
  return sum;
}

const rowsOf = (model: Model, { weight, bias }: BiasedMatrix) =>
  [Float64Array.from(dataOf(model, weight)), Float64Array.from(dataOf(model, bias))] as const;

function gruLayer(model: Model, { layer, sizeIn, size: H, ...matrices }: GruStage): TracedLayer {
  const [w, b] = rowsOf(model, matrices.w);
  const [u, c] = rowsOf(model, matrices.u);
  const vector = (size: number) => new Float64Array(size);
  const [x, sumsX, sumsH] = [vector(sizeIn), vector(3 * H), vector(3 * H)];
  const [h, gated, z, y] = [vector(H), vector(H), vector(H), vector(H)];
  const isBefore = layer.reset === "before";
  const step = (input: Float64Array) => {
    x.set(input);
    h.set(y);
    for (let row = 0; row < 3 * H; row++) sumsX[row] = rowSum(w, b, row, x);
    for (let row = 0; row < 2 * H; row++) sumsH[row] = rowSum(u, c, row, h);
    const gate = (row: number) => sigmoid((sumsX[row] as number) + (sumsH[row] as number));
    for (let j = 0; j < H; j++) gated[j] = (isBefore ? gate(j) : 1) * (h[j] as number);
    for (let j = 0; j < H; j++) {
      const row = 2 * H + j;
      sumsH[row] = rowSum(u, c, row, gated);
      const n = Math.tanh((sumsX[row] as number) + (isBefore ? 1 : gate(j)) * (sumsH[row] as number));
      z[j] = gate(H + j);
      y[j] = n + (z[j] as number) * ((h[j] as number) - n);
    }
  };
  return { x, h, gated, sumsX, sumsH, z, y, step };
}

function denseLayer(model: Model, { layer, sizeIn, size, ...matrices }: DenseStage): TracedLayer {
  const [w, b] = rowsOf(model, matrices.w);
  const [x, a, y] = [new Float64Array(sizeIn), new Float64Array(size), new Float64Array(size)];
  const empty = new Float64Array(0);
  const step = (input: Float64Array) => {
    x.set(input);
    for (let row = 0; row < a.length; row++) a[row] = rowSum(w, b, row, x);
    activate(layer.activation, a, y);
  };
  return { x, h: empty, gated: empty, sumsX: a, sumsH: empty, z: empty, y, step };
}

const FUNCTIONS: ReadonlyMap<DenseLayerSpec["activation"], (v: number) => number> = new Map([
  ["linear", (v: number) => v],
  ["relu", (v: number) => Math.max(v, 0)],
  ["tanh", Math.tanh],
  ["sigmoid", sigmoid],
]);

function activate(activation: DenseLayerSpec["activation"], a: Float64Array, y: Float64Array): void {
  if (activation === "softmax") {
    const top = a.reduce((greatest, value) => Math.max(greatest, value), -Infinity);
    let sum = 0;
    a.forEach((value, row) => {
      y[row] = Math.exp(value - top);
      sum += y[row] as number;
    });
    for (let row = 0; row < y.length; row++) y[row] = (y[row] as number) / sum;
    return;
  }
  const apply = FUNCTIONS.get(activation);
  if (apply === undefined) throw new RangeError(`Activation ${activation} has no fixed-point form`);
  a.forEach((value, row) => {
    y[row] = apply(value);
  });
}
