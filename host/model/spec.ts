// The JSON document of a model file (FORMAT.md 3).

import { ModelFormatError } from "./errors.ts";
import { Fields } from "./fields.ts";
import { I32_MAX } from "./integers.ts";
import { isObject, show, showKey } from "./json.ts";
import { nearest } from "./nearest.ts";
import { isOpenActivation } from "./network.ts";
import { parseSkill } from "./skill.ts";
import type { Activation, InputSpec, LayerSpec, ModelSpec, Numeric, OutputSpec } from "./types.ts";

/** 2 is of models with a detector. */
const VERSION = 2;
const MAX_SIZE = 65535;
const MAX_LAYERS = 64;
const MAX_FRACTION = 30;
const MAX_SHIFT = 30;
const MAX_STEPS = 4096;
const MAX_DETECTOR_BYTES = 65536;
const DEFAULT_TOLERANCE = 1e-5;

const NAME = /^[A-Za-z0-9_.-]{1,64}$/;
const FIXED: readonly Activation[] = ["linear", "sigmoid", "tanh", "relu", "softmax"];
const ACTIVATIONS: readonly Activation[] = [
  ...FIXED,
  ...(["prelu", "elu", "hardtanh", "gelu", "gelu_tanh", "silu", "softplus", "hardswish", "hardsigmoid"] as const),
];

// biome-ignore format: a list to read
const FIELDS = [
  "format", "name", "numeric", "inputs", "outputs", "horizon", "embedding", "layers", "skip", "interval", "warmup",
  "detector", "skill", "provenance", "selftest",
];

/**
 * Checks the document of a model and fills in its defaults; the fields of the result stand in the order of FORMAT.md 3. The
 * tolerance of a q15 self-test, which is exact, is 0.
 *
 * @param value what JSON.parse gave
 * @throws {ModelFormatError} with the path of the field at fault
 */
export function parseSpec(value: unknown): ModelSpec {
  const format = checkFormat(value);
  const root = new Fields(value, "", FIELDS);
  const name = root.matching("name", NAME, "1 to 64 characters of A-Z a-z 0-9 _ . -");
  const numeric = root.choice("numeric", ["f32", "q15"]);
  const embedding = root.has("embedding") ? parseEmbedding(root.raw("embedding")) : undefined;
  const inputs = parseInputs(root, numeric, embedding !== undefined);
  const outputs = parseOutputs(root, numeric, inputs);
  const horizon = root.has("horizon") ? root.integer("horizon", 1, MAX_SIZE) : 1;
  const layers = parseLayers(root, numeric, outputs.length);
  const skip = root.has("skip") ? parseSkip(root, layers, embedding !== undefined) : undefined;
  return {
    format,
    name,
    numeric,
    inputs,
    outputs,
    horizon,
    ...(embedding && { embedding }),
    layers,
    ...(skip && { skip }),
    ...(root.has("interval") && { interval: root.positive("interval") }),
    warmup: root.has("warmup") ? root.integer("warmup", 0, I32_MAX) : 0,
    ...(root.has("detector") && { detector: parseDetector(root) }),
    ...(root.has("skill") && { skill: parseSkill(root.raw("skill"), outputs.length) }),
    ...(root.has("provenance") && { provenance: parseProvenance(root) }),
    ...(root.has("selftest") && { selftest: parseSelftest(root.raw("selftest"), numeric) }),
  };
}

/** Goes before everything else: a newer document may have fields that this reader does not know. */
function checkFormat(value: unknown): 1 | 2 {
  if (!isObject(value)) throw new ModelFormatError("rivulet", `found ${show(value)}, expected an object`);
  const { format } = value;
  if (format === 1 || format === VERSION) return format;
  if (typeof format === "number" && format > VERSION) {
    const advice = "the file was written by a newer version of Rivulet, update it";
    throw new ModelFormatError("format", `version ${format}, this reader knows ${VERSION}; ${advice}`);
  }
  throw new ModelFormatError(
    "format",
    `${format === undefined ? "missing" : `found ${show(format)}`}, expected 1 or ${VERSION}`,
  );
}

