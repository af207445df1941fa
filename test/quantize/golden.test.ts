// The bits of quantized models: rounding, scales, shifts and fractions must not move unnoticed. The models are random and seeded; the
// hashes are those of the files that quantizing to nearest gave before its sources were divided.

import { describe, expect, it } from "vitest";
import { quantizeInMemory } from "../../host/quantize/in-memory.ts";
import { changed } from "../support/changed.ts";
import { randomF32Model } from "../support/models.ts";
import type { ShapeOptions } from "../support/shapes.ts";

const SHAPES: readonly (readonly [title: string, shape: ShapeOptions, hash: string])[] = [
  ["one unit", { inputs: 1, layers: [1] }, "0670a7da367e6611"],
  ["two layers and a skip", { inputs: 3, layers: [7, 5], outputs: 2, skip: 4 }, "61e25f5141ddbd47"],
  [
    "reset-before, values as they come",
    { inputs: 2, layers: [6], reset: "before", normalise: false },
    "1de7f7554d677bcf",
  ],
  ["a GRU layer last", { inputs: 2, layers: [4], outputs: 0 }, "3e182d5339311950"],
  [
    "an embedding and a softmax",
    { layers: [5], embedding: { vocabulary: 9, size: 3 }, outputs: 4, activation: "softmax" },
    "c1e69570da7d55c1",
  ],
  ["relu at the end", { inputs: 2, layers: [4], outputs: 3, activation: "relu" }, "cda64ba5e5f28cab"],
  ["sigmoid at the end", { inputs: 2, layers: [4], outputs: 2, activation: "sigmoid" }, "da2c005443a078fe"],
  ["tanh at the end", { inputs: 2, layers: [4], outputs: 2, activation: "tanh" }, "5302b87886e5c786"],
  [
    "dense layers of every activation",
    {
      inputs: 3,
      layers: [
        { dense: 6, activation: "relu" },
        { dense: 5, activation: "linear" },
        { dense: 4, activation: "tanh" },
        { dense: 4, activation: "sigmoid" },
        5,
      ],
      outputs: 2,
    },
    "8a010f81c3b815c2",
  ],
];

/** What is done to the tensors of a layer, the skip and the output before quantizing. */
const CHANGES: readonly (readonly [
  title: string,
  change: (name: string, value: number, i: number) => number,
  hash: string,
])[] = [
  [
    "weights of unlike rows",
    (name, value, i) => (name.endsWith(".W") ? value * 4 ** ((i % 7) - 3) : value),
    "15117a11cbfc7839",
  ],
  [
    "great weights, which saturate",
    (name, value) => (/^layers\..\.[WU]$/.test(name) ? 30 * value : value),
    "dbb2e047579ae1ff",
  ],
  ["great biases", (name, value) => (/\.[bc]$/.test(name) ? 1e4 * value : value), "80522283df98d8af"],
  ["weights of zero", (name, value) => (/\.[WU]$/.test(name) ? 0 : value), "b1c49e8bc6b0804b"],
  [
    "an output of great values",
    (name, value) => (name.startsWith("output.") ? 1e5 * value : value),
    "c7d8ac82611d6b87",
  ],
  [
    "an output of small values",
    (name, value) => (name.startsWith("output.") ? 1e-4 * value : value),
    "108bb68a9a4eca45",
  ],
];

describe("quantizeInMemory gives the same bits for", () => {
  it.each(SHAPES)("%s", (_, shape, hash) => {
    expect(quantizeInMemory(randomF32Model(shape).model).hash.slice(0, 16)).toBe(hash);
  });

  it.each(CHANGES)("%s", (_, change, hash) => {
    const built = randomF32Model({ inputs: 3, layers: [6], outputs: 2, skip: 2, seed: 5 });
    const { model } = changed(built, (name, { data }) => Array.from(data, (value, i) => change(name, value, i)));
    expect(quantizeInMemory(model).hash.slice(0, 16)).toBe(hash);
  });
});
