import { DeviceAlarm } from "../alarm/device-alarm.ts";
import type { Stepped } from "../mqtt/outcomes.ts";
import type { StreamOptions } from "../mqtt/stream.ts";

/** Something of a device that is drawn over time. */
export interface Series {
  /** A reading; a reading minus its forecast; an output that forecasts no reading; the distance to the alarm, powers of 2. */
  readonly kind: "input" | "residual" | "output" | "score";
  readonly name: string;
  readonly unit?: string;
  /** Of the input or the output. */
  readonly index: number;
  /** Of a residual: index of the input. */
  readonly of?: number;
}

/** What the page has to know of a stream. */
export interface StreamView {
  readonly name: string;
  /** `name@hash8`; undefined without one. */
  readonly model: string | undefined;
  readonly hasDetector: boolean;
  /** Whether its detector can learn anew. */
  readonly learns: boolean;
  /** Of a device: the state of model and detector. */
  readonly stateBytes: number;
  readonly series: readonly Series[];
}

/** Describes a stream for the page. */
export function viewStream({ name, runtime, alarms }: StreamOptions): StreamView {
  const { inputs, outputs } = runtime.model.spec;
  const withUnit = ({ name, unit }: { readonly name: string; readonly unit?: string }) => ({
    name,
    ...(unit !== undefined && { unit }),
  });
  const series: Series[] = inputs.map((input, index) => ({ kind: "input", index, ...withUnit(input) }));
  const hasModel = runtime.outputSize > 0;
  for (const [index, output] of (hasModel ? outputs : []).entries()) {
    const of = inputs.findIndex((input) => input.name === output.forecasts);
    if (of < 0) series.push({ kind: "output", index, ...withUnit(output) });
    else series.push({ kind: "residual", index, of, ...withUnit({ ...inputs[of], name: output.name }) });
  }
  if (alarms !== undefined) series.push({ kind: "score", name: "score", index: 0 });
  return {
    name,
    model: hasModel ? runtime.model.id : undefined,
    hasDetector: alarms !== undefined,
    learns: alarms !== undefined && "learn" in alarms,
    stateBytes:
      runtime.stateBytes + (alarms === undefined || "learn" in alarms ? 0 : new DeviceAlarm(alarms).snapshot().length),
    series,
  };
}

/** Copies what a step says into a value for each series; NaN where there is none. */
export function copyValues({ series }: StreamView, step: Stepped, values: Float64Array): void {
  for (let s = 0; s < series.length; s++) {
    const { kind, index } = series[s] as Series;
    if (kind === "input") values[s] = step.sample[index] as number;
    else if (kind === "residual") values[s] = step.isWarm ? (step.residual[index] ?? Number.NaN) : Number.NaN;
    else if (kind === "output") values[s] = step.prediction[index] as number;
    else values[s] = step.anomaly?.score ?? Number.NaN;
  }
}
