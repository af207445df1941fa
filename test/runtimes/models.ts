// The models of the conformance matrix: between them they reach every kernel, and every remainder of a block of units.

import type { Model } from "../../host/model/types.ts";
import { extremeModel } from "../support/extremes.ts";
import { type BuiltModel, randomF32Model, randomQ15Model, withSelftest } from "../support/models.ts";
import type { ShapeOptions } from "../support/shapes.ts";

/** A model of the matrix. */
export interface MatrixModel {
  readonly name: string;
  readonly built: BuiltModel;
}

const DENSE = { inputs: 3, layers: [6, { dense: 17, activation: "relu" }, { dense: 5, activation: "tanh" }] } as const;

/** Shapes in both numeric forms. */
const BOTH: Readonly<Record<string, ShapeOptions>> = {
  h1: { inputs: 1, layers: [1] },
  h16: { inputs: 8, layers: [16] },
  h32: { inputs: 8, layers: [32] },
  "h12-forecasts": { inputs: 3, layers: [12], outputs: 4, horizon: 1 },
  "h64-before": { inputs: 8, layers: [64], outputs: 2, reset: "before" },
  "h16-h7-skip3": { inputs: 2, layers: [16, 7], outputs: 2, skip: 3 },
  "embedding-softmax": { layers: [12], embedding: { vocabulary: 11, size: 6 }, outputs: 9, activation: "softmax" },
  "dense-sigmoid": { ...DENSE, outputs: 2, activation: "sigmoid" },
};

const Q15: Readonly<Record<string, ShapeOptions>> = {
  "h5-before": { inputs: 3, layers: [5], reset: "before" },
  h64: { inputs: 8, layers: [64], outputs: 2 },
  "h20-h12-h9": { inputs: 5, layers: [20, 12, 9], outputs: 3, activation: "tanh" },
  "gru-last": { inputs: 4, layers: [6], outputs: 0 },
  "h7-forecasts-5-ahead": { inputs: 2, layers: [7], outputs: 2, skip: 2, horizon: 5 },
};

/** With weights, biases, multipliers and shifts at the ends of their bounds: sums saturate. */
const EXTREME: Readonly<Record<string, ShapeOptions>> = {
  "extreme-h32": { inputs: 8, layers: [32], outputs: 2 },
  "extreme-h5-forecasts": { inputs: 3, layers: [5], outputs: 3, horizon: 2 },
  "extreme-h9-h17-before": { inputs: 3, layers: [9, 17], outputs: 2, reset: "before", skip: 4 },
};

const F32: Readonly<Record<string, ShapeOptions>> = {
  "h5-h3-h4-before": { inputs: 3, layers: [5, 3, 4], reset: "before", activation: "relu" },
};

/** Steps of the self-test that travels in each model. */
const SELFTEST_STEPS = 8;

const made = (
  shapes: Readonly<Record<string, ShapeOptions>>,
  prefix: string,
  make: (shape: ShapeOptions) => BuiltModel,
): MatrixModel[] =>
  Object.entries(shapes).map(([name, shape]) => ({
    name: `${prefix}-${name}`,
    built: withSelftest(make(shape), SELFTEST_STEPS),
  }));

/** All of them. */
export const MODELS: readonly MatrixModel[] = [
  ...made({ ...BOTH, ...Q15 }, "q15", randomQ15Model),
  ...made(EXTREME, "q15", extremeModel),
  ...made({ ...BOTH, ...F32 }, "f32", randomF32Model),
];

/** A model by its name in the table of results. */
export type NamedModel = readonly [name: string, model: Model];

/** Those of the matrix that also run on emulated boards, which are slow: one of each kind. */
const onBoards = (...names: readonly string[]): readonly NamedModel[] =>
  names.map((name) => {
    const found = MODELS.find((model) => model.name === name);
    if (found === undefined) throw new Error(`The matrix has no model ${name}`);
    return [name, found.built.model];
  });

/** The q15 models for boards. */
export const Q15_ON_BOARDS = onBoards(
  ...["q15-h1", "q15-h16", "q15-h32", "q15-h5-before", "q15-h64", "q15-h16-h7-skip3", "q15-h20-h12-h9"],
  ...["q15-embedding-softmax", "q15-extreme-h9-h17-before", "q15-h7-forecasts-5-ahead"],
);

/** The f32 models for boards. */
export const F32_ON_BOARDS = onBoards(
  ...["f32-h1", "f32-h16", "f32-h16-h7-skip3", "f32-h5-h3-h4-before", "f32-embedding-softmax", "f32-h12-forecasts"],
);
