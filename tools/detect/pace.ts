// How far rows are apart, and the period of readings.

import { CliError, UsageError } from "../errors.ts";

/** Seconds of a week. */
export const WEEK_S = 7 * 86400;
const PERIODS: Readonly<Record<string, number>> = { day: 86400, week: WEEK_S };
/** Times that differ by more than this factor contradict an interval. */
const AGREE = 1.5;

interface Asked {
  readonly data: string;
  readonly time?: string;
  readonly interval?: number;
  readonly period: string;
}

/**
 * The seconds between two rows: what is asked for, what the times say, or what the model was trained with.
 *
 * @param found  what the times say
 * @throws {CliError} when they contradict each other
 * @throws {UsageError} when nothing tells
 */
export function chooseInterval(
  { interval, data, time }: Asked,
  found: number | undefined,
  ofModel: number | undefined,
): number {
  const isFar = (a: number, b: number | undefined) => b !== undefined && (a < b / AGREE || a > b * AGREE);
  if (interval !== undefined && isFar(interval, found)) {
    throw new CliError(`${data}: --interval is ${interval} s, the times say ${found} s`);
  }
  const chosen = interval ?? found;
  if (chosen !== undefined && isFar(chosen, ofModel)) {
    throw new CliError(`${data}: Rows are ${chosen} s apart, the model was trained with ${ofModel} s`);
  }
  if (interval === undefined && ofModel !== undefined) return ofModel;
  if (chosen !== undefined) return chosen;
  const hint = time === undefined ? "name the column of the time with --time, or" : "the times do not tell it;";
  throw new UsageError(`How far rows are apart is not known: ${hint} give --interval SECONDS`);
}

/**
 * The period in rows: what is asked for; with `auto` a day, where it fits twice into the data.
 *
 * @throws {UsageError} when it is none
 */
export function choosePeriod({ period: text }: Asked, interval: number, rows: number): number | undefined {
  if (text === "none") return undefined;
  const given = PERIODS[text] === undefined ? Number(text) : Math.round((PERIODS[text] as number) / interval);
  if (text !== "auto") {
    if (!Number.isInteger(given) || given < 2) {
      throw new UsageError(`--period: Found ${text}, expected auto, none, day, week or a number of rows, 2 at least`);
    }
    return given;
  }
  const day = Math.round(86400 / interval);
  return day > 3 && 2 * day <= rows ? day : undefined;
}
