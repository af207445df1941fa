// Puts a random f32 model into whole numbers. Not the quantizer: no ranges are measured, only the bounds of FORMAT.md 5 are met.

import type { LayerSpec, ModelSpec, OutputSpec, Tensor } from "../../host/model/types.ts";
import type { InputPlace } from "./shapes.ts";

interface Parts {
  readonly spec: ModelSpec;
  readonly tensors: ReadonlyMap<string, Tensor>;
}

/** Rows of integers with the real value of 1 in each row. */
interface Rows {
  readonly values: readonly number[];
  readonly scales: readonly number[];
}

const INPUT_FRACTION = 12;
const STATE_FRACTION = 15;
const ARGUMENT_FRACTION = 12; // of v
const ACC_LIMIT = 8; // real value of a pre-activation at which i16 is full
const MAX_SUM = 64000; // of |weight| in a row; leaves MAX_BIAS for the bias
const MAX_BIAS = 2 ** 25;

/** The parts of the q15 model. `places` say what the f32 model's inputs, which are not normalised, are in real values. */
export function quantizedTensors({ spec, tensors }: Parts, places: readonly InputPlace[]): Parts {
  const result = new Map<string, Tensor>();
  const inputs = spec.inputs.map((input, i) => {
    if (spec.embedding) return input;
    const { centre, unit } = places[i] ?? { centre: 0, unit: 1 };
    const fraction = INPUT_FRACTION - Math.log2(unit);
    return { ...input, range: [centre - 3 * unit, centre + 3 * unit] as const, fraction };
  });
  const embedding = tensors.get("embedding.weight");
  if (embedding) put(result, "embedding.weight", "I16", embedding.shape, scaled(embedding.data, 2 ** INPUT_FRACTION));
  else {
    const offsets = inputs.map(({ fraction = 0 }, i) => Math.round((places[i]?.centre ?? 0) * 2 ** fraction));
    put(result, "input.offset", "I32", [offsets.length], offsets);
  }

  let fraction = INPUT_FRACTION;
  let open: Rows | undefined;
  const layers = spec.layers.map((layer, index) => {
    const isLast = index === spec.layers.length - 1;
    if (isLast && layer.kind === "dense" && (layer.activation === "linear" || layer.activation === "relu")) {
      open = putOpenLayer(result, tensors, `layers.${index}`, fraction);
      return layer;
    }
    const quantized = putLayer(result, tensors, `layers.${index}`, layer, fraction);
    const isArgument = layer.kind === "dense" && (layer.activation === "linear" || layer.activation === "relu");
    fraction = isArgument ? ARGUMENT_FRACTION : STATE_FRACTION;
    return quantized;
  });
  const outputs = putOutputs(result, spec, tensors, fraction, open);
  return { spec: { ...spec, numeric: "q15", inputs, outputs, layers }, tensors: result };
}

function put(
  result: Map<string, Tensor>,
  name: string,
  dtype: "I8" | "I16" | "I32",
  shape: readonly number[],
  values: Iterable<number>,
): void {
  const integers = [...values];
  const data = { I8: Int8Array, I16: Int16Array, I32: Int32Array }[dtype].from(integers);
  if (integers.some((value, index) => value !== data[index])) throw new RangeError(`${name} does not fit ${dtype}`);
  result.set(name, { dtype, shape, data });
}

const scaled = (values: ArrayLike<number>, factor: number) => Array.from(values, (value) => Math.round(value * factor));

function needed(tensors: ReadonlyMap<string, Tensor>, name: string): Tensor {
  const tensor = tensors.get(name);
  if (!tensor) throw new Error(`No tensor ${name}`);
  return tensor;
}

/** Rounds the rows of a matrix to integers up to `limit` whose absolute values add up to at most 64000. */
function roundRows({ shape, data }: Tensor, limit: number): Rows {
  const [rows = 0, columns = 0] = shape;
  const values: number[] = [];
  const scales: number[] = [];
  for (let row = 0; row < rows; row++) {
    const weights = Array.from(data.subarray(row * columns, (row + 1) * columns));
    const greatest = Math.max(...weights.map(Math.abs));
    const sum = weights.reduce((total, weight) => total + Math.abs(weight), 0);
    const scale = Math.max(greatest / limit, sum / (MAX_SUM - columns / 2), 1e-9);
    scales.push(scale);
    values.push(...weights.map((weight) => Math.round(weight / scale)));
  }
  return { values, scales };
}

/** The right shift that takes sums to i16 with 8 in real values at most full. */
function sumShift(scales: readonly number[], fraction: number): number {
  const full = ACC_LIMIT / (Math.max(...scales) * 2 ** -fraction);
  return Math.max(0, Math.min(30, Math.floor(Math.log2(full / 32768))));
}

