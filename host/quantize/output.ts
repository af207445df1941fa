// The last layer of a quantized model: an accumulator, a linear skip, and the way to real units (FORMAT.md 5.5).

import { I8_MAX, I16_MAX, I16_REACH, I32_MAX } from "../model/integers.ts";
import type { DenseStage, Network, OutputStage } from "../model/network.ts";
import { dataOf } from "../model/tensors.ts";
import type { Model, Tensor } from "../model/types.ts";
import type { Columns, Rounding, RowRounder } from "./rows.ts";

/** An output that moves by fewer steps of its raw integer is refused: it would hardly move at all. */
const LEAST_STEPS = 64;

/** Integer weights of one output row, and the multiplier that brings their sum to real units. */
interface IntegerRow {
  readonly weights: readonly number[];
  readonly multiplier: number;
  /** Real value of one unit of the accumulator. */
  readonly unit: number;
}

/** What a row of the output reads. */
interface Signals {
  /** What enters the last layer. */
  readonly last: Columns;
  /** What enters the network, for the skip. */
  readonly input: Columns;
}

/** An open last layer and what surrounds it. */
interface OpenEnd {
  readonly last: DenseStage;
  readonly skip: Network["skip"];
  readonly output: OutputStage;
}

/**
 * Quantizes the last layer, when it is open, with the skip and the output's scale; writes output.* and skip.* in any case.
 *
 * @returns the fraction of each output
 */
export function quantizeOutput(
  model: Model,
  { layers, skip, output }: Network,
  signals: Signals,
  { tensors, rounding }: { readonly tensors: Map<string, Tensor>; readonly rounding: Rounding },
): readonly number[] {
  const last = layers.at(-1);
  const put = (name: string, dtype: "I8" | "I16" | "I32", values: readonly number[], columns?: number) => {
    const type = { I8: Int8Array, I16: Int16Array, I32: Int32Array }[dtype];
    const shape = columns === undefined ? [output.size] : [output.size, columns];
    tensors.set(name, { dtype, shape, data: type.from(values) });
  };
  const all = (value: number) => new Array<number>(output.size).fill(value);
  if (last?.kind !== "dense" || !last.isOpen) {
    // Outputs are Q15 already: (y << 8) * 256 >> 16 = y.
    put(output.multiplier, "I16", all(256));
    put(output.offset, "I32", all(0));
    return all(15);
  }
  const rounder = rounding(last.w.weight, signals.last).round;
  const end = { last, skip, output };
  const rows = all(0).map((_, row) => quantizeOutputRow(model, end, row, signals, rounder));
  const each = (value: (row: (typeof rows)[number]) => number | readonly number[]) => rows.flatMap(value);
  put(
    last.w.weight,
    "I8",
    each((row) => row.last.weights),
    last.w.columns,
  );
  put(
    last.w.bias,
    "I32",
    each(({ bias }) => bias),
  );
  put(
    output.multiplier,
    "I16",
    each((row) => row.last.multiplier),
  );
  put(
    output.offset,
    "I32",
    each(({ offset }) => offset),
  );
  if (skip) {
    put(
      skip.w.weight,
      "I16",
      each((row) => row.skip.weights),
      skip.w.columns,
    );
    put(
      skip.w.multiplier as string,
      "I16",
      each((row) => row.skip.multiplier),
    );
  }
  return rows.map(({ fraction }) => fraction);
}

function quantizeOutputRow(
  model: Model,
  { last, skip, output }: OpenEnd,
  row: number,
  signals: Signals,
  rounder: RowRounder,
) {
  const { name } = model.spec.outputs[row] as { readonly name: string };
  const element = (tensor: string) => model.tensors.get(tensor)?.data[row];
  const [scale, shift] = [element(output.scale) ?? 1, element(output.offset) ?? 0];
  const isRelu = last.layer.activation === "relu";
  const lastRow = realRow(dataOf(model, last.w.weight), row, last.w.columns, signals.last);
  const skipRow = skip
    ? realRow(dataOf(model, skip.w.weight), row, skip.w.columns, signals.input)
    : { weights: [], constant: 0 };
  const bias = (dataOf(model, last.w.bias)[row] as number) + lastRow.constant;
  const lastScale = least(lastRow.weights, I8_MAX, Math.floor(I32_MAX / 2 / I16_REACH));
  const skipScale = least(skipRow.weights, I16_MAX, Math.floor(I32_MAX / I16_REACH));
  const largest = Math.max(lastScale, skipScale) * scale * 65536;
  checkSteps(name, I16_REACH * scale * (magnitude(lastRow.weights) + magnitude(skipRow.weights)));
  let fraction = Math.max(-30, Math.min(30, Math.floor(Math.log2(I16_MAX / largest))));
  for (; fraction > -30; fraction--) {
    const perUnit = scale * 2 ** fraction;
    const { correction, ...quantizedLast } = quantizeLast(lastRow.weights, lastScale, perUnit, row, rounder);
    const quantizedSkip = quantizeRow(skipRow.weights, skipScale, perUnit);
    // A relu's bias acts before the relu; otherwise the offset holds it exactly.
    const inner = isRelu ? Math.round((bias + correction) / quantizedLast.unit) : 0;
    const outer = shift + scale * ((isRelu ? 0 : bias + correction) + skipRow.constant);
    // The two floors of the product lose half a unit each.
    const offset = Math.round(outer * 2 ** fraction + (skip ? 1 : 0.5));
    const bound =
      (bound32(quantizedLast.weights, inner) * quantizedLast.multiplier +
        bound32(quantizedSkip.weights, 0) * quantizedSkip.multiplier) /
        65536 +
      Math.abs(offset);
    if (bound + 2 <= I32_MAX && bound32(quantizedLast.weights, inner) <= I32_MAX) {
      return { last: quantizedLast, skip: quantizedSkip, bias: inner, offset, fraction };
    }
  }
  throw new RangeError(`Output "${name}" is too large for 32-bit fixed point`);
}

const magnitude = (weights: readonly number[]): number => weights.reduce((sum, weight) => sum + Math.abs(weight), 0);

const bound32 = (weights: readonly number[], bias: number): number => Math.abs(bias) + I16_REACH * magnitude(weights);

/** Refuses an output that never moves by more than `reach`, when that is but a few steps of the finest raw integer. */
function checkSteps(name: string, reach: number): void {
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
function quantizeLast(weights: readonly number[], scale: number, perUnit: number, row: number, rounder: RowRounder) {
  const nearest = quantizeRow(weights, scale, perUnit);
  const task = {
    row,
    values: Float64Array.from(weights),
    perUnit: perUnit * 65536,
    multiplier: nearest.multiplier,
    least: 1,
    most: I16_MAX,
  };
  const { weights: found, multiplier, correction } = rounder(task);
  const rounded = { weights: Array.from(found), multiplier, unit: multiplier / task.perUnit };
  if (magnitude(rounded.weights) > Math.floor(I32_MAX / 2 / I16_REACH)) return { ...nearest, correction: 0 };
  return { ...rounded, correction };
}

/** Rounds a row; the multiplier is rounded up and the scale recomputed from it, so that it is exact. */
function quantizeRow(weights: readonly number[], scale: number, perUnit: number): IntegerRow {
  const multiplier = Math.max(1, Math.min(I16_MAX, Math.ceil(scale * perUnit * 65536 - 1e-9)));
  const unit = multiplier / (perUnit * 65536);
  return { weights: weights.map((weight) => Math.round(weight / unit)), multiplier, unit };
}
