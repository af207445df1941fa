// Dense layers of Keras, and layers that apply a function.

import type { Activation } from "../../../host/model/types.ts";
import { CliError } from "../../errors.ts";
import type { Attributes } from "./attributes.ts";
import type { LayerConfig } from "./config.ts";
import type { Context } from "./context.ts";
import type { Hdf5Dataset } from "./hdf5.ts";
import { activationOf, checkShape } from "./parts.ts";

/** A dense layer. */
export function addDense(layer: LayerConfig, attributes: Attributes, context: Context): void {
  const { weights, builder } = context;
  const size = attributes.size("units");
  const names = ["kernel", ...(attributes.flag("use_bias", true) ? ["bias"] : [])];
  const [kernel, bias] = weights.take(layer, "", names) as [Hdf5Dataset, Hdf5Dataset?];
  const N = builder.size ?? kernel.shape[0] ?? 0;
  checkShape(layer, "kernel", kernel, [N, size]);
  if (bias) checkShape(layer, "bias", bias, [size]);
  const W = new Float32Array(size * N);
  for (let row = 0; row < size; row++) {
    for (let k = 0; k < N; k++) W[row * N + k] = kernel.values[k * size + row] as number;
  }
  const b = bias?.values ?? new Float32Array(size);
  builder.append({ kind: "dense", name: layer.name, size, activation: "linear", W, b });
  activate(layer, attributes, context, activationOf(attributes, "activation"));
}

/** An activation as a layer of its own. */
export function addActivation(layer: LayerConfig, attributes: Attributes, context: Context): void {
  activate(layer, attributes, context, activationOf(attributes, "activation"));
}

/** ReLU as a layer of its own. */
export function addReLU(layer: LayerConfig, attributes: Attributes, context: Context): void {
  for (const name of ["max_value", "negative_slope", "threshold"]) {
    if (attributes.number(name, 0) !== 0 || (name === "max_value" && attributes.raw(name) === 0)) {
      throw attributes.refusal(name, "only the plain rectifier is supported");
    }
  }
  activate(layer, attributes, context, "relu");
}

/** Softmax as a layer of its own. */
export function addSoftmax(layer: LayerConfig, attributes: Attributes, context: Context): void {
  const axis = attributes.number("axis", -1);
  if (axis !== -1 && axis !== context.rank - 1) throw attributes.refusal("axis", "only the last axis is supported");
  activate(layer, attributes, context, "softmax");
}

const ACTIVATIONS: readonly string[] = ["linear", "sigmoid", "tanh", "relu", "softmax"] satisfies Activation[];

/** Applies an activation of any layer but a GRU. */
function activate(layer: LayerConfig, attributes: Attributes, { builder }: Context, activation: string): void {
  if (activation === "linear") return;
  if (!ACTIVATIONS.includes(activation)) {
    throw attributes.refusal("activation", `only ${ACTIVATIONS.join(", ")} are supported`);
  }
  if (builder.size === undefined)
    throw new CliError(`${layer.where}: The size of its input is not known; build the model first`);
  builder.activate(layer.name, { activation: activation as Activation });
}
