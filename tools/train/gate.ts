// The skill gate: a GRU is kept only where it beats the linear model; no placebo.

import type { Model, Skill } from "../../host/model/types.ts";
import type { Labels } from "./assemble-model.ts";
import { baselineForecasters } from "./baselines.ts";
import { modelForecaster } from "./evaluate.ts";
import type { Result } from "./gru/search.ts";
import { linearModel, type Prepared } from "./prepared.ts";
import { measureSkill, shareOf } from "./skill.ts";
import { measureWarmup } from "./warmup.ts";

/**
 * Squared errors of the GRU, as shares of those of the linear model, that it must fall below on the rows it was chosen by, and on
 * held-out rows. What is less of a gain comes by chance, or is not worth the steps of a GRU.
 */
const MOST_SHARE = 0.98;
const MOST_HELD = 0.99;
const LINEAR = "linear model";

/** A model and how it did. */
export interface Learned {
  readonly model: Model;
  readonly skill: Skill;
  /** Why it is this model. */
  readonly verdict: string;
}

/** A GRU beside the linear model. */
export interface Candidate {
  readonly result: Result;
  readonly model: Model;
}

/**
 * Measures the linear model and a GRU on held-out rows and takes the better one.
 *
 * @param options.keepGru  takes the GRU in any case
 * @param options.reason   why there is no GRU, where there is none
 */
export function chooseModel(
  prepared: Prepared,
  labels: Labels,
  gru: Candidate | undefined,
  { keepGru, reason }: { readonly keepGru: boolean; readonly reason: string },
): Learned {
  const { view, parts, baselines } = prepared;
  const linear = linearModel(prepared, labels);
  const width = view.store.width;
  const measured = (first: ReadonlyMap<string, Model>) => {
    const named = new Map([...first].map(([name, model]) => [name, modelForecaster(model, width)]));
    const all = new Map([...named, ...baselineForecasters(view, baselines)]);
    return measureSkill(view, parts.heldOut, all);
  };
  const finish = (model: Model, skill: Skill, verdict: string): Learned => {
    const warmup = measureWarmup(view, parts.heldOut, model, skill.table[0]?.rmse as readonly number[]);
    return { model: { ...model, spec: { ...model.spec, skill, warmup } }, skill, verdict };
  };
  if (gru === undefined) {
    return finish(linear, measured(new Map([[LINEAR, linear]])), `model: linear, ${reason}`);
  }
  const name = `GRU of ${gru.result.plan.hidden} and skip`;
  const skill = measured(
    new Map([
      [name, gru.model],
      [LINEAR, linear],
    ]),
  );
  const [own, other] = skill.table as [Skill["table"][0], Skill["table"][0]];
  const [chosen, held] = [gru.result.best, shareOf(own, other)];
  const errors = `its squared error is ${percent(chosen)} of the linear model's on the rows it was chosen by, ${percent(held)} on held-out rows`;
  const isBetter = chosen < MOST_SHARE && held < MOST_HELD;
  if (isBetter || keepGru) return finish(gru.model, skill, `model: ${name}, ${errors}`);
  const again = measured(new Map([[LINEAR, linear]]));
  const table = [...again.table.slice(0, 1), { ...own, name: `${name}, not kept` }, ...again.table.slice(1)];
  const verdict = `model: linear, for the ${name} does not beat it: ${errors}; --keep-gru keeps it`;
  return finish(linear, { ...again, table }, verdict);
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
