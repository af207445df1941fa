// Series of the Numenta Anomaly Benchmark as raw integers.

import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { quantile } from "../../host/detect/statistics.ts";
import type { Labels, Window } from "./nab-score.ts";

/** One series with its labelled windows. */
export interface Series extends Labels {
  readonly name: string;
  readonly raw: Float64Array;
  /** Fractional bits of the raw integers. */
  readonly fraction: number;
  /** Number of each row by the clock. */
  readonly numbers: Float64Array;
  /** Rows of a week. */
  readonly perWeek: number;
  /** Rows of a day, where two fit into the probation. */
  readonly period: number | undefined;
}

type Windows = readonly (readonly [string, string])[];

/** Reads the series in a folder that has `data/` and `labels/` of the benchmark, sorted by name. */
export function readAllSeries(folder: string): Series[] {
  const labels: Record<string, Windows> = JSON.parse(
    readFileSync(path.join(folder, "labels/combined_windows.json"), "utf8"),
  );
  return Object.keys(labels)
    .sort()
    .filter((name) => existsSync(path.join(folder, "data", name)))
    .map((name) => toSeries(name, readFileSync(path.join(folder, "data", name), "utf8"), labels[name] as Windows));
}

/** Reads one series, a file in such a folder. */
export function readSeries(file: string): Series {
  const folder = path.resolve(file, "../../..");
  const name = path.relative(path.join(folder, "data"), path.resolve(file));
  const found = readAllSeries(folder).find((series) => series.name === name);
  if (found === undefined) throw new Error(`${file}: Expected a series of the benchmark, in its folder data/`);
  return found;
}

const timeOf = (text: string): number => Date.parse(`${text.trim().replace(" ", "T")}Z`) / 1000;

function toSeries(name: string, text: string, windows: Windows): Series {
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
  const fraction = fractionOf(values.subarray(0, probation));
  return {
    name,
    raw: values.map((value) => Math.min(Math.max(Math.floor(value * 2 ** fraction + 0.5), -(2 ** 30)), 2 ** 30)),
    fraction,
    numbers: Float64Array.from(times, (time) => Math.round(time / step)),
    rows: values.length,
    windows: windows.map(within),
    probation,
    perWeek: (7 * 86400) / step,
    period: day > 3 && 2 * day <= probation ? day : undefined,
  };
}

/** As many fractional bits as eight times the greatest value of the probation leaves. */
function fractionOf(probation: Float64Array): number {
  const greatest = Math.max(...probation.map(Math.abs), 1e-30) * 8;
  return Math.min(30, Math.max(-30, Math.floor(Math.log2(2 ** 30 / greatest))));
}
