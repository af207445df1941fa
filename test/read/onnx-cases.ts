// The cases that tools/training/conformance/onnx_cases.py writes, and how a converted model fares against onnxruntime.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createRuntime, loadModel, serializeModel } from "../../host/runtime/index.ts";
import { type Network, toModel } from "../../tools/read/network.ts";
import { type OnnxOptions, readOnnx } from "../../tools/read/onnx/index.ts";

/** One model with samples x[T][I] and the outputs of onnxruntime: y[T][O], or y[1][O] when the model gives the last step only. */
export interface OnnxCase {
  readonly name: string;
  readonly last: boolean;
  readonly x: readonly (readonly number[])[];
  readonly y: readonly (readonly number[])[];
}

const folder = new URL("../vectors/onnx/", import.meta.url);

/** All cases. */
export const onnxCases: readonly OnnxCase[] = JSON.parse(readFileSync(new URL("cases.json", folder), "utf8")).cases;

/** The path of a case's model. */
export function casePath(name: string): string {
  return fileURLToPath(new URL(`${name}.onnx`, folder));
}

/** Reads the model of a case. */
export async function readCase(name: string, options: Partial<OnnxOptions> = {}): Promise<Network> {
  const path = casePath(name);
  return (await readOnnx(readFileSync(path), { path, ...options })).network;
}

/** The greatest difference between the outputs of a converted network and those of the case, as a part of max(1, |y|). */
export async function worstDifference(network: Network, { x, y, last }: OnnxCase): Promise<number> {
  const { spec, tensors } = toModel(network, { name: "case" });
  const session = createRuntime(await loadModel(serializeModel(spec, tensors))).createSession();
  const streamed = x.map((sample) => [...session.step(sample)]);
  const given = last ? streamed.slice(-1) : streamed;
  if (given.length !== y.length) return Number.POSITIVE_INFINITY;
  const differences = y.flatMap((row, step) =>
    row.map((value, i) => Math.abs(value - (given[step]?.[i] ?? Number.NaN)) / Math.max(1, Math.abs(value))),
  );
  return differences.includes(Number.NaN) ? Number.POSITIVE_INFINITY : Math.max(...differences);
}
