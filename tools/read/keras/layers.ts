// What each layer of Keras computes, in the terms of a network. Keras stacks gates as z, r, n columns: kernel [N][3H],
// recurrent_kernel [H][3H], bias [2][3H] (b and c) with reset_after, otherwise [3H].

import type { Activation } from "../../../host/model/types.ts";
import { CliError } from "../../errors.ts";
import type { GruLayer } from "../network.ts";
import { Attributes } from "./attributes.ts";
import type { LayerConfig, ModelConfig } from "./config.ts";
import type { Context } from "./context.ts";
import type { Hdf5Dataset } from "./hdf5.ts";
import { addBatchNormalization, addNormalization } from "./scaling.ts";
import type { Holder } from "./weights.ts";

type Reader = (layer: LayerConfig, attributes: Attributes, context: Context) => void;

/** The layers that are read; a Map, because class names come from the file. */
const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ["Embedding", addEmbedding],
  ["Normalization", addNormalization],
  ["BatchNormalization", addBatchNormalization],
  ["GRU", addGru],
  ["RNN", addRnn],
  ["Dense", (layer, attributes, context) => addDense(layer, attributes, context, "")],
  ["TimeDistributed", addTimeDistributed],
  ["Dropout", addNothing],
  ["SpatialDropout1D", addNothing],
  ["GaussianNoise", addNothing],
  ["GaussianDropout", addNothing],
  ["Activation", addActivation],
  ["ReLU", addReLU],
  ["Softmax", addSoftmax],
]);

/** What to do about well-known layers that cannot be streamed, or not by this runtime. */
const REMEDIES: ReadonlyMap<string, string> = new Map([
  ["Bidirectional", "a bidirectional layer needs the future and cannot stream; train the model with a forward GRU"],
  ["LayerNormalization", "layer normalisation is not supported; train with BatchNormalization or Normalization"],
  ["Masking", "masks are not supported; send no sample in place of a masked one, and build the model without Masking"],
  ["CuDNNGRU", "load it in a recent version of Keras as GRU(reset_after=True) and save it again"],
  ["LSTM", "only GRU layers are supported; train the model with GRU"],
  ["SimpleRNN", "only GRU layers are supported; train the model with GRU"],
  ["Sequential", "models inside of models are not read; build one flat model of the same layers"],
  ["Functional", "models inside of models are not read; build one flat model of the same layers"],
]);

/** Adds every layer of the chain to the builder of the context. */
export function addLayers(model: ModelConfig, context: Context): void {
  for (const layer of model.chain) {
    const reader = READERS.get(layer.className);
    if (!reader) {
      const remedy = REMEDIES.get(layer.className) ?? `only ${[...READERS.keys()].join(", ")} are read`;
      throw new CliError(`${layer.where}: layer ${layer.className.slice(0, 80)} is refused: ${remedy}`);
    }
    const attributes = new Attributes(layer);
    reader(layer, attributes, context);
    attributes.finish();
  }
}

function addEmbedding(layer: LayerConfig, attributes: Attributes, context: Context): void {
  const { weights, builder } = context;
  if (!builder.isEmpty || context.rank !== 2) {
    throw new CliError(`${layer.where}: An embedding must be the first layer and read one token for each step`);
  }
  attributes.refuseFlag(
    "mask_zero",
    "masks are not supported; send no token in place of a masked one, and set mask_zero=False",
  );
  const size = attributes.size("output_dim");
  const vocabulary = attributes.number("input_dim", 0);
  const [table] = weights.take(layer, "", ["embeddings"]) as [Hdf5Dataset];
  checkShape(layer, "embeddings", table, [vocabulary, size]);
  builder.embed(vocabulary, size, table.values);
  context.rank = 3;
}

function addGru(layer: LayerConfig, attributes: Attributes, context: Context): void {
  attributes.ignore("return_state");
  addRecurrent(layer, attributes, attributes, layer, context);
}

