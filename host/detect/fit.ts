// The parameters of channels and blocks from readings, in float64.

import type { Block, ChannelParameters } from "./parameters.ts";
import { covariance, moments, robust, solve, whitening } from "./statistics.ts";

const ONE = 2048;
const LAGS = 8;
/** What is taken from a covariance matrix towards its diagonal: few rows say little of what moves together. */
export const RIDGE = 0.5;
export const RELATION_RIDGE = 0.1;

/** The deviation before {@link squash}. */
export function unsquash(x: number): number {
  const magnitude = Math.abs(x);
  return magnitude <= 3 ? x : Math.sign(x) * 3 * Math.exp(magnitude / 3 - 1);
}

/** The squash of log2.ts in float64. */
function squash(z: number): number {
  const magnitude = Math.abs(z);
  return magnitude <= 3 ? z : Math.sign(z) * 3 * (1 + Math.log(magnitude / 3));
}

/** Multiplier 16384..32767 and shift that turn a raw difference into units of a spread, Q11. */
function unitsOf(spread: number): { multiplier: number; shift: number } {
  const shift = Math.floor(Math.log2((32767 * spread) / 2 ** 27));
  return { multiplier: Math.round(2 ** (27 + shift) / spread), shift };
}

/**
 * Fits a channel to its raw readings, all but the block of its features.
 *
 * @param residuals  of a model, raw, one for each reading, NaN where there is none; absent: those of AR(8)
 */
export function fitChannel(raw: Float64Array, residuals?: Float64Array): Omit<ChannelParameters, "sensor"> {
  const { middle, spread: found } = robust(raw, (median) => Math.abs(median) / 1000);
  const spread = Math.max(found, 0.25);
  const offset = Math.min(Math.max(Math.round(middle), -(2 ** 30) + 1), 2 ** 30);
  const z = raw.map((value) => squash((value - offset) / spread));
  const weights = fitAr(z);
  return {
    offset,
    ...unitsOf(spread),
    ar: Int16Array.from(weights.slice(0, LAGS), (weight) => Math.round(weight * 8192)),
    arBias: Math.round((weights[LAGS] as number) * 2 ** 24),
    ...(residuals === undefined ? fitArResidual(residualsOf(z, weights)) : fitModelResidual(residuals)),
  };
}

type ResidualParameters = Pick<ChannelParameters, "residual" | "residualMultiplier" | "residualShift">;

function fitArResidual(residuals: Float64Array): ResidualParameters {
  const spread = Math.max(robust(residuals, () => 0).spread, 1e-3);
  // At least 5, and the multiplier 16384 to 32767: the spread is a thousandth at least.
  const residualShift = Math.floor(Math.log2(32767 * spread));
  const residualMultiplier = Math.round(2 ** residualShift / spread);
  return { residual: "ar", residualMultiplier, residualShift };
}

function fitModelResidual(residuals: Float64Array): ResidualParameters {
  const known = residuals.filter((value) => !Number.isNaN(value));
  const { multiplier, shift } = unitsOf(Math.max(robust(known, () => 0).spread, 0.25));
  return { residual: "model", residualMultiplier: multiplier, residualShift: shift };
}

/** What AR(8) leaves of raw readings, raw: it is fitted to the first `fitted` of them, and the residuals are of those behind. */
export function arErrors(raw: Float64Array, fitted: number): Float64Array {
  const { middle, spread: found } = robust(raw.subarray(0, fitted), (median) => Math.abs(median) / 1000);
  const spread = Math.max(found, 0.25);
  const z = raw.map((value) => squash((value - middle) / spread));
  const weights = fitAr(z.subarray(0, fitted));
  return Float64Array.from({ length: raw.length - fitted }, (_, i) => {
    let expected = weights[LAGS] as number;
    for (let j = 0; j < LAGS; j++) expected += (weights[j] as number) * (z[fitted + i - 1 - j] as number);
    return (raw[fitted + i] as number) - (middle + spread * unsquash(expected));
  });
}

