// Learned numbers → the bytes of a model file.

import type { ModelSpecInput } from "../../host/model/model.ts";
import { parseModel, serializeModel } from "../../host/model/model.ts";
import type { LayerSpec, Model, Tensor } from "../../host/model/types.ts";
import type { Scaling } from "./normalise.ts";
import type { Law } from "./ridge.ts";
import type { Task } from "./task.ts";

/** What a model says of itself besides its network. */
export interface Labels {
  readonly name: string;
  readonly inputs: readonly string[];
  readonly interval?: number | undefined;
}

/** The part of a network in front of the skip: its layers and their tensors, `layers.k.…`. */
export interface Core {
  readonly layers: readonly LayerSpec[];
  readonly tensors: ReadonlyMap<string, Tensor>;
}

/** A tensor in single precision. */
export function f32Tensor(shape: readonly number[], values: ArrayLike<number>): Tensor {
  return { dtype: "F32", shape, data: Float32Array.from(values) };
}

/** A core that adds the bias of a law and nothing else: with a skip, a linear model. */
export function linearCore(inputs: number, bias: ArrayLike<number>): Core {
  const size = bias.length;
  return {
    layers: [{ kind: "dense", size, activation: "linear" }],
    tensors: new Map([
      ["layers.0.W", f32Tensor([size, inputs], new Float32Array(size * inputs))],
      ["layers.0.b", f32Tensor([size], bias)],
    ]),
  };
}

/** The weights of a law as FORMAT.md 4 has a skip: oldest sample first. */
export function skipTensor({ lags, inputs, outputs, weights }: Law): Tensor {
  const data = new Float32Array(weights.length);
  const length = lags * inputs;
  for (let o = 0; o < outputs; o++) {
    for (let a = 0; a < lags; a++) {
      for (let i = 0; i < inputs; i++) {
        data[o * length + (lags - 1 - a) * inputs + i] = weights[o * length + a * inputs + i] as number;
      }
    }
  }
  return { dtype: "F32", shape: [outputs, length], data };
}

/** Parts of a model that is being made. */
export interface ModelParts {
  readonly task: Task;
  readonly labels: Labels;
  readonly inputs: readonly Scaling[];
  readonly outputs: readonly Scaling[];
  readonly core: Core;
  /** The skip and the number of samples that it sees. */
  readonly skip?: { readonly length: number; readonly tensor: Tensor };
}

/** Puts a model together. Its bytes are those of the file but for what is added later. */
export function assembleModel(parts: ModelParts, more: Partial<ModelSpecInput> = {}): Model {
  const { task, labels, inputs, outputs, core, skip } = parts;
  const isOpen = task.kind !== "classify";
  const spec: ModelSpecInput = {
    name: labels.name,
    numeric: "f32",
    inputs: labels.inputs.map((name, i) => ({ name, range: rangeOf(inputs[i] as Scaling) })),
    outputs: task.targets.map(({ name, forecasts }) => ({ name, ...(forecasts !== undefined && { forecasts }) })),
    horizon: task.horizon,
    layers: core.layers,
    ...(skip && { skip: { length: skip.length } }),
    ...(labels.interval !== undefined && { interval: labels.interval }),
    ...more,
  };
  const tensors = new Map<string, Tensor>([
    [
      "input.offset",
      f32Tensor(
        [inputs.length],
        inputs.map(({ offset }) => offset),
      ),
    ],
    [
      "input.scale",
      f32Tensor(
        [inputs.length],
        inputs.map(({ scale }) => scale),
      ),
    ],
    ...core.tensors,
  ]);
  if (skip) tensors.set("skip.W", skip.tensor);
  if (isOpen) {
    tensors.set(
      "output.offset",
      f32Tensor(
        [outputs.length],
        outputs.map(({ offset }) => offset),
      ),
    );
    tensors.set(
      "output.scale",
      f32Tensor(
        [outputs.length],
        outputs.map(({ scale }) => 1 / scale),
      ),
    );
  }
  return parseModel(serializeModel(spec, tensors));
}

/** Values seen, as single precision has them: the file's JSON has no more digits than needed. */
function rangeOf({ min, max }: Scaling): [number, number] {
  return [Number(min.toPrecision(8)), Number(max.toPrecision(8))];
}
