// A model against the reference of its source, with what is special about that source: a state that runs on, or 16-bit arithmetic.

import type { Runtime } from "../../host/runtime/runtime.ts";
import type { Network } from "../read/network.ts";
import { type Comparison, compareWithReference } from "./compare.ts";
import type { Sequence } from "./reference.ts";

/** Greatest |difference| / max(1, |expected|) that passes unless told otherwise, where the source computes in 16 bits. */
const TOLERANCES = { float16: 1e-2, bfloat16: 1e-1 } as const;

/** What came of a comparison with a source. */
export interface SourceComparison {
  readonly comparison: Comparison;
  /** The sequences as they were compared. */
  readonly sequences: readonly Sequence[];
  /** What was special, one line each. */
  readonly lines: readonly string[];
  /** Why it may have failed; undefined when nothing special is known. */
  readonly hint?: string;
}

/**
 * Compares a model with the reference of its source. Where the source keeps its state from one sequence to the next, and the sequences
 * differ on their own, they are compared as one.
 *
 * @param tolerance  as of compareWithReference
 */
export function compareWithSource(
  runtime: Runtime,
  given: readonly Sequence[],
  { stateful = [], precision }: Pick<Network, "stateful" | "precision">,
  tolerance: number | undefined = precision && TOLERANCES[precision],
): SourceComparison {
  const compare = (sequences: readonly Sequence[]) => compareWithReference(runtime, sequences, tolerance);
  const comparison = compare(given);
  if (comparison.passed || stateful.length === 0) return { comparison, sequences: given, lines: [] };
  const names = stateful.join(", ");
  const reset = `The source is stateful (${names}): the reference must call reset_state() of these layers before each sequence, or predict one sequence alone`;
  if (given.length < 2 || given.some(({ lastOnly }) => lastOnly))
    return { comparison, sequences: given, lines: [], hint: reset };
  const joined = [join(given)];
  const whole = compare(joined);
  if (!whole.passed) return { comparison, sequences: given, lines: [], hint: reset };
  const line = `The source is stateful (${names}): its state ran on from each of the ${given.length} sequences into the next, and they were compared as one`;
  return { comparison: whole, sequences: joined, lines: [line] };
}

function join(sequences: readonly Sequence[]): Sequence {
  const all = (name: "inputs" | "outputs" | "outputs64") =>
    Float64Array.from(sequences.flatMap((sequence) => [...(sequence[name] ?? sequence.outputs)]));
  const isDouble = sequences.every(({ outputs64 }) => outputs64 !== undefined);
  const steps = sequences.reduce((sum, sequence) => sum + sequence.steps, 0);
  return {
    inputs: all("inputs"),
    outputs: all("outputs"),
    ...(isDouble && { outputs64: all("outputs64") }),
    steps,
    lastOnly: false,
  };
}

/** The tolerance for a source that computes in 16 bits; undefined for any other. */
export const toleranceOf = (precision: Network["precision"] | undefined): number | undefined =>
  precision && TOLERANCES[precision];
