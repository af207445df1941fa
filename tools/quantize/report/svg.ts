// Inline SVG plots: no script, no fonts of their own, colours from the page's style.

/** Escapes text for HTML and SVG. */
export function escapeHtml(text: string): string {
  const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
  return text.replace(/[&<>"']/g, (character) => entities[character] as string);
}

/** A line of a plot; its class gives the colour. */
export interface Series {
  readonly name: string;
  readonly className: string;
  readonly values: readonly number[];
}

export interface PlotOptions {
  readonly title: string;
  /** Labels of the left and the right end of the x axis. */
  readonly ends: readonly [string, string];
  readonly xLabel: string;
  /** Whether the y axis starts at 0. */
  readonly fromZero?: boolean;
  /** Bars from the axis in place of a line. */
  readonly bars?: boolean;
}

const WIDTH = 460;
const HEIGHT = 210;
const LEFT = 62;
const RIGHT = WIDTH - 12;
const TOP = 30;
const BOTTOM = HEIGHT - 34;

const label = (value: number) => String(Number(value.toPrecision(2)));
const coordinate = (value: number) => String(Number(value.toFixed(1)));

/** Draws series of equal length over one x axis. */
export function plot(series: readonly Series[], options: PlotOptions): string {
  const ticks = ticksOf(series, options.fromZero ?? false);
  const [low, high] = [ticks[0] as number, ticks.at(-1) as number];
  const y = (value: number) => BOTTOM - ((value - low) / (high - low)) * (BOTTOM - TOP);
  const grid = ticks.map(
    (tick) =>
      `<line class="grid" x1="${LEFT}" x2="${RIGHT}" y1="${coordinate(y(tick))}" y2="${coordinate(y(tick))}"/>` +
      `<text class="tick" x="${LEFT - 6}" y="${coordinate(y(tick) + 3.5)}" text-anchor="end">${label(tick)}</text>`,
  );
  const draw = options.bars ? steps : line;
  const title = escapeHtml(options.title);
  return [
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}">`,
    `<text class="title" x="${LEFT}" y="14">${title}</text>`,
    legend(series),
    ...grid,
    ...series.map((one) => `<path class="${one.className}" d="${draw(one.values, y)}"/>`),
    `<text class="tick" x="${LEFT}" y="${BOTTOM + 14}">${escapeHtml(options.ends[0])}</text>`,
    `<text class="tick" x="${RIGHT}" y="${BOTTOM + 14}" text-anchor="end">${escapeHtml(options.ends[1])}</text>`,
    `<text class="tick" x="${(LEFT + RIGHT) / 2}" y="${BOTTOM + 28}" text-anchor="middle">${escapeHtml(options.xLabel)}</text>`,
    "</svg>",
  ].join("\n");
}

function legend(series: readonly Series[]): string {
  if (series.length < 2) return "";
  return series
    .map(({ name, className }, i) => {
      const x = RIGHT - 52 * (series.length - i);
      return (
        `<line class="${className} key" x1="${x}" x2="${x + 16}" y1="10" y2="10"/>` +
        `<text class="tick" x="${x + 20}" y="14">${escapeHtml(name)}</text>`
      );
    })
    .join("");
}

function line(values: readonly number[], y: (value: number) => number): string {
  const width = (RIGHT - LEFT) / Math.max(1, values.length - 1);
  return values.map((value, i) => `${i ? "L" : "M"}${coordinate(LEFT + i * width)} ${coordinate(y(value))}`).join("");
}

function steps(values: readonly number[], y: (value: number) => number): string {
  const width = (RIGHT - LEFT) / values.length;
  const tops = values.map((value, i) => `V${coordinate(y(value))}H${coordinate(LEFT + (i + 1) * width)}`);
  return `M${LEFT} ${coordinate(y(0))}${tops.join("")}V${coordinate(y(0))}`;
}

/** Three to seven round numbers that enclose all values. */
function ticksOf(series: readonly Series[], fromZero: boolean): number[] {
  let [low, high] = [fromZero ? 0 : Infinity, fromZero ? 0 : -Infinity];
  for (const { values } of series) {
    for (const value of values) {
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  if (!(high > low)) {
    const middle = Number.isFinite(low) ? low : 0;
    [low, high] = [fromZero ? middle : middle - 1, middle + 1];
  }
  const rough = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough * (1 - 1e-9)) as number);
  const first = Math.floor(low / step + 1e-9);
  const last = Math.ceil(high / step - 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
}
