// What `/metrics` tells. Names by https://prometheus.io/docs/practices/naming/: base units, counters end with `_total`.

import { cpuUsage, memoryUsage, uptime } from "node:process";
import type { Bridge } from "../mqtt/bridge.ts";
import type { BridgeCounters, StreamCounters } from "../mqtt/counters.ts";
import type { StreamOptions } from "../mqtt/stream.ts";
import { Exposition, type LabelledValue } from "./exposition.ts";
import type { Measures } from "./measures.ts";

/** A device, as far as it is measured. */
export interface MeasuredDevice {
  readonly stream: { readonly name: string };
  readonly name: string;
  /** Steps so far. */
  readonly n: number;
  readonly isAlarm: boolean;
  /** When something of it came last, Unix milliseconds. */
  readonly seen: number;
  readonly anomaly?: { readonly score: number | null } | undefined;
  attention(now: number): string;
}

/** What is measured. */
export interface MetricsSource {
  readonly bridge: Bridge | undefined;
  readonly streams: readonly StreamOptions[];
  readonly devices: readonly MeasuredDevice[];
  /** All states that `attention` of a device may answer. */
  readonly states: readonly string[];
  readonly measures: Measures;
  readonly viewers: number;
  readonly version: string;
  readonly now: number;
}

/** Names and help of the counters of a stream; those that are told otherwise have none. */
const STREAM_COUNTERS: Readonly<Record<keyof StreamCounters, readonly [name: string, help: string] | undefined>> = {
  received: ["messages_received_total", "Messages whose topic matches."],
  steps: ["steps_total", "Samples that a device was stepped by."],
  duplicate: ["duplicates_total", "Readings that came again after they were taken."],
  late: ["late_total", "Readings older than the device's latest."],
  alarms: ["alarms_total", "Alarms that began."],
  stale: ["stale_total", "Times a device became silent."],
  stuck: ["stuck_total", "Times a device was found to repeat a value for too long."],
  commands: ["commands_total", "Commands to devices, refused ones too."],
  held: ["held_total", "Messages whose values are remembered for later steps."],
  retained: ["retained_total", "Retained messages that answered a subscription; they are not stepped."],
  rejected: undefined,
  times_replaced: ["times_replaced_total", "Times in payloads that could not be right."],
  devices: undefined,
  evictions: ["evictions_total", "Devices that made room in memory; their state is in the state store."],
  restored: ["restored_total", "Devices whose state was found in the state store."],
  state_of_other_model: undefined,
  state_damaged: undefined,
};

/** Those of the bridge. */
const BRIDGE_COUNTERS: Readonly<
  Record<keyof Omit<BridgeCounters, "streams">, readonly [name: string, help: string] | undefined>
> = {
  unmatched: ["messages_unmatched_total", "Messages whose topic no stream takes."],
  published: ["published_total", "Predictions handed to the broker."],
  dropped: ["dropped_total", "Predictions lost because the broker did not take them in time."],
  refused: ["refused_total", "Messages that the broker refused."],
  commits: undefined,
  failed_commits: ["commit_failures_total", "Commits that failed and were tried again."],
  connections: undefined,
  sessions_lost: ["mqtt_sessions_lost_total", "Times the broker had forgotten the MQTT session."],
};

/**
 * Writes all metrics.
 *
 * @param hasDevices  whether series for each device are wanted; they cost the collector memory for each name that ever was
 */
export function writeMetrics(source: MetricsSource, hasDevices: boolean): string {
  const to = new Exposition();
  const counters = source.bridge?.counters();
  writeProcess(to, source);
  if (counters !== undefined) writeStreams(to, Object.entries(counters.streams));
  if (counters !== undefined) writeBridge(to, counters);
  writeConnection(to, source);
  writeInfo(to, source);
  writeStates(to, source);
  if (hasDevices) writeDevices(to, source.devices);
  return String(to);
}

function writeProcess(to: Exposition, { version, viewers }: MetricsSource): void {
  const { user, system } = cpuUsage();
  const labels = { version, node: process.versions.node, arch: process.arch };
  to.gauge("rivulet_build_info", "Version of the program.", [[labels, 1]]);
  to.gauge("rivulet_viewers", "Viewers of the page.", viewers);
  to.counter("process_cpu_seconds_total", "Processor time of the process.", (user + system) / 1e6);
  to.gauge("process_resident_memory_bytes", "Memory of the process.", memoryUsage().rss);
  const start = Math.round(Date.now() / 1000 - uptime());
  to.gauge("process_start_time_seconds", "When the process started, Unix seconds.", start);
}

