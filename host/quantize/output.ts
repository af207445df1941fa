// The last layer of a quantized model: an accumulator, a linear skip, and the way to real units (FORMAT.md 5.5).

import { dataOf } from "../model/tensors.ts";
import type { Model, Tensor } from "../model/types.ts";
import { type Columns, INT8, INT16, INT32, type Rounding, type RowRounder } from "./rows.ts";

const LIMIT = 32767;

/** An output that moves by fewer steps of its raw integer is refused: it would hardly move at all. */
const LEAST_STEPS = 64;

/** Integer weights of one output row, and the multiplier that brings their sum to real units. */
interface OutputRow {
  readonly weights: readonly number[];
  readonly multiplier: number;
  /** Real value of one unit of the accumulator. */
  readonly unit: number;
}

/**
 * Quantizes the last layer, when it is linear or relu, with the skip and the output's scale; writes output.* and skip.* in any case.
 *
 * @param signals  what enters the last layer, and what enters the network (for the skip)
 * @returns the fraction of each output
 */
export function quantizeOutput(
  model: Model,
  signals: { readonly head: Columns; readonly input: Columns },
  { tensors, rounding }: { readonly tensors: Map<string, Tensor>; readonly rounding: Rounding },
): readonly number[] {
  const { spec } = model;
  const outputs = spec.outputs.length;
  const lastIndex = spec.layers.length - 1;
  const last = spec.layers[lastIndex];
  const put = (name: string, dtype: "I8" | "I16" | "I32", columns: number, values: readonly number[]) => {
    const type = { I8: Int8Array, I16: Int16Array, I32: Int32Array }[dtype];
    tensors.set(name, { dtype, shape: columns ? [outputs, columns] : [outputs], data: type.from(values) });
  };
  if (last?.kind !== "dense" || (last.activation !== "linear" && last.activation !== "relu")) {
    // Outputs are Q15 already: (y << 8) * 256 >> 16 = y.
    put("output.multiplier", "I16", 0, new Array(outputs).fill(256));
    put("output.offset", "I32", 0, new Array(outputs).fill(0));
    return new Array(outputs).fill(15);
  }
  const rounder = rounding(`layers.${lastIndex}.W`, signals.head).round;
  const rows = Array.from({ length: outputs }, (_, row) => quantizeOutputRow(model, row, signals, rounder));
  put(
    `layers.${lastIndex}.W`,
    "I8",
    signals.head.columns.length,
    rows.flatMap(({ head }) => head.weights),
  );
  put(
    `layers.${lastIndex}.b`,
    "I32",
    0,
    rows.map(({ bias }) => bias),
  );
  put(
    "output.multiplier",
    "I16",
    0,
    rows.map(({ head }) => head.multiplier),
  );
  put(
    "output.offset",
    "I32",
    0,
    rows.map(({ offset }) => offset),
  );
  if (spec.skip) {
    put(
      "skip.W",
      "I16",
      spec.skip.length * spec.inputs.length,
      rows.flatMap(({ skip }) => skip.weights),
    );
    put(
      "skip.multiplier",
      "I16",
      0,
      rows.map(({ skip }) => skip.multiplier),
    );
  }
  return rows.map(({ fraction }) => fraction);
}

