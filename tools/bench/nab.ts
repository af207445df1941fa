// `npm run bench:nab -- FOLDER`: the detector on the Numenta Anomaly Benchmark, beside simple ones with the same tracker. No label
// is looked at but to score.

import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { calibrate } from "../../host/detect/calibrate.ts";
import { Channel } from "../../host/detect/channel.ts";
import { Detector } from "../../host/detect/detector.ts";
import { distance, scoreOf as log2Score } from "../../host/detect/distance.ts";
import { fitBlock, fitChannel, RIDGE } from "../../host/detect/fit.ts";
import { log2 } from "../../host/detect/log2.ts";
import { blocksOf } from "../../host/detect/parameters.ts";
import { quantile } from "../../host/detect/statistics.ts";
import { extremeTail, sharesOf, startOf, tailOf, trackerOf } from "../../host/detect/thresholds.ts";
import { Tracker } from "../../host/detect/tracker.ts";
import { alignColumns } from "../columns.ts";
import { mulberry32 } from "../random.ts";
import { judge, type Labels, type Outcome, PROFILES, scoreOf, type Window } from "./nab-score.ts";

const BUDGETS = [1, 0.5, 0.25];
const JITTERS = 10;
/** Standard deviation of the noise on scores, log2: one run alone is luck. */
const NOISE = 0.02;

interface Series extends Labels {
  readonly name: string;
  readonly raw: Float64Array;
  /** Rows of a week. */
  readonly perWeek: number;
  /** Rows of a day, where two fit into the probation. */
  readonly period: number | undefined;
}

/** Scores of all rows, Q11, with their names and where the thresholds start. */
interface Scored {
  readonly names: readonly string[];
  readonly scores: readonly Int32Array[];
  readonly starts: (rate: number) => readonly number[];
}

function readSeries(folder: string): Series[] {
  const labels = JSON.parse(readFileSync(path.join(folder, "labels/combined_windows.json"), "utf8"));
  return Object.keys(labels)
    .sort()
    .flatMap((name) => {
      const file = path.join(folder, "data", name);
      return existsIn(folder, name) ? [toSeries(name, readFileSync(file, "utf8"), labels[name])] : [];
    });
}

const existsIn = (folder: string, name: string): boolean =>
  readdirSync(path.join(folder, "data", path.dirname(name))).includes(path.basename(name));

const timeOf = (text: string): number => Date.parse(`${text.trim().replace(" ", "T")}Z`) / 1000;

function toSeries(name: string, text: string, windows: readonly (readonly [string, string])[]): Series {
  const rows = text.trim().split(/\r?\n/).slice(1);
  const times = rows.map((row) => timeOf(row.slice(0, row.indexOf(","))));
  const values = Float64Array.from(rows, (row) => Number(row.slice(row.indexOf(",") + 1)));
  const probation = Math.floor(Math.min(0.15 * values.length, 0.15 * 5000));
  const step = quantile(
    times.slice(1).map((time, i) => time - (times[i] as number)),
    0.5,
  );
  const day = Math.round(86400 / step);
  const within = ([from, to]: readonly [string, string]): Window => {
    const inside = times.flatMap((time, row) => (time >= timeOf(from) && time <= timeOf(to) ? [row] : []));
    return [inside[0] as number, inside.at(-1) as number];
  };
  return {
    name,
    raw: toRaw(values, probation),
    rows: values.length,
    windows: windows.map(within),
    probation,
    perWeek: (7 * 86400) / step,
    period: day > 3 && 2 * day <= probation ? day : undefined,
  };
}

/** Raw integers with as many bits as eight times the greatest value of the probation leaves. */
function toRaw(values: Float64Array, probation: number): Float64Array {
  const greatest = Math.max(...values.subarray(0, probation).map(Math.abs), 1e-30) * 8;
  const fraction = Math.min(30, Math.max(-30, Math.floor(Math.log2(2 ** 30 / greatest))));
  return values.map((value) => Math.min(Math.max(Math.floor(value * 2 ** fraction + 0.5), -(2 ** 30)), 2 ** 30));
}

/** The detector's own scores; its thresholds start as calibrated. */
function scoreDetector({ raw, probation, period }: Series): Scored {
  const warm = [raw.subarray(0, probation)];
  const options = period === undefined ? {} : { period };
  const parameters = calibrate(warm, { rate: 1, ...options });
  const detector = new Detector(parameters);
  const scores = Array.from(raw, (value, row) => {
    detector.step([value], row, true);
    return detector.scores.slice();
  });
  const starts = (rate: number) => Array.from(calibrate(warm, { rate, ...options }).tracker.start, (q) => q / 2 ** 24);
  return { names: blocksOf(parameters), scores, starts };
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
  detector: scoreDetector,
  "EWMA state + range guard": scoreState,
  "range guard": ({ raw, ...series }) => {
    const { scores } = scoreSimple({ raw, ...series }, () => 0, true);
    return { names: ["extreme"], scores: scores.map((row) => row.subarray(1)), starts: () => [extremeTail(1).base] };
  },
  "EWMA residual": (series) =>
    scoreSimple(series, (channel) => magnitude(feature(channel, 0) - feature(channel, 1)), false),
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
    const noisy = Array.from(scores[row] as Int32Array, (score) => score + Math.round(2048 * NOISE * gaussian(random)));
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
    (outside / (weeks * budget)).toFixed(2),
  ];
}

function recallOf(run: readonly Outcome[]): number {
  const hits = run.flatMap((outcome) => outcome.hits);
  return hits.filter((worth) => worth !== undefined).length / hits.length;
}

const folder = process.argv[2];
if (folder === undefined) throw new Error("npm run bench:nab -- FOLDER, which has data/ and labels/ of the benchmark");
const all = readSeries(folder);
console.log(`${all.length} series, ${JITTERS} runs with noise of ${NOISE} on the scores; mean ± standard deviation`);
const header = ["", "a week", "standard", "first half", "second half", "LowFP", "LowFN", "recall", "outside / asked"];
const lines = Object.entries(DETECTORS).flatMap(([name, score]) => {
  const scored = all.map(score);
  return BUDGETS.map((budget) => measure(name, all, scored, budget));
});
for (const line of alignColumns([header, ...lines])) console.log(line);
