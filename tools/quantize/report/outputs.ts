// Errors of q15 predictions against f32 ones: over data, and over a long run.

import type { Model, OutputSpec } from "../../../host/model/types.ts";
import { createRuntime } from "../../../host/runtime/index.ts";
import type { DriftReport, ForecastError, OutputError } from "./types.ts";

/** Stretches of the long run that the plot of the error shows; a multiple of ten. */
const STRETCHES = 200;

/** Percentage of a whole, or null when there is none. */
export const percent = (part: number, whole: number): number | null => (whole > 0 ? (100 * part) / whole : null);

/** Predictions of both forms, f64[T][O], from fresh sessions. */
export interface Predictions {
  readonly f32: Float64Array;
  readonly q15: Float64Array;
}

/** Runs both forms over samples, f64[T][I]. */
export function predictBoth(f32: Model, q15: Model, samples: Float64Array): Predictions {
  return { f32: createRuntime(f32).createSession().run(samples), q15: createRuntime(q15).createSession().run(samples) };
}

/** The error of every output over samples. */
export function outputErrors(model: Model, predictions: Predictions, samples: Float64Array): OutputError[] {
  const { outputs } = model.spec;
  return outputs.map((output, o) => {
    let [max, squares, least, greatest, count] = [0, 0, Infinity, -Infinity, 0];
    for (let i = o; i < predictions.f32.length; i += outputs.length) {
      const exact = predictions.f32[i] as number;
      const difference = Math.abs((predictions.q15[i] as number) - exact);
      max = Math.max(max, difference);
      squares += difference * difference;
      least = Math.min(least, exact);
      greatest = Math.max(greatest, exact);
      count++;
    }
    const rms = Math.sqrt(squares / count);
    const span = greatest - least;
    const forecast = forecastError(model, output, o, predictions, samples);
    return {
      max,
      rms,
      span,
      maxPercent: percent(max, span),
      rmsPercent: percent(rms, span),
      ...(forecast === undefined ? {} : { forecast }),
    };
  });
}

/** Mean absolute error of both forms against what the input became; steps of the warm-up do not count. */
function forecastError(
  model: Model,
  { forecasts }: OutputSpec,
  o: number,
  { f32, q15 }: Predictions,
  samples: Float64Array,
): ForecastError | undefined {
  const { inputs, outputs, horizon, warmup } = model.spec;
  const column = inputs.findIndex(({ name }) => name === forecasts);
  const steps = samples.length / inputs.length;
  if (forecasts === undefined || column < 0 || steps <= warmup + horizon) return undefined;
  let [sumF32, sumQ15] = [0, 0];
  for (let t = warmup; t + horizon < steps; t++) {
    const actual = samples[(t + horizon) * inputs.length + column] as number;
    sumF32 += Math.abs((f32[t * outputs.length + o] as number) - actual);
    sumQ15 += Math.abs((q15[t * outputs.length + o] as number) - actual);
  }
  const count = steps - warmup - horizon;
  const increasePercent = percent(sumQ15 - sumF32, sumF32);
  return { input: forecasts, horizon, maeF32: sumF32 / count, maeQ15: sumQ15 / count, increasePercent };
}

/** The drift of one output, and the rms error of each stretch of the run. */
export interface LongRun {
  readonly drift: DriftReport;
  readonly error: readonly number[];
}

/** Repeats samples, f64[T][I], for `steps` steps in one session of each form. */
export function longRun(f32: Model, q15: Model, samples: Float64Array, steps: number): LongRun[] {
  const [exact, rounded] = [createRuntime(f32).createSession(), createRuntime(q15).createSession()];
  const size = f32.spec.outputs.length;
  const width = f32.spec.inputs.length;
  const stretches = Math.min(STRETCHES, Math.max(10, 10 * Math.floor(steps / 100)));
  const squares = new Float64Array(size * stretches);
  const counts = new Float64Array(stretches);
  for (let t = 0, at = 0; t < steps; t++, at = (at + width) % samples.length) {
    const sample = samples.subarray(at, at + width);
    const [wanted, found] = [exact.step(sample), rounded.step(sample)];
    const stretch = Math.floor((t * stretches) / steps);
    counts[stretch] = (counts[stretch] as number) + 1;
    for (let o = 0; o < size; o++) {
      const place = o * stretches + stretch;
      squares[place] = (squares[place] as number) + ((found[o] as number) - (wanted[o] as number)) ** 2;
    }
  }
  return Array.from({ length: size }, (_, o) => {
    const rms = (from: number, to: number) => {
      let [sum, count] = [0, 0];
      for (let i = from; i < to; i++) {
        sum += squares[o * stretches + i] as number;
        count += counts[i] as number;
      }
      return count > 0 ? Math.sqrt(sum / count) : 0;
    };
    const first = rms(0, stretches / 10);
    const last = rms(stretches - stretches / 10, stretches);
    return {
      drift: { steps, first, last, ratio: first > 0 ? last / first : null },
      error: Array.from({ length: stretches }, (_, i) => rms(i, i + 1)),
    };
  });
}
