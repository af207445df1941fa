import {
  STATE_ALARM,
  STATE_DURATION,
  STATE_FALL_ROWS,
  STATE_HOLD,
  STATE_THRESHOLDS,
} from "../../assembly/detect/layout.ts";
import type { TrackerParameters } from "./parameters.ts";

/** Thresholds stay within this, Q24. */
const LIMIT = 60 * 2 ** 24;
const MAX_DURATION = 65535;

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

  /** Forgets everything. */
  start(): void {
    this.end();
    this.thresholds.set(this.#parameters.start);
    this.#rows = 0;
  }

  /** Ends the alarm. The thresholds stay. */
  end(): void {
    this.isAlarm = false;
    this.isAlert = false;
    this.#hold = 0;
    this.#duration = 0;
  }

  /** Writes the state into its places in the state of the detector (FORMAT.md 8.5). */
  save(view: DataView): void {
    view.setUint8(STATE_ALARM, this.isAlarm ? 1 : 0);
    view.setUint16(STATE_HOLD, this.#hold, true);
    view.setUint16(STATE_DURATION, this.#duration, true);
    view.setUint16(STATE_FALL_ROWS, this.#rows, true);
    for (const [k, value] of this.thresholds.entries()) view.setInt32(STATE_THRESHOLDS + 4 * k, value, true);
  }

  /** Takes over a state that {@link save} wrote. */
  load(view: DataView): void {
    this.isAlarm = view.getUint8(STATE_ALARM) === 1;
    this.isAlert = false;
    this.#hold = view.getUint16(STATE_HOLD, true);
    this.#duration = view.getUint16(STATE_DURATION, true);
    this.#rows = view.getUint16(STATE_FALL_ROWS, true);
    for (let k = 0; k < this.thresholds.length; k++) {
      this.thresholds[k] = view.getInt32(STATE_THRESHOLDS + 4 * k, true);
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
      this.#duration = Math.min(this.#duration + 1, MAX_DURATION);
    } else if (this.isAlarm && hits > 0) {
      this.#duration = Math.min(this.#duration + 1, MAX_DURATION);
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
