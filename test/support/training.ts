// Networks to train, with losses, and batches for them by chance.

import type { NetworkSpec } from "../../host/model/network.ts";
import type { Activation, LayerSpec } from "../../host/model/types.ts";
import { parametersOf } from "../../host/train/parameters.ts";
import type { Batch, TrainerOptions } from "../../host/train/types.ts";
import { tensorOf } from "./models.ts";
import { gaussian, mulberry32, uniform } from "./random.ts";

/** A network to train. */
export interface TrainingCase extends Partial<Omit<TrainerOptions, "network">> {
  readonly name: string;
  readonly inputs?: number;
  readonly layers: readonly LayerSpec[];
  readonly embedding?: NetworkSpec["embedding"];
  readonly skip?: number;
}

/** A GRU layer. */
export const gruSpec = (size: number, reset: "after" | "before" = "after", gates?: "hard"): LayerSpec => ({
  kind: "gru",
  size,
  reset,
  ...(gates && { gates }),
});

/** A dense layer. */
export const denseSpec = (size: number, activation: Activation = "linear"): LayerSpec => ({
  kind: "dense",
  size,
  activation,
});

const ACTIVATIONS: readonly Activation[] = [
  "linear",
  "sigmoid",
  "tanh",
  "relu",
  "prelu",
  "elu",
  "hardtanh",
  "gelu",
  "gelu_tanh",
  "silu",
  "softplus",
  "hardswish",
  "hardsigmoid",
];

/** Every layer, activation and loss, and sizes that are no multiple of a vector. */
export const CASES: readonly TrainingCase[] = [
  { name: "reset-after", layers: [gruSpec(8), denseSpec(2)] },
  { name: "reset-before", layers: [gruSpec(5, "before"), denseSpec(3)] },
  { name: "hard gates", layers: [gruSpec(6, "after", "hard"), gruSpec(5, "before", "hard"), denseSpec(3)] },
  { name: "stacked, both forms", layers: [gruSpec(7), gruSpec(9, "before"), gruSpec(4), denseSpec(1)] },
  { name: "a GRU layer last", layers: [gruSpec(3)] },
  { name: "a skip", layers: [gruSpec(6), denseSpec(2)], skip: 4 },
  { name: "a skip and no GRU layer", layers: [denseSpec(3)], skip: 3 },
  { name: "the last step alone", layers: [gruSpec(6), denseSpec(4, "tanh"), denseSpec(2)], targets: "last" },
  { name: "huber", layers: [gruSpec(6), denseSpec(3)], loss: "huber", delta: 0.5 },
  { name: "binary cross-entropy", layers: [gruSpec(6), denseSpec(2, "sigmoid")], loss: "binary_crossentropy" },
  { name: "cross-entropy", layers: [gruSpec(6), denseSpec(5, "softmax")], loss: "categorical_crossentropy" },
  {
    name: "tokens, sparse cross-entropy",
    layers: [gruSpec(6), denseSpec(11, "softmax")],
    loss: "sparse_categorical_crossentropy",
    embedding: { vocabulary: 11, size: 6 },
  },
  { name: "softmax under mse", layers: [gruSpec(6), denseSpec(5, "softmax")] },
  ...ACTIVATIONS.map((activation) => ({
    name: `${activation} between and last`,
    layers: [gruSpec(5), denseSpec(6, activation), denseSpec(3, activation)],
  })),
];

const fine = (value: number) => Math.round(value * 65536) / 65536;

/** The options of a case, with weights by chance, whole multiples of 2^-16 so that small steps are exact: those of biases too, and with scaling where the network allows it. */
export function caseOptions({ name: _, inputs = 3, layers, embedding, skip, ...rest }: TrainingCase): TrainerOptions {
  const names = (count: number, prefix: string) => Array.from({ length: count }, (_, i) => ({ name: `${prefix}${i}` }));
  const network: NetworkSpec = {
    inputs: names(embedding ? 1 : inputs, "x"),
    outputs: names(layers.at(-1)!.size, "y"),
    layers,
    ...(embedding && { embedding }),
    ...(skip && { skip: { length: skip } }),
  };
  const options: TrainerOptions = { network, loss: "mse", batch: 8, steps: 8, ...rest };
  const random = mulberry32(7);
  const initial = new Map(
    parametersOf(options).map(({ name, shape, values }) => {
      const isParameter = name.endsWith(".p");
      return [
        name,
        tensorOf(
          "F32",
          shape,
          values.map((v) => fine((isParameter ? v + 0.1 : v) + uniform(random, 0.3))),
        ),
      ];
    }),
  );
  if (!embedding) {
    initial.set(
      "input.offset",
      tensorOf(
        "F32",
        [inputs],
        network.inputs.map(() => uniform(random, 1)),
      ),
    );
    initial.set(
      "input.scale",
      tensorOf(
        "F32",
        [inputs],
        network.inputs.map(() => 0.5 + random()),
      ),
    );
  }
  return { ...options, initial };
}

/** A batch that suits the options, by chance. */
export function batchFor({ network, loss, targets }: TrainerOptions, rows: number, steps: number, seed = 5): Batch {
  const random = mulberry32(seed);
  const classes = network.outputs.length;
  const index = (below: number) => Math.floor(random() * below);
  const places = targets === "last" ? rows : rows * steps;
  const inputs = Array.from({ length: rows * steps * network.inputs.length }, () =>
    network.embedding ? index(network.embedding.vocabulary) : gaussian(random),
  );
  const target = (): number[] => {
    if (loss === "sparse_categorical_crossentropy") return [index(classes)];
    if (loss === "binary_crossentropy") return network.outputs.map(() => index(2));
    if (loss !== "categorical_crossentropy") return network.outputs.map(() => gaussian(random));
    const shares = network.outputs.map(() => random());
    const sum = shares.reduce((total, share) => total + share, 0);
    return shares.map((share) => share / sum);
  };
  const weights = Array.from({ length: places }, () => index(3) / 2 + 0.25);
  return { rows, steps, inputs, targets: Array.from({ length: places }, target).flat(), weights };
}

/** The tensors that training starts with, in double precision. */
export const numbersOf = ({ initial }: TrainerOptions): ReadonlyMap<string, Float64Array> =>
  new Map([...(initial ?? [])].map(([name, { data }]) => [name, Float64Array.from(data)]));
