// Gradients of PyTorch (tools/training/conformance/torch_train.py).

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Activation } from "../../host/model/types.ts";
import { parametersOf } from "../../host/train/parameters.ts";
import { mulberry32 } from "../../host/train/random.ts";
import { createTrainer } from "../../host/train/trainer.ts";
import type { LossName, TrainerOptions } from "../../host/train/types.ts";
import { tensorOf } from "../support/models.ts";
import { denseSpec, gruSpec } from "../support/training.ts";

interface Vectors {
  readonly keep: number;
  readonly cases: readonly {
    readonly name: string;
    readonly layers: readonly (readonly ["gru", "after" | "before"] | readonly ["dense", number, Activation])[];
    readonly loss: LossName;
    readonly embedding: number;
    readonly skip: number;
    readonly value: number;
    readonly gradients: Readonly<Record<string, readonly number[]>>;
  }[];
}

const { keep, cases } = JSON.parse(readFileSync("test/vectors/train/torch.json", "utf8")) as Vectors;
const [ROWS, STEPS, INPUTS, SIZE] = [4, 6, 3, 5];
const PARAMETERS: Readonly<Record<string, number[]>> = {
  prelu: [0.25],
  elu: [1],
  hardtanh: [-0.25, 0.5],
  hardsigmoid: [0.5, 0.25],
};
/** Seeds of the cases, in order. */
const seedOf = (index: number) => {
  const activations = ["linear", "sigmoid", "tanh", "relu", "softmax", "prelu"];
  return index < 6 ? index + 1 : 10 + index - 6 + Number(index - 6 >= activations.indexOf("softmax"));
};

type Case = Vectors["cases"][number];

function optionsOf({ layers, loss, embedding, skip }: Case, random: () => number): TrainerOptions {
  const own = layers.map((layer) => (layer[0] === "gru" ? gruSpec(SIZE, layer[1]) : denseSpec(layer[1], layer[2])));
  const names = (count: number, prefix: string) => Array.from({ length: count }, (_, i) => ({ name: prefix + i }));
  const options: TrainerOptions = {
    network: {
      inputs: names(embedding > 0 ? 1 : INPUTS, "x"),
      outputs: names(own.at(-1)!.size, "y"),
      layers: own,
      ...(embedding > 0 && { embedding: { vocabulary: embedding, size: INPUTS } }),
      ...(skip > 0 && { skip: { length: skip } }),
    },
    loss,
    batch: ROWS,
    steps: STEPS,
  };
  const initial = parametersOf(options).map(({ name, shape, values }) => {
    const layer = own[Number(name.split(".")[1])];
    const fixed = name.endsWith(".p") && layer?.kind === "dense" ? PARAMETERS[layer.activation]! : undefined;
    const data = values.map((_, i) => (fixed ? fixed[Math.floor(i / shape[1]!)]! : Math.fround(2 * random() - 1) / 2));
    return [name, tensorOf("F32", shape, data)] as const;
  });
  return { ...options, initial: new Map(initial) };
}

/** Targets as PyTorch makes them of numbers within ±1. */
function targetsOf({ loss }: Case, outputs: number, random: () => number): number[] {
  const places = ROWS * STEPS;
  if (loss === "sparse_categorical_crossentropy") {
    return Array.from({ length: places }, () => Math.floor(random() * outputs));
  }
  const drawn = Array.from({ length: places * outputs }, () => Math.fround(2 * random() - 1));
  if (loss === "binary_crossentropy") return drawn.map((v) => Number(v > 0));
  if (loss !== "categorical_crossentropy") return drawn;
  return drawn.map((v, i) => {
    const own = drawn.slice(i - (i % outputs), i - (i % outputs) + outputs);
    return Math.fround(Math.exp(v) / own.reduce((sum, other) => sum + Math.exp(other), 0));
  });
}

describe("gradients of the kernels", () => {
  it.each(cases.map((own, index) => ({ ...own, index })))("are those of PyTorch within 1e-5: $name", (own) => {
    const random = mulberry32(seedOf(own.index));
    const options = optionsOf(own, random);
    const draw = own.embedding > 0 ? () => Math.floor(random() * own.embedding) : () => 2 * random() - 1;
    const inputs = Array.from({ length: ROWS * STEPS * options.network.inputs.length }, draw);
    const targets = targetsOf(own, options.network.outputs.length, random);
    const batch = { rows: ROWS, steps: STEPS, inputs, targets };
    const trainer = createTrainer(options);
    const { sum, weight } = trainer.evaluate(batch);
    const gradients = trainer.gradients(batch);
    const distances = [...gradients].map(([name, values]) => {
      const expected = own.gradients[name]!;
      const found = values.filter((_, i) => i % keep === 0);
      expect(found.length).toBe(expected.length);
      return Math.hypot(...expected.map((g, i) => g - found[i]!)) / Math.hypot(...expected);
    });
    expect(sum / weight / own.value).toBeCloseTo(1, 5);
    expect(Math.max(...distances)).toBeLessThan(1e-5);
  });
});
