// The models of five tutorials, trained here and in Keras from the same weights and data (tools/training/conformance/keras_train.py).

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  adam,
  adamW,
  type CompileOptions,
  dense,
  embedding,
  gru,
  input,
  type KerasLayer,
  sequential,
} from "../../host/train/index.ts";
import { mulberry32 } from "../../host/train/random.ts";
import type { Weights } from "../../host/train/types.ts";

interface Vectors {
  /** Every so many elements of a tensor are kept. */
  readonly keep: number;
  readonly cases: readonly {
    readonly name: string;
    readonly losses: readonly number[];
    readonly weights: Readonly<Record<string, readonly number[]>>;
  }[];
}

const { keep, cases } = JSON.parse(readFileSync("test/vectors/train/keras.json", "utf8")) as Vectors;

const [STEPS, ROWS, LENGTH] = [20, 8, 10];
const SPARSE = "sparse_categorical_crossentropy";

/** Layers, shapes of a row of x and y (negative: numbers below that), how they learn, and the seed. */
const MODELS: Readonly<Record<string, readonly [KerasLayer[], number[], number[], CompileOptions, number]>> = {
  forecast: [[gru(128, { returnSequences: true })], [LENGTH, 1], [LENGTH, 128], { loss: "mse" }, 1],
  written: [
    [input([null, 4]), gru(6, { returnSequences: true, resetAfter: false }), dense(2)],
    [LENGTH, 4],
    [LENGTH, 2],
    { loss: "huber", optimizer: adamW({ learningRate: 0.01, globalClipnorm: 0.1 }) },
    2,
  ],
  classifier: [
    [gru(128), dense(1, { activation: "sigmoid" })],
    [LENGTH, 64],
    [1, -2],
    { loss: "binary_crossentropy" },
    3,
  ],
  states: [
    [gru(32, { returnSequences: true }), dense(1)],
    [LENGTH, 3],
    [LENGTH, 1],
    { loss: "mse", optimizer: adam({ learningRate: 0.01, clipnorm: 0.1 }) },
    4,
  ],
  text: [
    [embedding(40, 16), gru(64, { returnSequences: true }), dense(40, { activation: "softmax" })],
    [LENGTH, -40],
    [LENGTH, -40],
    { loss: SPARSE, optimizer: "adam" },
    5,
  ],
};

/** Numbers within ±1 times a factor, or whole numbers below one. */
function drawn(random: () => number, shape: readonly number[], factor = 1): Float32Array {
  const below = -(shape.at(-1) ?? 0);
  const count = shape.reduce((product, length) => product * Math.max(1, length), 1);
  return Float32Array.from({ length: count }, () =>
    below > 0 ? Math.floor(random() * below) : Math.fround(factor) * Math.fround(2 * random() - 1),
  );
}

async function trained(name: string) {
  const [layers, x, y, options, seed] = MODELS[name]!;
  const random = mulberry32(seed);
  const model = sequential(layers);
  model.compile(options);
  model.build(x[1]! < 0 ? 1 : x[1]);
  const before: Weights = new Map(
    [...model.weights()].map(([tensor, own]) => {
      const data = drawn(random, own.shape, 0.1);
      return [tensor, { ...own, data: tensor.endsWith(".c") && name === "written" ? data.fill(0) : data }];
    }),
  );
  model.load(before);
  const rows = STEPS * ROWS;
  const [xs, ys] = [x, y].map((shape) => {
    const whole = [rows, ...shape].filter((length) => length > 0);
    return { data: drawn(random, [rows, ...shape]), shape: whole };
  });
  const losses: number[] = [];
  await model.fit(xs!, ys!, { batchSize: ROWS, shuffle: false, onBatch: ({ loss }) => losses.push(loss) });
  return { losses, before, after: model.weights() };
}

describe("the model of a tutorial, trained as in Keras", () => {
  it.each(cases)("has its losses and its weights within 1e-4: $name", async ({ name, losses, weights }) => {
    const found = await trained(name);
    const worst = Math.max(...found.losses.map((loss, i) => Math.abs(loss / losses[i]! - 1)));
    const distances = Object.entries(weights).map(([tensor, expected]) => {
      const own = found.after.get(tensor)!.data.filter((_, i) => i % keep === 0);
      expect(own.length).toBe(expected.length);
      return Math.hypot(...expected.map((w, i) => w - own[i]!)) / Math.max(1e-9, Math.hypot(...expected));
    });
    const moved = Object.keys(weights).map((tensor) => {
      const [from, to] = [found.before.get(tensor)!.data, found.after.get(tensor)!.data];
      return Math.max(...Array.from(from, (w, i) => Math.abs(w - to[i]!)));
    });
    expect(found.losses.length).toBe(STEPS);
    expect(worst).toBeLessThan(1e-4);
    expect(Math.max(...distances)).toBeLessThan(1e-4);
    // Twenty updates have gone somewhere: .001 each, but for biases that reset-before does not use.
    expect(moved.filter((distance) => distance > 0.005).length).toBeGreaterThanOrEqual(moved.length - 1);
  });
});
