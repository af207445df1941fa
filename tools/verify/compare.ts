import type { Runtime } from "../../host/runtime/runtime.ts";
import type { Sequence } from "./reference.ts";

/** Default of the greatest |difference| / max(1, |expected|) that passes, for f32. */
export const DEFAULT_TOLERANCE = 1e-5;

/** How far a model is from its reference on one output. */
export interface OutputDifference {
  readonly name: string;
  readonly unit?: string;
  /** Greatest |difference|, in the unit of the output; Infinity when one is not a number. */
  readonly max: number;
  readonly rms: number;
  /** Root mean square of the reference about its mean: what `rms` is to be seen against. */
  readonly signal: number;
  /** Where the greatest |difference| / max(1, |expected|) is, both from 0. */
  readonly sequence: number;
  readonly step: number;
  readonly expected: number;
  readonly actual: number;
  /** Greatest |difference| / max(1, |expected|); Infinity when one is not a number. */
  readonly error: number;
  readonly passed: boolean;
}

/** The outcome of a comparison. */
export interface Comparison {
  /** Answers compared. */
  readonly compared: number;
  readonly tolerance: number;
  readonly outputs: readonly OutputDifference[];
  readonly passed: boolean;
}

/**
 * Runs a model over the sequences of a reference, each from a fresh state, and compares every answer.
 *
 * @param tolerance  greatest |difference| / max(1, |expected|) that passes; a difference that is not a number fails
 */
export function compareWithReference(
  runtime: Runtime,
  sequences: readonly Sequence[],
  tolerance: number = DEFAULT_TOLERANCE,
): Comparison {
  const tallies = runtime.model.spec.outputs.map((_, index) => new Tally(index, runtime.outputSize));
  const session = runtime.createSession();
  for (const [index, sequence] of sequences.entries()) {
    session.reset();
    const all = session.run(sequence.inputs);
    const first = sequence.lastOnly ? sequence.steps - 1 : 0;
    const actual = all.subarray(first * runtime.outputSize);
    for (const tally of tallies) tally.add(sequence.outputs, actual, index, first);
  }
  session.release();
  const outputs = runtime.model.spec.outputs.map(({ name, unit }, index) => {
    const difference = (tallies[index] as Tally).result;
    return { name, ...(unit !== undefined && { unit }), ...difference, passed: difference.error <= tolerance };
  });
  const compared = tallies[0]?.count ?? 0;
  return { compared, tolerance, outputs, passed: compared > 0 && outputs.every(({ passed }) => passed) };
}

/** Gathers the differences of one output. */
class Tally {
  count = 0;
  readonly #index: number;
  readonly #width: number;
  #max = 0;
  #squares = 0;
  #mean = 0;
  #signal = 0;
  #worst = { error: -1, sequence: 0, step: 0, expected: 0, actual: 0 };

  constructor(index: number, width: number) {
    this.#index = index;
    this.#width = width;
  }

  /** Takes the rows of one sequence; row 0 is of step `first`. */
  add(expected: Float64Array, actual: Float64Array, sequence: number, first: number): void {
    for (let at = this.#index, row = 0; at < expected.length; at += this.#width, row++) {
      const [want, have] = [expected[at] as number, actual[at] as number];
      const difference = Math.abs(have - want);
      const scaled = difference / Math.max(1, Math.abs(want));
      const error = Number.isNaN(scaled) ? Infinity : scaled;
      if (error > this.#worst.error) {
        this.#worst = { error, sequence, step: first + row, expected: want, actual: have };
      }
      this.#max = Math.max(this.#max, Number.isNaN(difference) ? Infinity : difference);
      this.#squares += difference ** 2;
      // Mean and spread by Welford's update.
      this.count++;
      const delta = want - this.#mean;
      this.#mean += delta / this.count;
      this.#signal += delta * (want - this.#mean);
    }
  }

  get result(): Omit<OutputDifference, "name" | "unit" | "passed"> {
    const mean = (sum: number) => Math.sqrt(sum / Math.max(1, this.count));
    const rms = mean(this.#squares);
    return {
      ...this.#worst,
      max: this.#max,
      rms: Number.isNaN(rms) ? Infinity : rms,
      signal: mean(this.#signal),
    };
  }
}