/** Weights of the last eight deviations, newest first, and a constant: ridge regression of the change from the last one. */
function fitAr(z: Float64Array): number[] {
  const size = LAGS + 1;
  const gram = Array.from({ length: size }, () => new Array<number>(size).fill(0));
  const right = new Array<number>(size).fill(0);
  const row = new Float64Array(size).fill(1);
  let [sum, squares] = [0, 0];
  const count = z.length - LAGS;
  for (let t = LAGS; t < z.length; t++) {
    for (let j = 0; j < LAGS; j++) {
      const lag = z[t - 1 - j] as number;
      row[j] = lag;
      sum += lag;
      squares += lag * lag;
    }
    const change = (z[t] as number) - (row[0] as number);
    for (let i = 0; i < size; i++) {
      const a = row[i] as number;
      const target = gram[i] as number[];
      for (let j = 0; j < size; j++) target[j] = (target[j] as number) + a * (row[j] as number);
      right[i] = (right[i] as number) + a * change;
    }
  }
  const variance = squares / (LAGS * count) - (sum / (LAGS * count)) ** 2;
  for (let i = 0; i < size; i++) {
    const target = gram[i] as number[];
    target[i] = (target[i] as number) + 0.01 * count * (i < LAGS ? Math.max(variance, 1e-6) : 1e-6);
  }
  return withinInt32(solve(gram, right));
}

/** Adds the last value, and shrinks the weights until their sum of products fits 32 bits, whatever the deviations. */
function withinInt32(solution: readonly number[]): number[] {
  const weights = [...solution];
  weights[0] = (weights[0] as number) + 1;
  const reach = () => {
    const lags = weights.slice(0, LAGS).reduce((sum, weight) => sum + Math.abs(Math.round(weight * 8192)), 0);
    return 32768 * lags + Math.abs(Math.round((weights[LAGS] as number) * 2 ** 24));
  };
  while (weights.slice(0, LAGS).some((weight) => Math.abs(weight) >= 3.99) || reach() > 2 ** 31 - 1) {
    for (let i = 0; i < weights.length; i++) weights[i] = (weights[i] as number) * 0.95;
  }
  return weights;
}

/** What the weights leave of the deviations, as the whole numbers of the detector see them. */
function residualsOf(z: Float64Array, weights: readonly number[]): Float64Array {
  const x = z.map((value) => Math.round(value * ONE));
  const left = new Float64Array(z.length - LAGS);
  for (let t = LAGS; t < z.length; t++) {
    let expected = 0;
    for (let j = 0; j < LAGS; j++) expected += (weights[j] as number) * (x[t - 1 - j] as number);
    left[t - LAGS] = ((x[t] as number) - expected) / ONE - (weights[LAGS] as number);
  }
  return left;
}

/** Writes the rows of a whitening matrix as int8: each times the greatest power of 2 with which it fits. */
function toBlock(means: readonly number[], matrix: readonly (readonly number[])[]): Block {
  const rows = matrix.map((row, r) => {
    const own = row.slice(0, r + 1);
    // It ends: covariances are 1e-4 at least, so that weights are 100 at most, and those of seasons 10.
    for (let shift = 26; ; shift--) {
      const weights = own.map((value) => Math.round(value * 2 ** (shift - 6)));
      if (weights.every((weight) => Math.abs(weight) <= 127)) return { shift, weights };
    }
  });
  return {
    mean: Int16Array.from(means, (value) => Math.round(value)),
    weights: Int8Array.from(rows.flatMap(({ weights }) => weights)),
    shifts: Uint8Array.from(rows, ({ shift }) => shift),
  };
}

/** A block from rows of features, Q11. */
export function fitBlock(rows: readonly ArrayLike<number>[], ridge: number): Block {
  const { means, matrix } = covariance(rows.map((row) => Float64Array.from(row, (value) => value / ONE)));
  const shrunk = matrix.map((row, i) =>
    row.map((value, j) => (i === j ? value + ridge * Math.max(value, 1e-4) + 1e-4 : value)),
  );
  return toBlock(
    means.map((value) => value * ONE),
    whitening(shrunk),
  );
}

/** The block of seasonal residuals, Q11: about 0, with spreads that are never nothing. */
export function fitSeasonalBlock(rows: readonly ArrayLike<number>[]): Block {
  const scaled = rows.map((row) => Float64Array.from(row, (value) => value / ONE));
  const spreads = moments(scaled).map((row, i) => Math.sqrt(row[i] as number) + 0.1);
  const units = scaled.map((row) => row.map((value, i) => value / (spreads[i] as number)));
  const diagonal = spreads.length > 1 ? 1 + RIDGE : 1;
  const matrix = moments(units).map((row, i) => row.map((value, j) => (i === j ? diagonal : value)));
  const w = whitening(matrix).map((row) => row.map((value, j) => value / (spreads[j] as number)));
  return toBlock(new Array<number>(spreads.length).fill(0), w);
}
