// The plain quantizer: an f32 model becomes a q15 model (FORMAT.md 5) by rounding, row by row.
//
// Every integer vector in the network has a real value per unit: `columns[i]`. A row of weights times columns is quantized with the
// least scale that fits int8; its multiplier is then rounded up and the scale recomputed from it, so that the multiplier is exact.

import { CANDIDATE_MULTIPLIER_MAX, I16_MAX, I16_REACH, Q12_UNIT, Q15_UNIT, RAW_MAX } from "../model/integers.ts";
import type { ModelSpecInput } from "../model/model.ts";
import {
  type BiasedMatrix,
  type DenseStage,
  type EmbeddingStage,
  type GruStage,
  type InputStage,
  networkOf,
} from "../model/network.ts";
import { dataOf } from "../model/tensors.ts";
import type {
  Activation,
  DenseLayerSpec,
  FixedActivation,
  GruLayerSpec,
  InputSpec,
  LayerSpec,
  Model,
  Tensor,
} from "../model/types.ts";
import { quantizeOutput } from "./output.ts";
import {
  type Columns,
  denseTarget,
  plainRounding,
  type QuantizedRows,
  quantizeRows,
  type Rounding,
  type RowTarget,
} from "./rows.ts";

/** The real values that an input takes. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

/** A model in its parts, ready for {@link serializeModel}. */
export interface QuantizedModel {
  readonly spec: ModelSpecInput;
  readonly tensors: ReadonlyMap<string, Tensor>;
}

/** Where a layer's tensors go, and how its rows are rounded. */
interface Work {
  readonly tensors: Map<string, Tensor>;
  readonly rounding: Rounding;
}

/** A range of fewer steps of its raw integer is refused: the network would hardly see the input move. */
const LEAST_STEPS = 64;

/** σ(a) = ½ + ½ tanh(a/2): the rows of r and z work on half of their sums. */
const GATE_FACTORS = [0.5, 0.5, 1] as const;

/**
 * Quantizes an f32 model. Test vectors are left out, since they are those of the float model.
 *
 * @param options.ranges  one for each input, in real units; ignored for a token. Values beyond saturate
 * @throws {RangeError} when a range is empty or not finite, or weights are too large for fixed point
 */
export function quantizeModel(
  model: Model,
  options: {
    readonly ranges: readonly Range[];
    /** @internal How rows of weights are rounded; to nearest by default. */
    readonly rounding?: Rounding;
  },
): QuantizedModel {
  const { spec } = model;
  const { rounding = plainRounding } = options;
  if (spec.numeric !== "f32") throw new RangeError(`Model ${model.id} is ${spec.numeric} already, expected f32`);
  checkActivations(model);
  const tensors = new Map<string, Tensor>();
  const network = networkOf(spec);
  const input =
    network.input.kind === "embedding"
      ? quantizeEmbedding(model, network.input, tensors)
      : quantizeInput(model, network.input, options.ranges, tensors);
  let signal: Columns = input.signal;
  const layers: LayerSpec[] = [];
  for (const stage of network.layers) {
    if (stage.kind === "gru") {
      layers.push(quantizeGru(model, stage, signal, { tensors, rounding }));
      signal = uniform(stage.size, Q15_UNIT);
    } else if (stage.isOpen) {
      layers.push({ kind: "dense", size: stage.size, activation: stage.layer.activation });
    } else {
      const { quantized, unit } = quantizeDense(model, stage, signal, { tensors, rounding });
      layers.push(quantized);
      signal = uniform(stage.size, unit);
    }
  }
  const fractions = quantizeOutput(model, network, { last: signal, input: input.signal }, { tensors, rounding });
  const { selftest: _, ...rest } = spec;
  return {
    spec: {
      ...rest,
      numeric: "q15",
      inputs: input.inputs,
      outputs: spec.outputs.map((output, i) => ({ ...output, fraction: fractions[i] as number })),
      layers,
    },
    tensors,
  };
}

/** A vector whose units all have one value. */
function uniform(size: number, unit: number): Columns {
  return { columns: new Float64Array(size).fill(unit), constants: new Float64Array(size) };
}

/** input.offset, and the fraction of each input: the most bits with which its range fits an i16 around the offset. */
function quantizeInput(model: Model, stage: InputStage, ranges: readonly Range[], tensors: Map<string, Tensor>) {
  const { inputs } = model.spec;
  if (ranges.length !== inputs.length) {
    throw new RangeError(`${ranges.length} ranges given, model ${model.id} has ${inputs.length} inputs`);
  }
  const columns = new Float64Array(inputs.length);
  const constants = new Float64Array(inputs.length);
  const offsets = new Int32Array(inputs.length);
  const quantized = inputs.map((input, i): InputSpec => {
    const { min, max } = ranges[i] as Range;
    if (!(Number.isFinite(min) && Number.isFinite(max) && min < max)) {
      throw new RangeError(
        `Input "${input.name}" ranges from ${min} to ${max}, expected two finite numbers, the first less`,
      );
    }
    const offset = (model.tensors.get(stage.offset)?.data[i] as number | undefined) ?? 0;
    const scale = (model.tensors.get(stage.scale)?.data[i] as number | undefined) ?? 1;
    const reach = Math.max(Math.abs(max - offset), Math.abs(min - offset));
    // Raw integers stay within ±2^30 as well.
    const largest = Math.max(Math.abs(min), Math.abs(max), Math.abs(offset));
    const bits = Math.min(Math.floor(Math.log2(I16_MAX / reach)), Math.floor(Math.log2(RAW_MAX / largest)));
    const fraction = Math.max(-30, Math.min(30, bits));
    const unit = 2 ** -fraction;
    checkSteps(input.name, { min, max }, offset, unit);
    offsets[i] = Math.round(offset / unit);
    columns[i] = unit * scale;
    constants[i] = ((offsets[i] as number) * unit - offset) * scale;
    return { ...input, range: [min, max], fraction };
  });
  tensors.set(stage.offset, { dtype: "I32", shape: [inputs.length], data: offsets });
  return { inputs: quantized, signal: { columns, constants } };
}

