// A detector in a file (FORMAT.md 8): alone, or in a model file.

import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { ModelFormatError } from "../model/errors.ts";
import { forecastsOf } from "../model/forecasts.ts";
import { parseJson } from "../model/json.ts";
import { DETECTOR_KEY } from "../model/model.ts";
import { readContainer, writeContainer } from "../model/safetensors.ts";
import type { DetectorPart, Model, ModelSpec } from "../model/types.ts";
import { checkParameters, checkTest } from "./bounds.ts";
import { type DetectorSpec, parseDocument, writeDocument } from "./document.ts";
import type { DetectorParameters } from "./parameters.ts";
import { type DetectorTest, fromTensors, toTensors } from "./tensors.ts";

/** A detector as it stands in a file. */
export interface DetectorFile {
  readonly spec: DetectorSpec;
  readonly parameters: DetectorParameters;
  /** Test vectors, where the file has some. */
  readonly test?: DetectorTest;
  /** `name@hash8`; of a detector in a model, the model's. */
  readonly id: string;
}

/**
 * Reads the file of a detector alone.
 *
 * @throws {ModelFormatError} when the file breaks a rule of FORMAT.md 8
 */
export function parseDetector(bytes: Uint8Array): DetectorFile {
  const { metadata, tensors } = readContainer(bytes);
  const text = metadata.get(DETECTOR_KEY);
  if (text === undefined) {
    throw new ModelFormatError(`__metadata__.${DETECTOR_KEY}`, "missing; this file holds no detector");
  }
  const { spec, ...rest } = read({ text, tensors }, "I32");
  const at = spec.inputs.findIndex(({ residual }) => residual === "model");
  if (at >= 0) throw new ModelFormatError(`detector.inputs[${at}].residual`, "of a model, and the file holds none");
  return { spec, ...rest, id: `${spec.name}@${bytesToHex(sha256(bytes)).slice(0, 8)}` };
}

/**
 * Reads the detector in a model; undefined when it has none.
 *
 * @throws {ModelFormatError} when it breaks a rule of FORMAT.md 8, or is not of this model
 */
export function detectorOf(model: Model): DetectorFile | undefined {
  if (model.detector === undefined) return undefined;
  const found = read(model.detector, model.spec.numeric === "f32" ? "F32" : "I32");
  checkFits(found.spec, model.spec);
  return { ...found, id: model.id };
}

function read(part: DetectorPart, input: "F32" | "I32"): Omit<DetectorFile, "id"> {
  const { spec, shape } = parseDocument(parseJson(part.text, `__metadata__.${DETECTOR_KEY}`));
  const found = fromTensors(shape, part.tensors, input);
  checkParameters(found.parameters);
  if (found.test) checkTest(found.test);
  return { spec, ...found };
}

/** A detector in a model watches the model's inputs, all of them, in their order. */
function checkFits({ inputs }: DetectorSpec, model: ModelSpec): void {
  if (model.embedding) throw new ModelFormatError("detector", "the model takes tokens, which no detector watches");
  if (inputs.length !== model.inputs.length) {
    throw new ModelFormatError(
      "detector.inputs",
      `found ${inputs.length}, expected ${model.inputs.length} as the model`,
    );
  }
  const predicted = new Set(forecastsOf(model).map(({ input }) => input));
  for (const [index, { name, fraction, residual }] of inputs.entries()) {
    const own = model.inputs[index] as ModelSpec["inputs"][number];
    const at = `detector.inputs[${index}]`;
    if (name !== own.name) throw new ModelFormatError(`${at}.name`, `found "${name}", expected "${own.name}"`);
    if (own.fraction !== undefined && fraction !== own.fraction) {
      throw new ModelFormatError(`${at}.fraction`, `found ${fraction}, expected ${own.fraction}, the model's`);
    }
    if (residual === "model" && (model.horizon !== 1 || !predicted.has(index))) {
      throw new ModelFormatError(`${at}.residual`, "the model does not forecast this input one step ahead");
    }
  }
}

/**
 * A detector in its parts, for {@link serializeModel}.
 *
 * @param test.input  real values in single precision for an f32 model, else raw integers
 */
export function detectorPart(spec: DetectorSpec, parameters: DetectorParameters, test?: DetectorTest): DetectorPart {
  const text = writeDocument(spec, parameters, test?.scores.length ?? 0);
  return { text, tensors: toTensors(parameters, test) };
}

/**
 * Writes a detector alone and checks it by reading it again. The same detector gives the same bytes.
 *
 * @throws {ModelFormatError} when it breaks a rule of FORMAT.md 8
 */
export function serializeDetector(spec: DetectorSpec, parameters: DetectorParameters, test?: DetectorTest): Uint8Array {
  const { text, tensors } = detectorPart(spec, parameters, test);
  const bytes = writeContainer({ metadata: new Map([[DETECTOR_KEY, text]]), tensors });
  parseDetector(bytes);
  return bytes;
}
