// Weights of a q15 model in the units of the f32 model's weights (FORMAT.md 5 read backwards).

import { dataOf, inputSizeOf } from "../../../host/model/tensors.ts";
import type { DenseLayerSpec, Model } from "../../../host/model/types.ts";
import type { Histogram, WeightError } from "./types.ts";

const Q15 = 2 ** -15;
const Q12 = 2 ** -12;
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
  const { layers, skip, outputs } = f32.spec;
  const input = inputUnits(f32, q15);
  let units = input;
  const pairs = layers.map((layer, index) => {
    const name = `layers.${index}`;
    if (layer.kind === "gru") {
      const target = (row: number) => (row < 2 * layer.size ? 2 * Q12 : Q12);
      const found = [
        ...gates(matrix(f32, q15, `${name}.W`, units, target, "shift_x"), "W"),
        ...gates(matrix(f32, q15, `${name}.U`, new Float64Array(layer.size).fill(Q15), target, "shift_h"), "U"),
      ];
      units = new Float64Array(layer.size).fill(Q15);
      return found;
    }
    const pair = isOpen(q15, index) ? openMatrix(f32, q15, `${name}.W`, units) : closedMatrix(f32, q15, index, units);
    units = new Float64Array(layer.size).fill(pair.unit);
    return [{ tensor: "W", ...pair }];
  });
  const tiled = Float64Array.from(
    { length: (skip?.length ?? 0) * input.length },
    (_, k) => input[k % input.length] as number,
  );
  return {
    layers: pairs.map((layer) => layer.map(errorOf)),
    histograms: pairs.map((layer, index) => histogram(`layer ${index}, ${layers[index]?.kind}`, layer)),
    ...(skip && outputs.length > 0
      ? { skip: errorOf({ tensor: "skip.W", ...openMatrix(f32, q15, "skip.W", tiled) }) }
      : {}),
  };
}

const isOpen = (q15: Model, index: number) => !q15.tensors.has(`layers.${index}.W.multiplier`);

/** Real value of one unit of each element of x, after the f32 model's offset and scale. */
function inputUnits(f32: Model, q15: Model): Float64Array {
  const size = inputSizeOf(f32.spec);
  if (f32.spec.embedding) {
    const [exact, rounded] = [dataOf(f32, "embedding.weight"), dataOf(q15, "embedding.weight")];
    return Float64Array.from({ length: size }, (_, column) => {
      const ofColumn = (values: ArrayLike<number>) =>
        Float64Array.from({ length: values.length / size }, (_, row) => values[row * size + column] as number);
      return bestScale(ofColumn(exact), ofColumn(rounded)) || Q15;
    });
  }
  const scale = f32.tensors.get("input.scale")?.data;
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
  name: string,
  columns: Float64Array,
  target: (row: number) => number,
  shiftName: "shift_x" | "shift_h",
) {
  const layer = q15.spec.layers[Number(name.split(".")[1])];
  const shift = (layer?.kind === "gru" ? layer[shiftName] : layer?.shift_x) ?? 0;
  const multipliers = dataOf(q15, `${name}.multiplier`);
  const rowUnit = (row: number) => ((multipliers[row] as number) * target(row)) / 2 ** (14 + shift);
  return scaled(f32, q15, name, columns, rowUnit);
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
function closedMatrix(f32: Model, q15: Model, index: number, columns: Float64Array) {
  const { activation } = q15.spec.layers[index] as DenseLayerSpec;
  const fixed = { tanh: Q12, sigmoid: 2 * Q12, softmax: 1 / (1024 * Math.LOG2E), linear: 0, relu: 0 }[activation];
  const pair = matrix(f32, q15, `layers.${index}.W`, columns, () => fixed || 1, "shift_x");
  if (fixed > 0) return { ...pair, unit: Q15 };
  // The unit is the writer's choice, and nowhere written: the one that fits best.
  const unit = bestScale(pair.f32, pair.q15) || 1;
  return { f32: pair.f32, q15: pair.q15.map((value) => value * unit), unit };
}

/** The rows of the last layer or of the skip, which end in real units (FORMAT.md 5.5). */
function openMatrix(f32: Model, q15: Model, name: string, columns: Float64Array) {
  const multipliers = dataOf(q15, name === "skip.W" ? "skip.multiplier" : "output.multiplier");
  const scale = f32.tensors.get("output.scale")?.data;
  const rowUnit = (row: number) => {
    const fraction = q15.spec.outputs[row]?.fraction ?? 0;
    return (multipliers[row] as number) / 65536 / 2 ** fraction / (scale?.[row] ?? 1);
  };
  return { ...scaled(f32, q15, name, columns, rowUnit), unit: Q15 };
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
