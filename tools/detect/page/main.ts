// The script of the page: plots with one axis of time, that pan and zoom together.

import uPlot from "uplot";
import type { PageChannel, PageData } from "./data.ts";

const data: PageData = JSON.parse(document.getElementById("data")?.textContent ?? "");
const plots: uPlot[] = [];
const x = data.x;
const whole = { min: x[0] ?? 0, max: x.at(-1) ?? 1 };
if (whole.max <= whole.min) whole.max = whole.min + 1;

const colour = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`);

/** Turns all plots to a range of x, within the data. */
function turnTo(from: number, to: number): void {
  const span = Math.min(to - from, whole.max - whole.min);
  const min = Math.max(whole.min, Math.min(from, whole.max - span));
  for (const plot of plots) plot.setScale("x", { min, max: min + span });
}

/** Alarms as spans behind everything. */
function drawAlarms(plot: uPlot): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.fillStyle = colour("alarm");
  for (const { from, to } of data.alarms) {
    const left = plot.valToPos(from, "x", true);
    const right = Math.max(plot.valToPos(to, "x", true), left + 2);
    const start = Math.max(left, bbox.left);
    const end = Math.min(right, bbox.left + bbox.width);
    if (end > start) ctx.fillRect(start, bbox.top, end - start, bbox.height);
  }
  ctx.restore();
}

/** The wheel zooms around the pointer; dragging with Shift or the middle button pans. */
function navigate(plot: uPlot): void {
  const { over } = plot;
  const range = () => ({ min: plot.scales.x?.min ?? whole.min, max: plot.scales.x?.max ?? whole.max });
  over.addEventListener("wheel", (event) => {
    event.preventDefault();
    const { min, max } = range();
    const at = plot.posToVal(event.offsetX, "x");
    const factor = event.deltaY < 0 ? 0.8 : 1.25;
    turnTo(at - (at - min) * factor, at + (max - at) * factor);
  });
  over.addEventListener(
    "mousedown",
    (event) => {
      if (!event.shiftKey && event.button !== 1) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      const { min, max } = range();
      const start = event.clientX;
      const move = (later: MouseEvent) => {
        const shift = ((max - min) * (start - later.clientX)) / over.clientWidth;
        turnTo(min + shift, max + shift);
      };
      document.addEventListener("mousemove", move);
      document.addEventListener("mouseup", () => document.removeEventListener("mousemove", move), { once: true });
    },
    true,
  );
  over.addEventListener("dblclick", () => turnTo(whole.min, whole.max));
}

const axis = (): uPlot.Axis => ({
  stroke: colour("text"),
  grid: { stroke: colour("grid"), width: 1 },
  ticks: { stroke: colour("grid"), width: 1 },
});

function optionsOf(title: string, height: number, series: uPlot.Series[], bands: uPlot.Band[]): uPlot.Options {
  return {
    title,
    width: widthOf(),
    height,
    series: [{ label: data.isTime ? "time" : "row" }, ...series],
    bands,
    scales: { x: { time: data.isTime } },
    // As in the table of alarms.
    tzDate: (seconds) => uPlot.tzDate(new Date(1000 * seconds), "Etc/UTC"),
    axes: [axis(), { ...axis(), size: 64 }],
    cursor: { sync: { key: "all" }, drag: { x: true, y: false, setScale: true } },
    hooks: {
      drawClear: [drawAlarms],
      ready: [navigate],
      setScale: [
        (plot, key) => {
          const { min, max } = plot.scales.x ?? {};
          if (key !== "x" || min == null || max == null) return;
          // Zooming one plot by dragging turns the others.
          for (const other of plots) {
            if (other !== plot && (other.scales.x?.min !== min || other.scales.x?.max !== max)) {
              other.setScale("x", { min, max });
            }
          }
        },
      ],
    },
  };
}

const widthOf = (): number => document.getElementById("plots")?.clientWidth ?? 800;

function add(options: uPlot.Options, columns: readonly (readonly (number | null)[])[]): void {
  const host = document.getElementById("plots") as HTMLElement;
  plots.push(new uPlot(options, [[...x], ...columns.map((column) => [...column])] as uPlot.AlignedData, host));
}

function addChannel({ name, unit, least, greatest, expected, error }: PageChannel): void {
  const own = colour("series");
  const band = (sign: number) => expected.map((value) => (value === null ? null : value + sign * error));
  const line = (label: string, stroke: string): uPlot.Series => ({ label, stroke, width: 1, points: { show: false } });
  const hidden = (label: string): uPlot.Series => ({ ...line(label, "transparent"), label });
  const isOne = data.rowsPerPoint === 1;
  add(
    optionsOf(
      unit === undefined ? name : `${name} (${unit})`,
      190,
      [
        hidden("expected + error"),
        hidden("expected − error"),
        line("expected", colour("expected")),
        line(isOne ? "reading" : "least", own),
        ...(isOne ? [] : [line("greatest", own)]),
      ],
      [
        { series: [1, 2], fill: colour("band") },
        ...(isOne ? [] : [{ series: [5, 4] as [number, number], fill: colour("fill") }]),
      ],
    ),
    [band(1), band(-1), expected, least, ...(isOne ? [] : [greatest])],
  );
}

const zero = x.map(() => 0);
add(
  optionsOf(
    "score: distance to the threshold, powers of 2",
    170,
    [
      { label: "score", stroke: colour("series"), width: 1, points: { show: false } },
      { label: "threshold", stroke: colour("threshold"), width: 1, dash: [6, 4], points: { show: false } },
    ],
    [],
  ),
  [data.score, zero],
);
for (const channel of data.channels) addChannel(channel);

window.addEventListener("resize", () => {
  for (const plot of plots) plot.setSize({ width: widthOf(), height: plot.height });
});
for (const row of Array.from(document.querySelectorAll<HTMLElement>("[data-from]"))) {
  row.addEventListener("click", () => {
    const [from, to] = [Number(row.dataset.from), Number(row.dataset.to)];
    const margin = Math.max(2 * (to - from), (whole.max - whole.min) / 200);
    turnTo(from - margin, to + margin);
    plots[0]?.root.scrollIntoView({ behavior: "smooth", block: "start" });
  });
}
document.getElementById("whole")?.addEventListener("click", () => turnTo(whole.min, whole.max));
// The colours of the other theme need new plots.
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => location.reload());
