import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { checkBounds } from "./bounds.ts";
import { ModelFormatError } from "./errors.ts";
import { parseJson } from "./json.ts";
import { readContainer, writeContainer } from "./safetensors.ts";
import { parseSpec } from "./spec.ts";
import { checkTensors, tensorRules } from "./tensors.ts";
import type { DetectorPart, Model, ModelSpec, Tensor } from "./types.ts";

/** Key of the detector's document in the metadata of a file. */
export const DETECTOR_KEY = "rivulet_detector";
const DETECTOR_PREFIX = "detector.";

/** What a writer gives as the document of a model: fields with a default may be left out. */
export type ModelSpecInput = Omit<ModelSpec, "format" | "horizon" | "warmup" | "selftest"> & {
  /** Set by the writer. */
  readonly format?: 1 | 2;
  readonly horizon?: number;
  readonly warmup?: number;
  readonly selftest?: { readonly steps: number; readonly tolerance?: number };
};

/**
 * Reads a model file and checks every rule of FORMAT.md 2 to 6, except that the self-test is not run. A detector in it stays unread.
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
  const [own, detector] = splitTensors(tensors, metadata.get(DETECTOR_KEY));
  const format = detector === undefined ? 1 : 2;
  if (spec.format !== format) {
    const found = `version ${spec.format} ${detector === undefined ? "without" : "with"} a detector`;
    throw new ModelFormatError("format", `${found}, expected ${format}`);
  }
  checkTensors(spec, own);
  checkBounds(spec, own);
  const hash = bytesToHex(sha256(bytes));
  const id = `${spec.name}@${hash.slice(0, 8)}`;
  return { spec, tensors: own, ...(detector && { detector }), hash, id, bytes: bytes.length };
}

type Tensors = ReadonlyMap<string, Tensor>;

/** The tensors of the network, and the detector where there is a document of one. */
function splitTensors(tensors: Tensors, text: string | undefined): [Tensors, DetectorPart | undefined] {
  if (text === undefined) return [tensors, undefined];
  const pick = (isDetector: boolean) =>
    new Map([...tensors].filter(([name]) => name.startsWith(DETECTOR_PREFIX) === isDetector));
  return [pick(false), { text, tensors: pick(true) }];
}

/**
 * Writes a model file and checks it by reading it again. The same model gives the same bytes, whatever the order of its fields and
 * tensors. A `selftest.tolerance` of a q15 model, which has none, is left out.
 *
 * @param detector  what `detectorPart` of host/detect gives
 * @throws {ModelFormatError} when the model breaks a rule of FORMAT.md
 */
export function serializeModel(
  input: ModelSpecInput,
  tensors: ReadonlyMap<string, Tensor>,
  detector?: DetectorPart,
): Uint8Array {
  const spec = parseSpec({ ...withoutTolerance(input), format: detector === undefined ? 1 : 2 });
  checkTensors(spec, tensors);
  const ordered = new Map<string, Tensor>();
  for (const name of tensorRules(spec).keys()) {
    const tensor = tensors.get(name);
    if (tensor) ordered.set(name, tensor);
  }
  const text = JSON.stringify(withoutTolerance(spec));
  const metadata = new Map([["rivulet", text]]);
  if (detector !== undefined) {
    metadata.set(DETECTOR_KEY, detector.text);
    for (const [name, tensor] of detector.tensors) ordered.set(name, tensor);
  }
  const bytes = writeContainer({ metadata, tensors: ordered });
  parseModel(bytes, { maxBytes: Number.POSITIVE_INFINITY });
  return bytes;
}

/** The document without the tolerance of a q15 self-test, which is exact. */
function withoutTolerance(spec: ModelSpecInput): ModelSpecInput {
  return spec.numeric === "q15" && spec.selftest ? { ...spec, selftest: { steps: spec.selftest.steps } } : spec;
}
