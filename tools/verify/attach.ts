import type { Model, Tensor } from "../../host/model/types.ts";
import { createRuntime, serializeModel } from "../../host/runtime/index.ts";
import { CliError } from "../errors.ts";
import { DEFAULT_TOLERANCE } from "./compare.ts";
import type { Sequence } from "./reference.ts";

/** Steps of a reference that a model carries along unless told otherwise. */
const DEFAULT_STEPS = 256;

/** Greatest length of a self-test (FORMAT.md 6). */
const MAX_STEPS = 4096;

/**
 * Writes an f32 model with the start of its reference as self-test (FORMAT.md 6): the first sequence's answers of the source
 * framework. Where the source answers the last step only, the steps before it are the model's own answers, and the first sequence
 * is taken that is no longer than 4096 steps (`steps`, where given): cut off, it would lose its answer.
 *
 * @param model  has passed `compareWithReference` with this reference
 * @param options.steps  most steps to store, 1 to 4096; default 256
 * @returns the model file
 * @throws {CliError} when the model is not f32
 */
export function attachReference(
  model: Model,
  sequences: readonly Sequence[],
  options: { readonly steps?: number; readonly tolerance?: number | undefined } = {},
): Uint8Array {
  const { spec } = model;
  if (spec.numeric !== "f32") throw new CliError(`Model ${model.id} is ${spec.numeric}, expected f32 for test vectors`);
  const tensors = new Map(model.tensors);
  const { selftest: _, ...bare } = spec;
  for (const name of ["selftest.input", "selftest.output"]) tensors.delete(name);
  const vectors = chooseVectors(model, sequences, options.steps);
  if (vectors === undefined) return serializeModel(bare, tensors);

  const [width, outputs] = [spec.inputs.length, spec.outputs.length];
  const steps = vectors.inputs.length / width;
  const shape = [steps, width];
  const input: Tensor = spec.embedding
    ? { dtype: "I32", shape, data: Int32Array.from(vectors.inputs) }
    : { dtype: "F32", shape, data: Float32Array.from(vectors.inputs) };
  tensors.set("selftest.input", input);
  const expected = Float32Array.from(vectors.outputs);
  tensors.set("selftest.output", { dtype: "F32", shape: [steps, outputs], data: expected });
  const tolerance = toleranceFor(model, vectors.inputs, expected, options.tolerance);
  return serializeModel({ ...bare, selftest: { steps, tolerance } }, tensors);
}

/**
 * The tolerance of the self-test: 1e-5 or what is asked for, or, for outputs in great units, twice what the model differs by now. Every
 * build answers with the same bits, so that it differs by as much everywhere.
 */
function toleranceFor(
  model: Model,
  inputs: Float64Array,
  expected: Float32Array,
  least: number = DEFAULT_TOLERANCE,
): number {
  const answers = createRuntime(model).createSession().run(inputs);
  const worst = answers.reduce((greatest, value, i) => {
    const want = expected[i] as number;
    return Math.max(greatest, Math.abs(value - want) / Math.max(1, Math.abs(want)));
  }, 0);
  return worst <= least ? least : Number((2 * worst).toPrecision(1));
}

function chooseVectors(
  model: Model,
  sequences: readonly Sequence[],
  asked: number | undefined,
): Pick<Sequence, "inputs" | "outputs"> | undefined {
  const whole = Math.min(asked ?? MAX_STEPS, MAX_STEPS);
  const sequence = sequences.find(({ lastOnly, steps }) => !lastOnly || steps <= whole);
  if (sequence === undefined) return undefined;
  const [width, outputs] = [model.spec.inputs.length, model.spec.outputs.length];
  if (!sequence.lastOnly) {
    const steps = Math.min(sequence.steps, asked ?? DEFAULT_STEPS, MAX_STEPS);
    return {
      inputs: sequence.inputs.subarray(0, steps * width),
      outputs: sequence.outputs.subarray(0, steps * outputs),
    };
  }
  const answers = createRuntime(model).createSession().run(sequence.inputs);
  answers.set(sequence.outputs, (sequence.steps - 1) * outputs);
  return { inputs: sequence.inputs, outputs: answers };
}
