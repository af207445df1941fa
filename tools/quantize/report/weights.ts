// Weights of a q15 model in the units of the f32 model's weights (FORMAT.md 5 read backwards).

import { Q12_UNIT, Q15_UNIT } from "../../../host/model/integers.ts";
import { type DenseStage, type Matrix, type Network, networkOf, type SkipStage } from "../../../host/model/network.ts";
import { dataOf } from "../../../host/model/tensors.ts";
import type { Model } from "../../../host/model/types.ts";
import type { Histogram, WeightError } from "./types.ts";

const GATES = ["r", "z", "n"] as const;
const BINS = 60;

/** A matrix in both forms, row by row. */
interface Pair {
  readonly tensor: string;
  readonly gate?: "r" | "z" | "n";
  readonly f32: Float64Array;
  readonly q15: Float64Array;
}

/** Errors and a histogram of the weights of every layer, and of the skip. */
export interface WeightFacts {
  readonly layers: readonly (readonly WeightError[])[];
  readonly histograms: readonly Histogram[];
  readonly skip?: WeightError;
}

/** Compares all weights of two forms of a model. */
export function compareWeights(f32: Model, q15: Model): WeightFacts {
  const { input, layers, skip, output } = networkOf(q15.spec);
  const inputs = inputUnits(f32, q15, input);
  let units = inputs;
  const pairs = layers.map((stage) => {
    if (stage.kind === "gru") {
      const { layer, size, w, u } = stage;
      const target = (row: number) => (row < 2 * size ? 2 * Q12_UNIT : Q12_UNIT);
      const h = new Float64Array(size).fill(Q15_UNIT);
      const found = [
        ...gates(matrix(f32, q15, w, units, target, layer.shift_x), "W"),
        ...gates(matrix(f32, q15, u, h, target, layer.shift_h), "U"),
      ];
      units = h;
      return found;
    }
    const pair = stage.isOpen
      ? openMatrix(f32, q15, stage.w, output.multiplier, units)
      : closedMatrix(f32, q15, stage, units);
    units = new Float64Array(stage.size).fill(pair.unit);
    return [{ tensor: "W", ...pair }];
  });
  return {
    layers: pairs.map((layer) => layer.map(errorOf)),
    histograms: pairs.map((layer, index) => histogram(`layer ${index}, ${layers[index]?.kind}`, layer)),
    ...(skip && { skip: errorOf({ tensor: skip.w.weight, ...skipMatrix(f32, q15, skip, inputs) }) }),
  };
}

/** Real value of one unit of each element of x, after the f32 model's offset and scale. */
function inputUnits(f32: Model, q15: Model, stage: Network["input"]): Float64Array {
  if (stage.kind === "embedding") {
    const { size } = stage;
    const [exact, rounded] = [dataOf(f32, stage.weight), dataOf(q15, stage.weight)];
    return Float64Array.from({ length: size }, (_, column) => {
      const ofColumn = (values: ArrayLike<number>) =>
        Float64Array.from({ length: values.length / size }, (_, row) => values[row * size + column] as number);
      return bestScale(ofColumn(exact), ofColumn(rounded)) || Q15_UNIT;
    });
  }
  const scale = f32.tensors.get(stage.scale)?.data;
  return Float64Array.from(q15.spec.inputs, ({ fraction = 0 }, i) => 2 ** -fraction * (scale?.[i] ?? 1));
}

/** The factor with which `rounded` comes closest to `exact`; 0 when `rounded` is all zeros. */
function bestScale(exact: Float64Array, rounded: Float64Array): number {
  let [product, power] = [0, 0];
  rounded.forEach((value, i) => {
    product += value * (exact[i] as number);
    power += value * value;
  });
  return power > 0 ? product / power : 0;
}

/** A matrix whose rows end in units of `target(row)`. */
function matrix(
  f32: Model,
  q15: Model,
  { weight, multiplier }: Matrix,
  columns: Float64Array,
  target: (row: number) => number,
  shift = 0,
) {
  const multipliers = dataOf(q15, multiplier as string);
  const rowUnit = (row: number) => ((multipliers[row] as number) * target(row)) / 2 ** (14 + shift);
  return scaled(f32, q15, weight, columns, rowUnit);
}

