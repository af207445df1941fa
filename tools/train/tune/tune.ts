// A model that is there, fitted to readings of another machine, or of a later time.

import type { Model, Skill, SkillRow } from "../../../host/model/types.ts";
import { CliError } from "../../errors.ts";
import type { Io } from "../../io.ts";
import { baselineForecasters } from "../baselines.ts";
import { type Errors, measure, modelForecaster } from "../evaluate.ts";
import type { Learned } from "../gate.ts";
import { runSearch } from "../gru/run.ts";
import type { Result } from "../gru/search.ts";
import type { Prepared } from "../prepared.ts";
import { measureSkill, shareOf } from "../skill.ts";
import { measureWarmup } from "../warmup.ts";
import { rescaledModel, tuneProblem } from "./candidates.ts";
import { bareModel, frozenTensors, type TunedPart } from "./source.ts";

const LEARNING_RATE = 0.001;

/** How a model is tuned. */
export interface TuneOptions {
  readonly part: TunedPart;
  /** File of the model, for what is told. */
  readonly file: string;
  readonly seed: number;
  readonly learningRate?: number | undefined;
  /** Seconds. */
  readonly budget: number;
  /** Seconds between two rows. */
  readonly interval: number | undefined;
}

/** The better one of the tuned model and the model before, and how it was found. */
export interface Tuned {
  readonly learned: Learned;
  readonly results: readonly Result[];
  readonly notes: readonly string[];
}

/**
 * Tunes a model. It stays as it was where that is better on the rows to choose by.
 *
 * @throws {CliError} when the budget does not do for a single round
 */
export async function tuneModel(source: Model, prepared: Prepared, options: TuneOptions, io: Io): Promise<Tuned> {
  const before = forData(bareModel(source), prepared, options.interval);
  const { part } = options;
  const found = part === "calibration" ? undefined : await learnFurther(before, prepared, options, io);
  const after = found?.model ?? (part === "calibration" ? rescaledModel(prepared, before) : undefined);
  return {
    learned: choose(prepared, before, after, options),
    results: found?.results ?? [],
    notes: found?.notes ?? [],
  };
}

/** Ranges and interval of the data beside those of the file. */
function forData(model: Model, { view }: Prepared, interval: number | undefined): Model {
  const inputs = model.spec.inputs.map((input, i) => {
    const { min, max } = view.inputs[i] as { min: number; max: number };
    const [least, greatest] = input.range ?? [min, max];
    const range = [Math.min(least, min), Math.max(greatest, max)].map((value) => Number(value.toPrecision(8)));
    return { ...input, range: range as [number, number] };
  });
  return { ...model, spec: { ...model.spec, inputs, ...(interval !== undefined && { interval }) } };
}

async function learnFurther(before: Model, prepared: Prepared, options: TuneOptions, io: Io) {
  const { part, file, seed, budget, learningRate = LEARNING_RATE } = options;
  const problem = tuneProblem(prepared, before, frozenTensors(before, part));
  const hidden = Math.max(...before.spec.layers.map(({ size }) => size));
  const space = { sizes: [hidden], seed, restarts: 0, learningRate };
  try {
    const { best, results, isDone } = await runSearch(problem, { space, budgetMs: 1000 * budget }, io);
    const rounds = results[0]?.rounds.length ?? 0;
    const why = isDone ? "" : io.signal?.aborted ? ", stopped" : `, ${budget} s are over`;
    const notes = [
      `tuned: ${part === "head" ? "the layers behind the last GRU" : "all weights"}, ${rounds} rounds${why}`,
    ];
    return { model: best && problem.start(hidden).finish(best.weights), results, notes };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new CliError(`--from: ${file} cannot learn: ${error.message}`, { cause: error });
  }
}

/**
 * Takes the tuned model where its squared errors are less on the rows to choose by and on held-out rows: mean over the outputs, as
 * shares of the model's before.
 */
function choose(prepared: Prepared, before: Model, after: Model | undefined, { part, file }: TuneOptions): Learned {
  const { view, parts, baselines } = prepared;
  const skillOf = (first: ReadonlyMap<string, Model>) => {
    const named = [...first].map(([name, model]) => [name, modelForecaster(model, view.store.width)] as const);
    return measureSkill(view, parts.heldOut, new Map([...named, ...baselineForecasters(view, baselines)]));
  };
  const finish = (model: Model, skill: Skill, verdict: string): Learned => {
    const warmup = measureWarmup(view, parts.heldOut, model, skill.table[0]?.rmse as readonly number[]);
    return { model: { ...model, spec: { ...model.spec, skill, warmup } }, skill, verdict };
  };
  const alone = () => skillOf(new Map([["model", before]]));
  if (after === undefined) {
    return finish(before, alone(), `model: that of ${file}; its normalisation cannot be fitted to other readings`);
  }
  const what = part === "calibration" ? "normalised anew" : "tuned";
  const skill = skillOf(
    new Map([
      [`model, ${what}`, after],
      ["model before", before],
    ]),
  );
  const [own, other] = skill.table as [SkillRow, SkillRow];
  const [chosen, held] = [errorShare(prepared, after, before), shareOf(own, other)];
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  const errors = `squared error ${percent(chosen)} of that before on the rows it was chosen by, ${percent(held)} on held-out rows`;
  if (chosen < 1 && held < 1) return finish(after, skill, `model: that of ${file}, ${what}; ${errors}`);
  const again = alone();
  const table = [...again.table.slice(0, 1), { ...own, name: `${own.name}, not kept` }, ...again.table.slice(1)];
  return finish(before, { ...again, table }, `model: that of ${file} as it was; ${what}: ${errors}`);
}

function errorShare({ view, parts }: Prepared, after: Model, before: Model): number {
  const models = [after, before].map((model) => modelForecaster(model, view.store.width));
  const [own, other] = measure(view, parts.stop, models) as [Errors, Errors];
  const shares = Array.from(own.rmse, (error, o) => (error / Math.max(other.rmse[o] as number, Number.MIN_VALUE)) ** 2);
  return shares.reduce((sum, value) => sum + value, 0) / shares.length;
}
