// The f32 network in double precision, layer by layer, with what a session does not show: gates and states.

import { dataOf } from "../../../host/runtime/image.ts";
import type { Activation, DenseLayerSpec, GruLayerSpec, Model } from "../../../host/runtime/types.ts";

/** What a GRU layer did in the last step; both arrays are reused. */
export interface GruView {
  /** Update gate, 0..1. */
  readonly z: Float64Array;
  readonly h: Float64Array;
}

interface Layer extends GruView {
  readonly spec: GruLayerSpec | DenseLayerSpec;
  readonly W: ArrayLike<number>;
  readonly b: ArrayLike<number>;
  readonly U: ArrayLike<number>;
  readonly c: ArrayLike<number>;
}

const NONE = new Float64Array(0);
const sigmoid = (value: number) => 0.5 + 0.5 * Math.tanh(value / 2);

/** Adds a row of a matrix times a vector. */
function dot(sum: number, weights: ArrayLike<number>, row: number, vector: Float64Array): number {
  const start = row * vector.length;
  let result = sum;
  for (let k = 0; k < vector.length; k++) result += (weights[start + k] as number) * (vector[k] as number);
  return result;
}

/** Runs the layers of an f32 model; output scale and skip, which change no state, are left out. */
export class F32Forward {
  readonly #model: Model;
  readonly #layers: readonly Layer[];

  constructor(model: Model) {
    this.#model = model;
    this.#layers = model.spec.layers.map((spec, index) => {
      const size = spec.kind === "gru" ? spec.size : 0;
      const isGru = spec.kind === "gru";
      return {
        spec,
        W: dataOf(model, `layers.${index}.W`),
        b: dataOf(model, `layers.${index}.b`),
        U: isGru ? dataOf(model, `layers.${index}.U`) : NONE,
        c: isGru ? dataOf(model, `layers.${index}.c`) : NONE,
        z: new Float64Array(size),
        h: new Float64Array(size),
      };
    });
  }

  /** The GRU layer `index` after the last step. */
  view(index: number): GruView {
    return this.#layers[index] as Layer;
  }

  /** Advances the state by one sample, f64[I] in real units or one token. */
  step(sample: ArrayLike<number>): void {
    let x = this.#input(sample);
    for (const layer of this.#layers) x = layer.spec.kind === "gru" ? stepGru(layer, layer.spec, x) : dense(layer, x);
  }

  #input(sample: ArrayLike<number>): Float64Array {
    const { embedding, inputs } = this.#model.spec;
    if (embedding) {
      const start = (sample[0] as number) * embedding.size;
      return Float64Array.from(dataOf(this.#model, "embedding.weight").subarray(start, start + embedding.size));
    }
    const offset = this.#model.tensors.get("input.offset")?.data;
    const scale = this.#model.tensors.get("input.scale")?.data;
    return Float64Array.from(inputs, (_, i) => ((sample[i] as number) - (offset?.[i] ?? 0)) * (scale?.[i] ?? 1));
  }
}

function stepGru(layer: Layer, { size: H, reset }: GruLayerSpec, x: Float64Array): Float64Array {
  const { W, b, U, c, h, z } = layer;
  const sum = (row: number) => dot(b[row] as number, W, row, x);
  const gate = (row: number) => sigmoid(dot(sum(row) + (c[row] as number), U, row, h));
  const r = Float64Array.from(h, (_, j) => gate(j));
  const masked = reset === "before" ? h.map((value, k) => value * (r[k] as number)) : h;
  const n = Float64Array.from(h, (_, j) => {
    const row = 2 * H + j;
    const recurrent = dot(c[row] as number, U, row, masked);
    return Math.tanh(sum(row) + (reset === "after" ? (r[j] as number) * recurrent : recurrent));
  });
  for (let j = 0; j < H; j++) z[j] = gate(H + j);
  for (let j = 0; j < H; j++) {
    h[j] = (n[j] as number) + (z[j] as number) * ((h[j] as number) - (n[j] as number));
  }
  return h;
}

function dense({ spec, W, b }: Layer, x: Float64Array): Float64Array {
  const sums = Float64Array.from(b, (bias, row) => dot(bias, W, row, x));
  return spec.kind === "dense" ? activate(sums, spec.activation) : sums;
}

function activate(sums: Float64Array, activation: Activation): Float64Array {
  if (activation === "tanh") return sums.map(Math.tanh);
  if (activation === "sigmoid") return sums.map(sigmoid);
  if (activation === "relu") return sums.map((value) => Math.max(value, 0));
  // Softmax is the last layer's, and no state depends on it.
  return sums;
}
