// The layers of Keras that scale and shift each element.

import { CliError } from "../../errors.ts";
import type { Attributes } from "./attributes.ts";
import type { Context } from "./context.ts";
import type { LayerConfig } from "./layer-config.ts";

/** Smallest divisor of Normalization, `keras.config.epsilon()`. */
const NORMALIZATION_EPSILON = 1e-7;

/** Normalization: (x - mean) / max(sqrt(variance), 1e-7), or its inverse. */
export function addNormalization(layer: LayerConfig, attributes: Attributes, context: Context): void {
  checkAxis(attributes, context.rank, true);
  const isInverse = attributes.flag("invert", false);
  const size = sizeBefore(layer, context, statistics(attributes.raw("mean")).length);
  const isStored = attributes.raw("mean") === undefined || attributes.raw("mean") === null;
  attributes.raw("variance");
  const [mean, variance] = isStored
    ? context.weights.take(layer, "", ["mean", "variance"]).map(({ values }) => values)
    : ["mean", "variance"].map((name) => statistics(attributes.raw(name)));
  if (isStored) context.weights.ignore(layer, "", ["mean", "variance", "count"]);
  const means = spread(layer, "mean", mean, size);
  const deviations = spread(layer, "variance", variance, size).map((value) =>
    Math.max(Math.sqrt(value), NORMALIZATION_EPSILON),
  );
  context.builder.scale(
    isInverse
      ? { scale: deviations, shift: means }
      : {
          scale: deviations.map((deviation) => 1 / deviation),
          shift: means.map((value, i) => -value / (deviations[i] as number)),
        },
  );
}

/** BatchNormalization as it predicts: (x - mean) / sqrt(variance + epsilon) * gamma + beta. */
export function addBatchNormalization(layer: LayerConfig, attributes: Attributes, context: Context): void {
  checkAxis(attributes, context.rank, false);
  const epsilon = attributes.number("epsilon", 1e-3);
  const hasScale = attributes.flag("scale", true);
  const hasCenter = attributes.flag("center", true);
  const names = [...(hasScale ? ["gamma"] : []), ...(hasCenter ? ["beta"] : []), "moving_mean", "moving_variance"];
  const taken = context.weights.take(layer, "", names);
  const size = sizeBefore(layer, context, taken.at(-1)?.values.length ?? 0);
  const values = (name: string, fallback: number) => {
    const index = names.indexOf(name);
    return index < 0 ? new Float64Array(size).fill(fallback) : spread(layer, name, taken[index]?.values, size);
  };
  const variance = values("moving_variance", 1);
  const mean = values("moving_mean", 0);
  const beta = values("beta", 0);
  const scale = values("gamma", 1).map((gamma, i) => gamma / Math.sqrt((variance[i] as number) + epsilon));
  if (!scale.every(Number.isFinite)) {
    throw new CliError(`${layer.where}: moving_variance + epsilon is not positive; the weights are damaged`);
  }
  context.builder.scale({ scale, shift: beta.map((value, i) => value - (mean[i] as number) * (scale[i] as number)) });
}

/** Rescaling: x * scale + offset, one number for all values or one for each. */
export function addRescaling(layer: LayerConfig, attributes: Attributes, context: Context): void {
  const given = ["scale", "offset"].map((name) => statistics(attributes.raw(name) ?? 0));
  const size = sizeBefore(layer, context, Math.max(...given.map(({ length }) => length)));
  const [scale, shift] = given.map((values, index) => spread(layer, index === 0 ? "scale" : "offset", values, size));
  context.builder.scale({ scale: scale as Float64Array, shift: shift as Float64Array });
}

/** Accepts the last axis, or none where `allowsNone`. */
function checkAxis(attributes: Attributes, rank: number, allowsNone: boolean): void {
  const value = attributes.raw("axis") ?? (allowsNone ? [] : -1);
  const axes: unknown[] = Array.isArray(value) ? value : [value];
  const isLast = axes.length === 1 && (axes[0] === -1 || axes[0] === rank - 1);
  if (!isLast && !(allowsNone && axes.length === 0)) {
    throw attributes.refusal("axis", "only the last axis, the values of a sample, is supported");
  }
}

/** Elements before a scaling; `fallback` when nothing said so yet. */
function sizeBefore(layer: LayerConfig, { builder }: Context, fallback: number): number {
  const size = builder.size ?? fallback;
  if (size > 0) return size;
  throw new CliError(`${layer.where}: The size of its input is not known; build the model with an Input first`);
}

/** A statistic given in the configuration: a number or nested lists of numbers. */
function statistics(value: unknown): Float64Array {
  const flat = [value].flat(4);
  return Float64Array.from(flat.every((item) => typeof item === "number") ? (flat as number[]) : []);
}

/** A value for each element: one for all, or as many as there are. */
function spread(layer: LayerConfig, name: string, values: ArrayLike<number> | undefined, size: number): Float64Array {
  const given = Float64Array.from(values ?? []);
  const result = given.length === 1 ? new Float64Array(size).fill(given[0] as number) : given;
  if (
    result.length !== size ||
    !result.every((value) => Number.isFinite(value) && (name === "variance" ? value >= 0 : true))
  ) {
    throw new CliError(
      `${layer.where}: ${name} has ${given.length} values, expected ${size} finite ones; the file is damaged`,
    );
  }
  return result;
}
