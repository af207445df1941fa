// The q15 network in the integers of FORMAT.md 5, layer by layer, which counts what is clamped on the way. The output stage, which
// changes no state, is left to the kernels.

import { I16_MAX, I16_REACH, rawOf } from "../../../host/model/integers.ts";
import {
  type BiasedMatrix,
  type DenseStage,
  type GruStage,
  type LayerStage,
  type Network,
  networkOf,
} from "../../../host/model/network.ts";
import { TANH_TABLE } from "../../../host/model/tables.ts";
import { dataOf } from "../../../host/model/tensors.ts";
import type { Model } from "../../../host/model/types.ts";
import type { SaturationReport } from "./types.ts";

/** One matrix with its bias, shift and multipliers. */
interface Rows {
  readonly weights: ArrayLike<number>;
  readonly bias: ArrayLike<number>;
  readonly multipliers: ArrayLike<number>;
  readonly shift: number;
}

/** A layer with its state, gates and counters; the arrays are reused. */
export interface IntegerView {
  /** Update gate, Q15. */
  readonly z: Int32Array;
  /** Q15. */
  readonly h: Int32Array;
  readonly saturation: Readonly<SaturationReport>;
}

interface Layer extends IntegerView {
  readonly stage: LayerStage;
  readonly w: Rows;
  readonly u: Rows | undefined;
  readonly saturation: Counters;
}

type Counters = { -readonly [key in keyof SaturationReport]: number };

const sat16 = (value: number) => Math.max(-I16_REACH, Math.min(I16_MAX, value));

/** T(v) of FORMAT.md 5.3. */
function table(v: number): number {
  const entry = 2 * ((v >> 8) & 255);
  return (TANH_TABLE[entry] as number) + (((TANH_TABLE[entry + 1] as number) * (v & 255)) >> 8);
}

const sigmoid = (v: number) => (table(v) + 32769) >> 1;

/** Runs the layers of a q15 model. */
export class IntegerForward {
  readonly #model: Model;
  readonly #stage: Network["input"];
  readonly #layers: readonly Layer[];

  constructor(model: Model) {
    this.#model = model;
    const { input, layers } = networkOf(model.spec);
    this.#stage = input;
    this.#layers = layers.map((stage) => layerOf(model, stage));
  }

  /** The layer `index` after the last step. */
  view(index: number): IntegerView {
    return this.#layers[index] as Layer;
  }

  /** Advances the state by one sample, f64[I] in real units or one token. */
  step(sample: ArrayLike<number>): void {
    let x = this.#input(sample);
    for (const layer of this.#layers) {
      x = layer.stage.kind === "gru" ? gru(layer, layer.stage, x) : dense(layer, layer.stage, x);
    }
  }

  #input(sample: ArrayLike<number>): Int32Array {
    const stage = this.#stage;
    if (stage.kind === "embedding") {
      const start = (sample[0] as number) * stage.size;
      return Int32Array.from(dataOf(this.#model, stage.weight).subarray(start, start + stage.size));
    }
    const offset = dataOf(this.#model, stage.offset);
    return Int32Array.from(this.#model.spec.inputs, ({ fraction = 0 }, i) =>
      sat16(rawOf(sample[i] as number, fraction) - (offset[i] as number)),
    );
  }
}

function layerOf(model: Model, stage: LayerStage): Layer {
  const rows = ({ weight, bias, multiplier }: BiasedMatrix, shift: number): Rows => ({
    weights: dataOf(model, weight),
    bias: dataOf(model, bias),
    multipliers: multiplier === undefined ? [] : dataOf(model, multiplier),
    shift,
  });
  const size = stage.kind === "gru" ? stage.size : 0;
  return {
    stage,
    w: rows(stage.w, stage.layer.shift_x ?? 0),
    u: stage.kind === "gru" ? rows(stage.u, stage.layer.shift_h ?? 0) : undefined,
    z: new Int32Array(size),
    h: new Int32Array(size),
    saturation: { sums: 0, sumCount: 0, preactivations: 0, preactivationCount: 0 },
  };
}

/** A sum that is clamped by less than this, 1/256 of its range, is off by no more than an int8 weight. */
const SLACK = 128;

/** With this multiplier, 1 in its 14 bits, a clamped sum stands for ±8 of a tanh, where it is flat. */
const UNIT_MULTIPLIER = 16384;

/** `sat16((bias + Σ weight·x) >> shift) · multiplier` of one row. */
function scaled({ weights, bias, multipliers, shift }: Rows, row: number, x: Int32Array, count: Counters): number {
  const start = row * x.length;
  const multiplier = multipliers[row] as number;
  let acc = bias[row] as number;
  for (let k = 0; k < x.length; k++) acc += (weights[start + k] as number) * (x[k] as number);
  const value = acc >> shift;
  count.sumCount++;
  if (Math.abs(value) > I16_MAX + SLACK && multiplier < UNIT_MULTIPLIER) count.sums++;
  return sat16(value) * multiplier;
}

/** `sat16((value + 8192) >> 14)`. */
function preactivation(value: number, count: Counters): number {
  const v = (value + 8192) >> 14;
  count.preactivationCount++;
  if (v < -I16_REACH || v > I16_MAX) count.preactivations++;
  return sat16(v);
}

/** FORMAT.md 5.2. */
function gru({ w, u, h, z, saturation }: Layer, { size: H, layer: { reset } }: GruStage, x: Int32Array): Int32Array {
  if (u === undefined) throw new TypeError("A GRU layer has no U");
  const gate = (row: number) =>
    sigmoid(preactivation(scaled(w, row, x, saturation) + scaled(u, row, h, saturation), saturation));
  const r = Int32Array.from(h, (_, j) => gate(j) >> 1);
  for (let j = 0; j < H; j++) z[j] = gate(H + j);
  const masked = reset === "before" ? h.map((value, k) => ((r[k] as number) * value + 8192) >> 14) : h;
  const n = Int32Array.from(h, (_, j) => {
    const row = 2 * H + j;
    const recurrent = scaled(u, row, masked, saturation);
    const side = reset === "after" ? ((recurrent + 8192) >> 14) * (r[j] as number) : recurrent;
    return table(preactivation(scaled(w, row, x, saturation) + side, saturation));
  });
  for (let j = 0; j < H; j++) {
    h[j] = (n[j] as number) + (((z[j] as number) * ((h[j] as number) - (n[j] as number)) + 16384) >> 15);
  }
  return h;
}

/** FORMAT.md 5.4, but for softmax, which is last. */
function dense(
  { w, saturation }: Layer,
  { size, isOpen, layer: { activation } }: DenseStage,
  x: Int32Array,
): Int32Array {
  const result = new Int32Array(size);
  // The accumulators of an open layer go on in 32 bits: nothing is clamped.
  if (isOpen) return result;
  for (let row = 0; row < size; row++) {
    const v = preactivation(scaled(w, row, x, saturation), saturation);
    if (activation === "tanh") result[row] = table(v);
    else if (activation === "sigmoid") result[row] = sigmoid(v);
    else result[row] = activation === "relu" ? Math.max(v, 0) : v;
  }
  return result;
}
