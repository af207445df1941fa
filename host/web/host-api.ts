import { memoryUsage, uptime } from "node:process";
import type { Bridge } from "../mqtt/bridge.ts";

/** What the host is asked about. */
export interface HostSource {
  /** The bridge at work; undefined while one takes the place of another. */
  readonly bridge: () => Bridge | undefined;
  /** The broker, without login. */
  readonly broker: () => string;
  readonly viewers: () => number;
}

/** What there is to tell of the host: the broker, what was counted, and what the process takes. */
export function describeHost({ bridge, broker, viewers }: HostSource) {
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
