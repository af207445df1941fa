// Closed-form ridge regression from moments: the linear part of a model, and a baseline.

import type { Moments } from "./moments.ts";

/** A linear law over the last L samples: y = weights x + bias, x newest first. */
export interface Law {
  readonly lags: number;
  readonly inputs: number;
  readonly outputs: number;
  /** f64[outputs][lags·inputs] */
  readonly weights: Float64Array;
  /** f64[outputs] */
  readonly bias: Float64Array;
}

/** Penalties of squared weights per row that are tried, in units of the normalised inputs. */
const PENALTIES: readonly number[] = [1e-6, 1e-4, 1e-3, 1e-2, 1e-1, 1];

/** Lower triangle of a Cholesky factor; undefined when the matrix is not positive definite. */
function factor(matrix: Float64Array, size: number): Float64Array | undefined {
  const lower = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i * size + j] as number;
      for (let k = 0; k < j; k++) sum -= (lower[i * size + k] as number) * (lower[j * size + k] as number);
      if (i === j) {
        if (!(sum > 0)) return undefined;
        lower[i * size + i] = Math.sqrt(sum);
      } else lower[i * size + j] = sum / (lower[j * size + j] as number);
    }
  }
  return lower;
}

/**
 * Fits laws of several numbers of lags at once: one factor serves all, since fewer lags are its leading corner.
 *
 * @param lags     numbers of lags, each at most that of the moments
 * @param penalty  of squared weights per step
 * @returns a law for each number of lags; none when the equations have no solution in double precision
 */
export function fitLaws(moments: Moments, lags: readonly number[], penalty: number): Law[] {
  const { size, outputs, inputs, steps, x, y, xy } = moments;
  const centred = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      const value = (moments.xx[i * size + j] as number) - ((x[i] as number) * (x[j] as number)) / steps;
      centred[i * size + j] = value + (i === j ? penalty * steps : 0);
    }
  }
  const lower = factor(centred, size);
  if (lower === undefined) return [];
  // Forward substitution of all answers, once.
  const half = new Float64Array(size * outputs);
  for (let i = 0; i < size; i++) {
    for (let o = 0; o < outputs; o++) {
      let sum = (xy[i * outputs + o] as number) - ((x[i] as number) * (y[o] as number)) / steps;
      for (let k = 0; k < i; k++) sum -= (lower[i * size + k] as number) * (half[k * outputs + o] as number);
      half[i * outputs + o] = sum / (lower[i * size + i] as number);
    }
  }
  return lags.map((count) => backward(moments, { lower, half }, count * inputs, count));
}

function backward(
  { size, outputs, inputs, steps, x, y }: Moments,
  { lower, half }: { lower: Float64Array; half: Float64Array },
  length: number,
  lags: number,
): Law {
  const weights = new Float64Array(outputs * length);
  const bias = new Float64Array(outputs);
  for (let o = 0; o < outputs; o++) {
    const own = weights.subarray(o * length, (o + 1) * length);
    let mean = y[o] as number;
    for (let i = length - 1; i >= 0; i--) {
      let sum = half[i * outputs + o] as number;
      for (let k = i + 1; k < length; k++) sum -= (lower[k * size + i] as number) * (own[k] as number);
      own[i] = sum / (lower[i * size + i] as number);
      mean -= (own[i] as number) * (x[i] as number);
    }
    bias[o] = mean / steps;
  }
  return { lags, inputs, outputs, weights, bias };
}

/** Mean squared error of an output of a law over the steps of moments. */
export function squaredError(law: Law, { size, outputs, steps, x, y, yy, xy, xx }: Moments, o: number): number {
  const length = law.lags * law.inputs;
  const w = law.weights.subarray(o * length, (o + 1) * length);
  const b = law.bias[o] as number;
  let sum = (yy[o] as number) - 2 * b * (y[o] as number) + b * b * steps;
  for (let i = 0; i < length; i++) {
    let product = 0;
    for (let k = 0; k < length; k++) product += (xx[i * size + k] as number) * (w[k] as number);
    sum += (w[i] as number) * (product + 2 * b * (x[i] as number) - 2 * (xy[i * outputs + o] as number));
  }
  return Math.max(0, sum) / steps;
}

/** A choice of lags and penalty, and its score. */
export interface Choice {
  readonly law: Law;
  readonly penalty: number;
  readonly score: number;
}

/** More lags must lessen the score by this share. */
const WORTH = 0.002;
/** Outputs by which lags and penalty are chosen; of more, evenly spread ones. */
const MOST_SCORED = 12;

/**
 * Chooses the penalty, and then the number of lags, by other steps than those that the law is fitted to: the fewest lags whose score
 * is within {@link WORTH} of the best.
 *
 * @param lags   ascending
 * @param scale  what the squared error of each output is divided by before outputs are averaged
 * @returns undefined when the moments determine no law
 */
export function chooseLaw(
  fit: Moments,
  stop: Moments,
  lags: readonly number[],
  scale: ArrayLike<number>,
): Choice | undefined {
  const count = Math.min(MOST_SCORED, fit.outputs);
  const scored = Array.from({ length: count }, (_, i) => Math.floor((i * fit.outputs) / count));
  const judge = (law: Law, penalty: number): Choice => {
    const score = scored.reduce((sum, o) => sum + squaredError(law, stop, o) / (scale[o] as number), 0) / count;
    return { law, penalty, score };
  };
  const most = lags.at(-1) as number;
  const [best] = PENALTIES.flatMap((penalty) => fitLaws(fit, [most], penalty).map((law) => judge(law, penalty))).sort(
    (a, b) => a.score - b.score,
  );
  if (best === undefined) return undefined;
  const choices = fitLaws(fit, lags, best.penalty).map((law) => judge(law, best.penalty));
  const least = Math.min(...choices.map(({ score }) => score));
  return choices.find(({ score }) => score <= least * (1 + WORTH));
}

/**
 * Answers of a law, normalised.
 *
 * @param x      normalised samples, f64[rows][I]
 * @param first  row of the first step; rows before 0 count as zeros, as in a new session
 * @returns f64[steps][outputs]
 */
export function applyLaw({ lags, inputs, outputs, weights, bias }: Law, x: Float64Array, first: number, steps: number) {
  const answers = new Float64Array(steps * outputs);
  const length = lags * inputs;
  for (let s = 0; s < steps; s++) {
    const t = first + s;
    const known = Math.min(lags, t + 1);
    for (let o = 0; o < outputs; o++) {
      let sum = bias[o] as number;
      for (let a = 0; a < known; a++) {
        const [row, at] = [o * length + a * inputs, (t - a) * inputs];
        for (let i = 0; i < inputs; i++) sum += (weights[row + i] as number) * (x[at + i] as number);
      }
      answers[s * outputs + o] = sum;
    }
  }
  return answers;
}
