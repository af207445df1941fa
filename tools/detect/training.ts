// Rows to calibrate with, kept in bounded memory.

import type { Io } from "../io.ts";
import type { Predictor } from "./model.ts";
import { type RowSource, streamRows } from "./rows.ts";

/** Most rows that are kept; of more, the last ones. */
export const MAX_ROWS = 200_000;

/** Rows of healthy operation. */
export interface Training {
  /** Per channel, in the order of the inputs. */
  readonly columns: readonly Float64Array[];
  /** All rows that were read. */
  readonly rows: number;
  /** Median seconds between two rows; undefined without times. */
  readonly interval: number | undefined;
  /** Unix milliseconds of each row kept; undefined where rows have no times. */
  readonly times: Float64Array | undefined;
  /** With a predictor: what it had not expected, per channel, NaN where it expected nothing. */
  readonly residuals: readonly Float64Array[];
}

/** Reads the rows of a file. */
export async function readTraining(source: RowSource, io: Io, predictor?: Predictor): Promise<Training> {
  const columns = source.inputs.map(() => new Float64Array(MAX_ROWS));
  const residuals = predictor === undefined ? [] : source.inputs.map(() => new Float64Array(MAX_ROWS));
  const own = new Float64Array(source.inputs.length);
  const times = new Float64Array(MAX_ROWS);
  const steps: number[] = [];
  let [rows, last]: [number, number | undefined] = [0, undefined];
  await streamRows(source, io, (values, time) => {
    for (const [c, column] of columns.entries()) column[rows % MAX_ROWS] = values[c] as number;
    times[rows % MAX_ROWS] = time ?? Number.NaN;
    predictor?.take(values, own);
    for (const [c, column] of residuals.entries()) column[rows % MAX_ROWS] = own[c] as number;
    rows++;
    if (time !== undefined && last !== undefined && steps.length < MAX_ROWS) steps.push(time - last);
    last = time;
  });
  steps.sort((a, b) => a - b);
  const median = steps[Math.floor(steps.length / 2)];
  return {
    columns: columns.map((column) => inOrder(column, rows)),
    rows,
    times: last === undefined ? undefined : inOrder(times, rows),
    residuals: residuals.map((column) => inOrder(column, rows)),
    interval: median !== undefined && median > 0 ? median / 1000 : undefined,
  };
}

/** The values of a ring, oldest first. */
function inOrder(ring: Float64Array, rows: number): Float64Array {
  if (rows <= MAX_ROWS) return ring.slice(0, rows);
  const at = rows % MAX_ROWS;
  const values = new Float64Array(MAX_ROWS);
  values.set(ring.subarray(at));
  values.set(ring.subarray(0, at), MAX_ROWS - at);
  return values;
}
