// How far forecasts are from the answers, for a model and for what is simpler than one.

import type { Model } from "../../host/model/types.ts";
import { createRuntime } from "../../host/runtime/index.ts";
import type { Piece } from "./pieces.ts";
import { readStretch, type Stretch, type View } from "./prepare.ts";
import { applyLaw, type Law } from "./ridge.ts";

/** Answers of the steps of a stretch, in real units, f64[steps][O]; NaN where nothing is answered. */
export type Forecaster = (stretch: Stretch) => Float64Array;

/** Errors of a forecaster for each output, in real units. */
export interface Errors {
  /** Mean absolute errors. */
  readonly mae: Float64Array;
  /** Roots of mean squared errors. */
  readonly rmse: Float64Array;
  /** Steps that were answered. */
  readonly steps: number;
}

/** Called with every answer: step of the piece, output, answer, truth. */
export type OnAnswer = (piece: Piece, step: number, output: number, answer: number, truth: number) => void;

/**
 * Measures forecasters over the same steps.
 *
 * @param onAnswer  hears the answers of the last one
 */
export function measure(
  view: View,
  pieces: readonly Piece[],
  forecasters: readonly Forecaster[],
  onAnswer?: OnAnswer,
): Errors[] {
  const O = view.outputs.length;
  const sums = forecasters.map(() => ({ mae: new Float64Array(O), rmse: new Float64Array(O), steps: 0 }));
  for (const piece of pieces) {
    const stretch = readStretch(view, piece);
    const answers = forecasters.map((forecast) => forecast(stretch));
    for (let s = 0; s < stretch.steps; s++) {
      // The same steps for all: those that each of them answers.
      if (answers.some((values) => Number.isNaN(values[s * O] as number))) continue;
      for (const [f, { mae, rmse }] of sums.entries()) {
        for (let o = 0; o < O; o++) {
          const truth = truthOf(view, stretch, s, o);
          const answer = answers[f]?.[s * O + o] as number;
          const error = answer - truth;
          mae[o] = (mae[o] as number) + Math.abs(error);
          rmse[o] = (rmse[o] as number) + error * error;
          if (f === sums.length - 1) onAnswer?.(piece, s, o, answer, truth);
        }
      }
      for (const sum of sums) sum.steps++;
    }
  }
  return sums.map(({ mae, rmse, steps }) => ({
    mae: mae.map((sum) => sum / steps),
    rmse: rmse.map((sum) => Math.sqrt(sum / steps)),
    steps,
  }));
}

/** The value that output `o` of step `s` is to answer. */
function truthOf({ store, task }: View, { rows, first }: Stretch, s: number, o: number): number {
  const { column, ahead } = task.targets[o] as { column: number; ahead: number };
  return rows[(first + s + ahead) * store.width + column] as number;
}

/** The column as it is now. */
export function lastValue({ store, task }: View): Forecaster {
  return ({ rows, first, steps }) =>
    eachAnswer(steps, task.targets.length, (s, o) => {
      return rows[(first + s) * store.width + (task.targets[o]?.column as number)] as number;
    });
}

/** The column as it was whole periods before the answer, `period` rows each. */
export function seasonalValue({ store, task }: View, period: number): Forecaster {
  return ({ rows, first, steps }) =>
    eachAnswer(steps, task.targets.length, (s, o) => {
      const { column, ahead } = task.targets[o] as { column: number; ahead: number };
      const row = first + s + ahead - period * Math.ceil(ahead / period);
      return row < 0 ? Number.NaN : (rows[row * store.width + column] as number);
    });
}

/** For each output a law over the past of its own column; undefined: it is not answered. */
export function ownLawForecaster({ task, inputs, outputs }: View, laws: readonly (Law | undefined)[]): Forecaster {
  return ({ x, first, steps }) => {
    const answers = new Float64Array(steps * outputs.length).fill(Number.NaN);
    for (const [o, { column }] of task.targets.entries()) {
      const law = laws[o];
      if (law === undefined) continue;
      const own = Float64Array.from(
        { length: x.length / inputs.length },
        (_, t) => x[t * inputs.length + column] as number,
      );
      for (const [s, value] of applyLaw(law, own, first, steps).entries()) answers[s * outputs.length + o] = value;
    }
    return toReal(answers, outputs);
  };
}

/** A model, from a state of zeros at the first row of every piece: the lead is its warm-up. */
export function modelForecaster(model: Model, width: number): Forecaster {
  const session = createRuntime(model).createSession();
  const I = model.spec.inputs.length;
  const O = model.spec.outputs.length;
  return ({ rows, first, steps }) => {
    session.reset();
    const samples = new Float64Array((first + steps) * I);
    for (let t = 0; t < first + steps; t++) {
      for (let i = 0; i < I; i++) samples[t * I + i] = rows[t * width + i] as number;
    }
    return session.run(samples).slice(first * O);
  };
}

function eachAnswer(steps: number, outputs: number, answer: (s: number, o: number) => number): Float64Array {
  return Float64Array.from({ length: steps * outputs }, (_, k) => answer(Math.floor(k / outputs), k % outputs));
}

function toReal(answers: Float64Array, outputs: View["outputs"]): Float64Array {
  return answers.map((value, k) => {
    const { offset, scale } = outputs[k % outputs.length] as { offset: number; scale: number };
    return value / scale + offset;
  });
}
