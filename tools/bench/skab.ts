// `npm run bench:skab -- FOLDER`: the detector on the Skoltech Anomaly Benchmark: a water circuit with eight sensors, half of each run
// faulty. Calibrated on the first 400 rows of each run, labels used to score only.

import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { calibrate } from "../../host/detect/calibrate.ts";
import { Channel } from "../../host/detect/channel.ts";
import { Detector } from "../../host/detect/detector.ts";
import { distance, scoreOf } from "../../host/detect/distance.ts";
import { fitBlock, fitChannel, RIDGE } from "../../host/detect/fit.ts";
import type { DetectorParameters } from "../../host/detect/parameters.ts";
import { fractionFor } from "../../host/detect/real.ts";
import { quantile } from "../../host/detect/statistics.ts";
import { rawOf } from "../../host/model/integers.ts";
import { alignColumns } from "../columns.ts";
import { residualsOf, VectorAr } from "./vector-ar.ts";

const WARM = 400;
const WEEK_ROWS = 7 * 86400;
/** A state alarm: log2 of the squared distance above what is usual. */
const STATE = 3;

/** One run: raw readings, one row a second, and its labels. */
interface Run {
  readonly raw: readonly Float64Array[];
  readonly isFault: readonly boolean[];
}

/** Scores of the rows behind the warm-up, and where a state alarm begins. */
interface Scored {
  readonly scores: readonly number[];
  readonly threshold: number;
}

function readRuns(folder: string): Run[] {
  const names = readdirSync(folder).filter((name) => name.endsWith(".csv"));
  return names
    .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10))
    .map((name) => {
      const [header = "", ...lines] = readFileSync(path.join(folder, name), "utf8").trim().split(/\r?\n/);
      const labels = header.split(";").indexOf("anomaly");
      const rows = lines.map((line) => line.split(";"));
      const columns = Array.from({ length: labels - 1 }, (_, c) =>
        Float64Array.from(rows, (row) => Number(row[c + 1])),
      );
      const raw = columns.map((values) => {
        const fraction = fractionFor(values.subarray(0, WARM));
        return values.map((value) => rawOf(value, fraction));
      });
      return { raw, isFault: rows.map((row) => Number(row[labels]) > 0.5) };
    });
}

const warmOf = ({ raw }: Run): Float64Array[] => raw.map((values) => values.subarray(0, WARM));
const rowOf = (columns: readonly Float64Array[], t: number): number[] => columns.map((values) => values[t] as number);

/** The detector's deviation; residuals of AR(8), or of a linear model of all channels. */
function scoreDetector(run: Run, residuals: readonly Float64Array[] | undefined): Scored {
  const parameters = calibrateRun(run, residuals);
  const detector = new Detector(parameters);
  const scores = run.isFault.map((_, t) => {
    detector.step(rowOf(run.raw, t), t, t < WARM, residuals && rowOf(residuals, t));
    return detector.deviation;
  });
  return { scores: scores.slice(WARM), threshold: STATE };
}

function calibrateRun(run: Run, residuals: readonly Float64Array[] | undefined, perWeek = 1): DetectorParameters {
  const warm = residuals?.map((values) => values.subarray(0, WARM));
  return calibrate(warmOf(run), { rate: perWeek / WEEK_ROWS, ...(warm && { residuals: warm }) });
}

/** Scores of a simple detector: the greatest of all channels, and three above its median in the warm-up. */
function scoreSimple(run: Run, score: (channel: Channel, c: number) => number): Scored {
  const none = { mean: new Int16Array(), weights: new Int8Array(), shifts: new Uint8Array() };
  const channels = warmOf(run).map((values) => new Channel({ ...fitChannel(values), sensor: none }));
  const scores = run.isFault.map((_, t) => {
    for (const [c, channel] of channels.entries()) channel.step(run.raw[c]?.[t] as number);
    return Math.max(...channels.map(score));
  });
  return { scores: scores.slice(WARM), threshold: quantile(scores.slice(16, WARM), 0.5) + STATE };
}

