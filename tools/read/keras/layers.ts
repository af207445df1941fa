// The layers of Keras that are read, and what the wrappers around them mean.

import { CliError } from "../../errors.ts";
import { Attributes } from "./attributes.ts";
import type { ModelConfig } from "./config.ts";
import type { Context } from "./context.ts";
import { addActivation, addDense, addELU, addLeakyReLU, addPReLU, addReLU, addSoftmax } from "./dense.ts";
import { addGru, addRnn } from "./gru.ts";
import type { Hdf5Dataset } from "./hdf5.ts";
import type { LayerConfig } from "./layer-config.ts";
import { checkShape, inner } from "./parts.ts";
import { addFlatten, addGetItem, addSlicing } from "./plumbing.ts";
import { remedyFor } from "./remedies.ts";
import { addBatchNormalization, addNormalization, addRescaling } from "./scaling.ts";

type Reader = (layer: LayerConfig, attributes: Attributes, context: Context) => void;

/** The layers that are read; a Map, because class names come from the file. */
const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ["Embedding", addEmbedding],
  ["Normalization", addNormalization],
  ["Rescaling", addRescaling],
  ["BatchNormalization", addBatchNormalization],
  ["GRU", addGru],
  ["RNN", addRnn],
  ["Dense", addDense],
  ["TimeDistributed", addTimeDistributed],
  ["PruneLowMagnitude", addPruned],
  ["Dropout", addNothing],
  ["SpatialDropout1D", addNothing],
  ["GaussianNoise", addNothing],
  ["GaussianDropout", addNothing],
  ["ActivityRegularization", addNothing],
  ["Flatten", addFlatten],
  ["GetItem", addGetItem],
  ["SlicingOpLambda", addSlicing],
  ["Activation", addActivation],
  ["ReLU", addReLU],
  ["LeakyReLU", addLeakyReLU],
  ["PReLU", addPReLU],
  ["ELU", addELU],
  ["Softmax", addSoftmax],
]);

/** Adds every layer of the chain to the builder of the context. */
export function addLayers(model: ModelConfig, context: Context): void {
  for (const layer of model.chain) addLayer(layer, context);
}

function addLayer(layer: LayerConfig, context: Context): void {
  const reader = READERS.get(layer.className);
  if (!reader) {
    const remedy = remedyFor(layer.className) ?? `only ${[...READERS.keys()].join(", ")} are read`;
    throw new CliError(`${layer.where}: layer ${layer.className.slice(0, 80)} is refused: ${remedy}`);
  }
  const attributes = new Attributes(layer);
  reader(layer, attributes, context);
  attributes.finish();
  if (/float16$/.test(attributes.policy)) context.policies.add(attributes.policy);
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

function addTimeDistributed(layer: LayerConfig, attributes: Attributes, context: Context): void {
  if (context.rank !== 3) throw new CliError(`${layer.where}: Reads no sequence; use the layer inside of it directly`);
  const wrapped = inner(layer, attributes, "layer", ["Dense", "Activation", "Dropout"]);
  addLayer({ ...wrapped, holder: `${layer.holder}layer/` }, context);
}

/** The pruning tool leaves its masks beside weights that it has set to zero already. */
function addPruned(layer: LayerConfig, attributes: Attributes, context: Context): void {
  attributes.ignore("pruning_schedule", "block_size", "block_pooling_type", "sparsity_m_by_n");
  const wrapped = inner(layer, attributes, "layer", [...READERS.keys()]);
  addLayer({ ...wrapped, holder: `${layer.holder}layer/` }, context);
  context.weights.ignoreRest(layer);
}

/** Dropout and noise act in training only. */
function addNothing(_layer: LayerConfig, attributes: Attributes): void {
  attributes.ignore("rate", "noise_shape", "stddev", "l1", "l2");
}
