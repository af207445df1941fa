// What a model must beat: the last value, the value one season ago, a linear law of a column's own past; and its own linear part.

import { type Errors, type Forecaster, lastValue, measure, ownLawForecaster, seasonalValue } from "./evaluate.ts";
import type { Moments } from "./moments.ts";
import { type Parts, type Piece, stepsOf } from "./pieces.ts";
import { momentsOf, type View } from "./prepare.ts";
import { chooseLaw, type Law, squaredError } from "./ridge.ts";

/** Numbers of lags that are tried. */
const LAGS: readonly number[] = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96];
/** Most entries of the window of a skip: the equations grow with their cube. */
const MOST_ENTRIES = 768;
/** Steps that are left when lags are taken away from the start of every sequence, as a share of all. */
const LEAST_LEFT = 0.7;
/** Squared error, of normalised values, below which a baseline counts as exact. */
const LEAST_ERROR = 1e-12;
const DAY_S = 86400;
/** Seasons that are tried, seconds. */
const SEASONS: readonly number[] = [DAY_S, 7 * DAY_S];
/** Rows of a season that is found; a longer one costs more reading than it tells. */
const LONGEST_SEASON = 4096;

/** The linear part of a model, and the baselines. */
export interface Baselines {
  /** The linear law: for each output of all inputs, of its own column alone, or the mean of both. */
  readonly linear: Law;
  /** Per output the law of its column's own past; undefined where the column is no input. */
  readonly own: readonly (Law | undefined)[];
  /** Rows of the season; undefined where no season was found. */
  readonly season: number | undefined;
  /** Squared error of each normalised output of the linear law over the steps that stop the learning; never 0. */
  readonly linearErrors: Float64Array;
}

/** Numbers of lags that the data allow, ascending. */
export function lagsFor(pieces: readonly Piece[], inputs: number, most: number): number[] {
  const total = stepsOf(pieces);
  const lengths = new Map<unknown, number>();
  for (const { sequence, steps } of pieces) lengths.set(sequence, (lengths.get(sequence) ?? 0) + steps);
  const left = (lags: number) => [...lengths.values()].reduce((sum, rows) => sum + Math.max(0, rows - lags), 0);
  return LAGS.filter(
    (lags) => lags === 1 || (lags <= most && lags * inputs <= MOST_ENTRIES && left(lags) >= LEAST_LEFT * total),
  );
}

/**
 * Fits the baselines to the rows that are learned from; lags, penalties and the season are chosen by the rows that stop the learning.
 *
 * @param lags    numbers of lags to choose from, ascending
 * @param season  rows of the season, where the user says
 * @returns undefined when there are too few rows for any law
 */
export function fitBaselines(
  view: View,
  parts: Parts,
  lags: readonly number[],
  { interval, season }: { readonly interval: number | undefined; readonly season: number | undefined },
): Baselines | undefined {
  const most = lags.at(-1) as number;
  const [fit, stop] = [momentsOf(view, parts.fit, most), momentsOf(view, parts.stop, most)];
  if (fit.steps < 2 || stop.steps < 1) return undefined;
  const scale = Float64Array.from(view.task.targets, ({ column }, o) => simpleError(stop, column, o));
  const joint = chooseLaw(fit, stop, lags, scale)?.law;
  if (joint === undefined) return undefined;
  const own = view.task.targets.map(({ column }, o) => {
    if (column >= view.inputs.length) return undefined;
    const entries = Array.from({ length: most }, (_, a) => a * view.inputs.length + column);
    return chooseLaw(fit.pick(entries, o), stop.pick(entries, o), lags, [1])?.law;
  });
  const isForecast = view.task.kind === "forecast";
  const linear = joinLaws(view, joint, own, stop);
  const linearErrors = scale.map((_, o) => Math.max(squaredError(linear, stop, o), LEAST_ERROR));
  return { linear, own, linearErrors, season: isForecast ? (season ?? findSeason(view, parts, interval)) : undefined };
}

