// Which tensors a model has (FORMAT.md 4, 5 and 6).

import { ModelFormatError } from "./errors.ts";
import { type InputStage, matricesOf, type NetworkSpec, networkOf, type OutputStage, type Stage } from "./network.ts";
import type { Dtype, Model, ModelSpec, Tensor } from "./types.ts";

/** What a tensor of a model must look like. */
export interface TensorRule {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** An optional tensor and the one that comes with it: both are there, or none. */
  readonly partner?: string;
}

/** The tensors of a model, by name, in the order in which a writer stores those of one element size. */
export function tensorRules(
  spec: NetworkSpec & Pick<ModelSpec, "numeric" | "selftest">,
): ReadonlyMap<string, TensorRule> {
  const rules: Rules = new Map();
  const isQ15 = spec.numeric === "q15";
  for (const stage of networkOf(spec).stages) {
    if (isQ15) putQ15(rules, stage);
    else putF32(rules, stage);
  }
  if (spec.selftest) {
    const { steps } = spec.selftest;
    const isInteger = isQ15 || spec.embedding !== undefined;
    rules.set("selftest.input", { dtype: isInteger ? "I32" : "F32", shape: [steps, spec.inputs.length] });
    rules.set("selftest.output", { dtype: isQ15 ? "I32" : "F32", shape: [steps, spec.outputs.length] });
  }
  return rules;
}

type Rules = Map<string, TensorRule>;

/** The tensors of a stage in single precision (FORMAT.md 4). */
function putF32(rules: Rules, stage: Stage): void {
  const put = (name: string, ...shape: number[]) => rules.set(name, { dtype: "F32", shape });
  if (stage.kind === "embedding") put(stage.weight, stage.vocabulary, stage.size);
  else if (stage.kind === "input" || (stage.kind === "output" && stage.isOpen)) putAffine(rules, stage);
  for (const { weight, bias, rows, columns } of matricesOf(stage)) {
    put(weight, rows, columns);
    if (bias !== undefined) put(bias, rows);
  }
  if (stage.kind === "dense" && stage.parameters) put(stage.parameters.name, stage.parameters.count, stage.size);
}

/** The tensors of a stage in whole numbers (FORMAT.md 5). */
function putQ15(rules: Rules, stage: Stage): void {
  const put = (name: string, dtype: Dtype, ...shape: number[]) => rules.set(name, { dtype, shape });
  if (stage.kind === "embedding") put(stage.weight, "I16", stage.vocabulary, stage.size);
  if (stage.kind === "input") put(stage.offset, "I32", stage.size);
  for (const { weight, bias, multiplier, rows, columns } of matricesOf(stage)) {
    put(weight, stage.kind === "skip" ? "I16" : "I8", rows, columns);
    if (bias !== undefined) put(bias, "I32", rows);
    if (multiplier !== undefined) put(multiplier, "I16", rows);
  }
  if (stage.kind === "output") {
    put(stage.multiplier, "I16", stage.size);
    put(stage.offset, "I32", stage.size);
  }
}

/** Offset and scale: both are there, or none. */
function putAffine(rules: Rules, { offset, scale, size }: InputStage | OutputStage): void {
  rules.set(offset, { dtype: "F32", shape: [size], partner: scale });
  rules.set(scale, { dtype: "F32", shape: [size], partner: offset });
}

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
