import type { ShapeOptions } from "./shapes.ts";

/** Options of shapes that between them reach every kernel and every remainder of a block of 16. */
export const SHAPES: readonly (readonly [string, ShapeOptions])[] = [
  ["1 input, H = 1", { inputs: 1, layers: [1] }],
  ["3 inputs, H = 5", { inputs: 3, layers: [5] }],
  ["8 inputs, H = 32, forecasts", { inputs: 8, layers: [32], outputs: 8, horizon: 1 }],
  [
    "5 inputs, H = 20, reset-before, forecasts 7 ahead",
    { inputs: 5, layers: [20], outputs: 3, reset: "before", horizon: 7 },
  ],
  ["H = 16 and 7, a skip over 3", { inputs: 2, layers: [16, 7], outputs: 2, skip: 3 }],
  [
    "an embedding and a softmax",
    { layers: [12], embedding: { vocabulary: 11, size: 6 }, outputs: 9, activation: "softmax" },
  ],
  [
    "dense layers of every activation",
    {
      inputs: 3,
      layers: [
        { dense: 17, activation: "relu" },
        { dense: 5, activation: "tanh" },
        { dense: 4, activation: "linear" },
        { dense: 3, activation: "sigmoid" },
      ],
      outputs: 2,
      activation: "relu",
    },
  ],
];
