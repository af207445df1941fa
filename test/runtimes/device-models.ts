// Models that run on emulated microcontrollers: between them they reach every kernel.

import type { Model } from "../../host/runtime/types.ts";
import { extremeModel } from "../support/extremes.ts";
import { randomF32Model, randomQ15Model } from "../support/models.ts";
import type { ShapeOptions } from "../support/shapes.ts";

const SHAPES: Readonly<Record<string, ShapeOptions>> = {
  h1: { inputs: 1, layers: [1] },
  h16: { inputs: 8, layers: [16] },
  h32: { inputs: 8, layers: [32] },
  "h5-before": { inputs: 3, layers: [5], reset: "before" },
  "h16-h7-skip3": { inputs: 2, layers: [16, 7], outputs: 2, skip: 3 },
  "h20-h12-h9": { inputs: 5, layers: [20, 12, 9], outputs: 3, activation: "tanh" },
  "embedding-softmax": { layers: [12], embedding: { vocabulary: 11, size: 6 }, outputs: 9, activation: "softmax" },
};

const EXTREME: ShapeOptions = { inputs: 3, layers: [9, 17], outputs: 2, reset: "before", skip: 4 };

/** A model by its name in the table of results. */
export type NamedModel = readonly [name: string, model: Model];

/** The q15 models, one of them with sums that saturate. */
export const Q15_MODELS: readonly NamedModel[] = [
  ...Object.entries(SHAPES).map(([name, shape]): NamedModel => [`q15 ${name}`, randomQ15Model(shape).model]),
  ["q15 h64", randomQ15Model({ inputs: 8, layers: [64] }).model],
  ["q15 extreme", extremeModel(EXTREME).model],
];

/** The f32 models. */
export const F32_MODELS: readonly NamedModel[] = ["h1", "h16", "h16-h7-skip3", "h5-before", "embedding-softmax"].map(
  (name): NamedModel => [`f32 ${name}`, randomF32Model(SHAPES[name] as ShapeOptions).model],
);
