// uPlot as this page uses it.

import uPlot from "uplot";
import type { AlarmSpan } from "../watched-device.ts";
import type { ChartPlan } from "./plan.ts";

/** A chart on the page. */
export interface Chart {
  /** Draws columns, from a time to another. */
  draw(columns: readonly (readonly (number | null)[])[], from: number, to: number, alarms: readonly Span[]): void;
  resize(width: number): void;
  close(): void;
}

type Span = Pick<AlarmSpan, "from" | "to">;

/** Makes a chart in an element; `onRange` is told a span that the user marks in it. */
export function createChart(host: HTMLElement, plan: ChartPlan, onRange: (from: number, to: number) => void): Chart {
  let alarms: readonly Span[] = [];
  const options: uPlot.Options = {
    width: Math.max(200, host.clientWidth),
    height: plan.kind === "residual" ? 76 : 150,
    ms: 1,
    legend: { show: false },
    cursor: { sync: { key: "device" }, drag: { x: true, y: false, setScale: false }, points: { size: 6 } },
    scales: { x: { time: true }, y: { range: rangeOf(plan) } },
    padding: [8, 12, 0, 0],
    axes: [timeAxis(plan), { ...axis(), size: 62 }],
    ...seriesOf(plan),
    hooks: {
      drawClear: [(chart) => drawAlarms(chart, alarms)],
      draw: [(chart) => plan.kind !== "input" && plan.kind !== "output" && drawZero(chart, plan.kind === "score")],
      setSelect: [
        (chart) => {
          const { left, width } = chart.select;
          if (width < 4) return;
          const [from, to] = [chart.posToVal(left, "x"), chart.posToVal(left + width, "x")];
          // There is no time along the axis before the first is drawn.
          if (Number.isFinite(to - from)) onRange(from, to);
          chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        },
      ],
    },
  };
  const chart = new uPlot(options, [[]], host);
  return {
    draw(columns, min, max, spans) {
      alarms = spans;
      chart.batch(() => {
        chart.setData(columns as unknown as uPlot.AlignedData, false);
        chart.setScale("x", { min, max });
      });
    },
    resize: (width) => chart.setSize({ width: Math.max(200, width), height: chart.height }),
    close: () => chart.destroy(),
  };
}

const colour = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

const axis = (): uPlot.Axis => ({
  stroke: colour("quiet"),
  grid: { stroke: colour("grid"), width: 1 },
  ticks: { stroke: colour("grid"), width: 1 },
  font: "12px system-ui, sans-serif",
});

/** A residual stands below its input, which says what time it is. */
const timeAxis = ({ kind }: ChartPlan): uPlot.Axis =>
  kind === "residual"
    ? { ...axis(), values: (_, splits) => splits.map(() => ""), size: 8 }
    : { ...axis(), values: timesOf, space: 80, size: 28 };

/** Times along the axis, as fine as they are apart. */
function timesOf(_: uPlot, splits: number[], _axis: number, _space: number, step: number): string[] {
  const day = (date: Date) => date.toLocaleDateString("en-GB", { day: "numeric", month: "short" });
  return splits.map((time) => {
    const date = new Date(time);
    const clock = date.toLocaleTimeString("en-GB");
    if (step >= 86_400_000 || clock === "00:00:00") return day(date);
    return step < 60_000 ? clock : clock.slice(0, 5);
  });
}

const line = (stroke: string, more: uPlot.Series = {}): uPlot.Series => ({
  stroke,
  width: 1.5,
  points: { show: false },
  ...more,
});

/** In the order of `columnsOf`. */
function seriesOf({ kind, residual }: ChartPlan): Pick<uPlot.Options, "series" | "bands"> {
  const hidden: uPlot.Series = { points: { show: false }, width: 0 };
  const main = colour(kind === "score" ? "score" : kind === "residual" ? "residual" : "reading");
  const range: uPlot.Band = { series: [1, 2], fill: colour("range") };
  if (residual === undefined) return { series: [{}, hidden, hidden, line(main)], bands: [range] };
  const forecast = line(colour("forecast"), { dash: [6, 4] });
  return {
    series: [{}, hidden, hidden, hidden, hidden, forecast, line(main)],
    bands: [range, { series: [3, 4], fill: colour("band") }],
  };
}

/** A little room around; scores and residuals always show where zero is. */
function rangeOf({ kind }: ChartPlan): uPlot.Range.Function {
  return (_, low, high) => {
    if (low === null || high === null || low === undefined || high === undefined) return [-1, 1];
    const isAroundZero = kind === "score" || kind === "residual";
    const [least, greatest] = isAroundZero ? [Math.min(low, -0.5), Math.max(high, 0.5)] : [low, high];
    const room = 0.08 * (greatest - least) || 0.05 * Math.abs(greatest) || 1;
    return [least - room, greatest + room];
  };
}

/** Alarms as spans behind everything. */
function drawAlarms(chart: uPlot, alarms: readonly Span[]): void {
  const { ctx, bbox } = chart;
  const end = chart.scales.x?.max ?? 0;
  ctx.save();
  ctx.fillStyle = colour("span");
  for (const { from, to = end } of alarms) {
    const left = Math.max(bbox.left, chart.valToPos(from, "x", true));
    const right = Math.min(bbox.left + bbox.width, Math.max(chart.valToPos(to, "x", true), left + 2));
    if (right > left) ctx.fillRect(left, bbox.top, right - left, bbox.height);
  }
  ctx.restore();
}

/** The threshold of a score, or where a forecast would be right. */
function drawZero(chart: uPlot, isThreshold: boolean): void {
  const { ctx, bbox } = chart;
  const y = chart.valToPos(0, "y", true);
  ctx.save();
  ctx.strokeStyle = colour(isThreshold ? "alarm" : "quiet");
  ctx.lineWidth = devicePixelRatio;
  if (isThreshold) ctx.setLineDash([4, 4]);
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
  ctx.restore();
}
