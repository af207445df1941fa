import { createZone, type Zone } from "./zone.ts";

/** How a time is written in a payload. */
export type TimeFormat = "unix" | "unix_ms" | "unix_us" | "unix_ns" | "iso8601";

/** Where a payload tells its time, and when it is believed. */
export interface TimeOptions {
  /** Plain name or JSON Pointer. */
  readonly field: string;
  readonly format: TimeFormat;
  /** IANA name of the zone of times that tell none. Default: UTC. */
  readonly zone?: string;
  /**
   * Seconds by which a time may be later than its arrival; beyond, and before the year 2001, the device's clock is wrong and the
   * time of arrival stands instead. Default: every time is believed.
   */
  readonly maxFuture?: number;
}

const MAX_TIME_MS = 8.64e15; // of a JavaScript Date
const ISO_8601 = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?)(Z|[+-]\d{2}(?::?\d{2})?)?)?$/i;
const DECIMAL = /^\s*[-+]?\d+(\.\d+)?\s*$/;
/** Milliseconds of a unit. */
const UNITS = { unix: 1000, unix_ms: 1, unix_us: 1e-3, unix_ns: 1e-6 } as const;

/** Reads a time of a payload as Unix milliseconds; undefined when it is not one. Unix times may be text. */
export function parseTime(value: unknown, format: TimeFormat, zone?: Zone): number | undefined {
  if (format === "iso8601") return typeof value === "string" ? parseIsoTime(value, zone) : undefined;
  const number = typeof value === "string" && DECIMAL.test(value) ? Number(value) : value;
  if (typeof number !== "number" && typeof number !== "bigint") return undefined;
  const ms = Math.round(Number(number) * UNITS[format]);
  return Math.abs(ms) <= MAX_TIME_MS ? ms : undefined;
}

/**
 * Reads an ISO 8601 date or date and time as Unix milliseconds; undefined when it is not one, or its day does not exist. A time
 * that tells no zone is of `zone`, which is UTC by default: the same text must mean the same time on every machine.
 */
export function parseIsoTime(text: string, zone?: Zone): number | undefined {
  const match = ISO_8601.exec(text);
  if (match === null) return undefined;
  const [, date, time = "00:00", written] = match;
  const known = written ?? "Z";
  const offset = known.length === 3 ? `${known}:00` : known.replace(/^([+-]\d{2})(\d{2})$/, "$1:$2");
  // Date.parse takes 30 February for 1 March.
  if (new Date(`${date}T00:00Z`).getUTCDate() !== Number(date?.slice(8))) return undefined;
  const ms = Date.parse(`${date}T${time.replace(",", ".")}${offset.toUpperCase()}`);
  if (Number.isNaN(ms)) return undefined;
  return written === undefined && zone !== undefined ? zone.toUnix(ms) : ms;
}

/** A time that was read. */
export interface TimeRead {
  /** Unix milliseconds; undefined: the time of arrival stands. */
  readonly time: number | undefined;
  readonly isReplaced: boolean;
}

/** No clock that was ever set is before this: 9 September 2001, when Unix times in seconds got ten digits. */
const LEAST_BELIEVED_MS = 1e12;

/** Makes a function that reads the time of a payload and judges it; it answers undefined for what is no time. */
export function createTimeReader(
  options: Omit<TimeOptions, "field">,
): (value: unknown, now: () => number) => TimeRead | undefined {
  const { format, maxFuture } = options;
  const zone = options.zone === undefined ? undefined : createZone(options.zone);
  return (value, now) => {
    const time = parseTime(value, format, zone);
    if (time === undefined) return undefined;
    const isBelieved = maxFuture === undefined || (time >= LEAST_BELIEVED_MS && time <= now() + 1000 * maxFuture);
    return isBelieved ? { time, isReplaced: false } : { time: undefined, isReplaced: true };
  };
}
