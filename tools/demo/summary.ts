// The demo in words.

import { type Plant, RATE_HZ } from "./plant.ts";

/** Seconds after the start at which a pump takes its sample `step`. */
export const secondsOf = (step: number) => step / RATE_HZ;

/** One line: time, pumps, predictions, latency. */
export function describeStats({ watches, stats }: Pick<Plant, "watches" | "stats">, elapsedMs: number): string {
  const seconds = (elapsedMs / 1000).toFixed(0).padStart(3);
  const { p50, p95 } = percentiles(stats.latencies);
  return `${seconds} s  ${watches.length} pumps  ${stats.answered} predictions  latency ${p50} / ${p95} ms (p50 / p95)`;
}

function percentiles(latencies: readonly number[]): { p50: string; p95: string } {
  const sorted = latencies.toSorted((a, b) => a - b);
  const at = (share: number) => (sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(1);
  return { p50: at(0.5), p95: at(0.95) };
}

/** When the bearing failed, and when that was seen. */
export function describeFailure({ failing }: Pick<Plant, "failing">, failAt: number): string {
  const { name, detectedAt, detectedBy } = failing;
  const detected =
    detectedAt === undefined
      ? "not detected yet"
      : `detected at ${secondsOf(detectedAt).toFixed(1)} s: ${detectedBy ?? "alarm"}`;
  return `${name}: bearing fails from ${secondsOf(failAt).toFixed(1)} s on, ${detected}`;
}

/** What to print at the end, false alarms included. */
export function summarise(plant: Omit<Plant, "stop" | "shown">, failAt: number): string {
  const { failing, stats, watches } = plant;
  const { p50, p95 } = percentiles(stats.latencies);
  const falseAlarms = watches.filter((watch) => watch !== failing && watch.detectedAt !== undefined);
  const lines = [
    "",
    `${stats.published} readings published, ${stats.answered} predictions received`,
    `latency from reading to prediction: p50 ${p50} ms, p95 ${p95} ms`,
    describeFailure(plant, failAt),
    ...falseAlarms.map(({ name, detectedAt = 0 }) => `${name}: false alarm at ${secondsOf(detectedAt).toFixed(1)} s`),
  ];
  return `${lines.join("\n")}\n`;
}
