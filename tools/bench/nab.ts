// `npm run bench:nab -- FOLDER`: the detector on the Numenta Anomaly Benchmark, beside simple ones with the same tracker. No label
// is looked at but to score.

import { calibrate } from "../../host/detect/calibrate.ts";
import { Channel } from "../../host/detect/channel.ts";
import { Detector } from "../../host/detect/detector.ts";
import { distance, scoreOf as log2Score } from "../../host/detect/distance.ts";
import { fitBlock, fitChannel, RIDGE } from "../../host/detect/fit.ts";
import { log2 } from "../../host/detect/log2.ts";
import { blocksOf, withoutClock } from "../../host/detect/parameters.ts";
import { extremeTail, sharesOf, startOf, tailOf, trackerOf } from "../../host/detect/thresholds.ts";
import { Tracker } from "../../host/detect/tracker.ts";
import { alignColumns } from "../columns.ts";
import { mulberry32 } from "../random.ts";
import { judge, type Outcome, PROFILES, scoreOf } from "./nab-score.ts";
import { readAllSeries, type Series } from "./nab-series.ts";

const BUDGETS = [1, 0.5, 0.25];
const JITTERS = 10;
/** Standard deviation of the noise on scores, log2: one run alone is luck. */
const NOISE = 0.02;

/** Scores of all rows, Q11, with their names and where the thresholds start. */
interface Scored {
  readonly names: readonly string[];
  /** Undefined where a row is missing. */
  readonly scores: readonly (Int32Array | undefined)[];
  readonly starts: (rate: number) => readonly number[];
}

/**
 * The detector's own scores; its thresholds start as calibrated. Rows that are missing are not seen, in the calibration neither.
 *
 * @param isMissing  which rows are
 */
function scoreDetector({ raw, probation, period }: Series, isMissing: (row: number) => boolean = () => false): Scored {
  const present = Array.from(raw.keys()).filter((row) => !isMissing(row));
  const warm = present.filter((row) => row < probation);
  const readings = [Float64Array.from(warm, (row) => raw[row] as number)];
  // Calibrated with rows numbered, but started without what the slots knew: the warm-up is run once more.
  const calibrated = (rate: number) =>
    withoutClock(calibrate(readings, { rate, rows: warm, ...(period !== undefined && { period }) }));
  const parameters = calibrated(1);
  const detector = new Detector(parameters);
  const scores = new Array<Int32Array | undefined>(raw.length).fill(undefined);
  for (const row of present) {
    detector.step([raw[row] as number], row, true);
    scores[row] = detector.scores.slice();
  }
  const starts = (rate: number) => Array.from(calibrated(rate).tracker.start, (q) => q / 2 ** 24);
  return { names: blocksOf(parameters), scores, starts };
}

/** A share of the rows, in bursts of a length. */
function missing(series: Series, share: number, burst: number): (row: number) => boolean {
  const random = mulberry32(series.rows + burst);
  const drawn = Array.from({ length: Math.ceil(series.rows / burst) }, () => random() < share);
  return (row) => drawn[Math.floor(row / burst)] === true;
}

/** A simple detector: one score, with or without that of new extremes. */
function scoreSimple(series: Series, score: (channel: Channel, row: number) => number, hasGuard: boolean): Scored {
  const channel = channelOf(series);
  const scores = Array.from(series.raw, (value, row) => {
    channel.step(value);
    return Int32Array.of(Math.round(score(channel, row)), ...(hasGuard ? [channel.extreme] : []));
  });
  const names = hasGuard ? ["own", "extreme"] : ["own"];
  const warm = scores.slice(16, series.probation).map(([own = 0]) => own / 2048);
  const tail = tailOf(warm);
  const starts = (rate: number) => [
    startOf(tail, rate * (sharesOf(names)[0] as number)),
    ...(hasGuard ? [extremeTail(1).base] : []),
  ];
  return { names, scores, starts };
}

function channelOf({ raw, probation }: Series): Channel {
  const none = { mean: new Int16Array(), weights: new Int8Array(), shifts: new Uint8Array() };
  return new Channel({ ...fitChannel(raw.subarray(0, probation)), sensor: none });
}

const magnitude = (value: number): number => log2(1 + Math.abs(value));
const feature = ({ features }: Channel, index: number): number => features[index] as number;

/** Distance of the deviation and its three running means, fitted to the probation. */
function scoreState(series: Series): Scored {
  const fit = channelOf(series);
  const rows: Int32Array[] = [];
  for (const value of series.raw.subarray(0, series.probation)) {
    fit.step(value);
    rows.push(fit.features.slice(0, 4));
  }
  const block = fitBlock(rows.slice(16), RIDGE);
  return scoreSimple(series, ({ features }) => log2Score(distance(block, features)), true);
}

