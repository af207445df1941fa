// What all attempts of a search have in common: batches, and how a network is put together and becomes a model.

import type { NetworkSpec } from "../../../host/model/network.ts";
import type { Model } from "../../../host/model/types.ts";
import type { LossName, Weights } from "../../../host/train/types.ts";
import { assembleModel, f32Tensor, type Labels, skipTensor } from "../assemble-model.ts";
import type { Scaling } from "../normalise.ts";
import type { Prepared } from "../prepared.ts";
import type { Law } from "../ridge.ts";
import { Batches } from "./batches.ts";

/** Steps that a network warms up before a stretch, beside the window of the skip. */
const WARM_STEPS = 64;

/** A network to train, and where it starts. */
export interface Start {
  readonly network: NetworkSpec;
  readonly initial: Weights;
  readonly frozen: readonly string[];
  /** Makes a model of what was learned. */
  readonly finish: (weights: Weights) => Model;
}

/** What an attempt is given. */
export interface Problem {
  readonly loss: LossName;
  readonly fit: Batches;
  readonly stop: Batches;
  /** The network with so many hidden units. */
  readonly start: (hidden: number) => Start;
}

/**
 * The GRU learns what the linear part leaves. Outputs are scaled so that the linear part has an error of 1 on the rows that stop the
 * learning: the loss is the squared error as a share of its, for every output alike.
 */
export function residualProblem({ view, parts, baselines }: Prepared, labels: Labels): Problem {
  const { store, task, inputs } = view;
  const { linear, linearErrors } = baselines;
  const outputs = view.outputs.map((scaling, o) => ({
    ...scaling,
    scale: Math.fround(scaling.scale / Math.sqrt(linearErrors[o] as number)),
  }));
  const law = rescaled(linear, view.outputs, outputs);
  const skip = { length: law.lags, tensor: skipTensor(law) };
  const lead = law.lags - 1 + WARM_STEPS;
  const source = { store, task, inputs: inputs.length, lead };
  const size = outputs.length;
  const start = (hidden: number): Start => {
    const layers = [
      { kind: "gru", size: hidden, reset: "after" },
      { kind: "dense", size, activation: "linear" },
    ] as const;
    // The last layer begins with the bias of the linear part alone: at first the network is the linear model.
    const core = {
      layers,
      tensors: new Map([
        ["layers.1.W", f32Tensor([size, hidden], new Float32Array(size * hidden))],
        ["layers.1.b", f32Tensor([size], law.bias)],
      ]),
    };
    const finish = (weights: Weights) => {
      const tensors = new Map([...weights].filter(([name]) => name.startsWith("layers.")));
      return assembleModel({ task, labels, inputs, outputs, core: { layers, tensors }, skip });
    };
    const initial = new Map([...scalingTensors(inputs, outputs), ...core.tensors, ["skip.W", skip.tensor] as const]);
    const network: NetworkSpec = {
      inputs: labels.inputs.map((name) => ({ name })),
      outputs: task.targets.map(({ name }) => ({ name })),
      layers,
      skip: { length: skip.length },
    };
    return { network, initial, frozen: ["skip.W"], finish };
  };
  return {
    loss: "mse",
    fit: new Batches({ ...source, pieces: parts.fit }),
    stop: new Batches({ ...source, pieces: parts.stop }),
    start,
  };
}

/** Offsets and scales as tensors. */
function scalingTensors(inputs: readonly Scaling[], outputs: readonly Scaling[]): Weights {
  const tensor = (values: readonly number[]) => f32Tensor([values.length], values);
  return new Map([
    ["input.offset", tensor(inputs.map(({ offset }) => offset))],
    ["input.scale", tensor(inputs.map(({ scale }) => scale))],
    ["output.offset", tensor(outputs.map(({ offset }) => offset))],
    ["output.scale", tensor(outputs.map(({ scale }) => 1 / scale))],
  ]);
}

/** A law whose answers have another scale. */
function rescaled(law: Law, from: readonly Scaling[], to: readonly Scaling[]): Law {
  const length = law.lags * law.inputs;
  const factor = (o: number) => (to[o] as Scaling).scale / (from[o] as Scaling).scale;
  return {
    ...law,
    weights: law.weights.map((value, k) => value * factor(Math.floor(k / length))),
    bias: law.bias.map((value, o) => value * factor(o)),
  };
}
