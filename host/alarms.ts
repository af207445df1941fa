// The detectors of a configuration.

import type { LearningPlan } from "./alarm/learning-alarm.ts";
import { type AlarmPlan, checkSettings, planAlarms } from "./alarm/plan.ts";
import { alarmSettings, learningPlan } from "./config/alarms.ts";
import type { Path, Problem } from "./config/document.ts";
import type { LoadedConfig } from "./config/load.ts";
import type { StreamConfig } from "./config/schema.ts";
import { describeFileError } from "./config/secrets.ts";
import { type DetectorFile, detectorOf } from "./detect/file.ts";
import { loadDetector } from "./detector-file.ts";
import { ModelFormatError } from "./model/errors.ts";
import type { ModelSpec } from "./model/types.ts";
import { createRuntime, type Runtime } from "./runtime/index.ts";

/** What watches a stream: it is learnt, or from a file; undefined when nothing does. */
export type OpenedDetector = "auto" | DetectorFile | undefined;

/** Reads the detector of a stream; undefined, too, when it cannot be used: that is added to `problems`. */
export function openDetector(
  loaded: LoadedConfig,
  stream: string,
  { detector }: StreamConfig,
  problems: Problem[],
): OpenedDetector {
  if (detector === undefined || detector === "auto") return detector;
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

/** Names of the inputs of a stream without a model; undefined when nothing watches it, or keeps its readings, either. */
export function inputsWithoutModel(
  detector: OpenedDetector,
  bound: readonly { readonly name: string }[] | undefined,
  isCollected: boolean,
): string[] | undefined {
  if (detector === undefined && !isCollected) return undefined;
  // One number as text has no name of its own.
  return (detector === undefined || detector === "auto" ? (bound ?? [{ name: "value" }]) : detector.spec.inputs).map(
    ({ name }) => name,
  );
}

/** What watches a stream with a model. */
export interface Watched {
  readonly runtime: Runtime;
  readonly detector: OpenedDetector;
  /** The model that the detector travels with. */
  readonly model: ModelSpec | undefined;
}

/**
 * What watches a stream with a model: what its configuration names, else the detector in the model file. Sessions of the answered runtime run
 * none of their own, since the state of an alarm is more than a detector's.
 */
export function watchModel(runtime: Runtime, named: OpenedDetector): Watched {
  if (runtime.model.detector === undefined) return { runtime, detector: named, model: undefined };
  const { detector: _, ...model } = runtime.model;
  const bare = createRuntime(model, { simd: runtime.simd });
  if (named !== undefined) return { runtime: bare, detector: named, model: undefined };
  return { runtime: bare, detector: detectorOf(runtime.model), model: model.spec };
}

/** Plans the alarms of a stream; undefined when the detector does not fit it: that is added to `problems`. */
export function planStreamAlarms(
  config: StreamConfig,
  { detector, model }: Pick<Watched, "detector" | "model">,
  inputs: readonly string[],
  path: Path,
  problems: Problem[],
): AlarmPlan | LearningPlan | undefined {
  if (detector === undefined) {
    if (config.alarms === undefined) return undefined;
    const message = 'alarms come from a detector, there is none: neither "detector" here, nor one in the model file';
    const hint = config.numeric === "q15" ? " (that of an f32 model is left out with numeric: q15)" : "";
    problems.push({ path: [...path, "alarms"], message: message + hint });
    return undefined;
  }
  if (detector === "auto") return learningPlan(config, inputs);
  try {
    const settings = alarmSettings(config);
    checkSettings(detector, settings);
    return planAlarms({ file: detector, inputs, settings, isTimed: config.time !== undefined, model });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    problems.push({ path: [...path, "detector"], message: error.message });
    return undefined;
  }
}