function quantizeOutputRow(
  model: Model,
  row: number,
  signals: { readonly head: Columns; readonly input: Columns },
  rounder: RowRounder,
) {
  const { spec } = model;
  const lastIndex = spec.layers.length - 1;
  const scale = (model.tensors.get("output.scale")?.data[row] as number | undefined) ?? 1;
  const shift = (model.tensors.get("output.offset")?.data[row] as number | undefined) ?? 0;
  const last = spec.layers[lastIndex];
  const isRelu = last?.kind === "dense" && last.activation === "relu";
  const head = realRow(dataOf(model, `layers.${lastIndex}.W`), row, signals.head.columns.length, signals.head);
  const skip = spec.skip
    ? realRow(dataOf(model, "skip.W"), row, spec.skip.length * spec.inputs.length, signals.input)
    : { weights: [], constant: 0 };
  const bias = (dataOf(model, `layers.${lastIndex}.b`)[row] as number) + head.constant;
  const headScale = least(head.weights, INT8, Math.floor(INT32 / 2 / INT16));
  const skipScale = least(skip.weights, LIMIT, Math.floor(INT32 / INT16));
  const largest = Math.max(headScale, skipScale) * scale * 65536;
  checkSteps(spec.outputs[row]?.name, INT16 * scale * (magnitude(head.weights) + magnitude(skip.weights)));
  let fraction = Math.max(-30, Math.min(30, Math.floor(Math.log2(LIMIT / largest))));
  for (; fraction > -30; fraction--) {
    const { correction, ...quantizedHead } = quantizeHead(head.weights, headScale, scale * 2 ** fraction, row, rounder);
    const quantizedSkip = quantizeRow(skip.weights, skipScale, scale * 2 ** fraction);
    // A relu's bias acts before the relu; otherwise the offset holds it exactly.
    const inner = isRelu ? Math.round((bias + correction) / quantizedHead.unit) : 0;
    const outer = shift + scale * ((isRelu ? 0 : bias + correction) + skip.constant);
    // The two floors of the product lose half a unit each.
    const offset = Math.round(outer * 2 ** fraction + (spec.skip ? 1 : 0.5));
    const bound =
      (bound32(quantizedHead.weights, inner) * quantizedHead.multiplier +
        bound32(quantizedSkip.weights, 0) * quantizedSkip.multiplier) /
        65536 +
      Math.abs(offset);
    if (bound + 2 <= INT32 && bound32(quantizedHead.weights, inner) <= INT32) {
      return { head: quantizedHead, skip: quantizedSkip, bias: inner, offset, fraction };
    }
  }
  throw new RangeError(`Output "${spec.outputs[row]?.name}" is too large for 32-bit fixed point`);
}

const magnitude = (weights: readonly number[]): number => weights.reduce((sum, weight) => sum + Math.abs(weight), 0);

const bound32 = (weights: readonly number[], bias: number): number => Math.abs(bias) + INT16 * magnitude(weights);

/** Refuses an output that never moves by more than `reach`, when that is but a few steps of the finest raw integer. */
function checkSteps(name: string | undefined, reach: number): void {
  const steps = reach * 2 ** 30;
  if (reach === 0 || steps >= LEAST_STEPS) return;
  throw new RangeError(
    `Output "${name}" moves by at most ${reach.toPrecision(2)}, which is ${steps.toPrecision(2)} steps of 2^-30 in fixed point, ` +
      `expected at least ${LEAST_STEPS}; scale it up`,
  );
}

/** A row of weights in real value per unit of its integer inputs, and what the inputs' constants add. */
function realRow(w: ArrayLike<number>, row: number, count: number, { columns, constants }: Columns) {
  const weights = Array.from(
    { length: count },
    (_, k) => (w[row * count + k] as number) * (columns[k % columns.length] as number),
  );
  const constant = weights.reduce(
    (sum, _, k) => sum + (w[row * count + k] as number) * (constants[k % columns.length] as number),
    0,
  );
  return { weights, constant };
}

/** The least scale with which each weight is at most `greatest` and the sum of magnitudes, rounded, at most `norm`. */
function least(weights: readonly number[], greatest: number, norm: number): number {
  const peak = Math.max(0, ...weights.map(Math.abs));
  const sum = weights.reduce((total, weight) => total + Math.abs(weight), 0);
  return Math.max(peak / greatest, sum / Math.max(1, norm - weights.length));
}

/** Rounds a row of int8 weights by a rounder; falls back to nearest where its weights would not fit the 32-bit sum. */
function quantizeHead(weights: readonly number[], scale: number, perUnit: number, row: number, rounder: RowRounder) {
  const nearest = quantizeRow(weights, scale, perUnit);
  const task = {
    row,
    values: Float64Array.from(weights),
    perUnit: perUnit * 65536,
    multiplier: nearest.multiplier,
    least: 1,
    most: LIMIT,
  };
  const { weights: found, multiplier, correction } = rounder(task);
  const rounded = { weights: Array.from(found), multiplier, unit: multiplier / task.perUnit };
  if (magnitude(rounded.weights) > Math.floor(INT32 / 2 / INT16)) return { ...nearest, correction: 0 };
  return { ...rounded, correction };
}

/** Rounds a row; the multiplier is rounded up and the scale recomputed from it, so that it is exact. */
function quantizeRow(weights: readonly number[], scale: number, perUnit: number): OutputRow {
  const multiplier = Math.max(1, Math.min(LIMIT, Math.ceil(scale * perUnit * 65536 - 1e-9)));
  const unit = multiplier / (perUnit * 65536);
  return { weights: weights.map((weight) => Math.round(weight / unit)), multiplier, unit };
}
