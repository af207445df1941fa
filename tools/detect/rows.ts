// Rows of a file with their numbers by the clock.

import { openInput } from "../files.ts";
import type { Io } from "../io.ts";
import { SampleReader } from "../samples/reader.ts";

/** Where rows come from. */
export interface RowSource {
  /** CSV or NDJSON, or `-`. */
  readonly file: string;
  readonly inputs: readonly string[];
  /** Column or field of the time. */
  readonly time?: string | undefined;
  readonly hasDecimalComma: boolean;
}

/** A row: values in the order of the inputs, an array that is reused, and its time in Unix milliseconds, if there is one. */
export type OnRow = (values: Float64Array, time: number | undefined) => void;

/**
 * Streams the rows of a file, in bounded memory.
 *
 * @throws {CliError} `file:line: …` at the first bad row
 */
export async function streamRows(
  { file, inputs, time, hasDecimalComma }: RowSource,
  io: Io,
  onRow: OnRow,
): Promise<void> {
  const { source, chunks } = openInput(file, io);
  const reader = new SampleReader({ source, inputs, hasDecimalComma, time });
  for await (const chunk of chunks) reader.push(chunk, onRow);
  if (!io.signal?.aborted) reader.end(onRow);
}

/** Numbers rows by the clock: missed rows are counted, rows that come again or too early are not taken. */
export class RowClock {
  /** Rows that were not taken, since their time is not later than that of the row before. */
  skipped = 0;
  readonly #intervalMs: number | undefined;
  #start: number | undefined;
  #last = -1;

  /** @param intervalMs  time between two rows; without it rows are counted */
  constructor(intervalMs: number | undefined) {
    this.#intervalMs = intervalMs;
  }

  /** The number of the row of a time; undefined when it is not later than the last one. */
  take(time: number | undefined): number | undefined {
    if (time === undefined || this.#intervalMs === undefined) {
      this.#last++;
      return this.#last;
    }
    // The phase of a period goes by the time itself: counted from 1970, midnight is row 0 of a day.
    this.#start ??= 0;
    const row = Math.round((time - this.#start) / this.#intervalMs);
    if (row <= this.#last) {
      this.skipped++;
      return undefined;
    }
    this.#last = row;
    return row;
  }
}
