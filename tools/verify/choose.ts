// Chooses among the networks that a source may stand for the one that answers as its reference does.

import { CliError } from "../errors.ts";
import type { Network } from "../read/network.ts";
import { Evaluator } from "./evaluate.ts";
import { type ReferenceShape, readReference, type Sequence } from "./reference.ts";

/** A network that the source may stand for, and the options that say so. */
export interface Choice {
  readonly options: string;
  /** Whether it is tried only when no other matches. */
  readonly isRare: boolean;
  network(): Network;
}

/** Steps by which all are compared first; those that are close, by up to `MAX_STEPS`. */
const FIRST_STEPS = 200;
const MAX_STEPS = 20_000;
/** Greatest rms of the difference, in parts of the signal, that an answer in single or half precision has. */
const CLOSE = 2e-2;
/** A second choice that is no farther away than this many times the first is not told from it. */
const ALIKE = 10;
const FLOOR = 1e-6;

interface Rated {
  readonly choice: Choice;
  readonly error: number;
}

/** The reference cut for a network. */
type Cut = (network: Network) => readonly Sequence[];

/**
 * Finds the choice whose answers match a reference.
 *
 * @param bytes  the reference file
 * @param reference  its name for messages
 * @throws {CliError} when none matches, or the reference does not tell several from each other
 */
export function chooseByReference<C extends Choice>(choices: readonly C[], bytes: Uint8Array, reference: string): C {
  const known = new Map<string, Sequence[]>();
  const sequencesFor = (network: Network): Sequence[] => {
    const shape = shapeOf(network);
    const key = JSON.stringify([shape.inputs.length, shape.outputs.length, shape.embedding?.vocabulary]);
    const sequences = known.get(key) ?? readReference(bytes, reference, shape);
    known.set(key, sequences);
    return sequences;
  };
  const isClose = ({ error }: Rated) => error < CLOSE;
  let first = rate(
    choices.filter(({ isRare }) => !isRare),
    sequencesFor,
    FIRST_STEPS,
  );
  if (!first.some(isClose))
    first = [
      ...first,
      ...rate(
        choices.filter(({ isRare }) => isRare),
        sequencesFor,
        FIRST_STEPS,
      ),
    ];
  const close = first.filter(isClose);
  const rated =
    close.length > 1
      ? rate(
          close.map(({ choice }) => choice),
          sequencesFor,
          MAX_STEPS,
        )
      : close;
  const [best, ...others] = rated.toSorted((a, b) => a.error - b.error);
  if (best === undefined || best.error >= CLOSE) throw noneMatches(first, reference);
  const alike = others.filter(({ error }) => error <= ALIKE * best.error + FLOOR);
  if (alike.length > 0) {
    const shown = alike.slice(0, 4).map(({ choice }) => choice.options);
    throw new CliError(
      `${reference}: Does not tell ${best.choice.options} from ${shown.join(" or ")}: its values never reach where they differ. Say which it is by these options, or give a reference with more and larger samples`,
    );
  }
  return best.choice as C;
}

/** How a reference of a network is cut. */
function shapeOf({ inputs, embedding, layers }: Network): ReferenceShape {
  const named = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => ({ name: `${prefix}${i}` }));
  const { vocabulary = 0, size = 0 } = embedding ?? {};
  return {
    inputs: named("x", inputs),
    outputs: named("y", layers.at(-1)?.size ?? 0),
    ...(embedding && { embedding: { vocabulary, size } }),
  };
}

function noneMatches(rated: readonly Rated[], reference: string): CliError {
  const [best] = rated.toSorted((a, b) => a.error - b.error);
  const closest = best
    ? ` The closest, ${best.choice.options}, is off by ${Number((100 * best.error).toPrecision(2))} % of the signal;`
    : "";
  return new CliError(
    `${reference}: The converted model does not compute what the source does, in none of the ${rated.length} ways to put its layers together.${closest} is it of this model, in eval mode, each sequence from a fresh state? Nothing is written`,
  );
}

/** The distance of each choice from the reference; those whose shape the reference does not suit are left out. */
function rate(choices: readonly Choice[], sequencesFor: Cut, most: number): Rated[] {
  const evaluators = new Map<Float64Array, Evaluator>();
  let misfit: CliError | undefined;
  const rated = choices.flatMap((choice): Rated[] => {
    const network = choice.network();
    try {
      return [{ choice, error: distance(network, sequencesFor(network), most, evaluators) }];
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      misfit ??= error;
      return [];
    }
  });
  if (rated.length === 0 && misfit) throw misfit;
  return rated;
}

/** The greatest rms of |difference| over the outputs, in parts of the signal of that output. */
function distance(
  network: Network,
  sequences: readonly Sequence[],
  most: number,
  evaluators: Map<Float64Array, Evaluator>,
): number {
  const outputs = network.layers.at(-1)?.size ?? 0;
  const sums = {
    difference: new Float64Array(outputs),
    signal: new Float64Array(outputs),
    mean: new Float64Array(outputs),
  };
  let rows = 0;
  let steps = 0;
  for (const sequence of sequences) {
    const { lastOnly } = sequence;
    // A sequence of which only the last answer is known is no use in part.
    const taken = lastOnly ? sequence.steps : Math.min(sequence.steps, Math.max(0, most - steps));
    if (taken === 0 || (lastOnly && rows > 0 && steps + taken > most)) break;
    steps += taken;
    const width = sequence.inputs.length / sequence.steps;
    const inputs = sequence.inputs.subarray(0, taken * width);
    const evaluator = evaluators.get(sequence.inputs) ?? new Evaluator(inputs);
    evaluators.set(sequence.inputs, evaluator);
    const answers = evaluator.answers(network);
    for (const [index, row] of (lastOnly ? answers.slice(-1) : answers).entries()) {
      addRow(sums, row, sequence.outputs.subarray(index * outputs, (index + 1) * outputs), ++rows);
    }
  }
  const errors = Array.from(sums.difference, (sum, i) => {
    // An output that hardly moves is seen against its size.
    const size = Math.sqrt((sums.signal[i] as number) / rows) || Math.abs(sums.mean[i] as number) || 1;
    return Math.sqrt(sum / rows) / size;
  });
  const worst = Math.max(...errors);
  return Number.isNaN(worst) ? Infinity : worst;
}

/** Adds a row to the sums: squares of differences, and mean and spread of what is expected by Welford's update. */
function addRow(
  sums: { readonly difference: Float64Array; readonly signal: Float64Array; readonly mean: Float64Array },
  found: Float64Array,
  expected: Float64Array,
  count: number,
): void {
  found.forEach((value, i) => {
    const want = expected[i] as number;
    const delta = want - (sums.mean[i] as number);
    sums.difference[i] = (sums.difference[i] as number) + (value - want) ** 2;
    sums.mean[i] = (sums.mean[i] as number) + delta / count;
    sums.signal[i] = (sums.signal[i] as number) + delta * (want - (sums.mean[i] as number));
  });
}
