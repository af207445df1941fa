import { detectorOf } from "../../host/detect/file.ts";
import { multiplications, networkOf } from "../../host/model/network.ts";
import type { Model } from "../../host/model/types.ts";
import { createRuntime, runDetectorSelftest, runSelftest } from "../../host/runtime/index.ts";
import { describeDetector } from "./detector.ts";

/** Everything that `rivulet inspect` tells of a model. */
export type ModelReport = ReturnType<typeof describeModel>;

/** Collects what a model holds and what it costs to run, and runs its self-test. */
export function describeModel(model: Model) {
  const { spec, tensors } = model;
  const runtime = createRuntime(model);
  const selftest = runSelftest(model, runtime.createSession());
  const detector = detectorOf(model);
  const network = networkOf(spec);
  const layers = network.layers.map((stage) => ({
    ...stage.layer,
    inputs: stage.sizeIn,
    multiplications: multiplications(stage),
  }));
  const skip = network.skip && { length: network.skip.length, multiplications: multiplications(network.skip) };
  const affine = (kind: "input" | "output", index: number) => {
    const offset = tensors.get(`${kind}.offset`)?.data[index];
    const scale = tensors.get(`${kind}.scale`)?.data[index];
    // In q15 the input's offset is an integer and there is no scale; `fraction` says what they stand for.
    return offset === undefined || scale === undefined ? {} : { offset, scale };
  };
  return {
    id: model.id,
    hash: model.hash,
    bytes: model.bytes,
    numeric: spec.numeric,
    inputs: spec.inputs.map((input, i) => ({ ...input, ...affine("input", i) })),
    outputs: spec.outputs.map((output, i) => ({ ...output, ...affine("output", i) })),
    horizon: spec.horizon,
    interval: spec.interval,
    warmup: spec.warmup,
    embedding: spec.embedding,
    layers,
    skip,
    tensors: [...tensors].map(([name, { dtype, shape, data }]) => ({ name, dtype, shape, bytes: data.byteLength })),
    /** Multiplications by weights in one step. */
    multiplications: network.stages.reduce((sum, stage) => sum + multiplications(stage), 0),
    /** Packed weights, once for all sessions. */
    imageBytes: runtime.imageBytes,
    /** For each session. */
    stateBytes: runtime.stateBytes,
    selftest: selftest && { ...selftest, ...(spec.numeric === "f32" && { tolerance: spec.selftest?.tolerance }) },
    detector: spec.detector,
    anomalies: detector && describeDetector(detector, runDetectorSelftest(model, runtime.createSession())),
    skill: spec.skill,
    provenance: spec.provenance,
  };
}