const DETECTORS: Readonly<Record<string, (series: Series) => Scored>> = {
  detector: (series) => scoreDetector(series),
  "10 % of rows missing": (series) => scoreDetector(series, missing(series, 0.1, 1)),
  "30 % of rows missing": (series) => scoreDetector(series, missing(series, 0.3, 1)),
  "10 % missing, 20 at once": (series) => scoreDetector(series, missing(series, 0.1, 20)),
  "EWMA state + range guard": scoreState,
  "range guard": ({ raw, ...series }) => {
    const { scores } = scoreSimple({ raw, ...series }, () => 0, true);
    return { names: ["extreme"], scores: scores.map((row) => row?.subarray(1)), starts: () => [extremeTail(1).base] };
  },
  "EWMA residual": (series) =>
    scoreSimple(series, (channel) => magnitude(feature(channel, 0) - feature(channel, 1)), false),
  "AR(8) residual + range guard": (series) => scoreSimple(series, (channel) => magnitude(feature(channel, 4)), true),
  "AR(8) residual": (series) => scoreSimple(series, (channel) => magnitude(feature(channel, 4)), false),
  "last value": (series) => {
    let before = 0;
    return scoreSimple(
      series,
      (channel) => {
        const change = feature(channel, 0) - before;
        before = feature(channel, 0);
        return magnitude(change);
      },
      false,
    );
  },
  random: (series) => {
    const random = mulberry32(series.rows);
    return scoreSimple(series, () => 2048 * Math.log2(1 / (random() + 1e-9)), false);
  },
};

/** Alerts of scores with noise, at a number of false alarms a week. */
function alertsOf({ names, scores, starts }: Scored, series: Series, budget: number, seed: number): number[] {
  const rate = budget / series.perWeek;
  const tracker = new Tracker(
    trackerOf(
      starts(rate).map((base) => ({ base, rate: 1, excess: 0 })),
      sharesOf(names).map((share) => share * rate),
    ),
  );
  const random = mulberry32(seed);
  const alerts: number[] = [];
  for (let row = series.probation; row < series.rows; row++) {
    const own = scores[row];
    if (own === undefined) continue;
    const noisy = Array.from(own, (score) => score + Math.round(2048 * NOISE * gaussian(random)));
    tracker.step(noisy);
    if (tracker.isAlert) alerts.push(row);
  }
  return alerts;
}

const gaussian = (random: () => number): number =>
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const spread = (values: readonly number[]): number => Math.sqrt(mean(values.map((v) => (v - mean(values)) ** 2)));
const cell = (values: readonly number[]): string => `${mean(values).toFixed(1)} ± ${spread(values).toFixed(1)}`;

/** The lines of one detector at one budget. */
function measure(name: string, all: readonly Series[], scored: readonly Scored[], budget: number): string[] {
  const runs = Array.from({ length: JITTERS }, (_, jitter) =>
    all.map((series, i) => alertsOf(scored[i] as Scored, series, budget, 1000 * jitter + i)),
  );
  const outcomes = runs.map((alerts) => alerts.map((rows, i) => judge(all[i] as Series, rows)));
  const score = (profile: keyof typeof PROFILES, keep: (index: number) => boolean = () => true) =>
    cell(
      outcomes.map((run) =>
        scoreOf(
          run.filter((_, i) => keep(i)),
          PROFILES[profile],
        ),
      ),
    );
  const weeks = all.reduce((sum, { rows, probation, perWeek }) => sum + (rows - probation) / perWeek, 0);
  const outside = mean(outcomes.map((run) => run.reduce((sum, { outsideCount }) => sum + outsideCount, 0)));
  const rates = runs.flatMap((run) => run.map((rows, i) => isNearRate(rows.length, all[i] as Series, budget)));
  const delays = runs.flatMap((run) => run.flatMap((rows, i) => delaysOf(all[i] as Series, rows)));
  const recall = mean(outcomes.map((run) => recallOf(run)));
  return [
    name,
    String(budget),
    score("standard"),
    score("standard", (i) => i % 2 === 0),
    score("standard", (i) => i % 2 === 1),
    score("LowFP"),
    score("LowFN"),
    recall.toFixed(2),
    median(delays).toFixed(2),
    (outside / (weeks * budget)).toFixed(2),
    `${Math.round(100 * mean(rates.map(Number)))} %`,
  ];
}

/** Whether a stream has at most three times the alarms that are accepted, and of three and more at least a third. */
function isNearRate(alerts: number, { rows, probation, perWeek }: Series, budget: number): boolean {
  const accepted = (budget * (rows - probation)) / perWeek;
  return alerts <= 3 * Math.max(accepted, 1) && (accepted < 3 || alerts >= accepted / 3);
}

/** How far into each window that was found its first alarm is, as a share of the window. */
function delaysOf({ windows }: Series, alerts: readonly number[]): number[] {
  return windows.flatMap(([first, last]) => {
    const row = alerts.find((alert) => alert >= first && alert <= last);
    return row === undefined ? [] : [(row - first) / (last - first + 1)];
  });
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 1;

function recallOf(run: readonly Outcome[]): number {
  const hits = run.flatMap((outcome) => outcome.hits);
  return hits.filter((worth) => worth !== undefined).length / hits.length;
}

const folder = process.argv[2];
if (folder === undefined) throw new Error("npm run bench:nab -- FOLDER, which has data/ and labels/ of the benchmark");
const all = readAllSeries(folder);
console.log(`${all.length} series, ${JITTERS} runs with noise of ${NOISE} on the scores; mean ± standard deviation`);
const header = [
  "",
  "a week",
  "standard",
  "first half",
  "second half",
  "LowFP",
  "LowFN",
  "recall",
  "delay",
  "outside / asked",
  "near rate",
];
const lines = Object.entries(DETECTORS).flatMap(([name, score]) => {
  const scored = all.map(score);
  return BUDGETS.map((budget) => measure(name, all, scored, budget));
});
for (const line of alignColumns([header, ...lines])) console.log(line);
