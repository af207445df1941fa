/** Rows after which a clock that was set back is believed. */
const LATE_ROWS = 32;
/** Missed rows that are a gap (FORMAT.md 8.4), and one more. */
const GAP_ROWS = 34;

/** What is kept of a {@link RowClock}. */
export interface RowClockState {
  /** NaN before the first row. */
  lastRow: number;
  lastTime: number;
  /** Rows by which the numbers are ahead of the clock. */
  offset: number;
  /** Samples in turn whose time was not later. */
  late: number;
}

/** How the rows of a device are numbered. */
export interface RowClockOptions {
  /** Milliseconds between two rows; without it rows are counted. */
  readonly intervalMs: number | undefined;
  /** Rows after which the numbers mean the same again. */
  readonly period: number;
  /** Whether samples have times of their own. Those of arrival say little: what a broker kept arrives all at once. */
  readonly isTimed: boolean;
}

/**
 * Numbers the samples of a device, for a detector: always upwards. With times it is the time by the interval (FORMAT.md 8.2), so that
 * the time of day is known and missed rows count; without, samples are counted, and a silence of more than 32 rows is a gap.
 */
export class RowClock {
  readonly state: RowClockState = { lastRow: Number.NaN, lastTime: Number.NaN, offset: 0, late: 0 };
  readonly #options: RowClockOptions;

  constructor(options: RowClockOptions) {
    this.#options = options;
  }

  /** The number of the row of a sample; undefined when it comes too late, or a second time within its row. */
  take(time: number): number | undefined {
    const { state } = this;
    const row =
      this.#options.isTimed && this.#options.intervalMs !== undefined ? this.#byTime(time) : this.#count(time);
    if (row === undefined) {
      state.late++;
      return undefined;
    }
    state.late = 0;
    state.lastRow = row;
    state.lastTime = time;
    return row;
  }

  #byTime(time: number): number | undefined {
    const { state } = this;
    const { period } = this.#options;
    const interval = this.#options.intervalMs as number;
    const clock = Math.round(time / interval);
    // Before 1970, and at the start, numbers begin at 0 or above, without moving the time of day.
    if (Number.isNaN(state.lastRow)) state.offset = clock < 0 ? Math.ceil(-clock / period) * period : 0;
    const row = clock + state.offset;
    if (Number.isNaN(state.lastRow) || row > state.lastRow) return row;
    // Times that wander about the middle between two rows.
    if (row === state.lastRow && time - state.lastTime >= interval / 2) return row + 1;
    if (state.late < LATE_ROWS) return undefined;
    state.offset += Math.ceil((state.lastRow + GAP_ROWS - row) / period) * period;
    return clock + state.offset;
  }

  #count(time: number): number {
    const { lastRow, lastTime } = this.state;
    if (Number.isNaN(lastRow)) return 0;
    const { intervalMs } = this.#options;
    const passed = intervalMs === undefined ? 1 : Math.round((time - lastTime) / intervalMs);
    return lastRow + (passed >= GAP_ROWS ? passed : 1);
  }
}
