import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { checkBounds } from "./bounds.ts";
import { ModelFormatError } from "./errors.ts";
import { parseJson } from "./json.ts";
import { readContainer, writeContainer } from "./safetensors.ts";
import { parseSpec } from "./spec.ts";
import { checkTensors, tensorRules } from "./tensors.ts";
import type { Model, ModelSpec, Tensor } from "./types.ts";

/** What a writer gives as the document of a model: fields with a default may be left out. */
export type ModelSpecInput = Omit<ModelSpec, "horizon" | "warmup" | "selftest"> & {
  readonly horizon?: number;
  readonly warmup?: number;
  readonly selftest?: { readonly steps: number; readonly tolerance?: number };
};

/**
 * Reads a model file and checks every rule of FORMAT.md 2 to 6, except that the self-test is not run.
 *
 * @param options.maxBytes greatest size of the file, default 512 MiB
 * @throws {ModelFormatError} when the file breaks a rule
 */
export function parseModel(bytes: Uint8Array, options: { readonly maxBytes?: number } = {}): Model {
  const { metadata, tensors } = readContainer(bytes, options.maxBytes);
  const text = metadata.get("rivulet");
  if (text === undefined) {
    throw new ModelFormatError("__metadata__.rivulet", "missing; this safetensors file is not a Rivulet model");
  }
  const spec = parseSpec(parseJson(text, "__metadata__.rivulet"));
  checkTensors(spec, tensors);
  checkBounds(spec, tensors);
  const hash = bytesToHex(sha256(bytes));
  return { spec, tensors, hash, id: `${spec.name}@${hash.slice(0, 8)}`, bytes: bytes.length };
}

/**
 * Writes a model file and checks it by reading it again. The same model gives the same bytes, whatever the order of its fields and
 * tensors. A `selftest.tolerance` of a q15 model, which has none, is left out.
 *
 * @throws {ModelFormatError} when the model breaks a rule of FORMAT.md
 */
export function serializeModel(input: ModelSpecInput, tensors: ReadonlyMap<string, Tensor>): Uint8Array {
  const spec = parseSpec(withoutTolerance(input));
  checkTensors(spec, tensors);
  const ordered = new Map<string, Tensor>();
  for (const name of tensorRules(spec).keys()) {
    const tensor = tensors.get(name);
    if (tensor) ordered.set(name, tensor);
  }
  const text = JSON.stringify(withoutTolerance(spec));
  const bytes = writeContainer({ metadata: new Map([["rivulet", text]]), tensors: ordered });
  parseModel(bytes, { maxBytes: Number.POSITIVE_INFINITY });
  return bytes;
}

/** The document without the tolerance of a q15 self-test, which is exact. */
function withoutTolerance(spec: ModelSpecInput): ModelSpecInput {
  return spec.numeric === "q15" && spec.selftest ? { ...spec, selftest: { steps: spec.selftest.steps } } : spec;
}
