// `npm run bench:residuals [-- FILE]`: where a network earns its place in a detector. The same detector looks at the residuals of a GRU,
// of AR(8), and of a linear model of all channels: over simulated pumps whose bearings fail, with the demo model; with FILE, the
// machine temperature of the Numenta Anomaly Benchmark, over that series, with the model of it.

import { readFileSync } from "node:fs";
import { calibrate } from "../../host/detect/calibrate.ts";
import { Detector } from "../../host/detect/detector.ts";
import type { DetectorParameters } from "../../host/detect/parameters.ts";
import { fractionFor } from "../../host/detect/real.ts";
import { rawOf } from "../../host/model/integers.ts";
import { parseModel } from "../../host/model/model.ts";
import type { Model } from "../../host/model/types.ts";
import { alignColumns } from "../columns.ts";
import { createPump } from "../demo/pump.ts";
import { Predictor } from "../detect/model.ts";
import { judge, PROFILES, scoreOf } from "./nab-score.ts";
import { readSeries } from "./nab-series.ts";
import { residualsOf, VectorAr } from "./vector-ar.ts";

const PUMPS = 12;
/** Rows to calibrate with, healthy rows after that, rows of a failing bearing: a day has 8640, and two are needed. */
const [WARM, HEALTHY, FAILING] = [18_000, 12_000, 1500];
const DAY = 8640;
const WEEK = 7 * DAY;
const FRICTIONS = [1.3, 1.6, 2, 4];
const RATES = [1, 7];
const LAGS = 8;

/** Raw readings of one device or series, and what they are called. */
type Columns = readonly Float64Array[];
/** Residuals of a kind for all rows, the model fitted to the first `warm`; undefined: those of AR(8), which the detector makes. */
type Residuals = (raw: Columns, fractions: readonly number[], warm: number) => readonly Float64Array[] | undefined;

const ofModel =
  (model: Model): Residuals =>
  (raw, fractions) => {
    const predictor = new Predictor(model);
    const own = new Float64Array(raw.length);
    const residuals = raw.map((values) => new Float64Array(values.length));
    for (let t = 0; t < (raw[0]?.length ?? 0); t++) {
      predictor.take(
        raw.map((values, c) => (values[t] as number) * 2 ** -(fractions[c] as number)),
        own,
      );
      for (const [c, values] of residuals.entries()) {
        values[t] = Number.isNaN(own[c]) ? Number.NaN : rawOf(own[c] as number, fractions[c] as number);
      }
    }
    return residuals;
  };

const linear: Residuals = (raw, _, warm) =>
  residualsOf(
    raw,
    new VectorAr(
      raw.map((values) => values.subarray(0, warm)),
      LAGS,
    ),
  );

const kindsOf = (model: Model): [string, Residuals][] => [
  ["GRU", ofModel(model)],
  ["linear, all channels", linear],
  ["AR(8)", () => undefined],
];

function calibrateOn(raw: Columns, residuals: Columns | undefined, rate: number, warm: number, period?: number) {
  const first = (columns: Columns) => columns.map((values) => values.subarray(0, warm));
  return calibrate(first(raw), {
    rate,
    ...(period !== undefined && { period }),
    ...(residuals && { residuals: first(residuals) }),
  });
}

/** Rows at which alarms begin, from row `warm` on. */
function alertsOf(
  parameters: DetectorParameters,
  raw: Columns,
  residuals: Columns | undefined,
  warm: number,
): number[] {
  const detector = new Detector(parameters);
  const alerts: number[] = [];
  for (let t = 0; t < (raw[0]?.length ?? 0); t++) {
    const own = residuals?.map((values) => values[t] as number);
    const row = raw.map((values) => values[t] as number);
    const { isAlert } = detector.step(row, t, t < warm, own?.some(Number.isNaN) ? undefined : own);
    if (isAlert) alerts.push(t);
  }
  return alerts;
}

