import type { Numeric } from "../../host/model/types.ts";
import { createRuntime } from "../../host/runtime/index.ts";
import { CliError, UsageError } from "../errors.ts";
import { readModel, readUserFile } from "../files.ts";
import { hasColors, type Io } from "../io.ts";

import { modelInNumeric } from "../numeric.ts";

import { joinLines, printableJson } from "../print.ts";

import { detectFramework } from "../read/detect.ts";
import type { Network } from "../read/network.ts";
import { compareWithReference } from "../verify/compare.ts";
import { INSTALL_ONNXRUNTIME, loadOnnxRuntime } from "../verify/onnxruntime.ts";
import { type ReferenceShape, readReference, type Sequence } from "../verify/reference.ts";
import { runOnnx } from "../verify/run-onnx.ts";
import { toleranceOf } from "../verify/source.ts";
import { renderComparison } from "../verify/text.ts";
import { findWeaknesses } from "../verify/weakness.ts";

export interface VerifyArgs {
  readonly model: string;
  /** File with what the source framework answered. */
  readonly reference?: string;
  /** ONNX file that the model comes from, to be run in place of a reference. */
  readonly source?: string;
  readonly tolerance?: number;
  readonly json?: boolean;
  readonly simd?: boolean;
  readonly numeric?: Numeric;
}

/**
 * Compares a model with what its source framework answered, and writes the differences of every output.
 *
 * @returns the exit code: 0 when all are within the tolerance, else 1
 * @throws {CliError} when a file cannot be read, or the reference does not suit the model
 */
export async function runVerify(args: VerifyArgs, io: Io): Promise<number> {
  // The reference is the stronger proof: a model whose own vectors are wrong is to be told by it, too.
  const model = await readModel(args.model, { verify: false });
  const { against, sequences, precision } = await answersFor(args, model.spec);
  const runtime = createRuntime(modelInNumeric(model, args.numeric), args.simd === false ? { simd: false } : {});
  const { numeric } = runtime;
  const comparison = compareWithReference(runtime, sequences, args.tolerance ?? toleranceOf(precision));
  const steps = sequences.reduce((sum, sequence) => sum + sequence.steps, 0);
  const facts = { model: model.id, numeric, simd: runtime.simd, ...against };
  const weaknesses = findWeaknesses(sequences, model.spec);
  if (args.json === true) {
    const report = { ...facts, sequences: sequences.length, steps, ...comparison, weaknesses };
    io.stdout.write(printableJson(report, (_, value) => (value === Infinity ? "Infinity" : value)));
  } else {
    const amount = sequences.length === 1 ? `${steps} steps` : `${sequences.length} sequences, ${steps} steps`;
    const heading = `${model.id} (${numeric}) against ${Object.values(against).join(" in onnxruntime ")}: ${amount}`;
    io.stdout.write(renderComparison(heading, comparison, hasColors(io)));
    io.stderr.write(joinLines(weaknesses.map((weakness) => `warning: ${weakness}`)));
  }
  return comparison.passed ? 0 : 1;
}

interface Answers {
  readonly against: { readonly reference: string } | { readonly source: string; readonly onnxruntime: string };
  readonly sequences: Sequence[];
  /** That the source computes in, where it is less than single and known. */
  readonly precision?: Network["precision"] | undefined;
}

/** What the source framework answered, or answers now. */
async function answersFor({ reference, source }: VerifyArgs, shape: ReferenceShape): Promise<Answers> {
  if ((reference === undefined) === (source === undefined)) {
    throw new UsageError("Expected either --reference FILE, or --source FILE with the ONNX source");
  }
  if (reference !== undefined) return { against: { reference }, sequences: await readReferenceFile(reference, shape) };
  return answersOfSource(source as string, shape);
}

/** Runs an ONNX source, which may be one that only --allow-approximate converts. */
async function answersOfSource(path: string, shape: ReferenceShape): Promise<Answers> {
  const bytes = readUserFile(path);
  if (detectFramework(bytes, path) !== "onnx") {
    throw new CliError(
      `${path}: Only ONNX sources can be run; let the framework write a reference, and give --reference FILE`,
    );
  }
  const runtime = await loadOnnxRuntime();
  if (!runtime)
    throw new CliError(`${path}: onnxruntime-node, which runs it, is not installed: ${INSTALL_ONNXRUNTIME}`);
  const { readOnnx } = await import("../read/onnx/index.ts");
  const source = await readOnnx(bytes, { path, assumeTorchGru: true, allowApproximate: true });
  const found = [source.network.inputs, source.network.layers.at(-1)?.size];
  const expected = [shape.inputs.length, shape.outputs.length];
  if (found.join() !== expected.join() || source.network.embedding?.vocabulary !== shape.embedding?.vocabulary) {
    throw new CliError(
      `${path}: Has ${found.join(" inputs and ")} outputs, the model has ${expected.join(" and ")}; it is another model's source`,
    );
  }
  return {
    against: { source: path, onnxruntime: runtime.version },
    sequences: await runOnnx(runtime, source, path),
    precision: source.network.precision,
  };
}

/**
 * Reads a reference file for a model.
 *
 * @throws {CliError} when it cannot be read, has more than 512 MiB, or does not suit the model
 */
export async function readReferenceFile(path: string, shape: ReferenceShape): Promise<Sequence[]> {
  const bytes = readUserFile(path);
  return readReference(bytes, path, shape);
}
