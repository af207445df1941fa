import type { TrackerParameters } from "./parameters.ts";

/** Thresholds stay within this, Q24. */
const LIMIT = 60 * 2 ** 24;

/**
 * Thresholds that keep a rate: each alarm raises those that it passed, every row lowers all. An alarm that lasts raises them
 * again and again, so that a new level becomes the usual one.
 */
export class Tracker {
  /** Q24 of log2, per block. */
  readonly thresholds: Int32Array;
  isAlarm = false;
  /** Whether the last row began an alarm. */
  isAlert = false;
  readonly #parameters: TrackerParameters;
  #hold = 0;
  #duration = 0;
  #rows = 0;

  constructor(parameters: TrackerParameters) {
    this.#parameters = parameters;
    this.thresholds = Int32Array.from(parameters.start);
  }

  /** Distance of a score, Q11, to the threshold of its block, Q11; 0 and above is an alarm. */
  margin(block: number, score: number): number {
    return ((score << 13) - (this.thresholds[block] as number)) >> 13;
  }

  /** Takes the scores of a row, Q11 per block. */
  step(scores: ArrayLike<number>): void {
    const { thresholds } = this;
    let hits = 0;
    for (let k = 0; k < thresholds.length; k++) if (this.#isHit(k, scores)) hits++;
    if (this.#advance(hits)) {
      const share = Math.floor(this.#parameters.rise / hits);
      for (let k = 0; k < thresholds.length; k++) {
        if (this.#isHit(k, scores)) thresholds[k] = Math.min((thresholds[k] as number) + share, LIMIT);
      }
    }
    const { everyLog2, fall } = this.#parameters;
    this.#rows = (this.#rows + 1) & ((1 << everyLog2) - 1);
    if (this.#rows !== 0) return;
    for (let k = 0; k < thresholds.length; k++) {
      thresholds[k] = Math.max((thresholds[k] as number) - (fall[k] as number), -LIMIT);
    }
  }

  #isHit(block: number, scores: ArrayLike<number>): boolean {
    return (scores[block] as number) << 13 >= (this.thresholds[block] as number);
  }

  /** Moves the state of the alarm. Answers whether the thresholds pay. */
  #advance(hits: number): boolean {
    const { hold, renew } = this.#parameters;
    this.isAlert = false;
    let pays = false;
    if (this.#hold > 0) {
      this.#hold--;
      this.#duration++;
    } else if (this.isAlarm && hits > 0) {
      this.#duration++;
    } else if (hits > 0) {
      this.isAlert = true;
      this.isAlarm = true;
      this.#hold = hold;
      this.#duration = 0;
      pays = true;
    } else {
      this.isAlarm = false;
    }
    if (this.isAlarm && hits > 0 && this.#duration >= renew) {
      this.#duration = 0;
      pays = true;
    }
    return pays;
  }
}
