import type { BridgeStatus } from "../mqtt/bridge.ts";

/** A device, as far as its source is watched. */
export interface HeardDevice {
  readonly stream: { readonly name: string };
  /** When something of it came last, Unix milliseconds; 0: never. */
  readonly seen: number;
  /** Usual time between two samples, ms; NaN before the second. */
  readonly every: number;
}

/** What a host is asked about. */
export interface ReadinessSource {
  /** Undefined while there is no bridge. */
  readonly status: BridgeStatus | undefined;
  readonly hasCommitFailed: boolean;
  readonly streams: readonly string[];
  readonly devices: Iterable<HeardDevice>;
  /** Unix milliseconds. */
  readonly now: number;
}

const QUIET_GAPS = 10;
const LEAST_QUIET_MS = 30_000;
/** For a device of which only one sample has come. */
const FIRST_QUIET_MS = 3_600_000;

/** Tells what keeps a host from giving predictions: of each stream, at least one device has to be heard as often as usual. */
export function findUnready({ status, hasCommitFailed, streams, devices, now }: ReadinessSource): string[] {
  const problems: string[] = [];
  if (status?.isConnected !== true) problems.push("broker: not connected and subscribed");
  if (hasCommitFailed) problems.push("state: the last commit failed; the log tells why");
  const latest = new Map<string, number>();
  const fresh = new Set<string>();
  for (const { stream, seen, every } of devices) {
    latest.set(stream.name, Math.max(seen, latest.get(stream.name) ?? 0));
    const quiet = Number.isNaN(every) ? FIRST_QUIET_MS : Math.max(LEAST_QUIET_MS, QUIET_GAPS * every);
    if (now - seen <= quiet) fresh.add(stream.name);
  }
  for (const stream of streams) {
    if (fresh.has(stream)) continue;
    const last = latest.get(stream) ?? 0;
    const since = last === 0 ? "no reading has come yet" : `no reading since ${new Date(last).toISOString()}`;
    problems.push(`stream ${stream}: ${since}`);
  }
  return problems;
}
