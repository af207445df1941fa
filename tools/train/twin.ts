// The q15 twin of a trained model, for microcontrollers and for hosts without floating point.

import path from "node:path";
import { parseModel } from "../../host/model/model.ts";
import type { Model } from "../../host/model/types.ts";
import { quantizeCalibrated } from "../quantize/calibrated.ts";
import { sampleLimit } from "../quantize/segments.ts";
import { serializeWithSelftest } from "../quantize/selftest.ts";
import type { Data } from "./data/read.ts";
import { modelForecaster } from "./evaluate.ts";
import { readPiece } from "./pieces.ts";
import type { Prepared } from "./prepared.ts";
import { measureSkill, shareOf } from "./skill.ts";

/** Name of the file of the twin: `pump-q15.safetensors` beside `pump.safetensors`. */
export function twinFile(output: string): string {
  const { dir, name, ext } = path.parse(output);
  return path.join(dir, `${name}-q15${ext}`);
}

/** A q15 model, and how its error on held-out rows compares. */
export interface Twin {
  readonly model: Model;
  /** Root of the mean squared error as a share of the f32 model's, over all outputs. */
  readonly share: number;
}

/** Quantizes a model by the rows that it learned from, and measures both on held-out rows. */
export function makeTwin(model: Model, data: Data, { view, parts }: Prepared): Twin {
  const ranges = model.spec.inputs.map(({ range }) => {
    const [min, max] = range as readonly [number, number];
    return { min, max };
  });
  const weights = [...model.tensors.values()].reduce((sum, tensor) => sum + tensor.data.length, 0);
  const samples = latestSamples(model, data, parts.fit, sampleLimit(weights));
  const parts15 = quantizeCalibrated(model, {
    samples,
    ranges,
    sums: "minmax",
    scale: "error",
    correctBias: true,
    compensate: true,
  });
  const { skill: _, ...spec } = parts15.spec;
  const twin = parseModel(serializeWithSelftest({ ...parts15, spec }, model));
  const named = new Map([twin, model].map((each) => [each.spec.numeric, modelForecaster(each, view.store.width)]));
  const [own, other] = measureSkill(view, parts.heldOut, named).table;
  if (own === undefined || other === undefined) throw new Error("A table of two rows has two");
  return { model: twin, share: Math.sqrt(shareOf(own, other)) };
}

/** Samples of the latest pieces, in order, at most so many. */
function latestSamples(model: Model, { store }: Data, pieces: Prepared["parts"]["fit"], most: number): Float64Array {
  const I = model.spec.inputs.length;
  const chosen: Float32Array[] = [];
  let steps = 0;
  for (const piece of [...pieces].reverse()) {
    if (steps >= most) break;
    chosen.unshift(readPiece(store, { ...piece, lead: 0 }, 0));
    steps += piece.steps;
  }
  const samples = new Float64Array(steps * I);
  let at = 0;
  for (const rows of chosen) {
    for (let t = 0; t < rows.length / store.width; t++, at += I) {
      samples.set(rows.subarray(t * store.width, t * store.width + I), at);
    }
  }
  return samples;
}
