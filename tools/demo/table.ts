import { createColors } from "picocolors";
import { PUMP_INPUTS } from "./pump.ts";
import { HISTORY, type PumpView, THRESHOLD } from "./watch.ts";

const BARS = "▁▂▃▄▅▆▇█";
/** Score at which the highest bar begins. */
const FULL_BAR = 2 * THRESHOLD;

/** Draws scores as a row of bars, newest on the right, HISTORY characters wide. */
export function sparkline(scores: readonly number[]): string {
  const bars = scores.map(
    (score) => BARS[Math.min(BARS.length - 1, Math.floor((score / FULL_BAR) * (BARS.length - 1)))],
  );
  return bars.join("").padStart(HISTORY);
}

const DECIMALS = [0, 2, 1, 1];
const WIDTHS = [6, 9, 8, 8];
const NEXT_WIDTH = 6;

/** Renders the table: two lines of header and a line for each pump, 80 columns wide. */
export function renderTable(pumps: readonly PumpView[], hasColors: boolean): string[] {
  const { bold, dim, red, green, cyan } = createColors(hasColors);
  const row = (name: string, cells: readonly string[], next: string, rest: string) =>
    `${name.padEnd(8)}${cells.map((cell, i) => cell.padStart(WIDTHS[i] as number)).join("")}${next.padStart(NEXT_WIDTH)}  ${rest}`;

  const titles = PUMP_INPUTS.map(({ name }) => name.replace("_temperature", ""));
  const units = PUMP_INPUTS.map(({ unit }) => unit);
  const lines = [
    bold(row("pump", titles, "next", `${"residual".padEnd(HISTORY)}score`)),
    dim(row("", units, units.at(-1) as string, "")),
  ];
  for (const pump of pumps) {
    const cells = pump.sample.map((value, i) => value.toFixed(DECIMALS[i]));
    const next = pump.next?.toFixed(1) ?? "–";
    const score = pump.isWarm ? Math.min(pump.score, 99.9).toFixed(1).padStart(4) : "   –";
    const bars = sparkline(pump.history);
    const line = row(pump.name, cells, next, `${pump.isSuspect ? bars : cyan(bars)} ${score} `);
    lines.push(
      pump.isSuspect ? red(bold(`${line} bearing?`)) : `${line} ${pump.isWarm ? green("ok") : dim("warm-up")}`,
    );
  }
  return lines;
}

/** Renders two lines that say what the columns mean, 80 columns wide. */
export function renderLegend(hasColors: boolean): string[] {
  const { dim } = createColors(hasColors);
  return [
    "next: bearing temperature that the model expects for the next reading",
    `score: the bearing's residual in standard deviations, smoothed; alarm above ${THRESHOLD}`,
  ].map(dim);
}
