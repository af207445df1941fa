import { type BridgeCounters, describeCounters } from "./counters.ts";
import type { LimitedLog, Logger } from "./log.ts";

/** What reports are made of. */
export interface ReportsOptions {
  readonly counters: BridgeCounters;
  readonly limited: LimitedLog;
  readonly log: Logger;
}

const PERIOD_MS = 60_000;

/** Logs what was counted, once a minute when there is news. */
export class Reports {
  readonly #options: ReportsOptions;
  #timer: NodeJS.Timeout | undefined;
  #reported = "";

  constructor(options: ReportsOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => this.report(), PERIOD_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Logs the counters if they changed since the last time. */
  report(): void {
    const { counters, limited, log } = this.#options;
    limited.flush();
    const { streams, ...bridge } = counters;
    const text = JSON.stringify(counters);
    if (text === this.#reported) return;
    this.#reported = text;
    for (const [name, stream] of Object.entries(streams))
      log.info(name, describeCounters(stream), "counters", { ...stream });
    const rest = describeBridge(bridge);
    if (rest !== "") log.info("bridge", rest, "counters", bridge);
  }
}

function describeBridge(counters: Omit<BridgeCounters, "streams">): string {
  return Object.entries(counters)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${count} ${name.replaceAll("_", " ")}`)
    .join(", ");
}
