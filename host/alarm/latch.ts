import type { AlarmChange, AlarmSettings, Cause } from "./types.ts";

/** What explains an alarm. */
export interface Explanation {
  readonly cause: readonly Cause[];
  readonly text: string;
}

/** What the detector says of a row. */
export interface LatchRow {
  /** Whether the detector is in alarm. */
  readonly isActive: boolean;
  /** Whether the row is far from usual, though the detector may have got used to it. */
  readonly isUnusual: boolean;
  readonly score: number;
  /** By the clock of the rows, ms, never less than before. */
  readonly at: number;
  /** Of the sample, Unix milliseconds. */
  readonly time: number;
}

/** What is kept of a {@link Latch}; times `at` by the clock of the rows, ms, NaN for none. */
export interface LatchState {
  isOn: boolean;
  /** Since when the detector has been in alarm. */
  activeAt: number;
  /** Time of that sample, Unix milliseconds. */
  since: number;
  /** Since when it has been quiet again. */
  quietAt: number;
  /** Greatest score of the alarm. */
  peak: number;
  /** Whether somebody has said to know of the alarm. */
  isAcknowledged: boolean;
  /** Of the peak, while the alarm is not told yet. */
  explanation: Explanation | undefined;
}

const OFF: Readonly<LatchState> = {
  isOn: false,
  activeAt: Number.NaN,
  since: Number.NaN,
  quietAt: Number.NaN,
  peak: Number.NEGATIVE_INFINITY,
  isAcknowledged: false,
  explanation: undefined,
};

/**
 * Makes the alarms of a detector fit to be told: one begins when the detector has been in alarm for `minDurationMs`, and ends when it
 * has been quiet for `holdMs`. Until `whileUnusualMs` after its begin, rows that are far from usual are not quiet.
 */
export class Latch {
  readonly state: LatchState = { ...OFF };
  readonly #settings: AlarmSettings;

  constructor(settings: AlarmSettings) {
    this.#settings = settings;
  }

  /**
   * Takes what the detector says of a row.
   *
   * @param explain  asked when this is the worst row so far of an alarm that is not told yet
   */
  take({ isActive, isUnusual, score, at, time }: LatchRow, explain: () => Explanation): AlarmChange | undefined {
    const { state } = this;
    const goesOn = state.isOn && isUnusual && at - state.activeAt < (this.#settings.whileUnusualMs ?? 0);
    if (!isActive && !goesOn) return state.isOn ? this.#rest(at, time) : this.#clear();
    state.quietAt = Number.NaN;
    if (Number.isNaN(state.activeAt)) {
      state.activeAt = at;
      state.since = time;
    }
    const isWorse = score > state.peak;
    if (isWorse) state.peak = score;
    if (state.isOn) return undefined;
    if (isWorse || state.explanation === undefined) state.explanation = explain();
    if (at - state.activeAt < (this.#settings.minDurationMs ?? 0)) return undefined;
    const { since, peak, explanation } = state;
    state.isOn = true;
    state.explanation = undefined;
    return { isAlarm: true, since, score: peak, ...explanation };
  }

  /** Ends the alarm, if there is one, whatever the detector says. */
  end(time: number): AlarmChange | undefined {
    const { isOn, since } = this.state;
    this.#clear();
    if (!isOn) return undefined;
    return { isAlarm: false, since: time, score: null, cause: [], text: "", lastedMs: Math.max(time - since, 0) };
  }

  /** Notes that somebody knows of the alarm, until it ends; nothing without one. */
  acknowledge(): void {
    this.state.isAcknowledged = this.state.isOn;
  }

  #rest(at: number, time: number): AlarmChange | undefined {
    const { state } = this;
    if (Number.isNaN(state.quietAt)) state.quietAt = at;
    if (at - state.quietAt < (this.#settings.holdMs ?? 0)) return undefined;
    const { peak } = state;
    const change = this.end(time);
    return change && { ...change, score: peak };
  }

  #clear(): undefined {
    Object.assign(this.state, OFF);
  }
}
