import { createColors } from "picocolors";
import { PUMP_INPUTS } from "./pump.ts";
import { HISTORY, type PumpView } from "./watch.ts";

const BARS = "▁▂▃▄▅▆▇█";
/** Scores at which the lowest bar ends and the highest begins. */
const [LOW, HIGH] = [-4, 3];

/** Draws the newest scores as a row of bars, newest on the right, `width` characters wide. */
export function sparkline(scores: readonly number[], width = HISTORY): string {
  const bars = scores.slice(scores.length - Math.min(width, scores.length)).map((score) => {
    const share = Math.min(1, Math.max(0, (score - LOW) / (HIGH - LOW)));
    return BARS[Math.floor(share * (BARS.length - 1))];
  });
  return bars.join("").padStart(width);
}

const DECIMALS = [0, 2, 1, 1];
const WIDTHS = [6, 9, 8, 8];
const NEXT_WIDTH = 6;

const shortName = (input: string): string => input.replace("_temperature", "");

/** Columns that the table has with all that it can show. */
const WIDE = 80;
/** Fewest bars that show something. */
const LEAST_BARS = 4;

/** What a table leaves out where the terminal is narrow: bars, then what is predicted; the state of a pump never. */
function chooseWidths(columns: number): { readonly bars: number; readonly hasNext: boolean } {
  const missing = Math.max(0, WIDE - columns);
  const bars = HISTORY - missing;
  if (bars >= LEAST_BARS) return { bars, hasNext: true };
  return { bars: 0, hasNext: missing <= HISTORY + 2 };
}

/** Renders the table: two lines of header and a line for each pump, as wide as 80 columns, or narrower. */
export function renderTable(pumps: readonly PumpView[], hasColors: boolean, columns = WIDE): string[] {
  const { bold, dim, red, green, yellow, cyan } = createColors(hasColors);
  const { bars: width, hasNext } = chooseWidths(columns);
  const row = (name: string, cells: readonly string[], next: string, rest: string) =>
    `${name.padEnd(8)}${cells.map((cell, i) => cell.padStart(WIDTHS[i] as number)).join("")}${hasNext ? next.padStart(NEXT_WIDTH) : ""}  ${rest}`;

  const titles = PUMP_INPUTS.map(({ name }) => shortName(name));
  const units = PUMP_INPUTS.map(({ unit }) => unit);
  const lines = [
    bold(row("pump", titles, "next", `${width > 0 ? "anomaly".slice(0, width).padEnd(width) : ""}score`)),
    dim(row("", units, units.at(-1) as string, "")),
  ];
  for (const pump of pumps) {
    const cells = pump.sample.map((value, i) => value.toFixed(DECIMALS[i]));
    const next = pump.next?.toFixed(1) ?? "–";
    const score = pump.isWarm ? pump.score.toFixed(1).padStart(4) : "   –";
    const bars = sparkline(pump.history, width);
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

/** What a frame of the demo is made of. */
export interface FrameParts {
  /** One line: time, predictions, latency. */
  readonly stats: string;
  readonly pumps: readonly PumpView[];
  /** What happened, and where there is more to see; a line each. */
  readonly news: readonly string[];
}

/** Composes a frame that fits the terminal, one line left for the cursor: a small one loses the legend, then units, then pumps. */
export function renderFrame(
  { stats, pumps, news }: FrameParts,
  { columns, rows, hasColors }: { readonly columns: number; readonly rows: number; readonly hasColors: boolean },
): string[] {
  const whole = [stats, "", ...renderTable(pumps, hasColors, columns), "", ...renderLegend(hasColors), ...news];
  if (whole.length < rows) return whole;
  const room = Math.max(1, rows - 3 - news.length);
  const shown = pumps.length <= room ? pumps : pumps.slice(0, Math.max(0, room - 1));
  const [title = "", , ...lines] = renderTable(shown, hasColors, columns);
  return [stats, title, ...lines, ...describeHidden(pumps.slice(shown.length)), ...news];
}

function describeHidden(pumps: readonly PumpView[]): string[] {
  if (pumps.length === 0) return [];
  const alarms = pumps
    .filter(({ isAlarm }) => isAlarm)
    .map(({ name, cause }) => `${name} ${shortName(cause ?? "alarm")}?`);
  return [`… ${pumps.length} more pumps${alarms.length > 0 ? `, ${alarms.join(", ")}` : ""}`];
}

/** Renders two lines that say what the columns mean, 80 columns wide. */
export function renderLegend(hasColors: boolean): string[] {
  const { dim } = createColors(hasColors);
  return [
    "next: bearing temperature that the model expects for the next reading",
    "score: how unlike a healthy pump, powers of 2; alarm from 0 on; alarmed: before",
  ].map(dim);
}
