// What is known of a device over time, as columns that grow at their end.

import type { BinColumns } from "../bins.ts";

type Column = (number | null)[];

/** Bins as columns. */
export interface Track {
  readonly time: number[];
  readonly mean: Column[];
  readonly min: Column[];
  readonly max: Column[];
}

/** Makes a track of an answer, with blanks where nothing came. */
export function trackOf(bins: BinColumns): Track {
  const width = bins.mean.length;
  const columns = () => Array.from({ length: width }, (): Column => []);
  const track: Track = { time: [], mean: columns(), min: columns(), max: columns() };
  append(track, bins);
  return track;
}

/** Adds what is new; the last bin may come again, with more in it. */
export function append(track: Track, bins: BinColumns): void {
  for (const [k, time] of bins.time.entries()) {
    const last = track.time.at(-1);
    if (last !== undefined && time < last) continue;
    if (time === last) drop(track);
    else if (isGap(track, time)) push(track, (last as number) + 1, () => null);
    push(track, time, (kind, s) => (bins[kind] ?? bins.mean)[s]?.[k] ?? null);
  }
}

/** Nothing came for much longer than between the two bins before, which a line would hide. */
function isGap({ time }: Track, next: number): boolean {
  const [before, last] = [time.at(-2), time.at(-1)];
  return before !== undefined && last !== undefined && next - last > 5 * Math.max(last - before, 2000);
}

function push(track: Track, time: number, value: (kind: "mean" | "min" | "max", s: number) => number | null): void {
  track.time.push(time);
  for (const kind of ["mean", "min", "max"] as const) {
    for (const [s, column] of track[kind].entries()) column.push(value(kind, s));
  }
}

function drop(track: Track): void {
  track.time.pop();
  for (const columns of [track.mean, track.min, track.max]) for (const column of columns) column.pop();
}

/** Least and greatest value of a series in a span; undefined without values. */
export function extremes(
  { time, min, max }: Track,
  s: number,
  from: number,
  to: number,
): readonly [number, number] | undefined {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const [k, at] of time.entries()) {
    if (at < from || at > to) continue;
    low = Math.min(low, min[s]?.[k] ?? low);
    high = Math.max(high, max[s]?.[k] ?? high);
  }
  return low > high ? undefined : [low, high];
}
