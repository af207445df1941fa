// How far rows are apart, and whether they keep to it: read from the beginning of the data.

import { openInput } from "../../files.ts";
import type { Io } from "../../io.ts";
import { SampleReader } from "../../samples/reader.ts";
import type { Columns } from "./columns.ts";

/** Rows that are looked at. */
const MOST_ROWS = 50_000;
/** Times that differ by less than this share of the interval are those of the interval. */
const JITTER = 0.25;
/** Share of steps that must keep to the interval, or to whole multiples of it. */
const REGULAR = 0.9;

/** How rows follow each other. */
export interface Pace {
  /** Median seconds between two rows of a device. */
  readonly interval: number;
  /** Whether nearly all rows keep to it, gaps aside. */
  readonly isRegular: boolean;
}

/** Finds the pace of the rows; undefined without times, or with less than two of them. */
export async function findPace(files: readonly string[], columns: Columns, io: Io): Promise<Pace | undefined> {
  if (columns.time === undefined) return undefined;
  const last = new Map<string, number>();
  const steps: number[] = [];
  let rows = 0;
  for (const file of files) {
    if (rows >= MOST_ROWS) break;
    const reader = new SampleReader({
      source: file,
      inputs: [],
      time: columns.time,
      texts: columns.device === undefined ? [] : [columns.device],
      onBadRow: () => undefined, // told when the data are read
    });
    const onRow = (_: Float64Array, time = Number.NaN, texts: readonly unknown[] = []) => {
      rows++;
      const device = `${texts[0] ?? file}`;
      const before = last.get(device);
      if (before !== undefined && time > before) steps.push(time - before);
      last.set(device, time);
    };
    for await (const chunk of openInput(file, io).chunks) {
      reader.push(chunk, onRow);
      if (rows >= MOST_ROWS) break;
    }
    if (rows < MOST_ROWS && !io.signal?.aborted) reader.end(onRow);
  }
  return paceOf(steps);
}

/** @param steps  milliseconds between rows, above 0 */
export function paceOf(steps: readonly number[]): Pace | undefined {
  if (steps.length === 0) return undefined;
  const sorted = Float64Array.from(steps).sort();
  const median = sorted[Math.floor(sorted.length / 2)] as number;
  const keeps = (step: number) => {
    const times = Math.max(1, Math.round(step / median));
    return Math.abs(step - times * median) <= JITTER * median;
  };
  const regular = steps.filter(keeps).length / steps.length;
  return { interval: median / 1000, isRegular: regular >= REGULAR };
}
