// Which charts a device has, and what they draw.

import type { Series } from "../series.ts";
import type { Track } from "./track.ts";

/** A chart of a device. */
export interface ChartPlan {
  readonly kind: Series["kind"];
  readonly title: string;
  readonly unit: string | undefined;
  /** Index of its series. */
  readonly s: number;
  /** Of an input: index of the residual of its forecast. */
  readonly residual: number | undefined;
}

/** Plans the charts: the score, which all is about, then every input with its residual, then other outputs. */
export function planCharts(series: readonly Series[]): ChartPlan[] {
  const plan = (s: number, title: string, residual?: number): ChartPlan => {
    const { kind, unit } = series[s] as Series;
    return { kind, title, unit, s, residual };
  };
  const charts: ChartPlan[] = [];
  for (const [s, { kind, name, index }] of series.entries()) {
    if (kind !== "input") continue;
    const residual = series.findIndex((other) => other.kind === "residual" && other.of === index);
    charts.push(plan(s, name, residual < 0 ? undefined : residual));
    if (residual >= 0) charts.push(plan(residual, `${name}: residual`));
  }
  for (const [s, { kind, name }] of series.entries()) if (kind === "output") charts.push(plan(s, name));
  const score = series.findIndex(({ kind }) => kind === "score");
  return score < 0 ? charts : [plan(score, "score"), ...charts];
}

/** Usual errors of a forecast that its band is wide, to each side. */
const BAND = 2;

/**
 * The columns of a chart: time, greatest and least values, and the line. An input with a forecast has that between: the ends of its band
 * and its line.
 */
export function columnsOf(
  { s, residual }: ChartPlan,
  track: Track,
  spread: readonly (number | null)[],
): (number | null)[][] {
  const { time, mean = [], min, max } = track;
  const [line = [], low = [], high = []] = [mean[s], min[s], max[s]];
  if (residual === undefined) return [time, high, low, line];
  const error = BAND * (spread[residual] ?? 0);
  const residuals = mean[residual] ?? [];
  const forecast = line.map((value, k) => minus(value, residuals[k]));
  const shifted = (by: number) => forecast.map((value) => (value === null ? null : value + by));
  return [time, high, low, shifted(error), shifted(-error), forecast, line];
}

function minus(value: number | null, other: number | null | undefined): number | null {
  return value === null || other === null || other === undefined ? null : value - other;
}
