import type { Detector } from "./detector.ts";
import type { DetectorFile } from "./file.ts";
import type { BlockName } from "./parameters.ts";

/** What a channel has to do with a score. */
export interface Cause {
  /** Name of the input. */
  readonly input: string;
  /** 0 to 1; those of all inputs sum to 1. */
  readonly share: number;
}

/** What a detector says of the latest row. */
export interface Anomaly {
  /** Greatest distance of a score to its threshold, powers of 2; 0 and above is an alarm, unless the detector warms up. */
  readonly score: number;
  readonly isAlarm: boolean;
  /**
   * How far the row is from what was usual in the calibration, powers of 2, whatever the thresholds have got used to: 3 and above is a
   * fault that lasts.
   */
  readonly deviation: number;
  /** Number of the row at which the alarm began; null without one. */
  readonly since: number | null;
  /** What the score looks at. */
  readonly block: BlockName;
  /** All inputs, that with the greatest share first. */
  readonly cause: readonly Cause[];
  /** Rows still to come in which there is no alarm: 20 at the start and after a gap, and none left when the detector watches. */
  readonly warmup: number;
}

/** Describes the latest row of a detector; a fresh object. */
export function anomalyOf({ spec }: Pick<DetectorFile, "spec">, detector: Detector): Anomaly {
  const { score, isAlarm, block, channel } = detector.verdict;
  const shares = detector.shares();
  // The verdict's channel is first among equals.
  const order = shares
    .map((_, c) => c)
    .sort((a, b) => (shares[b] as number) - (shares[a] as number) || +(b === channel));
  const cause = order.map((c) => ({ input: spec.inputs[c]?.name ?? "", share: shares[c] as number }));
  return {
    score,
    isAlarm,
    deviation: detector.deviation,
    since: detector.since ?? null,
    block,
    cause,
    warmup: detector.mutedRows,
  };
}
