import type { DetectorFile } from "../detect/file.ts";
import { withoutClock } from "../detect/parameters.ts";
import { withRate } from "../detect/thresholds.ts";
import type { ModelSpec } from "../model/types.ts";
import type { AlarmSettings } from "./types.ts";

/** How the devices of a stream are watched by a detector: what they all share. */
export interface AlarmPlan {
  readonly file: DetectorFile;
  /** Per channel of the detector: index of the stream's input. */
  readonly inputs: readonly number[];
  readonly settings: AlarmSettings;
  /** Whether samples have times of their own. */
  readonly isTimed: boolean;
  /** The model that the detector travels with; undefined: none. */
  readonly model: ModelSpec | undefined;
}

/** What a plan is made of. */
export interface AlarmPlanOptions {
  readonly file: DetectorFile;
  /** Names of the stream's inputs. */
  readonly inputs: readonly string[];
  readonly settings?: AlarmSettings;
  readonly isTimed: boolean;
  /** The model that the detector travels with; its residuals are looked at. */
  readonly model?: ModelSpec | undefined;
}

/**
 * Plans how a detector watches a stream.
 *
 * @throws {RangeError} when it watches an input that the stream does not have
 */
export function planAlarms({ file, inputs, settings = {}, isTimed, model }: AlarmPlanOptions): AlarmPlan {
  const places = file.spec.inputs.map(({ name }) => inputs.indexOf(name));
  const unknown = file.spec.inputs.filter((_, c) => places[c] === -1).map(({ name }) => `"${name}"`);
  if (unknown.length > 0) {
    const has = inputs.map((name) => `"${name}"`).join(", ");
    throw new RangeError(`the detector watches ${unknown.join(", ")}, which the stream does not have; it has ${has}`);
  }
  return { file, inputs: places, settings, isTimed, model };
}

/**
 * Checks that the settings of a stream can be kept to with a detector from a file.
 *
 * @throws {RangeError} when they need an interval that it does not have
 */
export function checkSettings({ spec }: DetectorFile, { muteAfterGapMs }: AlarmSettings): void {
  if (muteAfterGapMs === undefined || spec.interval !== undefined) return;
  throw new RangeError("mute_after_gap needs a detector that knows its interval; calibrate it with --interval");
}

/** The detector of a plan as devices use it: rows that are counted say nothing of the time of day. */
export function fileOf({ file, isTimed }: AlarmPlan): DetectorFile {
  if (isTimed && file.spec.interval !== undefined) return file;
  return { ...file, parameters: withoutClock(file.parameters) };
}

/** The detector with thresholds for another number of false alarms a week. */
export function fileWithRate(file: DetectorFile, perWeek: number | undefined): DetectorFile {
  const { spec, parameters } = file;
  if (perWeek === undefined || perWeek === spec.alarmsPerWeek) return file;
  const tracker = withRate(parameters.tracker, perWeek / spec.alarmsPerWeek);
  return { ...file, parameters: { ...parameters, tracker } };
}
