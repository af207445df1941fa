import type { Activation, LayerSpec, ModelSpec, Numeric, OutputSpec } from "../../host/model/types.ts";
import { gaussian, integer, type Random } from "./random.ts";

/** The shape of a random model. */
export interface ShapeOptions {
  /** I, default 4; 1 with an embedding. */
  readonly inputs?: number;
  /** Layers before the output layer: H of a GRU, or a dense layer. */
  readonly layers: readonly (number | { readonly dense: number; readonly activation: Activation })[];
  /** O of a dense output layer, default 1. 0: there is none, the last of `layers` is the last layer. */
  readonly outputs?: number;
  /** Activation of the output layer, default linear. */
  readonly activation?: Activation;
  /** Of every GRU layer, default "after". */
  readonly reset?: "after" | "before";
  /** L of a linear skip. */
  readonly skip?: number;
  readonly embedding?: { readonly vocabulary: number; readonly size: number };
  /** Input and output offsets and scales (f32); inputs of unlike offset and range (f32 and q15). Default true. */
  readonly normalise?: boolean;
  /** Steps ahead of which outputs forecast inputs: output o input o + 1, and so on round, but for every third. Default: none forecasts. */
  readonly horizon?: number;
  /** Seeds all numbers, default 1. */
  readonly seed?: number;
}

/** Where one input lives: its values are about `centre ± 3 · unit`. */
export interface InputPlace {
  readonly centre: number;
  /** A power of two. */
  readonly unit: number;
}

/** Draws the places of the inputs: all at 0 ± 3 when they are not normalised. */
export function drawPlaces(options: ShapeOptions, random: Random): readonly InputPlace[] {
  return Array.from({ length: options.embedding ? 1 : (options.inputs ?? 4) }, () =>
    (options.normalise ?? true)
      ? { centre: integer(random, -200, 200) / 8, unit: 2 ** integer(random, -3, 4) }
      : { centre: 0, unit: 1 },
  );
}

/** The document of a random model, without the shifts and fractions of q15. */
export function shapeSpec(options: ShapeOptions, places: readonly InputPlace[], numeric: Numeric): ModelSpec {
  const { reset = "after", outputs = 1, activation = "linear" } = options;
  const layers: LayerSpec[] = options.layers.map((layer) =>
    typeof layer === "number"
      ? { kind: "gru", size: layer, reset }
      : { kind: "dense", size: layer.dense, activation: layer.activation },
  );
  if (outputs > 0) layers.push({ kind: "dense", size: outputs, activation });
  const size = layers.at(-1)?.size ?? 0;
  return {
    format: 1,
    name: "random",
    numeric,
    inputs: places.map(({ centre, unit }, i) => ({
      name: `x${i}`,
      ...(!options.embedding && { range: [centre - 3 * unit, centre + 3 * unit] as const }),
    })),
    outputs: Array.from(
      { length: size },
      (_, o): OutputSpec => ({
        name: `y${o}`,
        ...(options.horizon && o % 3 !== 2 && { forecasts: `x${(o + 1) % places.length}` }),
      }),
    ),
    horizon: options.horizon || 1,
    ...(options.embedding && { embedding: options.embedding }),
    layers,
    ...(options.skip && { skip: { length: options.skip } }),
    warmup: 0,
  };
}

/** One sample that suits the model: real values about the middle of each range, or a token. */
export function randomSample(spec: ModelSpec, random: Random): number[] {
  if (spec.embedding) return [integer(random, 0, spec.embedding.vocabulary - 1)];
  return spec.inputs.map(({ range = [-3, 3] }) => {
    const unit = (range[1] - range[0]) / 6;
    return (range[0] + range[1]) / 2 + unit * gaussian(random);
  });
}
