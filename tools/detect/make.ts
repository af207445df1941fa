// Readings of healthy operation → a detector, alone or in a model.

import { calibrate } from "../../host/detect/calibrate.ts";
import type { DetectorSpec } from "../../host/detect/document.ts";
import { serializeDetector } from "../../host/detect/file.ts";
import { fractionFor } from "../../host/detect/real.ts";
import { rawOf } from "../../host/model/integers.ts";
import type { Model } from "../../host/model/types.ts";
import { version } from "../../package.json";
import { chooseResidual, type ResidualChoice } from "./model.ts";
import { WEEK_S } from "./pace.ts";
import { serializeWithDetector, testAlone } from "./vectors.ts";

/** Readings, and what is asked of their detector. */
export interface Readings {
  /** Channels, in the order of the model's inputs where there is a model. */
  readonly inputs: readonly string[];
  /** Readings of each channel. */
  readonly columns: readonly Float64Array[];
  /** With a model: what it had not expected of each channel, NaN where it expected nothing; empty without one. */
  readonly residuals: readonly Float64Array[];
  /** Unix milliseconds of each row, where rows have times. */
  readonly times?: Float64Array | undefined;
  /** Seconds between two rows. */
  readonly interval: number;
  /** Rows of a period. */
  readonly period?: number | undefined;
  /** False alarms a week that are accepted. */
  readonly alarmsPerWeek: number;
  /** Name of the detector. */
  readonly name: string;
  /** What the readings are called. */
  readonly data: string;
}

/** A detector as a file, and what residuals its channels look at. */
export interface MadeDetector {
  /** Of the model with its detector, or of the detector alone. */
  readonly bytes: Uint8Array;
  /** Per channel; undefined without a model. */
  readonly choices: readonly (ResidualChoice | undefined)[];
}

/** Calibrates a detector with readings and writes it with its test vectors. */
export function makeDetector(readings: Readings, model: Model | undefined): MadeDetector {
  const { inputs, columns, residuals, times, interval, period, alarmsPerWeek } = readings;
  const fractions = columns.map((values, c) => model?.spec.inputs[c]?.fraction ?? fractionFor(values));
  const raw = columns.map((values, c) => values.map((value) => rawOf(value, fractions[c] as number)));
  const choices = raw.map((values, c) => residuals[c] && chooseResidual(values, residuals[c], fractions[c] as number));
  const rows = times?.map((time) => Math.round(time / (1000 * interval)));
  const parameters = calibrate(raw, {
    rate: (alarmsPerWeek * interval) / WEEK_S,
    residuals: choices.map((choice) => choice?.residuals),
    ...(period && { period }),
    ...(rows && { rows }),
  });
  const spec: DetectorSpec = {
    name: readings.name,
    inputs: inputs.map((name, c) =>
      describeInput(name, model?.spec.inputs[c]?.unit, fractions[c] as number, choices[c]),
    ),
    interval,
    alarmsPerWeek,
    rows: columns[0]?.length ?? 0,
    provenance: { data: readings.data, calibrated_by: `rivulet ${version}` },
  };
  const bytes = model
    ? serializeWithDetector(model, raw, spec, parameters)
    : serializeDetector(spec, parameters, testAlone(raw, parameters));
  return { bytes, choices };
}

function describeInput(
  name: string,
  unit: string | undefined,
  fraction: number,
  choice: ResidualChoice | undefined,
): DetectorSpec["inputs"][number] {
  return {
    name,
    ...(unit !== undefined && { unit }),
    fraction,
    ...(choice?.residuals && { residual: "model" as const }),
    ...(choice?.skill !== undefined && { skill: choice.skill }),
  };
}
