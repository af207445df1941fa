// What the numbers in the tensors must keep to (FORMAT.md 2, 4, 5 and 6). The bounds of q15 make every sum fit an i32.

import { ModelFormatError } from "./errors.ts";
import { isOpenEnded } from "./spec.ts";
import type { LayerSpec, ModelSpec, Tensor } from "./types.ts";

const MAX_I32 = 2 ** 31 - 1;
const MAX_I16_MAGNITUDE = 32768;
const MAX_RAW = 2 ** 30;

type Tensors = ReadonlyMap<string, Tensor>;

/**
 * Checks the values of tensors whose dtypes and shapes are right.
 *
 * @throws {ModelFormatError} with the name of the tensor at fault
 */
export function checkBounds(spec: ModelSpec, tensors: Tensors): void {
  for (const [name, tensor] of tensors) {
    if (tensor.dtype === "F32") checkFinite(name, tensor.data);
    if (tensor.dtype === "I8") checkRange(name, tensor, -127, 127);
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
  checkRange("output.multiplier", need(tensors, "output.multiplier"), 1, 32767);
  // raw is at least -2^30 and at most 2^30, so that raw - offset fits an i32.
  const offset = tensors.get("input.offset");
  if (offset) checkRange("input.offset", offset, -MAX_RAW + 1, MAX_RAW);
  const input = tensors.get("selftest.input");
  if (input && !spec.embedding) checkRange("selftest.input", input, -MAX_RAW, MAX_RAW);

  let lastBounds: readonly number[] = [];
  spec.layers.forEach((layer, index) => {
    const prefix = `layers.${index}`;
    checkMultipliers(tensors, prefix, layer);
    lastBounds = checkRows(`${prefix}.W`, need(tensors, `${prefix}.W`), need(tensors, `${prefix}.b`));
    if (layer.kind === "gru") checkRows(`${prefix}.U`, need(tensors, `${prefix}.U`), need(tensors, `${prefix}.c`));
  });
  const uBounds = isOpenEnded(spec) ? lastBounds : spec.outputs.map(() => MAX_I16_MAGNITUDE * 256);
  checkOutputs(tensors, uBounds);
}

function checkMultipliers(tensors: Tensors, prefix: string, layer: LayerSpec): void {
  for (const weight of ["W", "U"]) {
    const name = `${prefix}.${weight}.multiplier`;
    const tensor = tensors.get(name);
    if (!tensor) continue;
    checkRange(name, tensor, 1, 32767);
    if (weight === "U" && layer.kind === "gru" && layer.reset === "after") {
      checkRange(name, tensor, 1, 16384, 2 * layer.size);
    }
  }
}

/** The bound of each row's sum over i16 inputs; refuses one that does not fit an i32. */
function checkRows(name: string, weight: Tensor, bias?: Tensor): readonly number[] {
  const [rows = 0, columns = 0] = weight.shape;
  const formula = `${bias ? "|bias| + " : ""}32768 * sum |weight|`;
  return Array.from({ length: rows }, (_, row) => {
    let sum = 0;
    for (let k = row * columns; k < (row + 1) * columns; k++) sum += Math.abs(weight.data[k] as number);
    const bound = Math.abs(bias?.data[row] ?? 0) + MAX_I16_MAGNITUDE * sum;
    if (bound > MAX_I32) throw new ModelFormatError(name, `row ${row} has ${formula} = ${bound}, at most ${MAX_I32}`);
    return bound;
  });
}

function checkOutputs(tensors: Tensors, uBounds: readonly number[]): void {
  const multiplier = need(tensors, "output.multiplier").data;
  const offset = need(tensors, "output.offset").data;
  const skip = tensors.get("skip.W");
  const skipMultiplier = tensors.get("skip.multiplier");
  if (skipMultiplier) checkRange("skip.multiplier", skipMultiplier, 0, 32767);
  const sBounds = skip ? checkRows("skip.W", skip) : [];
  uBounds.forEach((uBound, o) => {
    const products = uBound * (multiplier[o] ?? 0) + (sBounds[o] ?? 0) * (skipMultiplier?.data[o] ?? 0);
    const bound = products / 65536 + Math.abs(offset[o] ?? 0) + 2;
    if (bound <= MAX_I32) return;
    throw new ModelFormatError("output.offset", `output ${o} can reach ${Math.ceil(bound)}, at most ${MAX_I32}`);
  });
}

function need(tensors: Tensors, name: string): Tensor {
  const tensor = tensors.get(name);
  if (!tensor) throw new ModelFormatError(name, "missing");
  return tensor;
}
