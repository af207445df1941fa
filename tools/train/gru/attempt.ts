// One network, one seed: rounds of updates until the rows that stop the learning say that nothing is gained any more.

import { TrainingError } from "../../../host/train/errors.ts";
import { createTrainer } from "../../../host/train/trainer.ts";
import type { Trainer, Weights } from "../../../host/train/types.ts";
import { CliError } from "../../errors.ts";
import { BATCH, STEPS } from "./batches.ts";
import type { Problem } from "./problem.ts";

/** Updates of a round: an epoch, but not less and not more than these. */
const LEAST_UPDATES = 64;
const MOST_UPDATES = 256;
/** Rounds without a gain after which the rate is cut, and cuts after which the attempt ends. */
const PATIENCE = 5;
const CUTS = 3;
const CUT = 0.3;
const MOST_ROUNDS = 200;
/** Share by which the loss must fall to count as a gain. */
const GAIN = 0.0005;

/** What an attempt is of. */
export interface Plan {
  readonly hidden: number;
  readonly seed: number;
  readonly learningRate: number;
}

/** A round of an attempt: mean loss while learning, and on the rows that stop it. */
export interface Round {
  readonly loss: number;
  readonly stop: number;
}

/** All that an attempt comes to, so far. */
export interface Progress {
  readonly rounds: readonly Round[];
  /** Least loss on the rows that stop the learning. */
  readonly best: number;
  readonly weights: Weights;
  readonly isDone: boolean;
}

/** An attempt between two rounds. */
export interface Saved {
  readonly rounds: readonly Round[];
  readonly rate: number;
  readonly cuts: number;
  readonly idle: number;
  readonly best: number;
  readonly weights: Weights;
  readonly snapshot: Uint8Array;
}

/** Rests between two batches: answers whether to go on. */
export type Rest = () => Promise<boolean>;

/** Trains one network. */
export class Attempt {
  readonly plan: Plan;
  readonly #problem: Problem;
  readonly #trainer: Trainer;
  readonly #updates: number;
  #state: Saved;
  #isDone = false;

  /** @param saved  where to go on */
  constructor(problem: Problem, plan: Plan, saved?: Saved) {
    this.plan = plan;
    this.#problem = problem;
    const { network, initial, frozen } = problem.start(plan.hidden);
    this.#trainer = createTrainer({
      network,
      initial,
      frozen,
      loss: problem.loss,
      optimizer: { learningRate: plan.learningRate, clipNorm: 1 },
      batch: BATCH,
      steps: STEPS,
      seed: plan.seed,
    });
    this.#updates = Math.min(Math.max(problem.fit.countOf(), LEAST_UPDATES), MOST_UPDATES);
    if (saved !== undefined) this.#trainer.restore(saved.snapshot);
    this.#state = saved ?? {
      rounds: [],
      rate: plan.learningRate,
      cuts: 0,
      idle: 0,
      best: Number.POSITIVE_INFINITY,
      weights: this.#trainer.weights(),
      snapshot: this.#trainer.snapshot(),
    };
  }

  get progress(): Progress {
    const { rounds, best, weights } = this.#state;
    return { rounds, best, weights, isDone: this.#isDone };
  }

  /** The state after the last whole round. */
  get saved(): Saved {
    return this.#state;
  }

  /**
   * Learns for a round. A round that is broken off counts for nothing.
   *
   * @returns false when it was broken off
   * @throws {CliError} when the loss is not finite
   */
  async round(rest: Rest): Promise<boolean> {
    // At the start the network is the linear model: what falls behind it is no gain.
    const start = this.#state.rounds.length > 0 ? this.#state.best : await this.#judge(rest);
    if (start === undefined) return false;
    this.#state = { ...this.#state, best: start };
    const [loss, stop] = [await this.#learn(rest), await this.#judge(rest)];
    if (loss === undefined || stop === undefined) return false;
    const before = this.#state;
    const isGain = stop < before.best * (1 - GAIN);
    const idle = isGain ? 0 : before.idle + 1;
    const isCut = idle === PATIENCE;
    const rounds = [...before.rounds, { loss, stop }];
    const weights = isGain ? this.#trainer.weights() : before.weights;
    if (isCut) this.#trainer.load(weights);
    const cuts = before.cuts + (isCut ? 1 : 0);
    this.#state = {
      rounds,
      rate: isCut ? before.rate * CUT : before.rate,
      cuts,
      idle: isCut ? 0 : idle,
      best: isGain ? stop : before.best,
      weights,
      snapshot: this.#trainer.snapshot(),
    };
    this.#isDone = cuts === CUTS || rounds.length === MOST_ROUNDS;
    return true;
  }

  /** The mean loss over the updates of a round; undefined when it was broken off. */
  async #learn(rest: Rest): Promise<number | undefined> {
    const { fit } = this.#problem;
    const place = this.#placeOf(this.#state.rounds.length * this.#updates);
    let sum = 0;
    for (let done = 0; done < this.#updates; place.epoch++, place.skip = 0) {
      for (const batch of fit.epoch(mix(this.plan.seed, place.epoch), place.skip)) {
        if (!(await rest())) return undefined;
        sum += this.#step(batch);
        if (++done === this.#updates) break;
      }
    }
    return sum / this.#updates;
  }

  /** The epoch that an update is of, and the batches of it before that. */
  #placeOf(update: number): { epoch: number; skip: number } {
    const { fit } = this.#problem;
    let [epoch, skip] = [0, update];
    for (;;) {
      const count = fit.countOf(mix(this.plan.seed, epoch));
      if (skip < count) return { epoch, skip };
      skip -= count;
      epoch++;
    }
  }

  #step(batch: Parameters<Trainer["step"]>[0]): number {
    try {
      return this.#trainer.step(batch, { learningRate: this.#state.rate }).loss;
    } catch (error) {
      if (!(error instanceof TrainingError)) throw error;
      throw new CliError(
        `${error.finding}; try --learning-rate ${this.plan.learningRate / 4}, and look for readings far from all others`,
        { cause: error },
      );
    }
  }

  /** The mean loss over the rows that stop the learning. */
  async #judge(rest: Rest): Promise<number | undefined> {
    let [sum, weight] = [0, 0];
    for (const batch of this.#problem.stop.epoch()) {
      if (!(await rest())) return undefined;
      const found = this.#trainer.evaluate(batch);
      sum += found.sum;
      weight += found.weight;
    }
    return sum / weight;
  }
}

/** A seed for an epoch of a seed. */
function mix(seed: number, epoch: number): number {
  return (Math.imul(seed, 0x9e3779b1) + epoch) >>> 0;
}
