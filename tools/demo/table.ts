import { createColors } from "picocolors";
import { PUMP_INPUTS } from "./pump.ts";
import { HISTORY, type PumpView } from "./watch.ts";

const BARS = "▁▂▃▄▅▆▇█";
/** Scores at which the lowest bar ends and the highest begins. */
const [LOW, HIGH] = [-4, 3];

/** Draws scores as a row of bars, newest on the right, HISTORY characters wide. */
export function sparkline(scores: readonly number[]): string {
  const bars = scores.map((score) => {
    const share = Math.min(1, Math.max(0, (score - LOW) / (HIGH - LOW)));
    return BARS[Math.floor(share * (BARS.length - 1))];
  });
  return bars.join("").padStart(HISTORY);
}

const DECIMALS = [0, 2, 1, 1];
const WIDTHS = [6, 9, 8, 8];
const NEXT_WIDTH = 6;

const shortName = (input: string): string => input.replace("_temperature", "");

/** Renders the table: two lines of header and a line for each pump, 80 columns wide. */
export function renderTable(pumps: readonly PumpView[], hasColors: boolean): string[] {
  const { bold, dim, red, green, yellow, cyan } = createColors(hasColors);
  const row = (name: string, cells: readonly string[], next: string, rest: string) =>
    `${name.padEnd(8)}${cells.map((cell, i) => cell.padStart(WIDTHS[i] as number)).join("")}${next.padStart(NEXT_WIDTH)}  ${rest}`;

  const titles = PUMP_INPUTS.map(({ name }) => shortName(name));
  const units = PUMP_INPUTS.map(({ unit }) => unit);
  const lines = [
    bold(row("pump", titles, "next", `${"anomaly".padEnd(HISTORY)}score`)),
    dim(row("", units, units.at(-1) as string, "")),
  ];
  for (const pump of pumps) {
    const cells = pump.sample.map((value, i) => value.toFixed(DECIMALS[i]));
    const next = pump.next?.toFixed(1) ?? "–";
    const score = pump.isWarm ? pump.score.toFixed(1).padStart(4) : "   –";
    const bars = sparkline(pump.history);
    const line = row(pump.name, cells, next, `${pump.isAlarm ? bars : cyan(bars)} ${score} `);
    // Thresholds get used to a fault that lasts, which is no reason to call the pump fine.
    const state = pump.detectedAt === undefined ? green("ok") : yellow("alarmed");
    lines.push(
      pump.isAlarm
        ? red(bold(`${line} ${shortName(pump.cause ?? "alarm")}?`))
        : `${line} ${pump.isWarm ? state : dim("warm-up")}`,
    );
  }
  return lines;
}

/** Renders two lines that say what the columns mean, 80 columns wide. */
export function renderLegend(hasColors: boolean): string[] {
  const { dim } = createColors(hasColors);
  return [
    "next: bearing temperature that the model expects for the next reading",
    "score: how unlike a healthy pump, powers of 2; alarm from 0 on; alarmed: before",
  ].map(dim);
}
