import type { AlarmChange, Anomaly } from "../../host/alarm/types.ts";
import type { Stepped } from "../../host/mqtt/outcomes.ts";
import type { StreamView } from "../../host/web/series.ts";

/** A stream of two inputs with a forecast of the first, and a score. */
export const VIEW: StreamView = {
  name: "pump",
  model: "fake@aaaaaaaa",
  hasDetector: true,
  learns: false,
  stateBytes: 100,
  series: [
    { kind: "input", name: "speed", unit: "rpm", index: 0 },
    { kind: "input", name: "pressure", index: 1 },
    { kind: "residual", name: "next speed", unit: "rpm", index: 0, of: 0 },
    { kind: "score", name: "score", index: 0 },
  ],
};

/** A device advanced by a sample. */
export function step(device: string, time: number, sample: readonly number[], more: Partial<Stepped> = {}): Stepped {
  return {
    kind: "step",
    stream: "pump",
    device,
    time,
    sample,
    prediction: Float64Array.of(sample[0] ?? 0),
    residual: [0.5],
    isWarm: true,
    n: 1,
    anomaly: anomaly(-2),
    ...more,
  };
}

/** What a detector says. */
export function anomaly(score: number | null, more: Partial<Anomaly> = {}): Anomaly {
  return { detector: "d@bbbbbbbb", score, isAlarm: false, warmup: 0, isMuted: false, ...more };
}

/** An alarm that begins. */
export const begin = (since: number, text = "speed 7 rpm"): AlarmChange => {
  const cause = [{ input: "speed", share: 1, value: 7, kind: "sensor" as const }];
  return { isAlarm: true, since, score: 1.5, cause, text };
};

/** An alarm that ends. */
export const end = (since: number): AlarmChange => ({ isAlarm: false, since, score: 2, cause: [], text: "" });
