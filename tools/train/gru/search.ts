// Which network: sizes first, then other seeds for the best of them.

import type { Weights } from "../../../host/train/types.ts";
import { Attempt, type Plan, type Progress, type Rest, type Round, type Saved } from "./attempt.ts";
import type { Problem } from "./problem.ts";

/** A smaller network is taken when its loss is within this share of that of a larger one. */
const WORTH = 0.002;

/** What is searched. */
export interface SearchSpace {
  /** Numbers of hidden units, ascending. */
  readonly sizes: readonly number[];
  readonly seed: number;
  /** Other seeds that the best size is tried with. */
  readonly restarts: number;
  /** In the place of the usual one. */
  readonly learningRate?: number | undefined;
}

/** An attempt that has ended, or was broken off. */
export interface Result {
  readonly plan: Plan;
  readonly rounds: readonly Round[];
  readonly best: number;
  readonly weights: Weights;
}

/** A search between two rounds. */
export interface SavedSearch {
  readonly done: readonly Result[];
  readonly current?: { readonly plan: Plan; readonly state: Saved } | undefined;
}

/** Told after every round. */
export type OnRound = (plan: Plan, progress: Progress, place: { readonly index: number; readonly of: number }) => void;

/** Searches for a network, round by round. */
export class Search {
  readonly #problem: Problem;
  readonly #space: SearchSpace;
  #done: Result[];
  #current: Attempt | undefined;
  #isDone = false;

  constructor(problem: Problem, space: SearchSpace, saved?: SavedSearch) {
    this.#problem = problem;
    this.#space = space;
    this.#done = [...(saved?.done ?? [])];
    if (saved?.current) this.#current = new Attempt(problem, saved.current.plan, saved.current.state);
  }

  /** Whether everything was tried. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** Attempts so far that have finished a round, in their order. */
  get results(): readonly Result[] {
    const current = this.#current?.progress;
    if (this.#current === undefined || current === undefined || current.rounds.length === 0) return this.#done;
    return [...this.#done, { plan: this.#current.plan, ...current }];
  }

  /** The best so far: the smallest network whose loss is within {@link WORTH} of the least; undefined before the first round. */
  get best(): Result | undefined {
    const least = Math.min(...this.results.map(({ best }) => best));
    const near = this.results.filter(({ best }) => best <= least * (1 + WORTH));
    return near.sort((a, b) => a.plan.hidden - b.plan.hidden || a.best - b.best)[0];
  }

  /** What it takes to go on later. */
  get saved(): SavedSearch {
    return {
      done: this.#done,
      ...(this.#current && { current: { plan: this.#current.plan, state: this.#current.saved } }),
    };
  }

  /** Tries until everything was tried, or until `rest` says to stop. */
  async run(rest: Rest, onRound: OnRound): Promise<void> {
    for (;;) {
      const plan = this.#current?.plan ?? this.#next();
      if (plan === undefined) break;
      this.#current ??= new Attempt(this.#problem, plan);
      while (!this.#current.progress.isDone) {
        if (!(await this.#current.round(rest))) return;
        onRound(plan, this.#current.progress, { index: this.#done.length, of: this.#count });
      }
      const { rounds, best, weights } = this.#current.progress;
      this.#done.push({ plan, rounds, best, weights });
      this.#current = undefined;
    }
    this.#isDone = true;
  }

  get #count(): number {
    return this.#space.sizes.length + this.#space.restarts;
  }

  #next(): Plan | undefined {
    const { sizes, seed, restarts } = this.#space;
    const index = this.#done.length;
    if (index < sizes.length) return this.#plan(sizes[index] as number, seed);
    if (index >= sizes.length + restarts) return undefined;
    return this.#plan((this.best as Result).plan.hidden, seed + 1 + index - sizes.length);
  }

  #plan(hidden: number, seed: number): Plan {
    return { hidden, seed, learningRate: this.#space.learningRate ?? (hidden > 16 ? 0.005 : 0.01) };
  }
}
