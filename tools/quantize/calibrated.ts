// The calibrating quantizer: rounds an f32 model's weights by what the calibration samples feed to each matrix.

import { I16_REACH } from "../../host/model/integers.ts";
import { type Matrix, networkOf } from "../../host/model/network.ts";
import type { Model } from "../../host/model/types.ts";
import { type QuantizedModel, quantizeModel, type Range } from "../../host/quantize/quantize.ts";
import type { Columns, RoundedRow, Rounder, RowTask } from "../../host/quantize/rows.ts";
import { biasCorrection } from "./bias.ts";
import { type Candidate, roundCompensated, roundNearest } from "./compensate.ts";
import { type Factor, factorHessian, Moments } from "./hessian.ts";
import { Magnitudes } from "./magnitudes.ts";
import { type RangeMethod, TAIL } from "./ranges.ts";
import { traceF32 } from "./trace.ts";

export interface CalibrateOptions {
  /** T·I values row by row in real units, or T tokens, in their order in time. */
  readonly samples: Float64Array;
  /** One for each input; ignored for a token. */
  readonly ranges: readonly Range[];
  /** How far the sums of a row reach before they saturate: as far as weights and inputs can come, or what the samples say. */
  readonly sums: RangeMethod | "bound";
  /** Scale of a row: the least that fits its greatest weight, or the one of several with the least error. */
  readonly scale: "max" | "error";
  /** Whether a row's bias makes up for the mean error of its rounded weights. */
  readonly correctBias: boolean;
  /** Whether columns make up for the rounding errors of others. */
  readonly compensate: boolean;
}

export interface CalibratedModel extends QuantizedModel {
  /** What was done, one line each, for the user. */
  readonly notes: readonly string[];
}

/** Part of the greatest sum of the samples that is added to it: those to come may be a little greater. */
const HEADROOM = 0.1;

/** Scales that are tried, as parts of the least one that fits the row's greatest weight: below 1, the greatest weights saturate. */
const SCALES = [0.75, 0.8, 0.84, 0.87, 0.9, 0.925, 0.95, 0.97, 0.985, 1, 1.015, 1.03, 1.06] as const;

/**
 * Quantizes an f32 model; deterministic.
 *
 * @throws {RangeError} when there are no samples, a range is empty or not finite, or weights are too large for fixed point
 */
export function quantizeCalibrated(model: Model, options: CalibrateOptions): CalibratedModel {
  const { ranges } = options;
  const matrices = observe(model, clampSamples(model, options));
  const count = matrices.get("layers.0.W")?.moments.count ?? 0;
  if (count === 0) throw new RangeError("There are no calibration samples, expected at least one");
  let rows = 0;
  let changed = 0;
  const rounding = (name: string, signal: Columns): Rounder => {
    const { moments, gated: gatedMoments, sums } = matrices.get(name) as Observed;
    const own = matrixRounder(moments, signal, sums, options);
    const gated = gatedMoments && matrixRounder(gatedMoments, signal, sums, options);
    const round = (task: RowTask): RoundedRow => {
      // Rows 2H and up are the candidate's, which see r * h in reset-before; U has H columns.
      const isCandidate = task.row >= 2 * signal.columns.length;
      const rounded = (gated && isCandidate ? gated : own)(task);
      rows++;
      if (rounded.multiplier !== task.multiplier) changed++;
      return rounded;
    };
    return options.sums === "bound" ? { round } : { round, reach: (row) => reachOf(sums, row, options.sums) };
  };
  const quantized = quantizeModel(model, { ranges, rounding });
  return { ...quantized, notes: notesOf(options, { samples: count, rows, changed }) };
}

/** How far the sums of a row must reach; by error, the search for its scale decides. */
function reachOf(sums: Magnitudes, row: number, method: CalibrateOptions["sums"]): number {
  if (method === "minmax") return sums.greatest(row) * (1 + HEADROOM);
  return method === "percentile" ? sums.limit(row, TAIL) : 0;
}

function notesOf(options: CalibrateOptions, found: { samples: number; rows: number; changed: number }): string[] {
  const notes = [`calibrated with ${found.samples} samples`];
  if (options.scale === "error")
    notes.push(`scale by least error: ${found.changed} of ${found.rows} rows differ from max`);
  if (options.correctBias) notes.push("biases corrected for the mean rounding error");
  if (options.compensate) notes.push("rounding errors compensated column by column");
  return notes;
}

/** What the samples do at one matrix. */
interface Observed {
  /** Of what enters it. */
  readonly moments: Moments;
  /** The same for the candidate's rows of U in reset-before, which see r * h. */
  readonly gated?: Moments;
  /** Of the sums of its rows, bias included. */
  readonly sums: Magnitudes;
}

const observerOf = ({ rows, columns }: Matrix): Observed => ({
  moments: new Moments(columns),
  sums: new Magnitudes(rows),
});

