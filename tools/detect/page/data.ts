// What the page of `rivulet detect --report` shows.

/** A stretch of rows in alarm. */
export interface PageAlarm {
  /** x of its first and last row. */
  readonly from: number;
  readonly to: number;
  readonly rows: number;
  readonly peak: number;
  readonly cause: string;
}

/** A channel, in its unit; a number for each point. */
export interface PageChannel {
  readonly name: string;
  readonly unit?: string;
  /** Least and greatest reading of the point's rows. */
  readonly least: readonly number[];
  readonly greatest: readonly number[];
  /** Mean of what was expected of them; null while nothing was. */
  readonly expected: readonly (number | null)[];
  /** Usual error of that. */
  readonly error: number;
}

/** The data of a page. */
export interface PageData {
  /** Whether x is Unix seconds, not the number of a row. */
  readonly isTime: boolean;
  /** First row of each point. */
  readonly x: readonly number[];
  /** Rows that a point stands for. */
  readonly rowsPerPoint: number;
  readonly channels: readonly PageChannel[];
  /** Greatest distance to the threshold, powers of 2; 0 and above is an alarm. */
  readonly score: readonly number[];
  readonly alarms: readonly PageAlarm[];
}