/** For each output the best, over the steps that stop the learning, of two laws, of all inputs and of its own column, and their mean. */
function joinLaws({ task }: View, joint: Law, own: readonly (Law | undefined)[], stop: Moments): Law {
  const { inputs, outputs } = joint;
  const wide = task.targets.map(({ column }, o) => own[o] && widen(own[o], inputs, outputs, column, o));
  const chosen = wide.map((law, o) => {
    const laws = law === undefined ? [joint] : [joint, law, meanOf(joint, law, o)];
    return laws.reduce((best, one) => (squaredError(one, stop, o) < squaredError(best, stop, o) ? one : best));
  });
  const lags = Math.max(...chosen.map((law) => law.lags));
  const joined: Law = {
    lags,
    inputs,
    outputs,
    weights: new Float64Array(outputs * lags * inputs),
    bias: Float64Array.from(chosen, (law, o) => law.bias[o] as number),
  };
  for (const [o, law] of chosen.entries()) {
    const length = law.lags * inputs;
    joined.weights.set(law.weights.subarray(o * length, (o + 1) * length), o * lags * inputs);
  }
  return joined;
}

/** The mean of what two laws answer in output `o`: the two err differently. */
function meanOf(a: Law, b: Law, o: number): Law {
  const { inputs, outputs } = a;
  const lags = Math.max(a.lags, b.lags);
  const weights = new Float64Array(outputs * lags * inputs);
  for (const law of [a, b]) {
    for (let k = 0; k < law.lags * inputs; k++) {
      const at = o * lags * inputs + k;
      weights[at] = (weights[at] as number) + (law.weights[o * law.lags * inputs + k] as number) / 2;
    }
  }
  return { lags, inputs, outputs, weights, bias: a.bias.map((value, i) => (value + (b.bias[i] as number)) / 2) };
}

/** A law of one column as one of all inputs, for output `o`. */
function widen(law: Law, inputs: number, outputs: number, column: number, o: number): Law {
  const weights = new Float64Array(outputs * law.lags * inputs);
  for (let a = 0; a < law.lags; a++) weights[(o * law.lags + a) * inputs + column] = law.weights[a] as number;
  const bias = new Float64Array(outputs).fill(law.bias[0] as number);
  return { lags: law.lags, inputs, outputs, weights, bias };
}

/** Squared error of the last value of an input, or of the mean of a label: never 0. */
function simpleError(stop: Moments, column: number, o: number): number {
  const { outputs, steps, inputs } = stop;
  const law = {
    lags: 1,
    inputs,
    outputs,
    weights: new Float64Array(outputs * inputs),
    bias: new Float64Array(outputs),
  };
  if (column < inputs) law.weights[o * inputs + column] = 1;
  else law.bias[o] = (stop.y[o] as number) / steps;
  return Math.max(squaredError(law, stop, o), LEAST_ERROR);
}

/** A day or a week in rows, whichever repeats itself better, where two of them fit. */
function findSeason(view: View, parts: Parts, interval: number | undefined): number | undefined {
  if (interval === undefined) return undefined;
  const longest = Math.max(...parts.stop.map(({ sequence }) => sequence.rows));
  const seasons = SEASONS.map((seconds) => Math.round(seconds / interval)).filter(
    (rows) => rows >= 4 && rows <= LONGEST_SEASON && 2 * rows <= longest,
  );
  const score = (period: number) => {
    const pieces = parts.stop.map((piece) => ({ ...piece, lead: Math.min(piece.from, period) }));
    const [errors] = measure(view, pieces, [seasonalValue(view, period)]);
    return (errors as Errors).rmse.reduce(
      (sum, error, o) => sum + (error * (view.outputs[o]?.scale as number)) ** 2,
      0,
    );
  };
  const scored = seasons
    .map((period) => ({ period, score: score(period) }))
    .filter(({ score }) => !Number.isNaN(score));
  return scored.sort((a, b) => a.score - b.score)[0]?.period;
}

/** The baselines by name, as the skill table has them. */
export function baselineForecasters(view: View, { own, season }: Baselines): Map<string, Forecaster> {
  const named = new Map<string, Forecaster>();
  if (view.task.kind !== "forecast") return named;
  named.set("last value", lastValue(view));
  if (season !== undefined) named.set("seasonal last value", seasonalValue(view, season));
  named.set("ridge AR", ownLawForecaster(view, own));
  return named;
}
