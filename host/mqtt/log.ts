import { printable, printableJson } from "../printable.ts";
import { eventOfKind, type LimitedEvent, type LogEvent, type LogFields } from "./log-events.ts";

/** Takes what an operator should know, one line each; `scope` is a stream or a part of the host, such as `broker`. */
export interface Logger {
  info(scope: string, text: string, event: LogEvent, fields?: LogFields): void;
  warn(scope: string, text: string, event: LogEvent | LimitedEvent, fields?: LogFields): void;
  error(scope: string, text: string, event: LogEvent, fields?: LogFields): void;
}

/** What a configuration says of the log. */
export interface LogSettings {
  /** `json`: an object in each line. */
  readonly format: "text" | "json";
  /** The least that is written. */
  readonly level: "info" | "warn" | "error";
}

/** What a logger writes with. */
export interface LoggerOptions {
  /** Clock, Unix milliseconds; default: the system's. */
  readonly now?: () => number;
  /** Whether the journal of systemd takes the lines: it has a time of its own, and takes the level from `<4>` in front. Default: false. */
  readonly isJournal?: boolean;
}

/** A logger whose format can change while it is used. */
export interface ConfigurableLogger extends Logger {
  /** Writes like this from now on; before, as text from `info` on. */
  readonly configure: (settings: LogSettings) => void;
}

/** Priorities of syslog, which are in order of severity. */
const PRIORITIES = { error: 3, warn: 4, info: 6 } as const;

/**
 * Makes a logger that writes lines such as `2026-01-01T00:00:00.000Z info pump: 12 devices`, or objects with `time`, `level`, `scope`,
 * `event`, `text` and what else is known; each line is printable.
 */
export function createLogger(
  output: { write(text: string): unknown },
  options: LoggerOptions = {},
): ConfigurableLogger {
  const { now = Date.now, isJournal = false } = options;
  let settings: LogSettings = { format: "text", level: "info" };
  const line =
    (level: LogSettings["level"]) =>
    (scope: string, text: string, event: string, fields: LogFields = {}) => {
      if (PRIORITIES[level] > PRIORITIES[settings.level]) return;
      const time = new Date(now()).toISOString();
      const prefix = isJournal ? `<${PRIORITIES[level]}>` : "";
      const plain = isJournal ? `${level} ` : `${time} ${level} `;
      const entry = { ...fields, time, level, scope, event, text };
      const body = settings.format === "json" ? printableJson(entry) : plain + printable(`${scope}: ${text}`);
      output.write(`${prefix}${body}\n`);
    };
  return {
    info: line("info"),
    warn: line("warn"),
    error: line("error"),
    configure: (next) => {
      settings = next;
    },
  };
}

/** Warns of things that may happen thousands of times a second: at once the first time, then at most once a period. */
export interface LimitedLog {
  /** Warns, or counts when the last warning of this scope and kind is younger than the period. */
  note(scope: string, kind: string, text: string): void;
  /** Writes the counts whose period is over. */
  flush(): void;
}

/** Makes a limited log; `periodMs` is the least time between two warnings of a kind. */
export function createLimitedLog(log: Logger, now: () => number, periodMs = 60_000): LimitedLog {
  const kinds = new Map<string, { scope: string; kind: string; text: string; since: number; count: number }>();
  return {
    note(scope, kind, text) {
      const key = `${scope} ${kind}`;
      const known = kinds.get(key);
      if (known === undefined || (known.count === 0 && now() - known.since >= periodMs)) {
        kinds.set(key, { scope, kind, text, since: now(), count: 0 });
        log.warn(scope, `${kind}: ${text}`, eventOfKind(kind), { count: 1 });
        return;
      }
      known.count++;
      known.text = text;
    },
    flush() {
      for (const entry of kinds.values()) {
        if (entry.count === 0 || now() - entry.since < periodMs) continue;
        const { scope, kind, count, text } = entry;
        log.warn(scope, `${kind}: ${count} more; the last: ${text}`, eventOfKind(kind), { count });
        entry.since = now();
        entry.count = 0;
      }
    },
  };
}