function scoreEwmaState(run: Run): Scored {
  const none = { mean: new Int16Array(), weights: new Int8Array(), shifts: new Uint8Array() };
  const blocks = warmOf(run).map((values) => {
    const channel = new Channel({ ...fitChannel(values), sensor: none });
    const rows = Array.from(values, (value) => {
      channel.step(value);
      return channel.features.slice(0, 4);
    });
    return fitBlock(rows.slice(16), RIDGE);
  });
  return scoreSimple(
    run,
    ({ features }, c) => scoreOf(distance(blocks[c] as (typeof blocks)[number], features)) / 2048,
  );
}

const magnitude = (value: number): number => Math.log2((value / 2048) ** 2 + 1 / 64);

const DETECTORS: Readonly<Record<string, (run: Run) => Scored>> = {
  "this one": (run) => scoreDetector(run, undefined),
  "this one, residuals of a linear model": (run) =>
    scoreDetector(run, residualsOf(run.raw, new VectorAr(warmOf(run), 8))),
  "EWMA state": scoreEwmaState,
  "AR(8) residual": (run) => scoreSimple(run, ({ features }) => magnitude(features[4] as number)),
  "range guard": (run) => scoreSimple(run, ({ extreme }) => Math.max(extreme / 2048, -10)),
  "always in alarm": ({ isFault }) => ({ scores: isFault.slice(WARM).map(() => 1), threshold: 0 }),
};

/** Area under the curve of precision over recall; equal scores count together. */
function averagePrecision(isFault: readonly boolean[], scores: readonly number[]): number {
  const order = scores.map((_, i) => i).sort((a, b) => (scores[b] as number) - (scores[a] as number));
  const all = isFault.filter(Boolean).length;
  let [found, before, area] = [0, 0, 0];
  for (const [i, at] of order.entries()) {
    if (isFault[at]) found++;
    const next = order[i + 1];
    if (next !== undefined && scores[next] === scores[at]) continue;
    area += ((found - before) / all) * (found / (i + 1));
    before = found;
  }
  return area;
}

/** F1, false alarm rate and missed alarm rate over rows, % but for F1. */
function rates(isFault: readonly boolean[], isAlarm: readonly boolean[]): string[] {
  const count = (fault: boolean, alarm: boolean) =>
    isFault.filter((value, i) => value === fault && isAlarm[i] === alarm).length;
  const [hit, wrong, missed, quiet] = [count(true, true), count(false, true), count(true, false), count(false, false)];
  return [
    ((2 * hit) / Math.max(2 * hit + wrong + missed, 1)).toFixed(3),
    ((100 * wrong) / (wrong + quiet)).toFixed(1),
    ((100 * missed) / (missed + hit)).toFixed(1),
  ];
}

/** Alerts of the detector at a rate, inside and outside of faults: what its thresholds make of rows that are half faulty. */
function alertsOf(runs: readonly Run[], perWeek: number): string {
  let [inside, outside] = [0, 0];
  for (const run of runs) {
    const detector = new Detector(calibrateRun(run, undefined, perWeek));
    for (const [t, isFault] of run.isFault.entries()) {
      const { isAlert } = detector.step(rowOf(run.raw, t), t, t < WARM);
      if (isAlert && isFault) inside++;
      else if (isAlert) outside++;
    }
  }
  const hours = runs.reduce((sum, { isFault }) => sum + isFault.length - WARM, 0) / 3600;
  return `${inside} alerts within faults, ${outside} outside, ${((perWeek / 168) * hours).toFixed(2)} accepted over ${hours.toFixed(1)} hours`;
}

const folder = process.argv[2];
if (folder === undefined) throw new Error("npm run bench:skab -- FOLDER, with runs of the benchmark, such as valve1");
const runs = readRuns(folder);
const isFault = runs.flatMap((run) => run.isFault.slice(WARM));
console.log(
  `${runs.length} runs, ${isFault.length} rows behind ${WARM} of calibration, ${isFault.filter(Boolean).length} faulty`,
);
const lines = Object.entries(DETECTORS).map(([name, score]) => {
  const found = runs.map(score);
  const scores = found.flatMap((run) => run.scores);
  const isAlarm = found.flatMap((run) => run.scores.map((value) => value >= run.threshold));
  return [name, averagePrecision(isFault, scores).toFixed(3), ...rates(isFault, isAlarm)];
});
for (const line of alignColumns([["", "AP", "F1", "FAR %", "MAR %"], ...lines])) console.log(line);
for (const perWeek of [168, 1680]) console.log(`${perWeek / 168} an hour: ${alertsOf(runs, perWeek)}`);