function addRnn(layer: LayerConfig, attributes: Attributes, context: Context): void {
  attributes.ignore("return_state");
  const cell = inner(layer, attributes, "cell", ["GRUCell"]);
  const cellAttributes = new Attributes(cell);
  addRecurrent(layer, attributes, cellAttributes, cell, context);
  cellAttributes.finish();
}

/** A GRU layer: what concerns the sequence is an attribute of the layer, what concerns the step of the cell. */
function addRecurrent(
  layer: LayerConfig,
  sequence: Attributes,
  cell: Attributes,
  named: LayerConfig,
  context: Context,
): void {
  if (context.rank !== 3) {
    throw new CliError(`${layer.where}: Reads the last output of a layer before it; set return_sequences=True there`);
  }
  sequence.refuseFlag(
    "go_backwards",
    "a reversed layer needs the future and cannot stream; train with go_backwards=False",
  );
  sequence.refuseFlag("time_major", "load the model with time_major=False and save it again");
  const returnsSequences = sequence.flag("return_sequences", false);
  if (layer.readsState || !returnsSequences) context.rank = 2;
  cell.ignore("dropout", "recurrent_dropout");
  const activation = activationOf(cell, "activation");
  if (activation !== "tanh") throw cell.refusal("activation", 'only "tanh" is supported; train with the default');
  checkRecurrentActivation(named, cell, context);
  context.builder.append(gruLayer(layer, cell, context));
}

/** Accepts sigmoid; puts it in the place of hard_sigmoid when that is allowed. */
function checkRecurrentActivation(layer: LayerConfig, cell: Attributes, context: Context): void {
  const activation = activationOf(cell, "recurrent_activation");
  if (activation === "sigmoid") return;
  if (activation !== "hard_sigmoid") {
    throw cell.refusal("recurrent_activation", 'only "sigmoid" is supported; train with the default');
  }
  if (!context.allowApproximate) {
    throw cell.refusal(
      "recurrent_activation",
      "train with sigmoid, or give --allow-approximate to put sigmoid in its place (outputs then differ)",
    );
  }
  context.substitutions.push(
    `layer "${layer.name}" (${layer.className}): sigmoid in place of recurrent_activation hard_sigmoid`,
  );
}

/** The weights of a GRU layer or cell, turned to rows in gate order rzn. */
function gruLayer(layer: LayerConfig, cell: Attributes, { weights, builder }: Context): GruLayer {
  const H = cell.size("units");
  const useBias = cell.flag("use_bias", true);
  const names = ["kernel", "recurrent_kernel", ...(useBias ? ["bias"] : [])];
  const [kernel, recurrent, bias] = weights.take(layer, "cell/", names) as [Hdf5Dataset, Hdf5Dataset, Hdf5Dataset?];
  const N = builder.size ?? kernel.shape[0] ?? 0;
  checkShape(layer, "kernel", kernel, [N, 3 * H]);
  checkShape(layer, "recurrent_kernel", recurrent, [H, 3 * H]);
  // Keras before 2.1.4 has no reset_after, and computes what reset_after=False means.
  const resetAfter = cell.flag("reset_after", false);
  if (bias)
    checkShape(
      layer,
      `bias with reset_after=${resetAfter ? "True" : "False"}`,
      bias,
      resetAfter ? [2, 3 * H] : [3 * H],
    );
  const zero = new Float32Array(3 * H);
  return {
    kind: "gru",
    name: layer.name,
    size: H,
    reset: resetAfter ? "after" : "before",
    W: toRzn(kernel.values, N, H),
    U: toRzn(recurrent.values, H, H),
    b: bias ? toRzn(bias.values.subarray(0, 3 * H), 1, H) : zero,
    c: bias && resetAfter ? toRzn(bias.values.subarray(3 * H), 1, H) : zero,
  };
}

