import type { Runtime } from "../../host/runtime/runtime.ts";
import type { Sequence } from "./reference.ts";
import { measureRounding, type Rounding } from "./rounding.ts";

/** Greatest |difference| / max(1, |expected|) of a self-test, and of a comparison in fixed point, unless told otherwise. */
export const DEFAULT_TOLERANCE = 1e-5;

/**
 * How many times the error of a network with errors of the size of rounding a right conversion may differ from its reference: both
 * sides round, in another order and with other approximations of tanh and sigmoid.
 */
const MARGIN = 16;

/** Roundings of the greatest value of an output that are allowed in any case. */
const FLOOR = 8 * 2 ** -24;

/** How far a model is from its reference on one output. */
export interface OutputDifference {
  readonly name: string;
  readonly unit?: string;
  /** Greatest |difference|, in the unit of the output; Infinity when one is not a number. */
  readonly max: number;
  readonly rms: number;
  /** Root mean square of the reference about its mean: what `rms` is to be seen against. */
  readonly signal: number;
  /** Where `error` is, both from 0. */
  readonly sequence: number;
  readonly step: number;
  readonly expected: number;
  readonly actual: number;
  /** Greatest |difference| / what is allowed there; with a tolerance / max(1, |expected|); Infinity when one is not a number. */
  readonly error: number;
  /** The source's float32 against its float64, where the reference has both: greatest |difference|, and rms. */
  readonly source?: { readonly max: number; readonly rms: number };
  readonly passed: boolean;
}

/** The outcome of a comparison. */
export interface Comparison {
  /** Answers compared. */
  readonly compared: number;
  /** Undefined where a difference is held against what rounding in single precision explains. */
  readonly tolerance?: number;
  readonly outputs: readonly OutputDifference[];
  readonly passed: boolean;
}

/**
 * Runs a model over the sequences of a reference, each from a fresh state, and compares every answer; with the answers in double
 * precision where the reference has them.
 *
 * Without a tolerance, a difference at a step passes up to 16 times the error that single precision may have made by then
 * (`measureRounding`), and 8 roundings of the output's greatest value. In fixed point the tolerance is 1e-5 unless given.
 *
 * @param tolerance  greatest |difference| / max(1, |expected|) that passes; a difference that is not a number fails
 */
export function compareWithReference(
  runtime: Runtime,
  sequences: readonly Sequence[],
  tolerance: number | undefined = runtime.numeric === "f32" ? undefined : DEFAULT_TOLERANCE,
): Comparison {
  const width = runtime.outputSize;
  const rounding = tolerance === undefined ? measureRounding(runtime.model, sequences) : undefined;
  const tallies = runtime.model.spec.outputs.map((_, index) => {
    const allowed = rounding ? boundsOf(rounding, sequences, index, width) : tolerated;
    return new Tally(index, width, allowed);
  });
  const session = runtime.createSession();
  for (const [index, sequence] of sequences.entries()) {
    session.reset();
    const all = session.run(sequence.inputs);
    const first = sequence.lastOnly ? sequence.steps - 1 : 0;
    const actual = all.subarray(first * width);
    for (const tally of tallies) tally.add(sequence, actual, index, first);
  }
  session.release();
  const outputs = runtime.model.spec.outputs.map(({ name, unit }, index) => {
    const difference = (tallies[index] as Tally).result;
    return { name, ...(unit !== undefined && { unit }), ...difference, passed: difference.error <= (tolerance ?? 1) };
  });
  const compared = tallies[0]?.count ?? 0;
  const passed = compared > 0 && outputs.every((output) => output.passed);
  return { compared, ...(tolerance !== undefined && { tolerance }), outputs, passed };
}

/** What a difference at a step is divided by. */
type Allowed = (step: number, expected: number) => number;

const tolerated: Allowed = (_, expected) => Math.max(1, Math.abs(expected));

/** What rounding explains on one output. */
function boundsOf(rounding: Rounding, sequences: readonly Sequence[], index: number, width: number): Allowed {
  let greatest = 0;
  for (const { outputs, outputs64 = outputs } of sequences) {
    for (let at = index; at < outputs64.length; at += width) {
      const size = Math.abs(outputs64[at] as number);
      if (Number.isFinite(size)) greatest = Math.max(greatest, size);
    }
  }
  return (step) => {
    const at = Math.min(step, rounding.steps - 1) * width + index;
    return MARGIN * (rounding.errors[at] as number) + FLOOR * greatest + Number.MIN_VALUE;
  };
}

/** Gathers the differences of one output. */
class Tally {
  count = 0;
  readonly #index: number;
  readonly #width: number;
  readonly #allowed: Allowed;
  readonly #source = { count: 0, max: 0, squares: 0 };
  #max = 0;
  #squares = 0;
  #mean = 0;
  #signal = 0;
  #worst = { error: -1, sequence: 0, step: 0, expected: 0, actual: 0 };

  constructor(index: number, width: number, allowed: Allowed) {
    this.#index = index;
    this.#width = width;
    this.#allowed = allowed;
  }

  /** Takes the rows of one sequence; row 0 is of step `first`. */
  add({ outputs, outputs64 }: Sequence, actual: Float64Array, sequence: number, first: number): void {
    const expected = outputs64 ?? outputs;
    if (outputs64) this.#addSource(outputs, outputs64);
    for (let at = this.#index, row = 0; at < expected.length; at += this.#width, row++) {
      const [want, have] = [expected[at] as number, actual[at] as number];
      const difference = Math.abs(have - want);
      const scaled = difference / this.#allowed(first + row, want);
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

  #addSource(outputs: Float64Array, outputs64: Float64Array): void {
    for (let at = this.#index; at < outputs.length; at += this.#width) {
      const difference = Math.abs((outputs[at] as number) - (outputs64[at] as number));
      this.#source.count++;
      this.#source.max = Math.max(this.#source.max, difference);
      this.#source.squares += difference ** 2;
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
      ...(this.#source.count > 0 && {
        source: { max: this.#source.max, rms: Math.sqrt(this.#source.squares / this.#source.count) },
      }),
    };
  }
}
