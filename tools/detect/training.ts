// Rows to calibrate with: kept in bounded memory, looked at for what makes a detector blind.

import type { Io } from "../io.ts";
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
}

/** Reads the rows of a file. */
export async function readTraining(source: RowSource, io: Io): Promise<Training> {
  const columns = source.inputs.map(() => new Float64Array(MAX_ROWS));
  const steps: number[] = [];
  let [rows, last]: [number, number | undefined] = [0, undefined];
  await streamRows(source, io, (values, time) => {
    for (const [c, column] of columns.entries()) column[rows % MAX_ROWS] = values[c] as number;
    rows++;
    if (time !== undefined && last !== undefined && steps.length < MAX_ROWS) steps.push(time - last);
    last = time;
  });
  steps.sort((a, b) => a - b);
  const median = steps[Math.floor(steps.length / 2)];
  return {
    columns: columns.map((column) => inOrder(column, rows)),
    rows,
    interval: median !== undefined && median > 0 ? median / 1000 : undefined,
  };
}

/** The values of a ring, oldest first. */
function inOrder(ring: Float64Array, rows: number): Float64Array {
  if (rows <= MAX_ROWS) return ring.slice(0, rows);
  const at = rows % MAX_ROWS;
  return Float64Array.from([...ring.subarray(at), ...ring.subarray(0, at)]);
}

/** What makes a channel hard to watch, in words. */
export function describeWeaknesses(name: string, values: Float64Array): string[] {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  const sorted = [...counts.keys()].sort((a, b) => a - b);
  const share = (value: number | undefined) => (value === undefined ? 0 : (counts.get(value) ?? 0) / values.length);
  if (sorted.length === 1) return [`${name} is constant: any other value will be an alarm`];
  const found: string[] = [];
  for (const [end, value] of [
    ["least", sorted[0]],
    ["greatest", sorted.at(-1)],
  ] as const) {
    if (sorted.length > 20 && share(value) > 0.05) {
      found.push(`${name} is ${value}, its ${end} value, in ${percent(share(value))} of the rows: it looks clipped`);
    }
  }
  if (sorted.length <= 20) found.push(`${name} has ${sorted.length} different values only: it is coarse`);
  return found;
}

const percent = (share: number): string => `${Math.round(100 * share)} %`;
