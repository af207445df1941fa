// Rows, divided and scaled, and what is simpler than a network.

import type { Model } from "../../host/model/types.ts";
import { CliError } from "../errors.ts";
import { assembleModel, type Labels, linearCore, skipTensor } from "./assemble-model.ts";
import { type Baselines, fitBaselines, lagsFor } from "./baselines.ts";
import type { Data } from "./data/read.ts";
import { type Scaling, scalingsOf } from "./normalise.ts";
import { divide, type Parts, type Shares, stepsOf } from "./pieces.ts";
import type { View } from "./prepare.ts";
import type { Task } from "./task.ts";

/** Rows that a model is let run before a held-out stretch, so that it is measured as one that has run for long. */
const LEAD = 512;
/** Held-out steps that are the least to say anything. */
const LEAST_STEPS = 16;
/** Lags of the linear part, at most. */
const MOST_LAGS = 96;

/** What is asked of the learning. */
export interface LearnOptions {
  readonly labels: Labels;
  readonly shares: Shares;
  /** Rows of the season, where the user says. */
  readonly season?: number | undefined;
  /** Samples that the linear part sees, where the user says. */
  readonly skip?: number | undefined;
}

/** Data, divided and scaled, and what is simpler than a network. */
export interface Prepared {
  readonly view: View;
  readonly parts: Parts;
  readonly baselines: Baselines;
}

/**
 * Divides the rows, scales them, and fits what is simpler than a network.
 *
 * @throws {CliError} when there are too few rows
 */
export function prepare(data: Data, task: Task, options: LearnOptions): Prepared {
  const { labels, shares, season, skip } = options;
  const parts = divide(data.sequences, shares, task.ahead, LEAD);
  checkSteps(data, parts, shares, task.ahead);
  if (season !== undefined && !parts.heldOut.some(({ from }) => from >= season)) {
    throw new CliError(`--season: ${season} rows are more than lie before any held-out row`);
  }
  const width = data.store.width;
  const names = Array.from({ length: width }, (_, c) => labels.inputs[c] ?? (task.targets[0]?.name as string));
  const scalings = scalingsOf(data.store, parts.fit, [...parts.stop, ...parts.heldOut], names);
  const view: View = {
    store: data.store,
    task,
    inputs: scalings.slice(0, labels.inputs.length),
    outputs: task.targets.map(({ column }) => scalings[column] as Scaling),
  };
  const possible = lagsFor(parts.fit, view.inputs.length, skip ?? MOST_LAGS);
  const lags = skip === undefined ? possible : [skip];
  const baselines = fitBaselines(view, parts, lags, { interval: data.interval, season });
  if (baselines === undefined) {
    throw new CliError(
      `${stepsOf(parts.fit)} steps do not determine a linear law of ${view.inputs.length} inputs; give more rows, or fewer inputs with --inputs`,
    );
  }
  // The season before a held-out step must be read, too.
  const lead = Math.max(LEAD, baselines.season ?? 0);
  const heldOut = parts.heldOut.map((piece) => ({ ...piece, lead: Math.min(piece.from, lead) }));
  return { view, parts: { ...parts, heldOut }, baselines };
}

/** The linear model: a network of a skip and a bias. */
export function linearModel({ view, baselines }: Prepared, labels: Labels): Model {
  const { linear } = baselines;
  return assembleModel({
    task: view.task,
    labels,
    inputs: view.inputs,
    outputs: view.outputs,
    core: linearCore(view.inputs.length, linear.bias),
    skip: { length: linear.lags, tensor: skipTensor(linear) },
  });
}

/** @throws {CliError} when a part has too few steps */
function checkSteps({ sequences, rows }: Data, parts: Parts, { stop, heldOut }: Shares, ahead: number): void {
  if ([parts.fit, parts.stop, parts.heldOut].every((part) => stepsOf(part) >= LEAST_STEPS)) return;
  const least = Math.ceil((ahead + LEAST_STEPS) / Math.min(stop, heldOut));
  const longest = Math.max(0, ...sequences.map((sequence) => sequence.rows));
  const horizon = ahead > 1 ? ` at a horizon of ${ahead}` : "";
  throw new CliError(
    `${rows} rows, the longest stretch without a gap has ${longest}; at least ${least} in a row are needed${horizon}`,
  );
}
