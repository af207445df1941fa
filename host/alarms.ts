// The detectors of a configuration.

import { type AlarmPlan, planAlarms } from "./alarm/plan.ts";
import { alarmSettings } from "./config/alarms.ts";
import type { Path, Problem } from "./config/document.ts";
import type { LoadedConfig } from "./config/load.ts";
import type { StreamConfig } from "./config/schema.ts";
import { describeFileError } from "./config/secrets.ts";
import type { DetectorFile } from "./detect/file.ts";
import { loadDetector } from "./detector-file.ts";
import { ModelFormatError } from "./model/errors.ts";

/** Reads the detector of a stream; undefined when it has none, or it cannot be used: that is added to `problems`. */
export function openDetector(
  loaded: LoadedConfig,
  stream: string,
  { detector }: StreamConfig,
  problems: Problem[],
): DetectorFile | undefined {
  if (detector === undefined) return undefined;
  try {
    return loadDetector(loaded.resolvePath(detector));
  } catch (error) {
    problems.push({ path: ["streams", stream, "detector"], message: describeError(detector, error) });
    return undefined;
  }
}

function describeError(path: string, error: unknown): string {
  if (error instanceof ModelFormatError) return `${path} is not a detector that can be used: ${error.message}`;
  if (error instanceof Error && "syscall" in error) return `cannot read ${path}: ${describeFileError(error)}`;
  return `${path}: ${error instanceof Error ? error.message : error}`;
}

/** Plans the alarms of a stream; undefined when the detector does not fit it: that is added to `problems`. */
export function planStreamAlarms(
  config: StreamConfig,
  file: DetectorFile,
  inputs: readonly string[],
  path: Path,
  problems: Problem[],
): AlarmPlan | undefined {
  try {
    return planAlarms({ file, inputs, settings: alarmSettings(config), isTimed: config.time !== undefined });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    problems.push({ path: [...path, "detector"], message: error.message });
    return undefined;
  }
}
