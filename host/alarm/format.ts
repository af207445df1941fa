import type { AlarmChange, Anomaly } from "./types.ts";

/** Score with as many digits as mean something. */
const scoreText = (score: number | null): string => (score === null ? "null" : String(Number(score.toFixed(3))));

/** Prints what a detector says of a sample as fields of a JSON object, without braces. */
export function formatAnomaly(anomaly: Anomaly): string {
  const { score, isAlarm, deviation, warmup, learning, reason, isMuted, isAcknowledged } = anomaly;
  let text = `"score":${scoreText(score)},"alarm":${isAlarm}`;
  if (deviation !== undefined) text += `,"deviation":${scoreText(deviation)}`;
  if (learning !== undefined) text += `,"learning":${Number(learning.toFixed(3))}`;
  if (reason !== undefined) text += `,"reason":${JSON.stringify(reason)}`;
  if (warmup > 0) text += `,"warmup":${warmup}`;
  if (isMuted) text += `,"muted":true`;
  if (isAcknowledged) text += `,"acknowledged":true`;
  return text;
}

/** What an alarm message says beside the change. */
export interface AlarmContext {
  /** Samples of the device so far. */
  readonly n: number;
  /** Time of the sample, Unix milliseconds. */
  readonly ts: number;
  /** `name@hash8`; undefined while a detector is learnt. */
  readonly detector: string | undefined;
}

/** Prints an alarm that begins or ends as one line of JSON. */
export function formatAlarm(change: AlarmChange, { n, ts, detector }: AlarmContext): string {
  const { isAlarm, since, score, cause, text, lastedMs } = change;
  return JSON.stringify({
    alarm: isAlarm,
    since,
    score: score === null ? null : Number(score.toFixed(3)),
    cause,
    ...(text !== "" && { text }),
    ...(lastedMs !== undefined && { lasted: lastedMs / 1000 }),
    n,
    ts,
    ...(detector !== undefined && { detector }),
  });
}