/** Readings of a pump whose bearing fails behind its healthy rows. */
function pumpReadings(seed: number, friction: number): { raw: Float64Array[]; fractions: number[] } {
  const pump = createPump(seed);
  pump.failBearing(WARM + HEALTHY, { friction });
  const rows = Array.from({ length: WARM + HEALTHY + FAILING }, () => pump.next());
  const columns = [0, 1, 2, 3].map((c) => Float64Array.from(rows, (row) => row[c] as number));
  const fractions = columns.map((values) => fractionFor(values.subarray(0, WARM)));
  return { raw: columns.map((values, c) => values.map((v) => rawOf(v, fractions[c] as number))), fractions };
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] as number;

/** For each kind and rate: false alarms a week, and per friction how many bearings were found and after how many rows. */
function measurePumps(): string[][] {
  const model = parseModel(readFileSync("models/pump.safetensors"));
  const cells = new Map<string, { false: number; delays: Map<number, number[]> }>();
  for (const friction of FRICTIONS) {
    for (let seed = 0; seed < PUMPS; seed++) {
      const { raw, fractions } = pumpReadings(9000 + seed, friction);
      for (const [name, kind] of kindsOf(model)) {
        const residuals = kind(raw, fractions, WARM);
        for (const rate of RATES) {
          const key = `${name}|${rate}`;
          const cell = cells.get(key) ?? { false: 0, delays: new Map() };
          cells.set(key, cell);
          const alerts = alertsOf(calibrateOn(raw, residuals, rate / WEEK, WARM, DAY), raw, residuals, WARM);
          cell.false += alerts.filter((t) => t < WARM + HEALTHY).length;
          const found = alerts.find((t) => t >= WARM + HEALTHY);
          const delays = cell.delays.get(friction) ?? [];
          cell.delays.set(friction, found === undefined ? delays : [...delays, found - WARM - HEALTHY]);
        }
      }
    }
  }
  const weeks = (FRICTIONS.length * PUMPS * HEALTHY) / WEEK;
  return [...cells].map(([key, cell]) => {
    const [name = "", rate = ""] = key.split("|");
    const found = FRICTIONS.map((friction) => {
      const delays = cell.delays.get(friction) ?? [];
      return delays.length === 0 ? "0 %" : `${Math.round((100 * delays.length) / PUMPS)} %, ${median(delays)} rows`;
    });
    return [name, rate, (cell.false / weeks).toFixed(2), ...found];
  });
}

/** The same for one series of the benchmark, by its score. */
function measureSeries(file: string): string[][] {
  const model = parseModel(readFileSync("models/machine-temperature.safetensors"));
  const series = readSeries(file);
  const values = [series.raw];
  return kindsOf(model)
    .filter(([name]) => !name.startsWith("linear")) // of one channel it is AR(8)
    .flatMap(([name, kind]) => {
      const residuals = kind(values, [series.fraction], series.probation);
      return [1, 0.5, 0.25].map((budget) => {
        const rate = budget / series.perWeek;
        const parameters = calibrateOn(values, residuals, rate, series.probation, series.period);
        const outcome = judge(series, alertsOf(parameters, values, residuals, series.probation));
        const found = outcome.hits.filter((hit) => hit !== undefined).length;
        const score = scoreOf([outcome], PROFILES.standard).toFixed(1);
        return [name, String(budget), score, `${found} of ${outcome.hits.length}`, String(outcome.outsideCount)];
      });
    });
}

console.log(
  `${PUMPS} pumps for each friction: ${WARM} rows to calibrate, ${HEALTHY} healthy, ${FAILING} with a failing bearing; found, after how many rows (median)`,
);
const head = [
  "residuals of",
  "accepted a week",
  "false a week",
  ...FRICTIONS.map((friction) => `friction ${friction}`),
];
for (const line of alignColumns([head, ...measurePumps()])) console.log(line);
const file = process.argv[2];
if (file === undefined) console.log("No file: the machine temperature is skipped");
else {
  const lines = measureSeries(file);
  for (const line of alignColumns([["residuals of", "a week", "standard", "found", "outside"], ...lines]))
    console.log(line);
}
