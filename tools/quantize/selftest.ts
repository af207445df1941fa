import { rawOf } from "../../host/model/integers.ts";
import type { Model, Tensor } from "../../host/model/types.ts";
import type { QuantizedModel } from "../../host/quantize/quantize.ts";
import { createRuntime, parseModel, serializeModel } from "../../host/runtime/index.ts";

/**
 * Writes a q15 model with test vectors: what it answers itself to the f32 model's test samples (FORMAT.md 6). Every other
 * runtime must answer the same integers.
 *
 * @param quantized  spec and tensors of the q15 model
 * @param original  the f32 model; without test vectors of its own the q15 model gets none
 */
export function serializeWithSelftest(quantized: QuantizedModel, original: Model): Uint8Array {
  const { spec } = quantized;
  const tensors = new Map(quantized.tensors);
  const bare = serializeModel(spec, tensors);
  const samples = original.tensors.get("selftest.input");
  if (samples === undefined || original.spec.selftest === undefined) return bare;

  const { steps } = original.spec.selftest;
  const answers = createRuntime(parseModel(bare)).createSession().run(samples.data);
  const inputs = spec.embedding ? [0] : spec.inputs.map((input) => input.fraction as number);
  const outputs = spec.outputs.map((output) => output.fraction as number);
  tensors.set("selftest.input", toRaw(samples.data, steps, inputs));
  tensors.set("selftest.output", toRaw(answers, steps, outputs));
  return serializeModel({ ...spec, selftest: { steps } }, tensors);
}

/** Turns T rows of real values into raw integers, `floor(value · 2^fraction + 0.5)` with the fraction of each column. */
function toRaw(values: ArrayLike<number>, steps: number, fractions: readonly number[]): Tensor {
  const width = fractions.length;
  const data = Int32Array.from({ length: steps * width }, (_, i) =>
    rawOf(values[i] as number, fractions[i % width] as number),
  );
  return { dtype: "I32", shape: [steps, width], data };
}
