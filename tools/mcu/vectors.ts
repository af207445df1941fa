// The test vectors that a module carries.

import type { Model } from "../../host/model/types.ts";
import type { Instance } from "../../host/runtime/instance.ts";
import { createRuntime } from "../../host/runtime/runtime.ts";

/** Samples and the predictions that follow them from a fresh state, as the words of the module's memory. */
export interface Vectors {
  readonly steps: number;
  /** For each step the words of the sample, then those of the prediction. */
  readonly words: Uint8Array;
}

/**
 * Takes the first `steps` samples of the model's self-test, or samples drawn from its ranges when it has none, with what the host's scalar kernels answer:
 * they are the bits that every runtime must reproduce.
 */
export function makeVectors(model: Model, steps: number): Vectors {
  const { spec } = model;
  const own = model.tensors.get("selftest.input");
  const count = own ? Math.min(steps, own.shape[0] as number) : steps;
  const I = spec.inputs.length;
  const O = spec.outputs.length;
  const runtime = createRuntime(model, { simd: false });
  const session = runtime.createSession();
  const words = new DataView(new ArrayBuffer(4 * count * (I + O)));
  let at = 0;
  for (let t = 0; t < count; t++) {
    const sample = Array.from({ length: I }, (_, i) =>
      own ? realValue(model, own.data[t * I + i] as number, i) : drawn(model, t, i),
    );
    const prediction = session.step(sample);
    const raws = sampleWords(runtime.instance, I);
    for (let i = 0; i < I; i++, at += 4) words.setInt32(at, raws[i] as number, true);
    for (let o = 0; o < O; o++, at += 4) {
      if (spec.numeric === "f32") words.setFloat32(at, prediction[o] as number, true);
      else words.setInt32(at, (prediction[o] as number) * 2 ** (spec.outputs[o]?.fraction ?? 0), true);
    }
  }
  return { steps: count, words: new Uint8Array(words.buffer) };
}

/** The words that the session wrote for the kernel. */
const sampleWords = ({ samples }: Instance, count: number): Int32Array =>
  new Int32Array(samples.buffer, samples.byteOffset, count);

function realValue(model: Model, value: number, input: number): number {
  const { numeric, embedding, inputs } = model.spec;
  return numeric === "q15" && !embedding ? value * 2 ** -(inputs[input]?.fraction ?? 0) : value;
}

/** A sample where the model carries none: a coarse walk through the range of each input. */
function drawn(model: Model, t: number, input: number): number {
  const { embedding, inputs } = model.spec;
  if (embedding) return (t * 7 + 3) % embedding.vocabulary;
  const [low, high] = inputs[input]?.range ?? [-1, 1];
  return low + ((high - low) * ((t * 5 + input * 3) % 8)) / 7;
}
