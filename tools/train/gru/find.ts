// The search as the command has it: sizes within limits, a search to go on with, what is left for the next time.

import { createHash } from "node:crypto";
import { rm } from "node:fs/promises";
import { writeFileAtomic } from "../../files.ts";
import type { Io } from "../../io.ts";
import type { Labels } from "../assemble-model.ts";
import type { Candidate } from "../gate.ts";
import { linearModel, type Prepared } from "../prepared.ts";
import { type Problem, residualProblem } from "./problem.ts";
import { readSearch, resumeFile, writeSearch } from "./resume.ts";
import { runSearch } from "./run.ts";
import type { Result } from "./search.ts";
import { type Limits, sizesWithin } from "./sizes.ts";

/** Numbers of hidden units that are tried. */
const SIZES: readonly number[] = [8, 16, 32];

/** What is asked of the search. */
export interface FindOptions extends Limits {
  /** Hidden units, where the user says. */
  readonly hidden?: number | undefined;
  readonly seed: number;
  /** Other seeds for the best size. */
  readonly restarts: number;
  readonly learningRate?: number | undefined;
  /** Seconds. */
  readonly budget: number;
  readonly resume: boolean;
  /** The model to be; the search that is left lies beside it. */
  readonly output: string;
  /** What the search is of: data and options. */
  readonly identity: string;
}

/** The network that was found, and how. */
export interface Found {
  /** Absent when the user stopped before the first round. */
  readonly candidate: Candidate | undefined;
  readonly results: readonly Result[];
  /** What is to be told. */
  readonly notes: readonly string[];
}

/** Searches for a GRU that learns what the linear part leaves; undefined when none fits. */
export async function findGru(
  prepared: Prepared,
  labels: Labels,
  options: FindOptions,
  io: Io,
): Promise<Found | undefined> {
  const problem = residualProblem(prepared, labels);
  const sizes = await possibleSizes(problem, prepared, labels, options);
  if (sizes.length === 0) return undefined;
  const { seed, restarts, learningRate, budget, output } = options;
  const identity = createHash("sha256")
    .update(JSON.stringify([options.identity, sizes, seed, restarts, learningRate]))
    .digest("hex");
  const saved = options.resume ? readSearch(output, identity) : undefined;
  const space = { sizes, seed, learningRate, restarts };
  const search = await runSearch(problem, { space, budgetMs: 1000 * budget, saved }, io);
  const { best, results } = search;
  const candidate = best && { result: best, model: problem.start(best.plan.hidden).finish(best.weights) };
  const tried = `search: ${results.length} of ${sizes.length + restarts} networks`;
  if (search.isDone) {
    await rm(resumeFile(output), { force: true });
    return { candidate, results, notes: [`${tried}, all done`] };
  }
  await writeFileAtomic(resumeFile(output), writeSearch(search.saved, identity));
  const why = io.signal?.aborted ? "stopped" : `${budget} s are over`;
  return { candidate, results, notes: [`${tried}, ${why}; --resume goes on from ${resumeFile(output)}`] };
}

async function possibleSizes(
  { start }: Problem,
  prepared: Prepared,
  labels: Labels,
  { hidden, flash, ram }: FindOptions,
): Promise<number[]> {
  const wanted = hidden === undefined ? SIZES : [hidden];
  // Zeros in the place of weights: the sizes are the same.
  const shape = (size: number) => {
    const { finish, initial } = start(size);
    return finish(new Map([...initial, ...emptyGru(size, labels.inputs.length)]));
  };
  return await sizesWithin(wanted, { flash, ram }, shape, linearModel(prepared, labels));
}

function emptyGru(hidden: number, inputs: number) {
  const tensor = (...shape: number[]) => ({
    dtype: "F32" as const,
    shape,
    data: new Float32Array(shape.reduce((a, b) => a * b)),
  });
  return [
    ["layers.0.W", tensor(3 * hidden, inputs)],
    ["layers.0.U", tensor(3 * hidden, hidden)],
    ["layers.0.b", tensor(3 * hidden)],
    ["layers.0.c", tensor(3 * hidden)],
  ] as const;
}
