// Numbers, times and spans in words.

const NUMBER = new Intl.NumberFormat("en", { maximumSignificantDigits: 4, useGrouping: true });
const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** What stands for a value that is not there. */
export const NONE = "–";

/** A reading with its unit, e.g. `2,951 rpm`. */
export function reading(value: number | null | undefined, unit?: string): string {
  if (value === null || value === undefined) return NONE;
  const size = Math.abs(value);
  const text = size !== 0 && (size >= 1e7 || size < 1e-4) ? value.toExponential(2) : NUMBER.format(value);
  return unit === undefined ? text : `${text} ${unit}`;
}

/** A whole number. */
export const count = (value: number): string => WHOLE.format(value);

/** A score: distance to the threshold, with its sign. */
export function score(value: number | null): string {
  if (value === null) return NONE;
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(1)}`;
}

/** A span of time, e.g. `3 min`. */
export function span(ms: number): string {
  if (ms < MINUTE) return `${Math.max(0, Math.round(ms / SECOND))} s`;
  if (ms < HOUR) return `${Math.round(ms / MINUTE)} min`;
  if (ms < 2 * DAY) return `${Math.floor(ms / HOUR)} h ${Math.round((ms % HOUR) / MINUTE)} min`;
  return `${Math.round(ms / DAY)} days`;
}

/** How often samples come, e.g. `20 a second`. */
export function rate(everyMs: number | null): string {
  if (everyMs === null || everyMs <= 0) return NONE;
  if (everyMs < SECOND) return `${NUMBER.format(Number((SECOND / everyMs).toPrecision(2)))} a second`;
  return `every ${span(everyMs)}`;
}

/** A time of day, with the date when it is not today's. */
export function moment(time: number, now: number = Date.now()): string {
  const date = new Date(time);
  const clock = date.toLocaleTimeString("en-GB");
  if (new Date(now).toDateString() === date.toDateString()) return clock;
  return `${date.toLocaleDateString("en-GB", { day: "numeric", month: "short" })} ${clock}`;
}

/** Bytes, e.g. `12.3 MB`. */
export function bytes(value: number): string {
  if (value < 1000) return `${value} bytes`;
  if (value < 1e6) return `${NUMBER.format(value / 1000)} kB`;
  return `${NUMBER.format(value / 1e6)} MB`;
}
