import { parseDuration } from "../alarm/duration.ts";
import type { AlarmSettings } from "../alarm/types.ts";
import type { Path, Problem } from "./document.ts";
import type { StreamConfig } from "./schema.ts";

/** Checks what a stream says of its model and its alarms; adds to `problems` what is wrong. */
export function checkAlarms(config: StreamConfig, path: Path, problems: Problem[]): void {
  const { model, detector, alarms } = config;
  if (model === undefined) {
    for (const key of ["numeric", "reset", "overlap"] as const) {
      if (config[key] !== undefined)
        problems.push({ path: [...path, key], message: "belongs to a model, there is none" });
    }
  }
  if (alarms !== undefined && detector === undefined) {
    problems.push({ path: [...path, "alarms"], message: 'alarms come from a "detector", there is none' });
  }
}

/** The settings of a stream's alarms. */
export function alarmSettings({ alarms = {} }: StreamConfig): AlarmSettings {
  const { per_week: perWeek, hold, min_duration: minDuration, mute_after_gap: muteAfterGap } = alarms;
  return {
    perWeek,
    holdMs: parseDuration(hold),
    minDurationMs: parseDuration(minDuration),
    muteAfterGapMs: parseDuration(muteAfterGap),
  };
}
