import { createColors } from "picocolors";
import { spanText } from "../../host/health/words.ts";
import { printable } from "../../host/printable.ts";
import type { DeviceView } from "./board.ts";

/** What the table is drawn for. */
export interface TableOptions {
  readonly columns: number;
  readonly rows: number;
  readonly hasColors: boolean;
  readonly now: number;
  /** Where it looks, e.g. `mqtt://localhost`. */
  readonly broker: string;
  readonly isConnected: boolean;
  /** What the host says of itself. */
  readonly host: string | undefined;
}

interface Column {
  readonly title: string;
  readonly width: number;
  /** Left out first where there is no room: the greatest. */
  readonly rank: number;
  readonly cell: (device: DeviceView, now: number) => string;
}

const STATE_WIDTH = 16;

const COLUMNS: readonly Column[] = [
  { title: "rate", width: 8, rank: 2, cell: ({ rate }) => rateText(rate) },
  {
    title: "values",
    width: 15,
    rank: 1,
    cell: ({ values }) => values.slice(0, 2).map(numberText).join(" "),
  },
  { title: "next", width: 8, rank: 4, cell: ({ prediction }) => numberText(prediction) },
  { title: "residual", width: 9, rank: 5, cell: ({ residual }) => numberText(residual) },
  { title: "score", width: 6, rank: 3, cell: ({ score }) => score?.toFixed(1) ?? "" },
];
const LEAST_NAME = 16;
const MOST_NAME = 40;

/** Renders two lines of header, and a line for each device as far as there are rows; the state of each is never left out. */
export function renderWatch(devices: readonly DeviceView[], options: TableOptions): string[] {
  const { columns, rows, now, hasColors } = options;
  const colors = createColors(hasColors);
  const longest = Math.max(LEAST_NAME, ...devices.map((device) => nameOf(device).length));
  const hasValues = devices.some(({ values }) => values.length > 0);
  const shown = chooseColumns(
    COLUMNS.filter(({ title }) => hasValues || title !== "values"),
    columns - Math.min(longest, MOST_NAME) - STATE_WIDTH - 2,
    columns - LEAST_NAME - STATE_WIDTH - 2,
  );
  const rest = shown.reduce((sum, { width }) => sum + width, 0);
  const width = Math.max(1, Math.min(longest, columns - STATE_WIDTH - 2 - rest));
  const line = (name: string, cells: readonly string[], state: string) =>
    `${clip(name, width).padEnd(width)}${cells.map((cell, i) => clip(cell, (shown[i] as Column).width - 1).padStart((shown[i] as Column).width)).join("")}  ${state}`;
  const room = Math.max(1, rows - 3);
  // The line that tells of the others takes the place of a device.
  const fits = devices.length <= room ? devices : devices.slice(0, room - 1);
  const lines = fits.map((device) => {
    const { text, style } = stateOf(device, now);
    const cells = shown.map(({ cell }) => cell(device, now));
    return line(nameOf(device), cells, colors[style](clip(text, STATE_WIDTH)));
  });
  const hidden = devices.slice(fits.length);
  return [
    clip(describeBroker(devices, options), columns),
    colors.bold(
      line(
        "device",
        shown.map(({ title }) => title),
        "state",
      ),
    ),
    ...lines,
    ...(hidden.length === 0 ? [] : [colors.dim(`… ${describeHidden(hidden)}`)]),
  ];
}

/** Columns from the most important on, as far as they fit beside whole names, or beside short ones. */
function chooseColumns(columns: readonly Column[], room: number, mostRoom: number): Column[] {
  const chosen = new Set<Column>();
  let used = 0;
  for (const column of columns.toSorted((a, b) => a.rank - b.rank)) {
    const limit = column.rank <= 3 ? mostRoom : room;
    if (used + column.width > limit) break;
    chosen.add(column);
    used += column.width;
  }
  return columns.filter((column) => chosen.has(column));
}

function describeBroker(devices: readonly DeviceView[], { broker, isConnected, host }: TableOptions): string {
  const rate = devices.reduce((sum, device) => sum + (device.rate ?? 0), 0);
  const count = (what: string, is: (device: DeviceView) => boolean) => {
    const found = devices.filter(is).length;
    return found === 0 ? [] : [`${found} ${what}`];
  };
  return printable(
    [
      isConnected ? broker : `${broker} (no connection)`,
      host === undefined ? "no host" : `host ${host}`,
      `${devices.length} ${devices.length === 1 ? "device" : "devices"}`,
      ...count("alarm", ({ alarm }) => alarm !== undefined),
      ...count("stale", ({ health }) => health === "stale"),
      ...count("stuck", ({ health }) => health === "stuck"),
      ...(rate > 0 ? [rateText(rate)] : []),
    ].join(", "),
  );
}

function describeHidden(devices: readonly DeviceView[]): string {
  const needy = devices.filter(({ alarm, health }) => alarm !== undefined || health !== undefined).length;
  return `${devices.length} more${needy > 0 ? `, ${needy} of them need attention` : ", all quiet"}`;
}

type Style = "red" | "yellow" | "green" | "dim";

function stateOf(device: DeviceView, now: number): { readonly text: string; readonly style: Style } {
  const { alarm, health, since, learning, warmup, isAnswered, last } = device;
  if (alarm !== undefined) return { text: alarm === "" ? "ALARM" : `ALARM ${printable(alarm)}`, style: "red" };
  if (health !== undefined) return { text: `${health} ${spanText(Math.max(0, now - since))}`, style: "yellow" };
  if (learning !== undefined) return { text: `learning ${Math.floor(100 * learning)} %`, style: "dim" };
  if (warmup > 0) return { text: `warm-up ${warmup}`, style: "dim" };
  if (last === 0) return { text: "nothing yet", style: "dim" };
  const silence = now - last;
  if (silence > 60_000) return { text: `${spanText(silence)} ago`, style: "dim" };
  return isAnswered ? { text: "ok", style: "green" } : { text: "no answer", style: "dim" };
}

const nameOf = ({ stream, device }: DeviceView): string => printable(`${stream}/${device}`);

/** Cuts a text to a width, with an ellipsis in place of what is left out. */
function clip(text: string, width: number): string {
  const letters = Array.from(text);
  return letters.length <= width ? text : `${letters.slice(0, Math.max(0, width - 1)).join("")}…`;
}

/** Prints a number with four digits that mean something. */
export function numberText(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return "–";
  const size = Math.abs(value);
  if (size >= 1e5 || (size < 1e-3 && size > 0)) return value.toExponential(1);
  return String(Number(value.toPrecision(size >= 1000 ? 5 : 4)));
}

/** Prints a rate in a unit in which it is a number from 1 on. */
export function rateText(perSecond: number | undefined): string {
  if (perSecond === undefined) return "";
  const [rate, unit] =
    perSecond >= 1 ? [perSecond, "s"] : perSecond >= 1 / 60 ? [60 * perSecond, "min"] : [3600 * perSecond, "h"];
  return `${rate < 10 ? rate.toFixed(1) : Math.round(rate)}/${unit}`;
}