function parseEmbedding(value: unknown): { vocabulary: number; size: number } {
  const fields = new Fields(value, "embedding", ["vocabulary", "size"]);
  return { vocabulary: fields.integer("vocabulary", 1, I32_MAX), size: fields.integer("size", 1, MAX_SIZE) };
}

function parseInputs(root: Fields, numeric: Numeric, isToken: boolean): readonly InputSpec[] {
  const items = root.array("inputs", MAX_SIZE);
  if (isToken && items.length !== 1) {
    throw new ModelFormatError("inputs", `found ${items.length}, expected 1: the token of the embedding`);
  }
  const names = new Set<string>();
  return items.map((item, index) => {
    const fields = new Fields(item, `inputs[${index}]`, ["name", "unit", "range", "fraction"]);
    const hasFraction = numeric === "q15" && !isToken;
    if (!hasFraction) fields.forbid("fraction", isToken ? "the input is a token" : "only a q15 model has it");
    return {
      name: parseName(fields, names),
      ...(fields.has("unit") && { unit: fields.label("unit") }),
      ...(fields.has("range") && { range: parseRange(fields) }),
      ...(hasFraction && { fraction: fields.integer("fraction", -MAX_FRACTION, MAX_FRACTION) }),
    };
  });
}

function parseOutputs(root: Fields, numeric: Numeric, inputs: readonly InputSpec[]): readonly OutputSpec[] {
  const inputNames = inputs.map(({ name }) => name);
  const names = new Set<string>();
  return root.array("outputs", MAX_SIZE).map((item, index) => {
    const fields = new Fields(item, `outputs[${index}]`, ["name", "unit", "forecasts", "fraction"]);
    if (numeric !== "q15") fields.forbid("fraction", "only a q15 model has it");
    return {
      name: parseName(fields, names),
      ...(fields.has("unit") && { unit: fields.label("unit") }),
      ...(fields.has("forecasts") && { forecasts: parseForecasts(fields, inputNames) }),
      ...(numeric === "q15" && { fraction: fields.integer("fraction", -MAX_FRACTION, MAX_FRACTION) }),
    };
  });
}

function parseName(fields: Fields, names: Set<string>): string {
  const name = fields.label("name");
  if (names.has(name))
    throw new ModelFormatError(fields.at("name"), `${show(name)} stands twice, expected unique names`);
  names.add(name);
  return name;
}

function parseRange(fields: Fields): readonly [number, number] {
  const value = fields.raw("range");
  if (Array.isArray(value) && value.length === 2 && value.every(Number.isFinite) && value[0] < value[1]) {
    return [value[0], value[1]];
  }
  const found = Array.isArray(value) ? `[${value.slice(0, 4).map(show).join(", ")}]` : show(value);
  throw new ModelFormatError(fields.at("range"), `found ${found}, expected [min, max] with min < max`);
}

function parseForecasts(fields: Fields, inputNames: readonly string[]): string {
  const name = fields.label("forecasts");
  if (inputNames.includes(name)) return name;
  const meant = nearest(name, inputNames);
  const hint = meant ? `, did you mean "${meant}"?` : ", expected the name of an input";
  throw new ModelFormatError(fields.at("forecasts"), `${show(name)} is no input${hint}`);
}

function parseLayers(root: Fields, numeric: Numeric, outputSize: number): readonly LayerSpec[] {
  const items = root.array("layers", MAX_LAYERS);
  const layers = items.map((item, index) => parseLayer(item, `layers[${index}]`, numeric, index === items.length - 1));
  const size = layers.at(-1)?.size;
  if (size !== outputSize) {
    const path = `layers[${layers.length - 1}].size`;
    throw new ModelFormatError(path, `found ${size}, expected ${outputSize}, the number of outputs`);
  }
  return layers;
}

