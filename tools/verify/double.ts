// The f32 network of FORMAT.md 4 in double precision, exact or with errors of the size that single precision makes, at the places where
// it makes them: sums, activations, blends and scales.

import { type DenseStage, type GruStage, networkOf } from "../../host/model/network.ts";
import { dataOf } from "../../host/model/tensors.ts";
import type { Model } from "../../host/model/types.ts";
import type { Random } from "../random.ts";
import { applyFunction, hardGate } from "./evaluate.ts";

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
    const { input, layers, output } = networkOf(spec);
    this.#x = new Float64Array(input.size);
    this.#layers = layers.map((stage) =>
      stage.kind === "gru" ? gruLayer(model, stage, this.#noise) : denseLayer(model, stage, this.#noise),
    );
    this.#window = new Float64Array((spec.skip?.length ?? 0) * spec.inputs.length);
    this.#skipped = new Float64Array(output.size);
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

function gruLayer(model: Model, { layer, sizeIn, size: H, w, u }: GruStage, noise: Noise): Layer {
  const fromX = affine(dataOf(model, w.weight), dataOf(model, w.bias), sizeIn, noise);
  const fromH = affine(dataOf(model, u.weight), dataOf(model, u.bias), H, noise);
  const [sumsX, sumsH] = [new Float64Array(3 * H), new Float64Array(3 * H)];
  const [y, gated] = [new Float64Array(H), new Float64Array(H)];
  const isBefore = layer.reset === "before";
  const activated = (value: number) => noise.on(value, ACTIVATION * Math.abs(value));
  const open = layer.gates === "hard" ? hardGate : sigmoid;
  const gate = (row: number) => activated(open(noise.on((sumsX[row] as number) + (sumsH[row] as number))));
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

function denseLayer(model: Model, { layer, sizeIn, size, w, parameters }: DenseStage, noise: Noise): Layer {
  const sums = affine(dataOf(model, w.weight), dataOf(model, w.bias), sizeIn, noise);
  const own = Array.from({ length: parameters?.count ?? 0 }, (_, index) => {
    const values = dataOf(model, (parameters as { readonly name: string }).name);
    return values.subarray(index * size, (index + 1) * size) as Float32Array;
  });
  const { activation } = layer;
  const y = new Float64Array(size);
  const step = (x: Float64Array) => {
    sums(x, y, 0, size);
    if (activation === "linear") return;
    applyFunction({ activation, parameters: own }, y).forEach((value, row) => {
      y[row] = noise.on(value, ACTIVATION * Math.abs(value));
    });
  };
  return { y, step };
}
