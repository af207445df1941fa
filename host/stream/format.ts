import { formatAnomaly } from "../alarm/format.ts";
import type { Anomaly } from "../alarm/types.ts";
import type { Numeric } from "../model/types.ts";

/** What a device answers to one sample, as published on its topic. */
export interface Answer {
  readonly prediction: ArrayLike<number>;
  /** Sample minus the prediction made for it, per output; null where none was made. */
  readonly residual: readonly (number | null)[];
  /** Steps of the device since it was first seen, this one included. */
  readonly n: number;
  /** Time of the sample, Unix milliseconds. */
  readonly ts: number;
  /** `name@hash8` of the model; undefined without one, then there is no prediction either. */
  readonly model: string | undefined;
  /** Steps that the state needs to settle after a gap, this one included; undefined when it has. */
  readonly warmup?: number | undefined;
  /** What a detector says of the sample, where there is one. */
  readonly anomaly?: Anomaly | undefined;
}

/**
 * Prints a number of the runtime so that reading it back gives the same bits. A single precision value needs nine
 * significant digits at most, where its double would print up to seventeen; a q15 value is short by itself. What is not
 * finite is null: JSON has no word for it.
 */
export function formatNumber(value: number, numeric: Numeric): string {
  if (!Number.isFinite(value)) return "null";
  return numeric === "f32" ? String(Number(value.toPrecision(9))) : String(value);
}

/** Prints an answer as one line of JSON. */
export function formatAnswer(answer: Answer, numeric: Numeric): string {
  const { prediction, residual, n, ts, model, anomaly, warmup } = answer;
  const verdict = anomaly === undefined ? "" : `${formatAnomaly(anomaly)},`;
  const warm = warmup === undefined ? "" : `"warmup":${warmup},`;
  const by = anomaly?.detector === undefined ? "" : `,"detector":${JSON.stringify(anomaly.detector)}`;
  if (model === undefined) return `{${verdict}${warm}"n":${n},"ts":${ts}${by}}`;
  const values = Array.from(prediction, (value) => formatNumber(value, numeric));
  const residuals = residual.map((value) => (value === null ? "null" : formatNumber(value, numeric)));
  return `{"prediction":[${values}],"residual":[${residuals}],${verdict}${warm}"n":${n},"ts":${ts},"model":${JSON.stringify(model)}${by}}`;
}
