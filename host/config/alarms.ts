import { parseDuration } from "../alarm/duration.ts";
import type { LearningPlan } from "../alarm/learning-alarm.ts";
import type { AlarmSettings } from "../alarm/types.ts";
import { LEAST_ROWS } from "../detect/calibrate.ts";
import type { Path, Problem } from "./document.ts";
import type { StreamConfig } from "./schema.ts";

const DEFAULT_LEARN_ROWS = 1000;
const DEFAULT_WHILE_UNUSUAL = "1d";
const PERIODS: Readonly<Record<string, string>> = { day: "1d", week: "1w" };

/** Checks what a stream says of its model and its alarms; adds to `problems` what is wrong. */
export function checkAlarms(config: StreamConfig, path: Path, problems: Problem[]): void {
  const { model, detector } = config;
  const fault = (key: string, message: string) => problems.push({ path: [...path, key], message });
  if (model === undefined) {
    for (const key of ["numeric", "reset", "overlap"] as const) {
      if (config[key] !== undefined) fault(key, "belongs to a model, there is none");
    }
  }
  if (detector === "auto") checkLearning(config, fault);
  for (const key of ["learn", "period"] as const) {
    if (config[key] !== undefined && detector !== "auto") fault(key, "belongs to detector: auto");
  }
}

function checkLearning(config: StreamConfig, fault: (key: string, message: string) => void): void {
  const { model, inputs, payload, learn, period } = config;
  if (model === undefined && inputs === undefined && payload !== "number") {
    fault("detector", 'auto needs "inputs", the names of the fields to watch; a payload of number does not');
  }
  if (typeof learn === "number" && learn < LEAST_ROWS) {
    fault("learn", `found ${learn}, expected at least ${LEAST_ROWS} samples; 500 or more are better`);
  }
  const [learnMs, periodMs] = [typeof learn === "string" ? parseDuration(learn) : undefined, periodOf(config)];
  if (learnMs !== undefined && typeof periodMs === "number" && learnMs < 2 * periodMs) {
    fault("period", `a period of ${period} has to fit twice into what is learnt, which is ${learn}`);
  }
}

/** How a stream with `detector: auto` learns its inputs. */
export function learningPlan(config: StreamConfig, inputs: readonly string[]): LearningPlan {
  const { learn = DEFAULT_LEARN_ROWS, time } = config;
  return {
    inputs,
    learn: typeof learn === "number" ? { rows: learn } : { ms: parseDuration(learn) ?? 0 },
    periodMs: periodOf(config),
    settings: alarmSettings(config),
    isTimed: time !== undefined,
  };
}

function periodOf({ period = "auto" }: StreamConfig): LearningPlan["periodMs"] {
  if (period === "auto") return "auto";
  return period === "none" ? undefined : parseDuration(PERIODS[period] ?? period);
}

/** The settings of a stream's alarms. */
export function alarmSettings({ alarms = {} }: StreamConfig): AlarmSettings {
  const { per_week: perWeek, hold, min_duration: minDuration, mute_after_gap: muteAfterGap } = alarms;
  return {
    perWeek,
    holdMs: parseDuration(hold),
    whileUnusualMs: parseDuration(alarms.while_unusual ?? DEFAULT_WHILE_UNUSUAL),
    minDurationMs: parseDuration(minDuration),
    muteAfterGapMs: parseDuration(muteAfterGap),
  };
}
