import type { DetectorFile } from "../detect/file.ts";
import { withRate } from "../detect/thresholds.ts";
import type { AlarmSettings } from "./types.ts";

/** How the devices of a stream are watched by a detector: what they all share. */
export interface AlarmPlan {
  readonly file: DetectorFile;
  /** Per channel of the detector: index of the stream's input. */
  readonly inputs: readonly number[];
  readonly settings: AlarmSettings;
  /** Whether samples have times of their own. */
  readonly isTimed: boolean;
}

/** What a plan is made of. */
export interface AlarmPlanOptions {
  readonly file: DetectorFile;
  /** Names of the stream's inputs. */
  readonly inputs: readonly string[];
  readonly settings?: AlarmSettings;
  readonly isTimed: boolean;
}

/**
 * Plans how a detector watches a stream.
 *
 * @throws {RangeError} when it watches an input that the stream does not have
 */
export function planAlarms({ file, inputs, settings = {}, isTimed }: AlarmPlanOptions): AlarmPlan {
  const places = file.spec.inputs.map(({ name }) => inputs.indexOf(name));
  const unknown = file.spec.inputs.filter((_, c) => places[c] === -1).map(({ name }) => `"${name}"`);
  if (unknown.length > 0) {
    const has = inputs.map((name) => `"${name}"`).join(", ");
    throw new RangeError(`the detector watches ${unknown.join(", ")}, which the stream does not have; it has ${has}`);
  }
  return { file, inputs: places, settings, isTimed };
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

/** The detector with thresholds for another number of false alarms a week. */
export function fileWithRate(file: DetectorFile, perWeek: number | undefined): DetectorFile {
  const { spec, parameters } = file;
  if (perWeek === undefined || perWeek === spec.alarmsPerWeek) return file;
  const tracker = withRate(parameters.tracker, perWeek / spec.alarmsPerWeek);
  return { ...file, parameters: { ...parameters, tracker } };
}
