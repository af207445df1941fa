import { expect } from "vitest";
import { CliError } from "../../tools/errors.ts";
import type { Network } from "../../tools/read/network.ts";
import { type OnnxOptions, readOnnx } from "../../tools/read/onnx/index.ts";
import { GRU_WEIGHTS, gruNode, type ModelInput, type NodeInput, onnxFile, type WeightInput } from "./onnx-models.ts";

export const read = async (model: ModelInput, options: Partial<OnnxOptions> = {}): Promise<Network> =>
  (await readOnnx(onnxFile(model), { path: "m.onnx", ...options })).network;

/** A model of the GRU and nodes after it, from Y[T][1][B][2] or Yh to y. */
export const gru = (
  attributes: Parameters<typeof gruNode>[0],
  tail: readonly NodeInput[] = [["Squeeze", ["Y", "one"], ["y"]]],
  weights: Readonly<Record<string, WeightInput>> = {},
): ModelInput => ({
  weights: { ...GRU_WEIGHTS, one: { dims: [1], values: [1], integer: true }, ...weights },
  nodes: [gruNode(attributes), ...tail],
});

/** The message of the refusal. */
export async function refusal(model: ModelInput | Uint8Array, options: Partial<OnnxOptions> = {}): Promise<string> {
  const bytes = model instanceof Uint8Array ? model : onnxFile(model);
  const error = await readOnnx(bytes, { path: "m.onnx", ...options }).then(
    () => new Error("was accepted"),
    (reason: unknown) => reason as Error,
  );
  expect(error).toBeInstanceOf(CliError);
  expect(error.message).toMatch(/^m\.onnx\b.*$/);
  return error.message;
}