/** Runs the samples; returns what they do at each matrix, by its tensor's name. */
function observe(model: Model, samples: ArrayLike<number>): Map<string, Observed> {
  const matrices = new Map<string, Observed>();
  const observed = networkOf(model.spec).layers.map((stage) => {
    const gated = stage.kind === "gru" && stage.layer.reset === "before" ? { gated: new Moments(stage.size) } : {};
    const w = observerOf(stage.w);
    const u = stage.kind === "gru" ? { ...observerOf(stage.u), ...gated } : undefined;
    matrices.set(stage.w.weight, w);
    if (stage.kind === "gru" && u) matrices.set(stage.u.weight, u);
    return { w, u };
  });
  traceF32(model, samples, (layers) => {
    layers.forEach(({ x, h, gated, sumsX, sumsH }, index) => {
      const { w, u } = observed[index] as (typeof observed)[number];
      w.moments.observe(x);
      w.sums.observe(sumsX);
      u?.moments.observe(h);
      u?.gated?.observe(gated);
      u?.sums.observe(sumsH);
    });
  });
  return matrices;
}

/** Values beyond a range saturate in q15: the network never sees them. */
function clampSamples(model: Model, { samples, ranges }: CalibrateOptions): Float64Array {
  if (model.spec.embedding) return samples;
  return samples.map((value, i) => {
    const range = ranges[i % model.spec.inputs.length];
    return range ? Math.max(range.min, Math.min(range.max, value)) : value;
  });
}

/** The rounder of all rows that see the same vectors. */
function matrixRounder(
  moments: Moments,
  signal: Columns,
  sums: Magnitudes,
  options: CalibrateOptions,
): (task: RowTask) => RoundedRow {
  const N = moments.size;
  const mean = moments.mean(signal);
  const hessian = moments.hessian(signal, options.correctBias);
  const factor = factorHessian(hessian, N);
  return (task) => {
    const { candidate, multiplier } = bestCandidate(task, factor, sums, options);
    const correction = options.correctBias
      ? biasCorrection(task.values, candidate.weights, multiplier / task.perUnit, mean)
      : 0;
    return { weights: candidate.weights, multiplier, correction };
  };
}

/** The rounding of least error over the scales, each to nearest and, if wanted, compensated. */
function bestCandidate(task: RowTask, factor: Factor, sums: Magnitudes, options: CalibrateOptions) {
  const { compensate } = options;
  const costs = columnCosts(factor);
  const round = (multiplier: number): Candidate => {
    const unit = multiplier / task.perUnit;
    if (!compensate) return roundNearest(task.values, unit, costs);
    return roundCompensated(task.values, unit, factor);
  };
  const costOf = ({ error }: Candidate, multiplier: number) =>
    options.sums === "error" ? error + sumCost(task, multiplier, sums) : error;
  // Rounding to nearest, judged the same way, is what compensation must beat.
  const nearest = compensate
    ? roundCompensated(task.values, task.multiplier / task.perUnit, factor, false)
    : round(task.multiplier);
  let best = { candidate: nearest, multiplier: task.multiplier, cost: costOf(nearest, task.multiplier) };
  for (const wanted of multipliersOf(task, sums, options)) {
    const multiplier = Math.max(task.least, Math.min(task.most, Math.ceil(wanted)));
    const candidate = round(multiplier);
    const cost = costOf(candidate, multiplier);
    if (cost < best.cost) best = { candidate, multiplier, cost };
  }
  return best;
}

/** Multipliers to try: around the one that fits the greatest weight, and, where saturation counts, those that fit the sums. */
function multipliersOf({ row, multiplier, unit }: RowTask, sums: Magnitudes, options: CalibrateOptions): number[] {
  const around = (options.scale === "error" ? SCALES : [1]).map((part) => part * multiplier);
  if (options.sums !== "error" || unit === undefined) return around;
  // Never less than the greatest weight asks for: a handful of samples says little about sums.
  const fitting = (reach: number) => Math.max(multiplier, Math.min(I16_REACH, reach / unit) / 2);
  return [...around, fitting(sums.limit(row, TAIL)), fitting(sums.greatest(row))];
}

/** Mean squared error of holding the sums in 16 bits: what is cut off, and what rounding them costs. */
function sumCost({ row, unit }: RowTask, multiplier: number, sums: Magnitudes): number {
  if (unit === undefined) return 0;
  return sums.cutSquare(row, 2 * unit * multiplier, I16_REACH * unit) + (unit * multiplier * 2 ** -14) ** 2 / 12;
}

/** The damped diagonal of the Hessian, in the order of the columns. */
function columnCosts({ order, upper, costs }: Factor): Float64Array {
  const N = costs.length;
  const diagonal = new Float64Array(N);
  for (let j = 0; j < N; j++) {
    let sum = 0;
    for (let k = j; k < N; k++) sum += (costs[k] as number) * (k === j ? 1 : (upper[k * N + j] as number) ** 2);
    diagonal[order[j] as number] = sum;
  }
  return diagonal;
}