/** Refuses a range that a raw integer with steps of `unit` cannot tell apart, or cannot hold. */
function checkSteps(name: string, { min, max }: Range, offset: number, unit: number): void {
  const found = `Input "${name}" ranges from ${min} to ${max}`;
  if (Math.max(max - offset, offset - min) > I16_REACH * unit) {
    throw new RangeError(`${found}, expected within ±2^45 of its offset ${offset}; scale it down before the model`);
  }
  const steps = (max - min) / unit;
  if (steps >= LEAST_STEPS) return;
  throw new RangeError(
    `${found}, which is ${steps.toPrecision(2)} steps of ${unit} in fixed point, expected at least ${LEAST_STEPS}; ` +
      "give the model an input.offset in the middle of the range, or scale the input up before it",
  );
}

/** embedding.weight with one scale for each column. */
function quantizeEmbedding(model: Model, stage: EmbeddingStage, tensors: Map<string, Tensor>) {
  const { size } = stage;
  const weights = dataOf(model, stage.weight);
  const columns = new Float64Array(size);
  weights.forEach((weight, i) => {
    columns[i % size] = Math.max(columns[i % size] as number, Math.abs(weight) / I16_MAX);
  });
  // A column of zeros keeps a unit that divides.
  const units = columns.map((unit) => unit || Q15_UNIT);
  const data = Int16Array.from(weights, (weight, i) => Math.round(weight / (units[i % size] as number)));
  tensors.set(stage.weight, { dtype: "I16", shape: [weights.length / size, size], data });
  return { inputs: model.spec.inputs, signal: { columns: units, constants: new Float64Array(size) } };
}

function quantizeGru(model: Model, stage: GruStage, signal: Columns, { tensors, rounding }: Work): GruLayerSpec {
  const { size, layer, w, u } = stage;
  // Pre-activations are Q12 (times the gate's factor); the recurrent part of a reset-after candidate has half the multiplier range.
  const target =
    (isRecurrent: boolean) =>
    (row: number): RowTarget => {
      const gate = Math.floor(row / size);
      const limit = isRecurrent && gate === 2 && layer.reset === "after" ? CANDIDATE_MULTIPLIER_MAX : I16_MAX;
      return { unit: Q12_UNIT / (GATE_FACTORS[gate] as number), limit };
    };
  const rows = ({ weight, bias }: BiasedMatrix, columns: Columns, isRecurrent: boolean) =>
    quantizeRows(weight, dataOf(model, weight), dataOf(model, bias), columns, target(isRecurrent), rounding);
  const [rowsW, rowsU] = [rows(w, signal, false), rows(u, uniform(size, Q15_UNIT), true)];
  putRows(tensors, w, rowsW);
  putRows(tensors, u, rowsU);
  return { kind: "gru", size, reset: layer.reset, shift_x: rowsW.shift, shift_h: rowsU.shift };
}

/** A dense layer that is not open: followed by another, or with an activation that needs the table. */
function quantizeDense(model: Model, { w, size, layer }: DenseStage, signal: Columns, { tensors, rounding }: Work) {
  const [weights, bias] = [dataOf(model, w.weight), dataOf(model, w.bias)];
  const { unitIn, unitOut } = denseTarget(layer.activation, weights, bias, signal);
  const rows = quantizeRows(w.weight, weights, bias, signal, () => ({ unit: unitIn, limit: I16_MAX }), rounding);
  putRows(tensors, w, rows);
  const quantized: DenseLayerSpec = { kind: "dense", size, activation: layer.activation, shift_x: rows.shift };
  return { quantized, unit: unitOut };
}

function putRows(tensors: Map<string, Tensor>, matrix: BiasedMatrix, found: QuantizedRows): void {
  const { rows, columns, weight, bias, multiplier } = matrix;
  tensors.set(weight, { dtype: "I8", shape: [rows, columns], data: found.weights });
  tensors.set(multiplier as string, { dtype: "I16", shape: [rows], data: found.multipliers });
  tensors.set(bias, { dtype: "I32", shape: [rows], data: found.bias });
}

/** Activations with a fixed-point form (FORMAT.md 5.4). */
const FIXED: readonly Activation[] = ["linear", "sigmoid", "tanh", "relu", "softmax"] satisfies FixedActivation[];

/**
 * Makes sure that every activation has a fixed-point form.
 *
 * @throws {RangeError} with the layer, and what it would take
 */
export function checkActivations({ id, spec }: Model): void {
  spec.layers.forEach((layer, index) => {
    if (layer.kind === "gru" && layer.gates === "hard") {
      throw new RangeError(
        `Model ${id}: layer ${index} has hard gates, which have no fixed-point form: it would take gates without the table in every q15 kernel. Run the model in f32, or train it with sigmoid gates`,
      );
    }
    if (layer.kind !== "dense" || FIXED.includes(layer.activation)) return;
    throw new RangeError(
      `Model ${id}: layer ${index} applies ${layer.activation}, which has no fixed-point form: it would take a table of its own in the format. Run the model in f32, or train it with ${FIXED.join(", ")}`,
    );
  });
}
