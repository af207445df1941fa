/** How a time is written in a payload. */
export type TimeFormat = "unix" | "unix_ms" | "iso8601";

const MAX_TIME_MS = 8.64e15; // of a JavaScript Date
const ISO_8601 = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?)(Z|[+-]\d{2}(?::?\d{2})?)?)?$/i;

/** Reads a time of a payload as Unix milliseconds; undefined when it is not one. */
export function parseTime(value: unknown, format: TimeFormat): number | undefined {
  if (format === "iso8601") return typeof value === "string" ? parseIsoTime(value) : undefined;
  if (typeof value !== "number") return undefined;
  const ms = Math.round(format === "unix" ? value * 1000 : value);
  return Math.abs(ms) <= MAX_TIME_MS ? ms : undefined;
}

/**
 * Reads an ISO 8601 date or date and time as Unix milliseconds; undefined when it is not one, or its day does not exist. A time without a zone is
 * UTC: the same text must mean the same time on every machine.
 */
export function parseIsoTime(text: string): number | undefined {
  const match = ISO_8601.exec(text);
  if (match === null) return undefined;
  const [, date, time = "00:00", zone = "Z"] = match;
  const offset = zone.length === 3 ? `${zone}:00` : zone.replace(/^([+-]\d{2})(\d{2})$/, "$1:$2");
  // Date.parse takes 30 February for 1 March.
  if (new Date(`${date}T00:00Z`).getUTCDate() !== Number(date?.slice(8))) return undefined;
  const ms = Date.parse(`${date}T${time.replace(",", ".")}${offset.toUpperCase()}`);
  return Number.isNaN(ms) ? undefined : ms;
}
