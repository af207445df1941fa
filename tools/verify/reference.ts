// References: what the source framework answered, as .npz, JSON or NDJSON, cut into sequences that each start from a fresh state.

import type { ModelSpec } from "../../host/model/types.ts";
import { CliError, showJson } from "../errors.ts";
import { type NumericArray, readNpz } from "../read/npz.ts";

/** One sequence from a fresh state, as the source framework computed it. */
export interface Sequence {
  /** Samples, f64[T][I], or tokens [T]; row-major. */
  readonly inputs: Float64Array;
  /** Answers, f64[T][O], or [O] when `lastOnly`. */
  readonly outputs: Float64Array;
  /** The same answers in double precision, where the reference has them. */
  readonly outputs64?: Float64Array;
  /** T. */
  readonly steps: number;
  /** Whether the source gave its answer to the last step only. */
  readonly lastOnly: boolean;
}

/** What of a model decides how a reference is cut. */
export type ReferenceShape = Pick<ModelSpec, "inputs" | "outputs" | "embedding">;

/** Arrays as they stand in the file. */
interface Arrays {
  readonly inputs: NumericArray;
  readonly outputs: NumericArray;
  readonly outputs64?: NumericArray;
}

/**
 * Reads a reference: arrays `inputs` [T, I] or tokens [T], and `outputs` [T, O]. With a first axis B more, every sequence starts from
 * a fresh state; outputs without the axis T are those of the last step. Axes I and O of length 1 may be left out.
 *
 * An array `outputs64` of `.npz`, of the shape of `outputs`, holds what the source answers in double precision.
 *
 * `.npz` is told by its first bytes; else the file is one JSON object with `inputs` and `outputs`, or NDJSON: a line for each step
 * of one sequence, or, where a line holds nested arrays, a line for each sequence.
 *
 * @param source  name of the file in error messages
 * @throws {CliError} when the file is damaged, an array is missing, the shapes do not suit the model, or an input is not finite
 */
export function readReference(bytes: Uint8Array, source: string, shape: ReferenceShape): Sequence[] {
  const isZip = bytes[0] === 0x50 && bytes[1] === 0x4b;
  const parts = isZip ? [readArrays(bytes, source)] : readText(bytes, source);
  const sequences = parts.flatMap((arrays, index) =>
    cut(arrays, parts.length > 1 ? `${source}: sequence ${index}` : source, shape),
  );
  if (sequences.length === 0) throw new CliError(`${source}: There are no sequences to compare with`);
  return sequences;
}

function readArrays(bytes: Uint8Array, source: string): Arrays {
  const arrays = readNpz(bytes, source);
  const take = (name: string) => {
    const array = arrays.get(name);
    if (array) return array;
    throw new CliError(
      `${source}: Array "${name}" is missing, found ${[...arrays.keys()].join(", ") || "none"}; save with np.savez(file, inputs=…, outputs=…)`,
    );
  };
  const outputs64 = arrays.get("outputs64");
  return { inputs: take("inputs"), outputs: take("outputs"), ...(outputs64 && { outputs64 }) };
}

