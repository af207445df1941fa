const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1e3, min: 6e4, m: 6e4, h: 3.6e6, d: 8.64e7, w: 6.048e8 };
const DURATION = /^(\d+(?:\.\d+)?) ?(ms|s|min|m|h|d|w)$/;
/** A hundred years. */
const LONGEST_MS = 100 * 365.25 * 8.64e7;

/** What a duration looks like, for messages. */
export const DURATION_HINT = "a duration such as 30s, 10m, 2h, 1d or 1w";

/** Reads a duration: `30s`, `10m`, `2h`, `1d`, `1w`, `500ms`, or a number of seconds; milliseconds, or undefined when it is none. */
export function parseDuration(value: unknown): number | undefined {
  const ms = typeof value === "number" ? 1000 * value : typeof value === "string" ? parseText(value) : undefined;
  return ms !== undefined && ms >= 0 && ms <= LONGEST_MS ? ms : undefined;
}

function parseText(text: string): number | undefined {
  const [, count, unit] = DURATION.exec(text.trim()) ?? [];
  return count === undefined ? undefined : Number(count) * (UNITS[unit as string] as number);
}
