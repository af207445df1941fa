// How far single precision may move the outputs of a network, step by step: what a difference from a reference is held against.

import { multiplications, networkOf } from "../../host/model/network.ts";
import type { Model } from "../../host/model/types.ts";
import { mulberry32 } from "../random.ts";
import { DoubleNetwork } from "./double.ts";
import type { Sequence } from "./reference.ts";

/** Half a unit in the last place of a number from 1 to 2, in single precision. */
const SINGLE = 2 ** -24;

/** Networks with errors that are run beside the exact one. */
const RUNS = 3;

/** What is computed at most, multiplications: less than a second. Later steps are held to the errors of the last one computed. */
const MAX_WORK = 6e7;

/** The greatest error seen, up to each step, and the outputs without error. */
export interface Rounding {
  /** Greatest |error| of the runs up to and including a step, over all sequences: f64[T][O], ascending in T. */
  readonly errors: Float64Array;
  /** T of the above: steps of the longest sequence, or fewer where that is too much work. */
  readonly steps: number;
  /** Outputs in double precision of each sequence, f64[T][O], as far as they were computed. */
  readonly exact: readonly Float64Array[];
}

/**
 * Measures how errors of the size of rounding grow through the weights of a model over the inputs of a reference: the network in double
 * precision, once exactly and three times with an error of either sign at every place where single precision rounds.
 *
 * @param unit  the size of an error, relative to what is rounded; default that of single precision
 */
export function measureRounding(model: Model, sequences: readonly Sequence[], unit = SINGLE): Rounding {
  const { outputs } = model.spec;
  let left = Math.ceil(MAX_WORK / (workOf(model) * (RUNS + 1)));
  const longest = Math.min(left, Math.max(...sequences.map(({ steps }) => steps)));
  const errors = new Float64Array(longest * outputs.length);
  const random = mulberry32(1);
  const networks = [
    new DoubleNetwork(model),
    ...Array.from({ length: RUNS }, () => new DoubleNetwork(model, unit, random)),
  ] as const;
  const noisy = new Float64Array(outputs.length);
  const exact = sequences.map((sequence) => {
    const steps = Math.min(sequence.steps, left);
    left -= steps;
    for (const network of networks) network.reset();
    const rows = new Float64Array(steps * outputs.length);
    const samples = Float32Array.from(sequence.inputs);
    for (let t = 0; t < steps; t++) {
      const row = rows.subarray(t * outputs.length, (t + 1) * outputs.length);
      networks[0].step(samples, t, row);
      for (const network of networks.slice(1)) {
        network.step(samples, t, noisy);
        for (let o = 0; o < row.length; o++) {
          const at = t * row.length + o;
          errors[at] = Math.max(errors[at] as number, Math.abs((noisy[o] as number) - (row[o] as number)));
        }
      }
    }
    return rows;
  });
  for (let at = outputs.length; at < errors.length; at++) {
    errors[at] = Math.max(errors[at] as number, errors[at - outputs.length] as number);
  }
  return { errors, steps: longest, exact };
}

/** Multiplications of one step. */
const workOf = ({ spec }: Model): number =>
  networkOf(spec).stages.reduce((sum, stage) => sum + multiplications(stage), 1);
