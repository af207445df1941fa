// The calibrating quantizer: rounds an f32 model's weights by what the calibration samples feed to each matrix.

import { inputSizeOf } from "../../host/runtime/image.ts";
import { type QuantizedModel, quantizeModel, type Range } from "../../host/runtime/quantize.ts";
import type { Columns, RowRounder, RowTask } from "../../host/runtime/quantize-rows.ts";
import type { Model } from "../../host/runtime/types.ts";
import { biasCorrection } from "./bias.ts";
import { type Candidate, roundCompensated, roundNearest } from "./compensate.ts";
import { type Factor, factorHessian, Moments } from "./hessian.ts";
import { traceF32 } from "./trace.ts";

export interface CalibrateOptions {
  /** T·I values row by row in real units, or T tokens, in their order in time. */
  readonly samples: Float64Array;
  /** One for each input; ignored for a token. */
  readonly ranges: readonly Range[];
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

/** Scales that are tried, as parts of the least one that fits the row's greatest weight: below 1, the greatest weights saturate. */
const SCALES = [0.75, 0.8, 0.84, 0.87, 0.9, 0.925, 0.95, 0.97, 0.985, 1, 1.015, 1.03, 1.06] as const;

/**
 * Quantizes an f32 model; deterministic.
 *
 * @throws {RangeError} when there are no samples, a range is empty or not finite, or weights are too large for fixed point
 */
export function quantizeCalibrated(model: Model, options: CalibrateOptions): CalibratedModel {
  const { ranges } = options;
  const moments = gatherMoments(model, clampSamples(model, options));
  const count = moments.get("layers.0.W")?.count ?? 0;
  if (count === 0) throw new RangeError("There are no calibration samples, expected at least one");
  let rows = 0;
  let changed = 0;
  const rounding = (name: string, signal: Columns): RowRounder => {
    const own = matrixRounder(moments.get(name) as Moments, signal, options);
    const gatedMoments = moments.get(`${name}.gated`);
    const gated = gatedMoments && matrixRounder(gatedMoments, signal, options);
    return (task) => {
      // Rows 2H and up are the candidate's, which see r * h in reset-before; U has H columns.
      const isCandidate = task.row >= 2 * signal.columns.length;
      const rounded = (gated && isCandidate ? gated : own)(task);
      rows++;
      if (rounded.multiplier !== task.multiplier) changed++;
      return rounded;
    };
  };
  const quantized = quantizeModel(model, { ranges, rounding });
  return { ...quantized, notes: notesOf(options, { samples: count, rows, changed }) };
}

function notesOf(options: CalibrateOptions, found: { samples: number; rows: number; changed: number }): string[] {
  const notes = [`calibrated with ${found.samples} samples`];
  if (options.scale === "error")
    notes.push(`scale by least error: ${found.changed} of ${found.rows} rows differ from max`);
  if (options.correctBias) notes.push("biases corrected for the mean rounding error");
  if (options.compensate) notes.push("rounding errors compensated column by column");
  return notes;
}

/** Moments of what enters each matrix, by its tensor's name; `layers.k.U.gated` for the candidate's rows in reset-before. */
function gatherMoments(model: Model, samples: ArrayLike<number>): Map<string, Moments> {
  const moments = new Map<string, Moments>();
  let size = inputSizeOf(model.spec);
  model.spec.layers.forEach((layer, index) => {
    moments.set(`layers.${index}.W`, new Moments(size));
    size = layer.size;
    if (layer.kind === "dense") return;
    moments.set(`layers.${index}.U`, new Moments(size));
    if (layer.reset === "before") moments.set(`layers.${index}.U.gated`, new Moments(size));
  });
  traceF32(model, samples, (layers) => {
    layers.forEach(({ x, h, gated }, index) => {
      moments.get(`layers.${index}.W`)?.observe(x);
      moments.get(`layers.${index}.U`)?.observe(h);
      moments.get(`layers.${index}.U.gated`)?.observe(gated);
    });
  });
  return moments;
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
function matrixRounder(moments: Moments, signal: Columns, options: CalibrateOptions): RowRounder {
  const N = moments.size;
  const mean = moments.mean(signal);
  const hessian = moments.hessian(signal, options.correctBias);
  const factor = factorHessian(hessian, N);
  return (task) => {
    const { candidate, multiplier } = bestCandidate(task, factor, options);
    const correction = options.correctBias
      ? biasCorrection(task.values, candidate.weights, multiplier / task.perUnit, mean)
      : 0;
    return { weights: candidate.weights, multiplier, correction };
  };
}

/** The rounding of least error over the scales, each to nearest and, if wanted, compensated. */
function bestCandidate(task: RowTask, factor: Factor, { scale, compensate }: CalibrateOptions) {
  const costs = columnCosts(factor);
  const round = (multiplier: number): Candidate => {
    const unit = multiplier / task.perUnit;
    if (!compensate) return roundNearest(task.values, unit, costs);
    return roundCompensated(task.values, unit, factor);
  };
  // Rounding to nearest, judged the same way, is what compensation must beat.
  const nearest = compensate
    ? roundCompensated(task.values, task.multiplier / task.perUnit, factor, false)
    : round(task.multiplier);
  let best = { candidate: nearest, multiplier: task.multiplier };
  for (const part of scale === "error" ? SCALES : [1]) {
    const multiplier = Math.max(task.least, Math.min(task.most, Math.ceil(task.multiplier * part)));
    const candidate = round(multiplier);
    if (candidate.error < best.candidate.error) best = { candidate, multiplier };
  }
  return best;
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
