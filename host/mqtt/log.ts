import { printable } from "../printable.ts";

/** Takes what an operator should know, one line each; `scope` is a stream or a part of the host, such as `broker`. */
export interface Logger {
  info(scope: string, text: string): void;
  warn(scope: string, text: string): void;
  error(scope: string, text: string): void;
}

/** Makes a logger that writes lines such as `2026-01-01T00:00:00.000Z info pump: 12 devices`, each of them printable. */
export function createLogger(output: { write(text: string): unknown }, now: () => number = Date.now): Logger {
  const line = (level: string) => (scope: string, text: string) => {
    output.write(`${new Date(now()).toISOString()} ${level} ${printable(`${scope}: ${text}`)}\n`);
  };
  return { info: line("info"), warn: line("warn"), error: line("error") };
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
        log.warn(scope, `${kind}: ${text}`);
        return;
      }
      known.count++;
      known.text = text;
    },
    flush() {
      for (const entry of kinds.values()) {
        if (entry.count === 0 || now() - entry.since < periodMs) continue;
        log.warn(entry.scope, `${entry.kind}: ${entry.count} more; the last: ${entry.text}`);
        entry.since = now();
        entry.count = 0;
      }
    },
  };
}