function parseLayer(item: unknown, path: string, numeric: Numeric, isLast: boolean): LayerSpec {
  const kind = isObject(item) ? item.kind : undefined;
  const shifts = kind === "gru" ? ["shift_x", "shift_h"] : ["shift_x"];
  const own = kind === "gru" ? ["reset", "gates"] : ["activation"];
  const fields = new Fields(item, path, ["kind", "size", ...own, ...shifts]);
  if (numeric !== "q15") for (const shift of shifts) fields.forbid(shift, "only a q15 model has it");
  const readShift = (key: string) => fields.integer(key, 0, MAX_SHIFT);

  if (fields.choice("kind", ["gru", "dense"]) === "gru") {
    if (numeric === "q15") fields.forbid("gates", "gates other than the logistic function have no fixed-point form");
    return {
      kind: "gru",
      size: fields.integer("size", 1, MAX_SIZE),
      reset: fields.choice("reset", ["after", "before"]),
      ...(fields.has("gates") && { gates: fields.choice("gates", ["hard"]) }),
      ...(numeric === "q15" && { shift_x: readShift("shift_x"), shift_h: readShift("shift_h") }),
    };
  }
  const activation = fields.choice("activation", ACTIVATIONS);
  if (numeric === "q15" && !FIXED.includes(activation)) {
    throw new ModelFormatError(
      fields.at("activation"),
      `${activation} has no fixed-point form, expected ${FIXED.join(", ")}`,
    );
  }
  if (activation === "softmax" && !isLast) {
    throw new ModelFormatError(fields.at("activation"), "softmax, allowed only in the last layer");
  }
  const isOpen = isLast && isOpenActivation(activation);
  if (isOpen) for (const shift of shifts) fields.forbid(shift, `a last layer that is ${activation} has none`);
  return {
    kind: "dense",
    size: fields.integer("size", 1, MAX_SIZE),
    activation,
    ...(numeric === "q15" && !isOpen && { shift_x: readShift("shift_x") }),
  };
}

function parseSkip(root: Fields, layers: readonly LayerSpec[], isToken: boolean): { length: number } {
  const fields = new Fields(root.raw("skip"), "skip", ["length"]);
  if (isToken) root.forbid("skip", "a model with an embedding has none");
  const last = layers.at(-1);
  if (last?.kind !== "dense" || last.activation !== "linear") {
    root.forbid("skip", "it needs a last layer that is dense and linear");
  }
  return { length: fields.integer("length", 1, MAX_SIZE) };
}

function parseDetector(root: Fields): Readonly<Record<string, unknown>> {
  const detector = root.object("detector");
  const size = new TextEncoder().encode(JSON.stringify(detector)).length;
  if (size > MAX_DETECTOR_BYTES) {
    throw new ModelFormatError("detector", `${size} bytes as JSON, at most ${MAX_DETECTOR_BYTES} are allowed`);
  }
  return detector;
}

function parseProvenance(root: Fields): Readonly<Record<string, string>> {
  const provenance = root.object("provenance");
  for (const [key, value] of Object.entries(provenance)) {
    if (typeof value !== "string") {
      throw new ModelFormatError(`provenance.${showKey(key)}`, `found ${show(value)}, expected a string`);
    }
  }
  return provenance as Readonly<Record<string, string>>;
}

function parseSelftest(value: unknown, numeric: Numeric): { steps: number; tolerance: number } {
  const fields = new Fields(value, "selftest", ["steps", "tolerance"]);
  const steps = fields.integer("steps", 1, MAX_STEPS);
  if (numeric === "q15") {
    fields.forbid("tolerance", "the self-test of a q15 model is exact");
    return { steps, tolerance: 0 };
  }
  return { steps, tolerance: fields.has("tolerance") ? fields.positive("tolerance") : DEFAULT_TOLERANCE };
}