function writeStreams(to: Exposition, streams: readonly (readonly [string, StreamCounters])[]): void {
  for (const [key, told] of Object.entries(STREAM_COUNTERS)) {
    if (told === undefined) continue;
    const values = streams.map(([stream, counts]) => [{ stream }, counts[key as "steps"]] as const);
    to.counter(`rivulet_${told[0]}`, told[1], values);
  }
  const rejected = streams.flatMap(([stream, counts]) =>
    Object.entries(counts.rejected).map(([reason, count]) => [{ stream, reason }, count] as const),
  );
  to.counter("rivulet_rejected_total", "Messages that were not stepped.", rejected);
  const cold = streams.flatMap(([stream, counts]) =>
    (["state_of_other_model", "state_damaged"] as const).map((reason) => [{ stream, reason }, counts[reason]] as const),
  );
  to.counter("rivulet_cold_starts_total", "Devices whose stored state could not be used.", cold);
  const resident = streams.map(([stream, { devices }]) => [{ stream }, devices] as const);
  to.gauge("rivulet_devices_in_memory", "Devices whose state is in memory.", resident);
}

function writeBridge(to: Exposition, counters: BridgeCounters): void {
  for (const [key, told] of Object.entries(BRIDGE_COUNTERS)) {
    if (told !== undefined) to.counter(`rivulet_${told[0]}`, told[1], counters[key as "published"]);
  }
  const reconnects = Math.max(0, counters.connections - 1);
  to.counter("rivulet_mqtt_reconnects_total", "Connections to the broker after the first.", reconnects);
}

function writeConnection(to: Exposition, { bridge, measures }: MetricsSource): void {
  const { isConnected = false, pending = 0 } = bridge?.status() ?? {};
  to.gauge("rivulet_mqtt_connected", "Whether the broker is connected: 1 or 0.", Number(isConnected));
  to.gauge("rivulet_messages_unacknowledged", "Messages that are not acknowledged yet.", pending);
  to.histogram("rivulet_commit_duration_seconds", "Time of a commit of the state store.", measures.commits);
  to.counter("rivulet_state_written_bytes_total", "Keys and values that were committed.", measures.writtenBytes);
  to.histogram(
    "rivulet_message_duration_seconds",
    "From the arrival of a message to its acknowledgement, after its answer and its commit.",
    measures.messages,
  );
}

function writeInfo(to: Exposition, { streams }: MetricsSource): void {
  const models = streams.flatMap(({ name: stream, runtime }): LabelledValue[] => {
    if (runtime.outputSize === 0) return []; // stands for no model
    const { spec, hash } = runtime.model;
    return [[{ stream, model: spec.name, hash, numeric: runtime.numeric, simd: String(runtime.simd) }, 1]];
  });
  to.gauge("rivulet_model_info", "The model of a stream.", models);
  const detectors = streams.flatMap(({ name: stream, alarms }): LabelledValue[] =>
    alarms === undefined ? [] : [[{ stream, detector: "learn" in alarms ? "auto" : alarms.file.id }, 1]],
  );
  to.gauge("rivulet_detector_info", "The detector of a stream.", detectors);
}

function writeStates(to: Exposition, { streams, devices, states, now }: MetricsSource): void {
  const counts = new Map(streams.map(({ name }) => [name, new Map(states.map((state) => [state, 0]))]));
  for (const device of devices) {
    const ofStream = counts.get(device.stream.name);
    const state = device.attention(now);
    ofStream?.set(state, (ofStream.get(state) ?? 0) + 1);
  }
  const values = [...counts].flatMap(([stream, ofStream]) =>
    [...ofStream].map(([state, count]) => [{ stream, state }, count] as const),
  );
  to.gauge("rivulet_devices", "Devices by what they need.", values);
}

function writeDevices(to: Exposition, devices: readonly MeasuredDevice[]): void {
  const each = (value: (device: MeasuredDevice) => number | null | undefined): LabelledValue[] =>
    devices.flatMap((device): LabelledValue[] => {
      const found = value(device);
      return typeof found === "number" ? [[{ stream: device.stream.name, device: device.name }, found]] : [];
    });
  to.gauge(
    "rivulet_device_alarm",
    "Whether a device is in alarm: 1 or 0.",
    each(({ isAlarm }) => Number(isAlarm)),
  );
  to.gauge(
    "rivulet_device_score",
    "Distance to the alarm, powers of 2.",
    each(({ anomaly }) => anomaly?.score),
  );
  to.gauge(
    "rivulet_device_seen_timestamp_seconds",
    "When something of a device came last, Unix seconds.",
    each(({ seen }) => seen / 1000),
  );
  to.counter(
    "rivulet_device_steps_total",
    "Steps of a device.",
    each(({ n }) => n),
  );
}
