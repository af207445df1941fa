import type { Logger } from "../mqtt/log.ts";
import { printable } from "../printable.ts";

/** A line of the log, as the page shows it. */
export interface LogLine {
  readonly time: number;
  readonly level: "info" | "warn" | "error";
  readonly scope: string;
  readonly text: string;
}

const MOST_LINES = 200;

/** The latest lines of the log. */
export interface LogLines extends Logger {
  readonly latest: readonly LogLine[];
}

/** Has a logger keep its latest lines. */
export function keepLines(log: Logger, now: () => number = Date.now): LogLines {
  const latest: LogLine[] = [];
  const line =
    (level: LogLine["level"]): Logger["info"] =>
    (scope, text, ...more) => {
      latest.push({ time: now(), level, scope: printable(scope), text: printable(text).slice(0, 1000) });
      if (latest.length > MOST_LINES) latest.shift();
      log[level](scope, text, ...more);
    };
  return { latest, info: line("info"), warn: line("warn") as Logger["warn"], error: line("error") };
}
