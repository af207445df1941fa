import { I16_MAX, I16_REACH, rawOf } from "../../../host/model/integers.ts";
import { dataOf } from "../../../host/model/tensors.ts";
import type { Model } from "../../../host/model/types.ts";
import { traceLayers } from "./layers.ts";
import { longRun, outputErrors, predictBoth } from "./outputs.ts";
import type { HeldOutSource, InputReport, LayerReport, OutputReport, Plots, QuantizationReport } from "./types.ts";
import { findWarnings } from "./warnings.ts";
import { compareWeights } from "./weights.ts";

/** Part of the calibration data that is told apart when no other data is given. */
const TAIL = 0.2;

/** Multiplications that a trace of the layers may take, so that a large model is reported in seconds. */
const TRACE_WORK = 2e8;

/** Multiplications that the long run may take. */
const DRIFT_WORK = 1e10;

/** Steps that a plot of predictions shows. */
const PLOT_STEPS = 300;

export interface ReportOptions {
  /** What the held-out data is; default `file`. */
  readonly heldOutSource?: HeldOutSource;
  /** Steps of the long run; default 100,000, down to 10,000 for models beyond 100,000 weights. */
  readonly driftSteps?: number;
  /** Greatest number of steps over which layers are traced; default 20,000, fewer for large models. */
  readonly traceSteps?: number;
}

/** How many of T samples are there to calibrate with when the others, the last fifth, are held out. */
export const stepsToSee = (steps: number): number => steps - Math.min(steps - 1, Math.max(1, Math.floor(steps * TAIL)));

/** Samples, f64[T][I], with their end held out; both parts are views of `samples` and hold whole samples, at least one if there are two. */
export function splitHeldOut(
  samples: Float64Array,
  inputs: number,
): { readonly calibration: Float64Array; readonly heldOut: Float64Array } {
  const steps = samples.length / inputs;
  const end = stepsToSee(steps) * inputs;
  return { calibration: samples.subarray(0, end), heldOut: samples.subarray(end) };
}

/**
 * Measures what quantizing a model costs.
 *
 * @param q15  the quantized form of `f32`
 * @param calibration  samples, f64[T][I], real values or tokens
 * @param heldOut  samples that the quantizer has not seen (or the end of those that it has), f64[T][I]
 * @throws {RangeError} when the models are not two forms of one network, or there are no samples
 */
export function report(
  f32: Model,
  q15: Model,
  calibration: Float64Array,
  heldOut: Float64Array,
  options: ReportOptions = {},
): QuantizationReport {
  checkForms(f32, q15);
  const width = f32.spec.inputs.length;
  const steps = { calibration: calibration.length / width, heldOut: heldOut.length / width };
  if (steps.calibration === 0 || steps.heldOut === 0) {
    throw new RangeError(
      `${steps.calibration} calibration and ${steps.heldOut} held-out samples, expected some of each`,
    );
  }
  const weights = compareWeights(f32, q15);
  const size = weights.layers.flat().reduce((sum, { count }) => sum + count, 0);
  const { driftSteps, traced } = effortOf(size, steps.calibration, options);
  const facts = traceLayers(f32, q15, calibration, traced);
  const layers = f32.spec.layers.map(
    ({ kind, size }, index): LayerReport => ({
      index,
      kind,
      size,
      weights: weights.layers[index] ?? [],
      ...(facts[index] as (typeof facts)[number]),
    }),
  );
  const inputs = inputReports(q15, [calibration, heldOut]);
  const { outputs, plots } = outputReports(f32, q15, calibration, heldOut, driftSteps);
  const findings = { inputs, layers, ...(weights.skip ? { skip: weights.skip } : {}), outputs };
  return {
    schema: 1,
    f32: { id: f32.id, bytes: f32.bytes },
    q15: { id: q15.id, bytes: q15.bytes },
    steps: { ...steps, traced },
    heldOutSource: options.heldOutSource ?? "file",
    ...findings,
    warnings: findWarnings(findings),
    plots: { histograms: weights.histograms, outputs: plots },
  };
}

/**
 * How long to measure a model with so many weights.
 *
 * @param steps  samples of the calibration data
 */
export function effortOf(
  weights: number,
  steps: number,
  { driftSteps, traceSteps = 20_000 }: ReportOptions,
): { readonly driftSteps: number; readonly traced: number } {
  return {
    driftSteps: driftSteps ?? Math.min(100_000, Math.max(10_000, Math.ceil(DRIFT_WORK / weights))),
    traced: Math.min(traceSteps, steps, Math.max(200, Math.ceil(TRACE_WORK / weights))),
  };
}

/** The report without its plots, for `--json`. */
export function reportJson({ plots: _, ...rest }: QuantizationReport): Omit<QuantizationReport, "plots"> {
  return rest;
}

function checkForms(f32: Model, q15: Model): void {
  if (f32.spec.numeric !== "f32" || q15.spec.numeric !== "q15") {
    throw new RangeError(`Models are ${f32.spec.numeric} and ${q15.spec.numeric}, expected f32 and q15`);
  }
  const shape = ({ spec }: Model) =>
    JSON.stringify([
      spec.inputs.length,
      spec.outputs.length,
      spec.embedding?.size,
      spec.skip?.length,
      ...spec.layers.map(({ kind, size }) => [kind, size]),
    ]);
  if (shape(f32) !== shape(q15)) throw new RangeError(`${q15.id} is not a quantized form of ${f32.id}`);
}

/** Counts values outside their range, and those that int16 cannot hold. */
function inputReports(q15: Model, parts: readonly Float64Array[]): InputReport[] {
  const { inputs, embedding } = q15.spec;
  return inputs.map(({ name, unit, range, fraction = 0 }, i) => {
    let [samples, beyondRange, saturated] = [0, 0, 0];
    const offset = embedding ? 0 : (dataOf(q15, "input.offset")[i] as number);
    for (const part of parts) {
      for (let at = i; at < part.length; at += inputs.length) {
        const value = part[at] as number;
        samples++;
        if (range && (value < range[0] || value > range[1])) beyondRange++;
        if (embedding) continue;
        const x = rawOf(value, fraction) - offset;
        if (x < -I16_REACH || x > I16_MAX) saturated++;
      }
    }
    return {
      name,
      ...(unit === undefined ? {} : { unit }),
      ...(range === undefined ? {} : { range }),
      samples,
      beyondRange,
      saturated,
    };
  });
}

function outputReports(
  f32: Model,
  q15: Model,
  calibration: Float64Array,
  heldOut: Float64Array,
  driftSteps: number,
): { outputs: OutputReport[]; plots: Plots["outputs"] } {
  const seen = outputErrors(f32, predictBoth(f32, q15, calibration), calibration);
  const predictions = predictBoth(f32, q15, heldOut);
  const unseen = outputErrors(f32, predictions, heldOut);
  const runs = longRun(f32, q15, calibration, driftSteps);
  const size = f32.spec.outputs.length;
  const column = (values: Float64Array, o: number) =>
    Array.from(values.subarray(-PLOT_STEPS * size)).filter((_, i) => i % size === o);
  return {
    outputs: f32.spec.outputs.map(({ name, unit }, o) => ({
      name,
      ...(unit === undefined ? {} : { unit }),
      calibration: seen[o] as OutputReport["calibration"],
      heldOut: unseen[o] as OutputReport["heldOut"],
      drift: (runs[o] as (typeof runs)[number]).drift,
    })),
    plots: runs.map(({ error }, o) => ({
      error,
      errorSteps: driftSteps,
      f32: column(predictions.f32, o),
      q15: column(predictions.q15, o),
    })),
  };
}
