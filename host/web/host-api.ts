import { memoryUsage, uptime } from "node:process";
import type { HistogramValues } from "../metrics/exposition.ts";
import type { Measures } from "../metrics/measures.ts";
import type { Bridge, BridgeStatus } from "../mqtt/bridge.ts";
import type { BridgeCounters } from "../mqtt/counters.ts";

/** What the host is asked about. */
export interface HostSource {
  /** The bridge at work; undefined while one takes the place of another. */
  readonly bridge: () => Bridge | undefined;
  /** The broker, without login. */
  readonly broker: () => string;
  readonly viewers: () => number;
}

/** The host as the page gets it. */
export interface HostDescription extends BridgeStatus {
  readonly now: number;
  /** Seconds since the start. */
  readonly uptime: number;
  readonly broker: string;
  readonly counters: BridgeCounters | undefined;
  readonly totals: ReturnType<Bridge["totals"]> | undefined;
  /** Bytes. */
  readonly memory: { readonly rss: number; readonly heapUsed: number };
  readonly viewers: number;
}

/** Half of all take no longer, and 95 of 100; milliseconds, null while there are none. */
export interface Quantiles {
  readonly p50: number | null;
  readonly p95: number | null;
}

/** How long things take, since the start. */
export interface Latency {
  /** From the arrival of a message to its acknowledgement. */
  readonly messages: Quantiles;
  readonly commits: Quantiles;
}

/** Answers how long messages and commits take. */
export function describeLatency({ messages, commits }: Measures): Latency {
  const of = (histogram: HistogramValues) => ({ p50: quantile(histogram, 0.5), p95: quantile(histogram, 0.95) });
  return { messages: of(messages), commits: of(commits) };
}

/** As Prometheus does it: evenly within a bucket. */
function quantile({ bounds, counts }: HistogramValues, share: number): number | null {
  let left = share * Array.from(counts).reduce((sum, count) => sum + count, 0);
  if (left === 0) return null;
  for (const [k, bound] of bounds.entries()) {
    const count = counts[k] as number;
    const low = bounds[k - 1] ?? 0;
    if (left <= count) return 1000 * (low + (bound - low) * (left / count));
    left -= count;
  }
  return 1000 * (bounds.at(-1) as number);
}

/** What there is to tell of the host: the broker, what was counted, and what the process takes. */
export function describeHost({ bridge, broker, viewers }: HostSource): HostDescription {
  const { rss, heapUsed } = memoryUsage();
  const at = bridge();
  return {
    now: Date.now(),
    uptime: uptime(),
    broker: broker(),
    ...(at?.status() ?? { isConnected: false, pending: 0 }),
    counters: at?.counters(),
    totals: at?.totals(),
    memory: { rss, heapUsed },
    viewers: viewers(),
  };
}
