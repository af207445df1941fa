// What the numbers in the tensors must keep to (FORMAT.md 2, 4, 5 and 6). The bounds of q15 make every sum fit an i32.

import { ModelFormatError } from "./errors.ts";
import { CANDIDATE_MULTIPLIER_MAX, I8_MAX, I16_MAX, I16_REACH, I32_MAX, RAW_MAX } from "./integers.ts";
import { type LayerStage, type Matrix, matricesOf, type Network, networkOf } from "./network.ts";
import type { ModelSpec, Tensor } from "./types.ts";

type Tensors = ReadonlyMap<string, Tensor>;

/**
 * Checks the values of tensors whose dtypes and shapes are right.
 *
 * @throws {ModelFormatError} with the name of the tensor at fault
 */
export function checkBounds(spec: ModelSpec, tensors: Tensors): void {
  for (const [name, tensor] of tensors) {
    if (tensor.dtype === "F32") checkFinite(name, tensor.data);
    if (tensor.dtype === "I8") checkRange(name, tensor, -I8_MAX, I8_MAX);
    if (name.endsWith(".scale")) checkScales(name, tensor.data);
  }
  if (spec.numeric === "q15") checkQ15(spec, tensors);
  const input = tensors.get("selftest.input");
  if (input && spec.embedding) checkRange("selftest.input", input, 0, spec.embedding.vocabulary - 1);
}

function checkFinite(name: string, data: Tensor["data"]): void {
  const index = data.findIndex((value) => !Number.isFinite(value));
  if (index >= 0) throw new ModelFormatError(name, `element ${index} is ${data[index]}, expected a finite number`);
}

function checkScales(name: string, data: Tensor["data"]): void {
  const index = data.findIndex((value) => !(value > 0));
  if (index >= 0) throw new ModelFormatError(name, `element ${index} is ${data[index]}, expected a number above 0`);
}

/** @param from the first element that is checked */
function checkRange(name: string, { data }: Tensor, min: number, max: number, from = 0): void {
  const index = data.findIndex((value, at) => at >= from && (value < min || value > max));
  if (index < 0) return;
  throw new ModelFormatError(name, `element ${index} is ${data[index]}, expected an integer from ${min} to ${max}`);
}

function checkQ15(spec: ModelSpec, tensors: Tensors): void {
  checkRange("output.multiplier", need(tensors, "output.multiplier"), 1, I16_MAX);
  // raw is at least -2^30 and at most 2^30, so that raw - offset fits an i32.
  const offset = tensors.get("input.offset");
  if (offset) checkRange("input.offset", offset, -RAW_MAX + 1, RAW_MAX);
  const input = tensors.get("selftest.input");
  if (input && !spec.embedding) checkRange("selftest.input", input, -RAW_MAX, RAW_MAX);

  const network = networkOf(spec);
  let lastBounds: readonly number[] = [];
  for (const stage of network.layers) {
    checkMultipliers(tensors, stage);
    lastBounds = checkRows(tensors, stage.w);
    if (stage.kind === "gru") checkRows(tensors, stage.u);
  }
  const uBounds = network.output.isOpen ? lastBounds : spec.outputs.map(() => I16_REACH * 256);
  checkOutputs(tensors, network, uBounds);
}

function checkMultipliers(tensors: Tensors, stage: LayerStage): void {
  for (const { multiplier } of matricesOf(stage)) {
    if (multiplier !== undefined) checkRange(multiplier, need(tensors, multiplier), 1, I16_MAX);
  }
  if (stage.kind === "gru" && stage.layer.reset === "after") {
    const name = stage.u.multiplier as string;
    checkRange(name, need(tensors, name), 1, CANDIDATE_MULTIPLIER_MAX, 2 * stage.size);
  }
}

/** The bound of each row's sum over i16 inputs; refuses one that does not fit an i32. */
function checkRows(tensors: Tensors, { weight: name, bias: biasName }: Matrix): readonly number[] {
  const weight = need(tensors, name);
  const bias = biasName === undefined ? undefined : need(tensors, biasName);
  const [rows = 0, columns = 0] = weight.shape;
  const formula = `${bias ? "|bias| + " : ""}${I16_REACH} * sum |weight|`;
  return Array.from({ length: rows }, (_, row) => {
    let sum = 0;
    for (let k = row * columns; k < (row + 1) * columns; k++) sum += Math.abs(weight.data[k] as number);
    const bound = Math.abs(bias?.data[row] ?? 0) + I16_REACH * sum;
    if (bound > I32_MAX) throw new ModelFormatError(name, `row ${row} has ${formula} = ${bound}, at most ${I32_MAX}`);
    return bound;
  });
}

function checkOutputs(tensors: Tensors, { output, skip }: Network, uBounds: readonly number[]): void {
  const multiplier = need(tensors, output.multiplier).data;
  const offset = need(tensors, output.offset).data;
  const skipMultiplier = skip && need(tensors, skip.w.multiplier as string);
  if (skipMultiplier) checkRange("skip.multiplier", skipMultiplier, 0, I16_MAX);
  const sBounds = skip ? checkRows(tensors, skip.w) : [];
  uBounds.forEach((uBound, o) => {
    const products = uBound * (multiplier[o] ?? 0) + (sBounds[o] ?? 0) * (skipMultiplier?.data[o] ?? 0);
    const bound = products / 65536 + Math.abs(offset[o] ?? 0) + 2;
    if (bound <= I32_MAX) return;
    throw new ModelFormatError("output.offset", `output ${o} can reach ${Math.ceil(bound)}, at most ${I32_MAX}`);
  });
}

function need(tensors: Tensors, name: string): Tensor {
  const tensor = tensors.get(name);
  if (!tensor) throw new ModelFormatError(name, "missing");
  return tensor;
}