/** A document on one or many lines, or a document on each line. */
function readText(bytes: Uint8Array, source: string): Arrays[] {
  const text = new TextDecoder().decode(bytes);
  const whole = parse(text);
  if (whole !== undefined) return [toArrays(whole, source)];
  const lines = text.split("\n").flatMap((line, index) => (line.trim() === "" ? [] : [{ line, number: index + 1 }]));
  if (lines.length < 2) throw new CliError(`${source}: Neither .npz nor JSON; NaN is not JSON, use .npz for it`);
  const documents = lines.map(({ line, number }) => {
    const json = parse(line);
    if (json === undefined) throw new CliError(`${source}:${number}: Line is not JSON: ${line.trim().slice(0, 60)}`);
    return toArrays(json, `${source}:${number}`);
  });
  const nested = documents.filter(
    ({ inputs, outputs }) => Math.max(inputs.shape.length, outputs.shape.length) > 1,
  ).length;
  if (nested === documents.length) return documents;
  if (nested > 0) throw new CliError(`${source}: Some lines are steps and some are sequences, expected one kind`);
  return [{ inputs: stack(documents, "inputs", source), outputs: stack(documents, "outputs", source) }];
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function toArrays(json: unknown, source: string): Arrays {
  const take = (name: string): NumericArray => {
    if (typeof json !== "object" || json === null || !Object.hasOwn(json, name)) {
      throw new CliError(`${source}: "${name}" is missing, expected {"inputs": […], "outputs": […]}`);
    }
    return toArray((json as Record<string, unknown>)[name], `${source}: ${name}`);
  };
  return { inputs: take("inputs"), outputs: take("outputs") };
}

function toArray(json: unknown, source: string): NumericArray {
  const shape: number[] = [];
  for (let level = json; Array.isArray(level); level = level[0]) shape.push(level.length);
  const data: number[] = [];
  const walk = (value: unknown, axis: number): void => {
    if (axis === shape.length) {
      if (typeof value !== "number") throw new CliError(`${source}: Found ${showJson(value)}, expected a number`);
      data.push(value);
    } else if (Array.isArray(value) && value.length === shape[axis]) {
      for (const item of value) walk(item, axis + 1);
    } else {
      throw new CliError(`${source}: Rows are of unlike length, expected a full array of ${shape.length} axes`);
    }
  };
  if (shape.length > 3) throw new CliError(`${source}: Has ${shape.length} axes, expected at most 3`);
  walk(json, 0);
  return { shape, data: Float64Array.from(data) };
}

function stack(documents: readonly Arrays[], name: "inputs" | "outputs", source: string): NumericArray {
  const first = documents[0]?.[name].shape ?? [];
  const data = documents.flatMap((document) => {
    const { shape, data: values } = document[name];
    if (shape.join() !== first.join()) throw new CliError(`${source}: "${name}" of the lines are of unlike shape`);
    return [...values];
  });
  return { shape: [documents.length, ...first], data: Float64Array.from(data) };
}

/** Finds B and T, and cuts the arrays into B sequences. */
function cut({ inputs, outputs, outputs64 }: Arrays, source: string, model: ReferenceShape): Sequence[] {
  const { batch, steps } = inputShape(inputs.shape, outputs.shape, source, model);
  const lastOnly = isLastOnly(outputs.shape, { batch, steps }, source, model);
  const [sizeIn, sizeOut] = [steps * model.inputs.length, (lastOnly ? 1 : steps) * model.outputs.length];
  checkInputs(inputs.data, source, model);
  if (outputs64 && outputs64.shape.join() !== outputs.shape.join()) {
    throw new CliError(
      `${source}: "outputs64" has shape [${outputs64.shape.join(", ")}], expected that of "outputs", [${outputs.shape.join(", ")}]`,
    );
  }
  return Array.from({ length: batch ?? 1 }, (_, b) => ({
    inputs: Float64Array.from(inputs.data.subarray(b * sizeIn, (b + 1) * sizeIn)),
    outputs: Float64Array.from(outputs.data.subarray(b * sizeOut, (b + 1) * sizeOut)),
    ...(outputs64 && { outputs64: Float64Array.from(outputs64.data.subarray(b * sizeOut, (b + 1) * sizeOut)) }),
    steps,
    lastOnly,
  }));
}

interface Axes {
  /** Undefined: there is no axis B. */
  readonly batch: number | undefined;
  readonly steps: number;
}

function inputShape(shape: readonly number[], outputs: readonly number[], source: string, model: ReferenceShape): Axes {
  const width = model.inputs.length;
  const [first = 0, second = 0, third] = shape;
  let axes: Axes | undefined;
  if (shape.length === 1 && width === 1) axes = { batch: undefined, steps: first };
  else if (shape.length === 1 && first === width) axes = { batch: undefined, steps: 1 };
  // [B, T] of a model with one input, told from [T, 1] by its width, or by outputs [B, 1, O].
  else if (shape.length === 2 && width === 1 && (second !== 1 || outputs.length === 3))
    axes = { batch: first, steps: second };
  else if (shape.length === 2 && second === width) axes = { batch: undefined, steps: first };
  else if (shape.length === 3 && third === width) axes = { batch: first, steps: second };
  if (axes && axes.steps > 0 && axes.batch !== 0) return axes;
  const kind = model.embedding ? "tokens [T] or [B, T]" : `[T, ${width}] or [B, T, ${width}]`;
  throw new CliError(`${source}: "inputs" has shape [${shape.join(", ")}], expected ${kind} for this model`);
}

function isLastOnly(shape: readonly number[], axes: Axes, source: string, model: ReferenceShape): boolean {
  const width = model.outputs.length;
  const batch = axes.batch === undefined ? [] : [axes.batch];
  const fits = (...expected: number[]) => {
    const short = width === 1 ? expected.slice(0, -1) : expected;
    return shape.join() === expected.join() || shape.join() === short.join();
  };
  // A batch of one may be left out.
  if (fits(...batch, axes.steps, width) || (axes.batch === 1 && fits(axes.steps, width))) return false;
  if (fits(...batch, width) || (axes.batch === undefined && fits(1, width))) return axes.steps > 1;
  const all = [...batch, axes.steps, width].join(", ");
  const last = [...batch, width].join(", ");
  throw new CliError(
    `${source}: "outputs" has shape [${shape.join(", ")}], expected [${all}], or [${last}] for the last step only`,
  );
}

function checkInputs(data: NumericArray["data"], source: string, { inputs, embedding }: ReferenceShape): void {
  const index = data.findIndex((value) => {
    if (!embedding) return !Number.isFinite(value);
    return !(Number.isInteger(value) && value >= 0 && value < embedding.vocabulary);
  });
  if (index < 0) return;
  const expected = embedding ? `a token from 0 to ${embedding.vocabulary - 1}` : "a finite number";
  const row = Math.floor(index / inputs.length);
  const name = inputs[index % inputs.length]?.name;
  throw new CliError(`${source}: Row ${row} of "inputs" has ${name} = ${data[index]}, expected ${expected}`);
}
