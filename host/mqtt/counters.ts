import type { Reason } from "../stream/payload.ts";
import type { MessageOutcome } from "./outcomes.ts";

/** What happened in one stream since the start. */
export interface StreamCounters {
  /** Messages whose topic matches. */
  received: number;
  steps: number;
  /** Readings that came again after they were taken; they are acknowledged, and change nothing. */
  duplicate: number;
  /** Readings that are older than the device's latest, by the number or time that they carry; stepped or dropped as the stream says. */
  late: number;
  /** Alarms that began. */
  alarms: number;
  /** Times a device became silent. */
  stale: number;
  /** Times a device was found to repeat a value for too long. */
  stuck: number;
  /** Commands to devices, refused ones too. */
  commands: number;
  /** Messages whose values are remembered for later steps. */
  held: number;
  /** Retained messages that answer a subscription; they are old news, and never step the model. */
  retained: number;
  /** Messages that were not stepped, by reason. */
  rejected: Partial<Record<Reason, number>>;
  /** Times of payloads that could not be right, for which the time of arrival stands. */
  times_replaced: number;
  /** Devices in memory now. */
  devices: number;
  /** Devices whose state was put into the state store to make room. */
  evictions: number;
  /** Devices whose state was found in the state store. */
  restored: number;
  /** Devices that start cold because the stored state is of another model; it is kept under `quarantine/`. */
  state_of_other_model: number;
  /** Devices that start cold because the stored state is damaged; it is kept under `quarantine/`. */
  state_damaged: number;
}

/** What happened since the start. */
export interface BridgeCounters {
  readonly streams: Readonly<Record<string, StreamCounters>>;
  /** Messages whose topic no stream's template matches. */
  unmatched: number;
  /** Predictions handed to the broker. */
  published: number;
  /** Predictions lost because the broker did not take them in time. */
  dropped: number;
  /** Messages that the broker refused, which it tells in MQTT 5 for QoS 1. */
  refused: number;
  /** Group commits of the state store. */
  commits: number;
  /** Commits that failed and were tried again. */
  failed_commits: number;
  /** Times the connection was opened. */
  connections: number;
  /** Times the broker had forgotten our MQTT session, and with it messages. */
  sessions_lost: number;
}

/** Makes counters of zeros. */
export function createCounters(streams: readonly string[]): BridgeCounters {
  return {
    streams: Object.fromEntries(streams.map((name) => [name, createStreamCounters()])),
    unmatched: 0,
    published: 0,
    dropped: 0,
    refused: 0,
    commits: 0,
    failed_commits: 0,
    connections: 0,
    sessions_lost: 0,
  };
}

function createStreamCounters(): StreamCounters {
  return {
    received: 0,
    steps: 0,
    duplicate: 0,
    late: 0,
    alarms: 0,
    stale: 0,
    stuck: 0,
    commands: 0,
    held: 0,
    retained: 0,
    rejected: {},
    times_replaced: 0,
    devices: 0,
    evictions: 0,
    restored: 0,
    state_of_other_model: 0,
    state_damaged: 0,
  };
}

/** Counts what became of a message. */
export function countOutcome(counters: StreamCounters, outcome: MessageOutcome): void {
  if (outcome.kind === "step") {
    counters.steps++;
    if (outcome.anomaly?.change?.isAlarm) counters.alarms++;
  } else if (outcome.kind === "hold") counters.held++;
  else if (outcome.kind === "command") counters.commands++;
  else counters.rejected[outcome.reason] = (counters.rejected[outcome.reason] ?? 0) + 1;
}

/** Prints the counters of a stream that are not zero, e.g. `1200 received, 1198 steps, 2 not_json, 12 devices`. */
export function describeCounters(counters: StreamCounters): string {
  const { rejected, ...counts } = counters;
  const parts = Object.entries({ ...counts, ...rejected }).filter(([name, count]) => count > 0 || name === "received");
  return parts.map(([name, count]) => `${count} ${name.replaceAll("_", " ")}`).join(", ");
}