/** [N][3H] with columns z, r, n -> [3H][N] with rows r, z, n. */
function toRzn(values: Float32Array, N: number, H: number): Float32Array {
  const result = new Float32Array(3 * H * N);
  [H, 0, 2 * H].forEach((from, gate) => {
    for (let j = 0; j < H; j++) {
      for (let k = 0; k < N; k++) result[(gate * H + j) * N + k] = values[k * 3 * H + from + j] as number;
    }
  });
  return result;
}

function addDense(layer: LayerConfig, attributes: Attributes, context: Context, holder: Holder): void {
  const { weights, builder } = context;
  const size = attributes.size("units");
  const names = ["kernel", ...(attributes.flag("use_bias", true) ? ["bias"] : [])];
  const [kernel, bias] = weights.take(layer, holder, names) as [Hdf5Dataset, Hdf5Dataset?];
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

function addTimeDistributed(layer: LayerConfig, attributes: Attributes, context: Context): void {
  if (context.rank !== 3) throw new CliError(`${layer.where}: Reads no sequence; use the layer inside of it directly`);
  const dense = inner(layer, attributes, "layer", ["Dense", "Activation", "Dropout"]);
  const innerAttributes = new Attributes(dense);
  if (dense.className === "Dense") addDense({ ...dense, name: layer.name }, innerAttributes, context, "layer/");
  else READERS.get(dense.className)?.(dense, innerAttributes, context);
  innerAttributes.finish();
}

/** The layer or cell inside of a layer; its weights are stored with the outer one. */
function inner(layer: LayerConfig, attributes: Attributes, name: string, classes: readonly string[]): LayerConfig {
  const value = attributes.raw(name) as { class_name?: unknown; config?: unknown; module?: unknown } | null | undefined;
  const { class_name: className, config, module } = value ?? {};
  const isKeras = typeof module !== "string" || /(^|\.)keras(\.|$)/.test(module);
  if (typeof className !== "string" || !classes.includes(className) || !isKeras) {
    throw new CliError(
      `${layer.where}: ${name} is ${String(className).slice(0, 80)}; only ${classes.join(", ")} of Keras is read in a ${layer.className}`,
    );
  }
  if (typeof config !== "object" || config === null) throw new CliError(`${layer.where}: ${name} has no config`);
  return { ...layer, className, attributes: config as LayerConfig["attributes"] };
}

/** Dropout and noise act in training only. */
function addNothing(_layer: LayerConfig, attributes: Attributes): void {
  attributes.ignore("rate", "noise_shape", "stddev");
}

function addActivation(layer: LayerConfig, attributes: Attributes, context: Context): void {
  activate(layer, attributes, context, activationOf(attributes, "activation"));
}

function addReLU(layer: LayerConfig, attributes: Attributes, context: Context): void {
  for (const name of ["max_value", "negative_slope", "threshold"]) {
    if (attributes.number(name, 0) !== 0 || (name === "max_value" && attributes.raw(name) === 0)) {
      throw attributes.refusal(name, "only the plain rectifier is supported");
    }
  }
  activate(layer, attributes, context, "relu");
}

function addSoftmax(layer: LayerConfig, attributes: Attributes, context: Context): void {
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

/** The name of an activation, which old and new versions of Keras store as a string; missing or null is linear. */
function activationOf(attributes: Attributes, name: string): string {
  const value = attributes.raw(name) ?? "linear";
  if (typeof value === "string") return value;
  throw attributes.refusal(name, "expected the name of an activation of Keras");
}

/** Refuses weights of another shape than the configuration says. */
function checkShape(layer: LayerConfig, name: string, { shape }: Hdf5Dataset, expected: readonly number[]): void {
  if (shape.length === expected.length && shape.every((size, i) => size === expected[i])) return;
  throw new CliError(
    `${layer.where}: ${name} has the shape [${shape.join(", ")}], expected [${expected.join(", ")}]; the weights belong to another model`,
  );
}
