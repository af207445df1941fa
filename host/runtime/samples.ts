// Samples on their way into the memory of an instance, checked, and predictions on their way out (FORMAT.md 5.1).

import { SampleError } from "../model/errors.ts";
import { RAW_MAX } from "../model/integers.ts";
import type { Model } from "../model/types.ts";
import type { Instance } from "./instance.ts";

/** Greatest |value| of an f32 sample: far beyond any sensor, and far enough below 3.4e38 that sums of products stay finite. */
export const F32_LIMIT = 1e18;

/**
 * Writes values into the area of samples. The area is no state: a value that is refused half way has done no harm.
 *
 * @param count  values, a multiple of I
 * @throws {SampleError} when a value is no number that the model takes
 */
export function putSamples(instance: Instance, values: ArrayLike<number>, from: number, count: number): void {
  const { numeric, embedding } = instance.model.spec;
  if (embedding) putTokens(instance, values, from, count);
  else if (numeric === "q15") putRaw(instance, values, from, count);
  else putReals(instance, values, from, count);
}

/**
 * Reads values from the area of predictions.
 *
 * @param into  written from `at` on
 * @param count  values, a multiple of O
 */
export function takePredictions(instance: Instance, into: Float64Array, at: number, count: number): void {
  const { predictions, fromRaw, outputSize } = instance;
  for (let row = 0; row < count; row += outputSize) {
    for (let i = 0; i < outputSize; i++) {
      // The factor is 1 in f32.
      into[at + row + i] = (predictions[row + i] as number) * (fromRaw[i] as number);
    }
  }
}

/**
 * Checks samples before the first of them reaches a state.
 *
 * @throws {SampleError} when a value is no number that the model takes
 */
export function checkSamples({ model }: Instance, values: ArrayLike<number>): void {
  const isToken = model.spec.embedding !== undefined;
  const limit = limitOf(model);
  for (let at = 0; at < values.length; at++) {
    const value = values[at] as number;
    // False for NaN as well.
    if (isToken || typeof value !== "number" || !(Math.abs(value) <= limit)) checkValue(model, value, at);
  }
}

/** What to throw for samples of `found` values. */
export function wrongLength({ model, inputSize }: Instance, found: number): SampleError {
  return new SampleError(`Sample has ${found} values, model ${model.spec.name} takes ${inputSize}`);
}

function putReals({ model, samples }: Instance, values: ArrayLike<number>, from: number, count: number): void {
  for (let i = 0; i < count; i++) {
    const value = values[from + i] as number;
    // False for NaN as well. Without its type asked for, null would count as 0, "0x10" as 16 and [7] as 7.
    if (typeof value !== "number" || !(Math.abs(value) <= F32_LIMIT)) throw badValue(model, value, from + i);
    samples[i] = value;
  }
}

function putTokens({ model, samples }: Instance, values: ArrayLike<number>, from: number, count: number): void {
  for (let i = 0; i < count; i++) {
    const value = values[from + i] as number;
    checkValue(model, value, from + i);
    samples[i] = value;
  }
}

/** Writes raw integers, floor(value * 2^fraction + 0.5) clamped (FORMAT.md 5.1). */
function putRaw(instance: Instance, values: ArrayLike<number>, from: number, count: number): void {
  const { model, samples, toRaw, inputSize } = instance;
  for (let row = 0; row < count; row += inputSize) {
    for (let i = 0; i < inputSize; i++) {
      const value = values[from + row + i] as number;
      if (typeof value !== "number") throw badValue(model, value, from + row + i);
      const scaled = value * (toRaw[i] as number) + 0.5;
      // False for NaN as well.
      const fits = Math.abs(scaled) <= RAW_MAX;
      samples[row + i] = fits ? Math.floor(scaled) : clampRaw(model, value, from + row + i);
    }
  }
}

/** The raw integer of a finite value beyond ±2^30. */
function clampRaw(model: Model, value: number, at: number): number {
  checkValue(model, value, at);
  return value > 0 ? RAW_MAX : -RAW_MAX;
}

/** Greatest |value| of a sample that is no token. */
const limitOf = ({ spec }: Model): number => (spec.numeric === "f32" ? F32_LIMIT : Number.MAX_VALUE);

function checkValue(model: Model, value: number, at: number): void {
  const { embedding } = model.spec;
  const fits = embedding
    ? Number.isInteger(value) && value >= 0 && value < embedding.vocabulary
    : typeof value === "number" && Math.abs(value) <= limitOf(model);
  if (!fits) throw badValue(model, value, at);
}

function badValue(model: Model, value: unknown, at: number): SampleError {
  const { embedding, inputs } = model.spec;
  const name = inputs[at % inputs.length]?.name;
  const expected = embedding ? `a token, 0 to ${embedding.vocabulary - 1}` : "a finite number";
  const beyond = Number.isFinite(value) && !embedding ? ` within ±${limitOf(model)}` : "";
  return new SampleError(`Input "${name}" is ${described(value)}, expected ${expected}${beyond}`);
}

/** A value as a message shows it, whatever it is. */
function described(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 32 ? `${value.slice(0, 32)}…` : value);
  if (typeof value === "bigint") return `the BigInt ${value}`;
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" && value !== null ? "an object" : String(value);
}
