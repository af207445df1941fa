// Rounding one row of weights: to nearest, or column by column so that later columns make up for the errors of earlier ones.

import { I8_MAX } from "../../host/model/integers.ts";
import type { Factor } from "./hessian.ts";

/** Integer weights of a row, and the mean of its squared error by the Hessian that judged it. */
export interface Candidate {
  readonly weights: Float64Array;
  readonly error: number;
}

const clamp8 = (value: number): number => Math.max(-I8_MAX, Math.min(I8_MAX, Math.round(value)));

/**
 * Rounds each weight to the nearest integer.
 *
 * @param values  real value of each weight for one unit of its input
 * @param unit  real value of one unit of an integer weight
 * @param costs  what the squared error of each column costs
 */
export function roundNearest(values: Float64Array, unit: number, costs: Float64Array): Candidate {
  let error = 0;
  const weights = values.map((value, k) => {
    const q = clamp8(value / unit);
    error += (costs[k] as number) * (value - q * unit) ** 2;
    return q;
  });
  return { weights, error };
}

/**
 * Rounds column by column: each takes over what the errors of the columns before it, as the Hessian correlates them, leave to mend.
 * With `isPushed` false the same error is computed for rounding to nearest.
 *
 * @param values  real value of each weight for one unit of its input
 * @param unit  real value of one unit of an integer weight
 */
export function roundCompensated(
  values: Float64Array,
  unit: number,
  { order, upper, costs }: Factor,
  isPushed = true,
): Candidate {
  const N = values.length;
  const weights = new Float64Array(N);
  const errors = new Float64Array(N);
  let error = 0;
  for (let k = 0; k < N; k++) {
    const column = order[k] as number;
    const value = values[column] as number;
    let pushed = 0;
    for (let j = 0; j < k; j++) pushed += (errors[j] as number) * (upper[k * N + j] as number);
    const q = clamp8((isPushed ? value + pushed : value) / unit);
    weights[column] = q;
    errors[k] = value - q * unit;
    error += (costs[k] as number) * (value + pushed - q * unit) ** 2;
  }
  return { weights, error };
}
