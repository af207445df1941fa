// The f32 network of FORMAT.md 4 in double precision, exact or with errors of the size that single precision makes, at the places where
// it makes them: sums, activations, blends and scales.

import { dataOf } from "../../host/model/tensors.ts";
import type { DenseLayerSpec, GruLayerSpec, Model } from "../../host/model/types.ts";
import type { Random } from "../random.ts";

/** Errors of an activation, in units: what the fastest approximations of the frameworks keep to. */
const ACTIVATION = 4;

const sigmoid = (a: number): number => 1 / (1 + Math.exp(-a));

/** Makes errors of either sign, `unit` times a magnitude; none when there is no source of chance. */
class Noise {
  readonly #unit: number;
  readonly #random: Random | undefined;

  constructor(unit: number, random: Random | undefined) {
    this.#unit = unit;
    this.#random = random;
  }

  get isSilent(): boolean {
    return this.#random === undefined;
  }

  /** `value` with an error of `magnitude` units. */
  on(value: number, magnitude = Math.abs(value)): number {
    if (this.#random === undefined) return value;
    return value + (this.#random() < 0.5 ? -1 : 1) * this.#unit * magnitude;
  }
}

/** b + W x of rows `first` to `last`, into `sums`; the error of a sum is relative to the sum of its terms' magnitudes. */
type Affine = (x: Float64Array, sums: Float64Array, first: number, last: number) => void;

function affine(w: ArrayLike<number>, b: ArrayLike<number> | undefined, columns: number, noise: Noise): Affine {
  const weights = Float64Array.from(w);
  return (x, sums, first, last) => {
    for (let row = first; row < last; row++) {
      let sum = b === undefined ? 0 : (b[row] as number);
      let size = Math.abs(sum);
      const start = row * columns;
      if (noise.isSilent) {
        for (let k = 0; k < columns; k++) sum += (weights[start + k] as number) * (x[k] as number);
      } else {
        for (let k = 0; k < columns; k++) {
          const term = (weights[start + k] as number) * (x[k] as number);
          sum += term;
          size += Math.abs(term);
        }
      }
      sums[row] = noise.on(sum, size);
    }
  };
}

interface Layer {
  /** The state, or the last output. */
  readonly y: Float64Array;
  step(x: Float64Array): void;
}

/** Steps an f32 model in double precision from a state of zeros. */
export class DoubleNetwork {
  readonly #model: Model;
  readonly #noise: Noise;
  readonly #layers: readonly Layer[];
  readonly #x: Float64Array;
  readonly #window: Float64Array;
  readonly #skip: Affine | undefined;
  readonly #skipped: Float64Array;

  /**
   * @param unit  an error relative to what is rounded: 2^-24 for single precision
   * @param random  signs of the errors; without it there are none
   */
  constructor(model: Model, unit = 0, random?: Random) {
    const { spec } = model;
    if (spec.numeric !== "f32") throw new RangeError(`Model ${model.id} is ${spec.numeric}, expected f32`);
    this.#model = model;
    this.#noise = new Noise(unit, random);
    let size = spec.embedding?.size ?? spec.inputs.length;
    this.#x = new Float64Array(size);
    this.#layers = spec.layers.map((layer, index) => {
      const make = layer.kind === "gru" ? gruLayer : denseLayer;
      const made = make(model, index, layer as GruLayerSpec & DenseLayerSpec, size, this.#noise);
      size = layer.size;
      return made;
    });
    this.#window = new Float64Array((spec.skip?.length ?? 0) * spec.inputs.length);
    this.#skipped = new Float64Array(size);
    this.#skip = spec.skip && affine(dataOf(model, "skip.W"), undefined, this.#window.length, this.#noise);
  }

  /** Puts the state back to zeros. */
  reset(): void {
    for (const { y } of this.#layers) y.fill(0);
    this.#window.fill(0);
  }

  /**
   * Takes the sample in row `t` of `samples`, T·I values in real units or T tokens, and writes the prediction.
   *
   * @param prediction  f64[O]
   */
  step(samples: ArrayLike<number>, t: number, prediction: Float64Array): void {
    const { spec, tensors } = this.#model;
    this.#read(samples, t * spec.inputs.length);
    let y = this.#x;
    for (const layer of this.#layers) {
      layer.step(y);
      y = layer.y;
    }
    if (this.#skip) {
      this.#window.copyWithin(0, spec.inputs.length);
      this.#window.set(this.#x, this.#window.length - spec.inputs.length);
      this.#skip(this.#window, this.#skipped, 0, prediction.length);
    }
    const scale = tensors.get("output.scale")?.data;
    const offset = tensors.get("output.offset")?.data;
    for (let o = 0; o < prediction.length; o++) {
      const value = this.#skip ? this.#noise.on((y[o] as number) + (this.#skipped[o] as number)) : (y[o] as number);
      const scaled = scale ? value * (scale[o] as number) : value;
      const shift = offset ? (offset[o] as number) : 0;
      prediction[o] = scale ? this.#noise.on(scaled + shift, Math.abs(scaled) + Math.abs(shift)) : value;
    }
  }

  /** x of the first layer: a scaled sample, or a row of the embedding. */
  #read(samples: ArrayLike<number>, at: number): void {
    const { spec, tensors } = this.#model;
    const x = this.#x;
    if (spec.embedding) {
      const rows = dataOf(this.#model, "embedding.weight");
      const start = (samples[at] as number) * x.length;
      for (let i = 0; i < x.length; i++) x[i] = rows[start + i] as number;
      return;
    }
    const offset = tensors.get("input.offset")?.data;
    const scale = tensors.get("input.scale")?.data;
    for (let i = 0; i < x.length; i++) {
      const value = samples[at + i] as number;
      const shift = offset ? (offset[i] as number) : 0;
      const factor = scale ? (scale[i] as number) : 1;
      x[i] = this.#noise.on((value - shift) * factor, (Math.abs(value) + Math.abs(shift)) * Math.abs(factor));
    }
  }
}

function gruLayer(model: Model, index: number, layer: GruLayerSpec, sizeIn: number, noise: Noise): Layer {
  const H = layer.size;
  const tensor = (name: string) => dataOf(model, `layers.${index}.${name}`);
  const fromX = affine(tensor("W"), tensor("b"), sizeIn, noise);
  const fromH = affine(tensor("U"), tensor("c"), H, noise);
  const [sumsX, sumsH] = [new Float64Array(3 * H), new Float64Array(3 * H)];
  const [y, gated] = [new Float64Array(H), new Float64Array(H)];
  const isBefore = layer.reset === "before";
  const activated = (value: number) => noise.on(value, ACTIVATION * Math.abs(value));
  const gate = (row: number) => activated(sigmoid(noise.on((sumsX[row] as number) + (sumsH[row] as number))));
  const step = (x: Float64Array) => {
    fromX(x, sumsX, 0, 3 * H);
    fromH(y, sumsH, 0, isBefore ? 2 * H : 3 * H);
    for (let j = 0; j < H; j++) gated[j] = gate(j) * (isBefore ? (y[j] as number) : 1);
    if (isBefore) fromH(gated, sumsH, 2 * H, 3 * H);
    for (let j = 0; j < H; j++) {
      const row = 2 * H + j;
      const recurrent = (isBefore ? 1 : (gated[j] as number)) * (sumsH[row] as number);
      const size = Math.abs(sumsX[row] as number) + Math.abs(recurrent);
      const n = activated(Math.tanh(noise.on((sumsX[row] as number) + recurrent, size)));
      const z = gate(H + j);
      y[j] = noise.on(n + z * ((y[j] as number) - n));
    }
  };
  return { y, step };
}

function denseLayer(model: Model, index: number, layer: DenseLayerSpec, sizeIn: number, noise: Noise): Layer {
  const sums = affine(dataOf(model, `layers.${index}.W`), dataOf(model, `layers.${index}.b`), sizeIn, noise);
  const y = new Float64Array(layer.size);
  const activated = (value: number) => noise.on(value, ACTIVATION * Math.abs(value));
  const step = (x: Float64Array) => {
    sums(x, y, 0, layer.size);
    const { activation } = layer;
    if (activation === "softmax") {
      const top = y.reduce((greatest, value) => Math.max(greatest, value), -Infinity);
      for (let i = 0; i < y.length; i++) y[i] = activated(Math.exp(noise.on((y[i] as number) - top)));
      const sum = y.reduce((total, value) => total + value, 0);
      for (let i = 0; i < y.length; i++) y[i] = noise.on((y[i] as number) / sum);
      return;
    }
    if (activation === "linear") return;
    const apply = { relu: (v: number) => Math.max(v, 0), tanh: Math.tanh, sigmoid }[activation];
    for (let i = 0; i < y.length; i++) y[i] = activated(apply(y[i] as number));
  };
  return { y, step };
}