/** Real value of the argument of an activation to v: half for a sigmoid, octaves in Q10 for a softmax. */
function argumentFactor(layer: LayerSpec, row: number): number {
  const one = 2 ** ARGUMENT_FRACTION;
  if (layer.kind === "gru") return row < 2 * layer.size ? one / 2 : one;
  if (layer.activation === "sigmoid") return one / 2;
  return layer.activation === "softmax" ? 1024 * Math.LOG2E : one;
}

function putLayer(
  result: Map<string, Tensor>,
  tensors: ReadonlyMap<string, Tensor>,
  prefix: string,
  layer: LayerSpec,
  fraction: number,
): LayerSpec {
  const matrix = (weight: string, bias: string, inFraction: number) => {
    const tensor = needed(tensors, `${prefix}.${weight}`);
    const { values, scales } = roundRows(tensor, 127);
    const shift = sumShift(scales, inFraction);
    const rounding = shift > 0 ? 2 ** (shift - 1) : 0;
    const real = needed(tensors, `${prefix}.${bias}`).data;
    const biases = scales.map((scale, row) => {
      const bias = Math.round((real[row] ?? 0) / (scale * 2 ** -inFraction));
      // A bias far greater than its row's weights saturates either way.
      return Math.max(-MAX_BIAS, Math.min(MAX_BIAS, bias)) + rounding;
    });
    put(result, `${prefix}.${weight}`, "I8", tensor.shape, values);
    put(result, `${prefix}.${bias}`, "I32", [scales.length], biases);
    const ratios = scales.map((scale, row) => scale * 2 ** (shift - inFraction) * argumentFactor(layer, row));
    return { shift, ratios, name: `${prefix}.${weight}.multiplier` };
  };
  const parts = [matrix("W", "b", fraction)];
  if (layer.kind === "gru") parts.push(matrix("U", "c", STATE_FRACTION));

  for (const { name, ratios } of parts) {
    const multipliers = scaled(ratios, 2 ** 14).map((value) => Math.max(1, value));
    put(result, name, "I16", [ratios.length], multipliers);
  }
  const [x, h] = parts;
  if (layer.kind === "gru") return { ...layer, shift_x: x?.shift ?? 0, shift_h: h?.shift ?? 0 };
  return { ...layer, shift_x: x?.shift ?? 0 };
}

/** A last layer that is linear or relu: no multiplier of its own. */
function putOpenLayer(
  result: Map<string, Tensor>,
  tensors: ReadonlyMap<string, Tensor>,
  prefix: string,
  fraction: number,
): Rows {
  const tensor = needed(tensors, `${prefix}.W`);
  const { values, scales } = roundRows(tensor, 127);
  const real = needed(tensors, `${prefix}.b`).data;
  put(result, `${prefix}.W`, "I8", tensor.shape, values);
  const units = scales.map((scale) => scale * 2 ** -fraction);
  put(
    result,
    `${prefix}.b`,
    "I32",
    [scales.length],
    units.map((unit, row) => Math.max(-MAX_BIAS, Math.min(MAX_BIAS, Math.round((real[row] ?? 0) / unit)))),
  );
  return { values, scales: units };
}

/** Gives each output the greatest fraction at which its multipliers fit. */
function putOutputs(
  result: Map<string, Tensor>,
  spec: ModelSpec,
  tensors: ReadonlyMap<string, Tensor>,
  fraction: number,
  open: Rows | undefined,
): readonly OutputSpec[] {
  const skip = tensors.get("skip.W");
  const skipRows = skip && roundRows(skip, 32767);
  const uUnits = open ? open.scales : spec.outputs.map(() => 2 ** -(fraction + 8));
  const sUnits = skipRows?.scales.map((scale) => scale * 2 ** -INPUT_FRACTION);
  const fractions = uUnits.map((unit, o) => {
    const greatest = Math.max(unit, sUnits?.[o] ?? 0);
    return Math.max(-30, Math.min(30, Math.floor(Math.log2(32767 / (greatest * 65536)))));
  });
  const multipliers = (units: readonly number[]) =>
    units.map((unit, o) => Math.round(unit * 65536 * 2 ** (fractions[o] ?? 0)));
  const O = spec.outputs.length;
  put(
    result,
    "output.multiplier",
    "I16",
    [O],
    multipliers(uUnits).map((value) => Math.max(1, value)),
  );
  put(result, "output.offset", "I32", [O], new Array<number>(O).fill(0));
  if (skip && skipRows && sUnits) {
    put(result, "skip.W", "I16", skip.shape, skipRows.values);
    put(result, "skip.multiplier", "I16", [O], multipliers(sUnits));
  }
  return spec.outputs.map((output, o) => ({ ...output, fraction: fractions[o] ?? 0 }));
}
