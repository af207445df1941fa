import { memoryUsage, uptime } from "node:process";
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