function scaled(f32: Model, q15: Model, name: string, columns: Float64Array, rowUnit: (row: number) => number) {
  const width = columns.length;
  return {
    f32: Float64Array.from(dataOf(f32, name)),
    q15: Float64Array.from(
      dataOf(q15, name),
      (q, i) => (q * rowUnit(Math.floor(i / width))) / (columns[i % width] as number),
    ),
  };
}

/** A dense layer that ends in an i16; `unit` is the real value of one unit of its outputs. */
function closedMatrix(f32: Model, q15: Model, { layer, w }: DenseStage, columns: Float64Array) {
  const { activation, shift_x } = layer;
  const units: Partial<Record<typeof activation, number>> = {
    ...{ tanh: Q12_UNIT, sigmoid: 2 * Q12_UNIT, softmax: 1 / (1024 * Math.LOG2E) },
  };
  const fixed = units[activation] ?? 0;
  const pair = matrix(f32, q15, w, columns, () => fixed || 1, shift_x);
  if (fixed > 0) return { ...pair, unit: Q15_UNIT };
  // The unit is the writer's choice, and nowhere written: the one that fits best.
  const unit = bestScale(pair.f32, pair.q15) || 1;
  return { f32: pair.f32, q15: pair.q15.map((value) => value * unit), unit };
}

/** The rows of the last layer or of the skip, which end in real units (FORMAT.md 5.5). */
function openMatrix(f32: Model, q15: Model, { weight }: Matrix, multiplier: string, columns: Float64Array) {
  const multipliers = dataOf(q15, multiplier);
  const scale = f32.tensors.get("output.scale")?.data;
  const rowUnit = (row: number) => {
    const fraction = q15.spec.outputs[row]?.fraction ?? 0;
    return (multipliers[row] as number) / 65536 / 2 ** fraction / (scale?.[row] ?? 1);
  };
  return { ...scaled(f32, q15, weight, columns, rowUnit), unit: Q15_UNIT };
}

/** The rows of the skip, which see each sample of the window as the network sees the newest. */
function skipMatrix(f32: Model, q15: Model, { w }: SkipStage, inputs: Float64Array) {
  const tiled = Float64Array.from({ length: w.columns }, (_, k) => inputs[k % inputs.length] as number);
  return openMatrix(f32, q15, w, w.multiplier as string, tiled);
}

/** The three blocks of rows of a GRU's matrix. */
function gates({ f32, q15 }: { f32: Float64Array; q15: Float64Array }, tensor: string): Pair[] {
  const third = f32.length / 3;
  return GATES.map((gate, g) => ({
    tensor,
    gate,
    f32: f32.subarray(g * third, (g + 1) * third),
    q15: q15.subarray(g * third, (g + 1) * third),
  }));
}

function errorOf({ tensor, gate, f32, q15 }: Pair): WeightError {
  let [power, noise, max] = [0, 0, 0];
  f32.forEach((value, i) => {
    const difference = Math.abs((q15[i] as number) - value);
    power += value * value;
    noise += difference * difference;
    max = Math.max(max, difference);
  });
  return {
    tensor,
    ...(gate === undefined ? {} : { gate }),
    count: f32.length,
    rms: Math.sqrt(noise / f32.length),
    max,
    snrDb: noise > 0 && power > 0 ? 10 * Math.log10(power / noise) : null,
  };
}

function histogram(title: string, pairs: readonly Pair[]): Histogram {
  let limit = 0;
  for (const { f32, q15 } of pairs) {
    for (const values of [f32, q15]) for (const value of values) limit = Math.max(limit, Math.abs(value));
  }
  const count = (pick: "f32" | "q15") => {
    const bins = new Array<number>(BINS).fill(0);
    for (const pair of pairs) {
      for (const value of pair[pick]) {
        const bin = Math.min(BINS - 1, Math.floor(((value / (limit || 1) + 1) / 2) * BINS));
        bins[bin] = (bins[bin] as number) + 1;
      }
    }
    return bins;
  };
  return { title, limit, f32: count("f32"), q15: count("q15") };
}
