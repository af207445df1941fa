// Which tensors a model has (FORMAT.md 4, 5 and 6).

import { ModelFormatError } from "./errors.ts";
import { isOpenEnded } from "./spec.ts";
import type { Dtype, LayerSpec, Model, ModelSpec, Tensor } from "./types.ts";

/** What a tensor of a model must look like. */
export interface TensorRule {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** An optional tensor and the one that comes with it: both are there, or none. */
  readonly partner?: string;
}

/** The tensors of a model, by name, in the order in which a writer stores those of one element size. */
export function tensorRules(spec: ModelSpec): ReadonlyMap<string, TensorRule> {
  const rules = new Map<string, TensorRule>();
  const isQ15 = spec.numeric === "q15";
  const put = (name: string, dtype: Dtype, ...shape: number[]) => rules.set(name, { dtype, shape });
  const I = spec.inputs.length;
  const O = spec.outputs.length;

  if (spec.embedding) put("embedding.weight", isQ15 ? "I16" : "F32", spec.embedding.vocabulary, spec.embedding.size);
  else if (isQ15) put("input.offset", "I32", I);
  else putAffine(rules, "input", I);

  let N = spec.embedding?.size ?? I;
  spec.layers.forEach((layer, index) => {
    const isOpen = index === spec.layers.length - 1 && isOpenEnded(spec);
    putLayer(rules, `layers.${index}`, layer, N, isQ15, isOpen);
    N = layer.size;
  });

  if (spec.skip) {
    put("skip.W", isQ15 ? "I16" : "F32", O, spec.skip.length * I);
    if (isQ15) put("skip.multiplier", "I16", O);
  }
  if (isQ15) {
    put("output.multiplier", "I16", O);
    put("output.offset", "I32", O);
  } else if (isOpenEnded(spec)) putAffine(rules, "output", O);
  if (spec.selftest) {
    put("selftest.input", isQ15 || spec.embedding ? "I32" : "F32", spec.selftest.steps, I);
    put("selftest.output", isQ15 ? "I32" : "F32", spec.selftest.steps, O);
  }
  return rules;
}

function putAffine(rules: Map<string, TensorRule>, prefix: string, size: number): void {
  const [offset, scale] = [`${prefix}.offset`, `${prefix}.scale`];
  rules.set(offset, { dtype: "F32", shape: [size], partner: scale });
  rules.set(scale, { dtype: "F32", shape: [size], partner: offset });
}

/** @param N input size of the layer  @param isOpen whether it is a last layer whose output stays an accumulator */
function putLayer(
  rules: Map<string, TensorRule>,
  prefix: string,
  layer: LayerSpec,
  N: number,
  isQ15: boolean,
  isOpen: boolean,
): void {
  const rows = layer.kind === "gru" ? 3 * layer.size : layer.size;
  const putMatrix = (weight: string, bias: string, columns: number) => {
    rules.set(`${prefix}.${weight}`, { dtype: isQ15 ? "I8" : "F32", shape: [rows, columns] });
    rules.set(`${prefix}.${bias}`, { dtype: isQ15 ? "I32" : "F32", shape: [rows] });
    if (isQ15 && !isOpen) rules.set(`${prefix}.${weight}.multiplier`, { dtype: "I16", shape: [rows] });
  };
  putMatrix("W", "b", N);
  if (layer.kind === "gru") putMatrix("U", "c", layer.size);
}

/** Size of x, the input of layer 0. */
export const inputSizeOf = (spec: ModelSpec): number => spec.embedding?.size ?? spec.inputs.length;

/** The data of a tensor that the reader has proven to be there. */
export function dataOf(model: Model, name: string): Tensor["data"] {
  const tensor = model.tensors.get(name);
  if (!tensor) throw new Error(`Model ${model.id} has no tensor ${name} (of ${[...tensorRules(model.spec).keys()]})`);
  return tensor.data;
}

/**
 * Checks that the tensors are those of the model: none missing, none left over, dtypes and shapes right.
 *
 * @throws {ModelFormatError} with the name of the tensor at fault
 */
export function checkTensors(spec: ModelSpec, tensors: ReadonlyMap<string, Tensor>): void {
  const rules = tensorRules(spec);
  const missing: string[] = [];
  for (const [name, rule] of rules) {
    const isNeeded = rule.partner === undefined || tensors.has(rule.partner);
    if (isNeeded && !tensors.has(name)) missing.push(name);
  }
  const leftOver = [...tensors.keys()].filter((name) => !rules.has(name));
  const [first] = missing;
  if (first !== undefined) {
    const others = list("also missing", missing.slice(1)) + list("left over", leftOver);
    throw new ModelFormatError(first, `missing, expected ${showRule(rules.get(first) as TensorRule)}${others}`);
  }
  const [extra] = leftOver;
  if (extra !== undefined) {
    throw new ModelFormatError(extra, `this model has no such tensor${list("also left over", leftOver.slice(1))}`);
  }
  for (const [name, { dtype, shape }] of tensors) checkShape(name, dtype, shape, rules.get(name) as TensorRule);
}

function checkShape(name: string, dtype: Dtype, shape: readonly number[], rule: TensorRule): void {
  if (dtype !== rule.dtype) throw new ModelFormatError(name, `dtype ${dtype}, expected ${rule.dtype}`);
  if (shape.length === rule.shape.length && shape.every((length, axis) => length === rule.shape[axis])) return;
  throw new ModelFormatError(name, `shape [${shape.join(", ")}], expected [${rule.shape.join(", ")}]`);
}

const showRule = ({ dtype, shape }: TensorRule) => `${dtype} [${shape.join(", ")}]`;

/** `; label: a, b`, at most five names. */
function list(label: string, names: readonly string[]): string {
  if (names.length === 0) return "";
  const rest = names.length > 5 ? `, and ${names.length - 5} more` : "";
  return `; ${label}: ${names.slice(0, 5).join(", ")}${rest}`;
}
