// Alarms of a detector over the rows of a file, each with its cause in words.

import type { Detector, Verdict } from "../../host/detect/detector.ts";
import type { DetectorFile } from "../../host/detect/file.ts";
import type { BlockName, ChannelParameters } from "../../host/detect/parameters.ts";
import { expectationOf } from "../../host/detect/real.ts";

/** A stretch of rows in alarm. */
export interface Alarm {
  readonly row: number;
  readonly time: number | undefined;
  lastRow: number;
  lastTime: number | undefined;
  /** Greatest distance of a score to its threshold, log2 units. */
  peak: number;
  /** What explains the peak. */
  cause: string;
}

/** Gathers the verdicts of rows into alarms. */
export class AlarmList {
  readonly alarms: Alarm[] = [];
  #isOpen = false;

  /** Takes the verdict of a row; `cause` is asked for when the row is the worst of its alarm so far. */
  take({ isAlarm, isAlert, score }: Verdict, row: number, time: number | undefined, cause: () => string): void {
    if (isAlert || (isAlarm && !this.#isOpen)) {
      this.alarms.push({ row, time, lastRow: row, lastTime: time, peak: score, cause: cause() });
    }
    this.#isOpen = isAlarm;
    const alarm = this.alarms.at(-1);
    if (!isAlarm || alarm === undefined) return;
    alarm.lastRow = row;
    alarm.lastTime = time;
    if (score <= alarm.peak) return;
    alarm.peak = score;
    alarm.cause = cause();
  }
}

/** Four digits, without an exponent where people would not write one. */
const short = (value: number): string => String(Number(value.toPrecision(4)));

/** Tells in words what explains a verdict: the channel, its value, and what is wrong with it. */
export function describeCause(
  file: DetectorFile,
  detector: Detector,
  verdict: Verdict,
  values: ArrayLike<number>,
): string {
  const c = verdict.channel;
  const input = file.spec.inputs[c] as DetectorFile["spec"]["inputs"][number];
  const channel = file.parameters.channels[c] as ChannelParameters;
  const unit = input.unit === undefined ? "" : ` ${input.unit}`;
  const reading = `${input.name} ${short(values[c] as number)}${unit}`;
  const { value, error } = expectationOf(channel, input.fraction, detector.expectedOf(c));
  const isLoud = (detector.featuresOf(c)[6] as number) > (file.parameters.noise.mean[c] as number);
  const words: Readonly<Record<BlockName, string>> = {
    sensor: `${reading}, expected ${short(value)} ± ${short(error)}`,
    relation: `${reading} does not fit the other channels`,
    noise: `${reading}, ${isLoud ? "noisier" : "quieter"} than usual`,
    time_of_day: `${reading} is unusual for the time of the period`,
    extreme: `${reading} is beyond all readings before`,
  };
  return words[verdict.block];
}
