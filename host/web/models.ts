import type { AlarmSettings } from "../alarm/types.ts";
import { multiplications, networkOf } from "../model/network.ts";
import type { StreamOptions } from "../mqtt/stream.ts";
import { runSelftest } from "../runtime/selftest.ts";

/** What a stream runs, as the page gets it. */
export interface ModelDescription {
  readonly stream: string;
  readonly topics: readonly string[];
  /** Of the model. */
  readonly file?: string;
  readonly model?: ReturnType<typeof describeNetwork> & { readonly simd: boolean; readonly id: string };
  readonly detector?: DetectorDescription;
}

/** A detector, or how one is learnt. */
export interface DetectorDescription {
  readonly id?: string;
  readonly inputs: readonly { readonly name: string; readonly unit?: string }[];
  readonly interval?: number | undefined;
  readonly alarmsPerWeek?: number | undefined;
  readonly rows?: number | undefined;
  readonly provenance?: Readonly<Record<string, string>> | undefined;
  readonly settings: AlarmSettings;
  readonly learns?: { readonly rows: number } | { readonly ms: number };
}

/** What there is to tell of what a stream runs. */
export function describeModel({ name, runtime, sources, alarms }: StreamOptions, file?: string): ModelDescription {
  const { model } = runtime;
  const topics = sources.map(({ topic }) => topic.text);
  const hasModel = runtime.outputSize > 0;
  return {
    stream: name,
    topics,
    ...(file !== undefined && { file }),
    ...(hasModel && { model: { ...describeNetwork(runtime), simd: runtime.simd, id: model.id } }),
    ...(alarms !== undefined && { detector: describeDetector(alarms) }),
  };
}

function describeNetwork(runtime: StreamOptions["runtime"]) {
  const { model, stateBytes, numeric } = runtime;
  const { spec, hash, bytes } = model;
  const network = networkOf(spec);
  const session = runtime.createSession();
  const selftest = runSelftest(model, session);
  session.release();
  return {
    name: spec.name,
    hash,
    bytes,
    numeric,
    stateBytes,
    inputs: spec.inputs,
    outputs: spec.outputs,
    horizon: spec.horizon,
    interval: spec.interval,
    warmup: spec.warmup,
    skip: spec.skip,
    layers: network.layers.map((stage) => ({
      ...stage.layer,
      from: stage.sizeIn,
      multiplications: multiplications(stage),
    })),
    /** Multiplications by weights in one step. */
    multiplications: network.stages.reduce((sum, stage) => sum + multiplications(stage), 0),
    selftest: selftest && { ...selftest, tolerance: spec.selftest?.tolerance },
    skill: spec.skill,
    provenance: spec.provenance,
  };
}

function describeDetector(alarms: NonNullable<StreamOptions["alarms"]>): DetectorDescription {
  const { settings } = alarms;
  if ("learn" in alarms) {
    const inputs = alarms.inputs.map((name) => ({ name }));
    return { learns: alarms.learn, inputs, alarmsPerWeek: settings.perWeek ?? 1, settings };
  }
  const { id, spec } = alarms.file;
  const { inputs, interval, alarmsPerWeek, rows, provenance } = spec;
  return { id, inputs, interval, alarmsPerWeek: settings.perWeek ?? alarmsPerWeek, rows, provenance, settings };
}
