import { I8_MAX, I16_MAX, I16_REACH, I32_MAX, Q12_UNIT, Q15_UNIT } from "../model/integers.ts";
import type { Activation } from "../model/types.ts";

/** What a row's accumulator turns into: `unit` is the real value of one unit of v, `limit` the greatest multiplier. */
export interface RowTarget {
  readonly unit: number;
  readonly limit: number;
}

/** Quantized rows of one matrix. */
export interface QuantizedRows {
  readonly weights: Int8Array;
  readonly bias: Int32Array;
  readonly multipliers: Int16Array;
  readonly shift: number;
}

/** The integers that enter a matrix: real value of a unit of each, and a constant to add to the real value. */
export interface Columns {
  readonly columns: Float64Array;
  readonly constants: Float64Array;
}

/** A row of a matrix on its way to integers: `weight ≈ integer * unit`, with `unit = multiplier / perUnit`. */
export interface RowTask {
  readonly row: number;
  /** Real value of each weight for one unit of its integer input. */
  readonly values: Float64Array;
  readonly perUnit: number;
  /** The multiplier of the least scale that fits every weight. */
  readonly multiplier: number;
  /** Bounds of a multiplier chosen otherwise; the sums of a lesser one do not fit. */
  readonly least: number;
  readonly most: number;
  /** Real value of one unit of the pre-activation, whose sums saturate at ±2 units for each unit of the multiplier; absent if they do not. */
  readonly unit?: number;
}

/** Integer weights −127..127 of a row. */
export interface RoundedRow {
  readonly weights: ArrayLike<number>;
  readonly multiplier: number;
  /** Real value to add to the row's bias. */
  readonly correction: number;
}

/** Rounds one row. */
export type RowRounder = (task: RowTask) => RoundedRow;

/** How the rows of a matrix are rounded. */
export interface Rounder {
  readonly round: RowRounder;
  /** The magnitude of a row's sum, in real values, up to which it must not saturate; by default what weights and inputs can come to. */
  readonly reach?: (row: number) => number;
}

/** Makes the rounder of a matrix, by its tensor's name, with the integers that enter it. */
export type Rounding = (name: string, signal: Columns) => Rounder;

/** Rounds each weight to nearest. */
export const plainRounding: Rounding = () => ({ round: roundRow });

const roundRow: RowRounder = ({ values, perUnit, multiplier }) => {
  const unit = multiplier / perUnit;
  const weights = values.map((value) => Math.max(-I8_MAX, Math.min(I8_MAX, Math.round(value / unit))));
  return { weights, multiplier, correction: 0 };
};

/**
 * Rounds a matrix to int8 rows with exact multipliers: `v = (sat16(acc >> shift) * multiplier) >> 14`.
 *
 * @param name  for messages
 * @param w  f32[rows][columns]
 * @param b  f32[rows]
 * @param rounding  how rows are rounded; to nearest by default
 * @throws {RangeError} when the weights are too large
 */
