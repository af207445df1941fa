import { multiplications, networkOf } from "../model/network.ts";
import type { StreamOptions } from "../mqtt/stream.ts";
import { runSelftest } from "../runtime/selftest.ts";

/** What there is to tell of what a stream runs. */
export function describeModel({ name, runtime, sources, alarms }: StreamOptions) {
  const { model } = runtime;
  const topics = sources.map(({ topic }) => topic.text);
  const hasModel = runtime.outputSize > 0;
  return {
    stream: name,
    topics,
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
    provenance: spec.provenance,
  };
}

function describeDetector(alarms: NonNullable<StreamOptions["alarms"]>) {
  const { settings } = alarms;
  if ("learn" in alarms) return { learns: alarms.learn, inputs: alarms.inputs.map((name) => ({ name })), settings };
  const { id, spec } = alarms.file;
  const { name, inputs, interval, alarmsPerWeek, rows, provenance } = spec;
  return { id, name, inputs, interval, alarmsPerWeek: settings.perWeek ?? alarmsPerWeek, rows, provenance, settings };
}
