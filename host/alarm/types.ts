// What a detector says of the samples of a device, as the host publishes it.

import type { BlockName } from "../detect/parameters.ts";

/** One input that explains a score. */
export interface Cause {
  readonly input: string;
  /** How much of the score it explains, 0 to 1. */
  readonly share: number;
  /** Reading of the sample. */
  readonly value: number;
  /** What the last eight readings let expect, and the usual error of that; where the sensor itself is what is wrong. */
  readonly expected?: number;
  readonly error?: number;
  readonly unit?: string;
  readonly kind: BlockName;
}

/** An alarm that begins or ends. */
export interface AlarmChange {
  readonly isAlarm: boolean;
  /** Time of the sample from which on it is so, Unix milliseconds. */
  readonly since: number;
  /** Greatest distance to the threshold so far, in powers of 2; null where an alarm was ended by a command. */
  readonly score: number | null;
  /** Of an alarm that begins, the greatest share first. */
  readonly cause: readonly Cause[];
  /** The cause in words; empty when an alarm ends. */
  readonly text: string;
  /** Of an alarm that ends: milliseconds since it began. */
  readonly lastedMs?: number;
}

/** What a detector says of a sample. */
export interface Anomaly {
  /** `name@hash8`; undefined while a detector is learnt. */
  readonly detector: string | undefined;
  /** Distance to the threshold in powers of 2, 0 and above is an alarm; null for a sample that is not judged. */
  readonly score: number | null;
  /** Whether the device is in alarm, as it was published. */
  readonly isAlarm: boolean;
  /** Samples still to come in which no alarm begins: at the start and after a gap. */
  readonly warmup: number;
  /** Share of the learning that is done, 0 to 1; undefined when it is over. */
  readonly learning?: number;
  /** Why learning takes longer than was asked for. */
  readonly reason?: string;
  /** Whether alarms are muted, by a command or after a gap. */
  readonly isMuted: boolean;
  /** In an alarm: how far the readings are from what was usual in the calibration, powers of 2, whatever thresholds got used to. */
  readonly deviation?: number;
  /** Whether somebody has said to know of the alarm that the device is in. */
  readonly isAcknowledged?: boolean;
  /** There when an alarm begins or ends with this sample. */
  readonly change?: AlarmChange;
}

/** How the alarms of a stream are told. */
export interface AlarmSettings {
  /** False alarms a week that are accepted for each device; default: what the detector was calibrated for. */
  readonly perWeek?: number | undefined;
  /** Milliseconds for which the detector has to be quiet before an alarm ends. Default: 0. */
  readonly holdMs?: number | undefined;
  /**
   * Milliseconds from its begin for which an alarm goes on while the readings are far from what was usual in the calibration, though
   * thresholds have got used to them. Default: 0, it ends when they have.
   */
  readonly whileUnusualMs?: number | undefined;
  /** Milliseconds that an alarm has to last before it is told. Default: 0. */
  readonly minDurationMs?: number | undefined;
  /** Milliseconds after a gap in the readings in which no alarm begins; default: 20 samples, as the detector has it. */
  readonly muteAfterGapMs?: number | undefined;
}
