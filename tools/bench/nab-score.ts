// The score of the Numenta Anomaly Benchmark (github.com/numenta/NAB, nab/sweeper.py and nab/scorer.py): early alarms inside a
// labelled window count most, alarms outside cost, missed windows cost.

/** First and last row of a labelled window. */
export type Window = readonly [first: number, last: number];

/** Weights of a profile: a window found, a window missed, an alarm outside. */
export interface Profile {
  readonly hit: number;
  readonly miss: number;
  readonly falseAlarm: number;
}

/** The three profiles of the benchmark. */
export const PROFILES: Readonly<Record<"standard" | "LowFP" | "LowFN", Profile>> = {
  standard: { hit: 1, miss: 1, falseAlarm: 0.11 },
  LowFP: { hit: 1, miss: 1, falseAlarm: 0.22 },
  LowFN: { hit: 1, miss: 2, falseAlarm: 0.11 },
};

/** A series to be scored: its windows, its rows, and how many of them are for probation. */
export interface Labels {
  readonly rows: number;
  readonly windows: readonly Window[];
  readonly probation: number;
}

/** What alarms at the given rows came to. */
export interface Outcome {
  /** Per window, the worth of its earliest alarm, at most 1; undefined when it was missed. */
  readonly hits: readonly (number | undefined)[];
  /** Sum of what alarms outside cost, each 0 to -1: less shortly behind a window. */
  readonly outside: number;
  readonly outsideCount: number;
}

const sigmoid = (x: number): number => (x > 3 ? -1 : 2 / (1 + Math.exp(5 * x)) - 1);

/** Judges the alarms of one series. */
export function judge({ windows, probation }: Labels, alarms: readonly number[]): Outcome {
  const hits = new Array<number | undefined>(windows.length).fill(undefined);
  let [outside, outsideCount] = [0, 0];
  for (const row of alarms) {
    if (row < probation) continue;
    const k = windows.findIndex(([first, last]) => row >= first && row <= last);
    if (k >= 0) {
      const [first, last] = windows[k] as Window;
      const worth = sigmoid(-(last - row + 1) / (last - first + 1)) / sigmoid(-1);
      hits[k] = Math.max(hits[k] ?? Number.NEGATIVE_INFINITY, worth);
      continue;
    }
    outsideCount++;
    outside += costBehind(windows, row);
  }
  return { hits, outside, outsideCount };
}

/** What an alarm outside costs, by the window before it. */
function costBehind(windows: readonly Window[], row: number): number {
  const before = windows.filter(([, last]) => last < row).toSorted((a, b) => a[1] - b[1]);
  const [first, last] = before.at(-1) ?? [0, 0];
  return before.length > 0 && last > first ? sigmoid((row - last) / (last - first)) : -1;
}

/** The score of a profile over all series: 100 is perfect, 0 is silence. */
export function scoreOf(outcomes: readonly Outcome[], { hit, miss, falseAlarm }: Profile): number {
  let [total, windows] = [0, 0];
  for (const { hits, outside } of outcomes) {
    windows += hits.length;
    total += falseAlarm * outside;
    for (const worth of hits) total += worth === undefined ? -miss : hit * worth;
  }
  return (100 * (total + miss * windows)) / ((hit + miss) * windows);
}
