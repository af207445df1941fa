// What the page of a training shows of the held-out rows, in bounded memory.

import type { Model } from "../../../host/model/types.ts";
import { measure, modelForecaster, type OnAnswer } from "../evaluate.ts";
import type { Prepared } from "../prepared.ts";

/** Answers of each output that are drawn: the latest. */
const DRAWN = 240;
/** Bars of the distribution of errors, and how far it reaches, in roots of the mean squared error. */
const BARS = 41;
const REACH = 4;
const HOURS = 24;

/** Held-out answers of one output. */
export interface OutputFacts {
  readonly name: string;
  readonly truth: readonly number[];
  readonly answers: readonly number[];
  /** Number of errors by size, from -reach to reach. */
  readonly errors: readonly number[];
  readonly reach: number;
  /** Root of the mean squared error by hour of the day, UTC, 0 where there were no rows; undefined without times. */
  readonly byHour: readonly number[] | undefined;
}

/** Runs the model over the held-out rows once more. @param usual  root of the mean squared error of each output */
export function gatherFacts(model: Model, { view, parts }: Prepared, usual: readonly number[]): OutputFacts[] {
  const interval = model.spec.interval ?? 0;
  const { targets } = view.task;
  const all = targets.map(({ name }, o) => ({
    name,
    truth: [] as number[],
    answers: [] as number[],
    errors: new Array<number>(BARS).fill(0),
    reach: REACH * (usual[o] as number),
    hours: Array.from({ length: HOURS }, () => ({ sum: 0, count: 0 })),
    hasTimes: true,
  }));
  const onAnswer: OnAnswer = ({ sequence, from }, step, o, answer, truth) => {
    const facts = all[o] as (typeof all)[number];
    facts.truth.push(truth);
    facts.answers.push(answer);
    if (facts.truth.length > 2 * DRAWN) for (const values of [facts.truth, facts.answers]) values.splice(0, DRAWN);
    const bar = Math.round(((answer - truth) / facts.reach / 2 + 0.5) * (BARS - 1));
    const within = Math.min(BARS - 1, Math.max(0, bar));
    facts.errors[within] = (facts.errors[within] as number) + 1;
    if (sequence.start === undefined) facts.hasTimes = false;
    else {
      const ahead = targets[o]?.ahead as number;
      const hour = new Date(sequence.start + 1000 * interval * (from + step + ahead)).getUTCHours();
      const own = facts.hours[hour] as { sum: number; count: number };
      own.sum += (answer - truth) ** 2;
      own.count++;
    }
  };
  measure(view, parts.heldOut, [modelForecaster(model, view.store.width)], onAnswer);
  return all.map(({ name, truth, answers, errors, reach, hours, hasTimes }) => ({
    name,
    truth: truth.slice(-DRAWN),
    answers: answers.slice(-DRAWN),
    errors,
    reach,
    byHour: hasTimes ? hours.map(({ sum, count }) => (count === 0 ? 0 : Math.sqrt(sum / count))) : undefined,
  }));
}
