import { printable } from "../printable.ts";
import type { Attention } from "./attention.ts";
import { short } from "./bins.ts";
import type { AlarmSpan, WatchedDevice } from "./watched-device.ts";

/** A device in the list of all. */
export interface Row {
  readonly stream: string;
  /** Key of the device. */
  readonly device: string;
  /** The key as it may be shown. */
  readonly label: string;
  readonly attention: Attention;
  readonly isMuted: boolean;
  /** Share of the learning that is done, 0 to 1. */
  readonly learning?: number;
  /** Samples still to come in which no alarm begins. */
  readonly warmup: number;
  /** Latest readings, in the order of the stream's inputs. */
  readonly values: readonly (number | null)[];
  readonly score: number | null;
  /** The alarm that it is in. */
  readonly alarm?: Pick<AlarmSpan, "from" | "text">;
  /** What is wrong with a device that is silent or stuck, where the bridge tells it. */
  readonly trouble?: { readonly since: number; readonly text: string };
  /** Usual time between two samples, ms. */
  readonly every: number | null;
  /** Of the latest sample, and of its arrival; Unix milliseconds. */
  readonly time: number;
  readonly seen: number;
  readonly spark: readonly (number | null)[];
}

/** A device as the list shows it. */
export function rowOf(device: WatchedDevice, now: number): Row {
  const { stream, name, values, anomaly, isAlarm, health, every, time, seen } = device;
  const { series } = stream;
  const alarm = isAlarm ? device.alarms.at(-1) : undefined;
  return {
    stream: stream.name,
    device: name,
    label: printable(name),
    attention: device.attention(now),
    isMuted: anomaly?.isMuted === true,
    ...(anomaly?.learning !== undefined && { learning: anomaly.learning }),
    warmup: Math.max(device.warmup, anomaly?.warmup ?? 0),
    values: series.flatMap(({ kind }, s) => (kind === "input" ? [short(values[s] as number)] : [])),
    score: anomaly?.score ?? null,
    ...(alarm && { alarm: { from: alarm.from, text: printable(alarm.text) } }),
    ...(health?.why != null && { trouble: { since: health.since, text: printable(health.why) } }),
    every: short(every),
    time,
    seen,
    spark: device.spark(),
  };
}

/** More of a device, for its own page. */
export interface Details extends Row {
  readonly n: number;
  readonly rejected: number;
  /** Latest prediction, per output. */
  readonly prediction: readonly (number | null)[];
  /** Usual error of each residual, per series. */
  readonly spread: readonly (number | null)[];
  readonly alarms: readonly AlarmSpan[];
  readonly model: string | undefined;
  readonly detector: string | undefined;
  /** Why learning takes longer than was asked for. */
  readonly reason?: string;
}

/** A device as its own page shows it. */
export function detailsOf(device: WatchedDevice, now: number): Details {
  const { anomaly, stream } = device;
  return {
    ...rowOf(device, now),
    n: device.n,
    rejected: device.rejected,
    prediction: Array.from(device.prediction, short),
    spread: Array.from(device.spread, short),
    alarms: device.alarms.map((span) => ({ ...span, text: printable(span.text) })),
    model: stream.model,
    detector: anomaly?.detector,
    ...(anomaly?.reason !== undefined && { reason: anomaly.reason }),
  };
}
