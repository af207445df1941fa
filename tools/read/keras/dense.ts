// Dense layers of Keras, and layers that apply a function.

import { CliError } from "../../errors.ts";
import type { Applied } from "../network.ts";
import type { Attributes } from "./attributes.ts";
import type { Context } from "./context.ts";
import type { Hdf5Dataset } from "./hdf5.ts";
import type { LayerConfig } from "./layer-config.ts";
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

/** ReLU as a layer of its own: with a slope below zero, or with a greatest value. */
export function addReLU(layer: LayerConfig, attributes: Attributes, context: Context): void {
  if (attributes.number("threshold", 0) !== 0)
    throw attributes.refusal("threshold", "only a threshold of 0 is supported");
  const slope = attributes.number("negative_slope", 0);
  const most = attributes.raw("max_value") ?? null;
  if (most === null) {
    apply(layer, context, slope === 0 ? { activation: "relu" } : { activation: "prelu", parameters: [[slope]] });
  } else if (slope === 0 && typeof most === "number") {
    apply(layer, context, { activation: "hardtanh", parameters: [[0], [most]] });
  } else throw attributes.refusal("max_value", "it is supported without negative_slope only");
}

/** LeakyReLU; the attribute is `alpha` before Keras 3. */
export function addLeakyReLU(layer: LayerConfig, attributes: Attributes, context: Context): void {
  const slope = attributes.number("negative_slope", attributes.number("alpha", 0.3));
  apply(layer, context, { activation: "prelu", parameters: [[slope]] });
}

/** ELU. */
export function addELU(layer: LayerConfig, attributes: Attributes, context: Context): void {
  apply(layer, context, { activation: "elu", parameters: [[attributes.number("alpha", 1)]] });
}

/** PReLU: a slope for each value, shared by all steps. */
export function addPReLU(layer: LayerConfig, attributes: Attributes, context: Context): void {
  attributes.ignore("shared_axes");
  const [alpha] = context.weights.take(layer, "", ["alpha"]) as [Hdf5Dataset];
  const size = context.builder.size ?? alpha.values.length;
  if (alpha.values.length !== size && alpha.values.length !== 1) {
    throw new CliError(
      `${layer.where}: alpha has the shape [${alpha.shape.join(", ")}], a slope for each step of a window; build it with shared_axes=[1]`,
    );
  }
  apply(layer, context, { activation: "prelu", parameters: [alpha.values] });
}

/** Softmax as a layer of its own. */
export function addSoftmax(layer: LayerConfig, attributes: Attributes, context: Context): void {
  const axis = attributes.number("axis", -1);
  if (axis !== -1 && axis !== context.rank - 1) throw attributes.refusal("axis", "only the last axis is supported");
  activate(layer, attributes, context, "softmax");
}

/** The activations of Keras by their names; parameters as Keras has them by default. */
const ACTIVATIONS: ReadonlyMap<string, Applied> = new Map<string, Applied>([
  ...(["linear", "sigmoid", "tanh", "relu", "softmax", "gelu", "silu", "softplus"] as const).map(
    (activation): [string, Applied] => [activation, { activation }],
  ),
  ["swish", { activation: "silu" }],
  ["hard_silu", { activation: "hardswish" }],
  ["hard_swish", { activation: "hardswish" }],
  ["elu", { activation: "elu", parameters: [[1]] }],
  ["leaky_relu", { activation: "prelu", parameters: [[0.2]] }],
  ["relu6", { activation: "hardtanh", parameters: [[0], [6]] }],
  ["hard_tanh", { activation: "hardtanh", parameters: [[-1], [1]] }],
]);

/** Applies an activation of any layer but a GRU. */
function activate(layer: LayerConfig, attributes: Attributes, context: Context, name: string): void {
  const hard: Applied = { activation: "hardsigmoid", parameters: [[context.hardSlope], [0.5]] };
  const applied = name === "hard_sigmoid" ? hard : ACTIVATIONS.get(name);
  if (applied === undefined) {
    const known = [...ACTIVATIONS.keys(), "hard_sigmoid"].join(", ");
    throw attributes.refusal("activation", `only ${known} are supported`);
  }
  apply(layer, context, applied);
}

function apply(layer: LayerConfig, { builder }: Context, applied: Applied): void {
  if (applied.activation === "linear") return;
  if (builder.size === undefined)
    throw new CliError(`${layer.where}: The size of its input is not known; build the model first`);
  builder.activate(layer.name, applied);
}
