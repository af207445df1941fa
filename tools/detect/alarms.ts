// Alarms of a detector over the rows of a file.

import type { Verdict } from "../../host/detect/detector.ts";

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