export function quantizeRows(
  name: string,
  w: ArrayLike<number>,
  b: ArrayLike<number>,
  signal: Columns,
  targetOf: (row: number) => RowTarget,
  rounding: Rounding = plainRounding,
): QuantizedRows {
  const { columns, constants } = signal;
  const rows = b.length;
  const count = columns.length;
  const scaled = Float64Array.from(w, (value, i) => value * (columns[i % count] as number));
  const bias = Float64Array.from(b, (value, row) => {
    let sum = value;
    for (let k = 0; k < count; k++) sum += (w[row * count + k] as number) * (constants[k] as number);
    return sum;
  });
  const facts = Array.from({ length: rows }, (_, row) =>
    rowFacts(scaled.subarray(row * count, (row + 1) * count), bias[row] as number),
  );
  // The row with the largest scale decides the shift: its multiplier gets all the bits it can.
  const shifts = facts.map(({ scale }, row) => {
    const { unit, limit } = targetOf(row);
    return scale > 0 ? Math.floor(Math.log2((limit * unit) / (scale * 2 ** 14))) : 30;
  });
  const shift = Math.min(30, ...shifts);
  if (shift < 0) {
    throw new RangeError(
      `${name} is too large for fixed point: a sum of its products passes ±2^${15 - shift} units of its pre-activation`,
    );
  }
  const result = {
    weights: new Int8Array(rows * count),
    bias: new Int32Array(rows),
    multipliers: new Int16Array(rows),
    shift,
  };
  const rounder = rounding(name, signal);
  facts.forEach(({ scale, fits32, total }, row) => {
    const { unit, limit } = targetOf(row);
    const perUnit = 2 ** (14 + shift) / unit;
    // A row of small weights keeps enough multiplier that sat16 does not cut sums that still matter: those within ±8 in Q12, beyond
    // which tanh is flat. Sums that were seen to go further may be met by those of the other matrix, with the other sign.
    const reach = (rounder.reach ? rounder.reach(row) / unit : Math.min(I16_REACH, total / unit)) / 2;
    const multiplierOf = (least: number) => Math.max(1, Math.min(limit, Math.ceil(Math.max(least * perUnit, reach))));
    const values = scaled.subarray(row * count, (row + 1) * count);
    const bounds = { multiplier: multiplierOf(scale), least: multiplierOf(fits32), most: limit };
    const task = { row, values, perUnit, ...bounds, unit };
    let rounded = rounder.round(task);
    let room = I32_MAX - I16_REACH * magnitude(rounded.weights);
    const half = shift > 0 ? 2 ** (shift - 1) : 0;
    if (room < half) {
      // Weights that make up for each other may sum to more than those to nearest do.
      rounded = roundRow(task);
      room = I32_MAX - I16_REACH * magnitude(rounded.weights);
    }
    if (room < half)
      throw new RangeError(`${name} row ${row}: sums of ${count} products do not fit 32 bits; make the layer smaller`);
    result.multipliers[row] = rounded.multiplier;
    result.weights.set(rounded.weights, row * count);
    // A bias beyond the room saturates its gate whatever the input is.
    const exact = ((bias[row] as number) + rounded.correction) / (rounded.multiplier / perUnit);
    result.bias[row] = Math.max(-room, Math.min(room, Math.round(exact) + half));
  });
  return result;
}

function magnitude(weights: ArrayLike<number>): number {
  let sum = 0;
  for (let k = 0; k < weights.length; k++) sum += Math.abs(weights[k] as number);
  return sum;
}

/** The least scale that fits int8 and 32-bit sums, the least that fits the latter, and the greatest real sum. */
function rowFacts(row: Float64Array, bias: number): { scale: number; fits32: number; total: number } {
  let greatest = 0;
  let norm = 0;
  for (const value of row) {
    greatest = Math.max(greatest, Math.abs(value));
    norm += Math.abs(value);
  }
  const total = norm * I16_REACH + Math.abs(bias);
  // Rounding may add half a unit to each weight.
  const fits32 = (norm * I16_REACH) / (I32_MAX - row.length * (I16_REACH / 2) - 2 ** 29);
  return { scale: Math.max(greatest / I8_MAX, fits32), fits32, total };
}

/** Units of the pre-activation and of the output of a dense layer whose outputs are i16. */
export function denseTarget(
  activation: Activation,
  w: ArrayLike<number>,
  b: ArrayLike<number>,
  { columns }: Columns,
): { unitIn: number; unitOut: number } {
  switch (activation) {
    case "tanh":
      return { unitIn: Q12_UNIT, unitOut: Q15_UNIT };
    case "sigmoid":
      return { unitIn: 2 * Q12_UNIT, unitOut: Q15_UNIT };
    case "softmax":
      return { unitIn: 1 / (1024 * Math.LOG2E), unitOut: Q15_UNIT };
    case "linear":
    case "relu": {
      let greatest = 0;
      for (let row = 0; row < b.length; row++) {
        let total = Math.abs(b[row] as number);
        for (let k = 0; k < columns.length; k++) {
          total += Math.abs(w[row * columns.length + k] as number) * (columns[k] as number) * I16_REACH;
        }
        greatest = Math.max(greatest, total);
      }
      const unit = (greatest || 1) / I16_MAX;
      return { unitIn: unit, unitOut: unit };
    }
    default:
      throw new RangeError(`Activation ${activation} has no fixed-point form`);
  }
}
