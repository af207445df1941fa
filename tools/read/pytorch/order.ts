// Puts the modules of a state dict in order. A state dict does not hold it: where the shapes allow one order only, that is it; otherwise the
// user must tell.

import type { Activation } from "../../../host/model/types.ts";
import { CliError, UsageError } from "../../errors.ts";
import type { DenseLayer, GruLayer, Network } from "../network.ts";
import { type Block, denseLayer } from "./blocks.ts";
import { listNames } from "./weights.ts";

const ACTIVATIONS: readonly Activation[] = ["linear", "sigmoid", "tanh", "relu", "softmax"];
/** More modules than this are not tried in every order. */
const MAX_TRIED = 8;

/** A block with the part that it plays. */
interface Placed {
  readonly block: Block;
  readonly isEmbedding: boolean;
}

/** What the user says about a state dict. */
export interface OrderOptions {
  /** `name` or `name:embedding` each. */
  readonly layers?: readonly string[];
  /** `name=activation` each, or one activation alone if there is one linear layer. */
  readonly activations?: readonly string[];
}

/**
 * Makes the layers of a network from modules.
 *
 * @throws {CliError} naming the option that tells what is missing
 * @throws {UsageError} when an option names a module that is not there
 */
export function orderBlocks(
  blocks: readonly Block[],
  options: OrderOptions,
  source: string,
): Pick<Network, "inputs" | "layers"> & { embedding?: NonNullable<Network["embedding"]> } {
  const placed = options.layers ? givenOrder(blocks, options.layers, source) : onlyOrder(blocks, source);
  const activations = parseActivations(placed, options.activations ?? [], source);
  const [first] = placed as [Placed];
  const layers = placed.flatMap(({ block, isEmbedding }): readonly (GruLayer | DenseLayer)[] => {
    if (isEmbedding) return [];
    return block.kind === "gru" ? block.layers : [denseLayer(block, activations.get(block.name) as Activation)];
  });
  if (!first.isEmbedding) return { inputs: first.block.inputs, layers };
  const { outputs: vocabulary, inputs: size, W: weight } = first.block;
  return { inputs: 1, layers, embedding: { vocabulary, size, weight } };
}

const outputsOf = ({ block, isEmbedding }: Placed) => (isEmbedding ? block.inputs : block.outputs);

function givenOrder(blocks: readonly Block[], names: readonly string[], source: string): Placed[] {
  const placed = names.map((text, index): Placed => {
    const [name, role, ...rest] = text.split(":");
    const block = blocks.find((candidate) => candidate.name === name);
    if (block === undefined || rest.length > 0 || ![undefined, "embedding"].includes(role)) {
      const known = blocks.map((candidate) => candidate.name);
      throw new UsageError(`--layers: Found "${text}", expected NAME or NAME:embedding of ${listNames(known)}`);
    }
    const isEmbedding = role === "embedding";
    if (isEmbedding && (block.kind !== "matrix" || index > 0)) {
      throw new UsageError(`--layers: "${name}" cannot be an embedding: that is the first layer, and has no bias`);
    }
    return { block, isEmbedding };
  });
  const unnamed = blocks.filter((block) => !placed.some((other) => other.block === block)).map((block) => block.name);
  if (unnamed.length > 0 || placed.length > blocks.length) {
    const text = unnamed.length > 0 ? `${listNames(unnamed)} is missing` : "A layer stands twice";
    throw new UsageError(`--layers: ${text}, expected each layer of ${source} once`);
  }
  placed.forEach((item, index) => {
    const before = placed[index - 1];
    if (before === undefined || outputsOf(before) === item.block.inputs) return;
    const found = `${before.block.name} gives ${outputsOf(before)} values, ${item.block.name} takes ${item.block.inputs}`;
    throw new UsageError(`--layers: ${found}`);
  });
  return placed;
}

function onlyOrder(blocks: readonly Block[], source: string): Placed[] {
  if (blocks.length > MAX_TRIED) {
    const names = blocks.map((block) => block.name).join(",");
    throw new CliError(
      `${source}: Order of the ${blocks.length} layers is unknown; give it with --layers, for example --layers ${names}`,
    );
  }
  const orders = findOrders(blocks);
  const [order, other] = orders;
  if (order === undefined) {
    const sizes = blocks.map(({ name, inputs, outputs }) => `${name} (${inputs} to ${outputs})`);
    throw new CliError(
      `${source}: No order of the layers fits their sizes: ${listNames(sizes)}; describe the model with --map`,
    );
  }
  if (other === undefined) return order;
  const [one, two] = [order, other].map((items) =>
    items.map(({ block, isEmbedding }) => (isEmbedding ? `${block.name}:embedding` : block.name)).join(","),
  );
  throw new CliError(
    `${source}: Order of the layers is not in a state dict, and more than one fits; give it with --layers ${one} or --layers ${two}`,
  );
}

/** The first two orders in which each layer takes as many values as the one before gives. */
function findOrders(blocks: readonly Block[]): Placed[][] {
  const orders: Placed[][] = [];
  const extend = (order: readonly Placed[]): void => {
    if (order.length === blocks.length) orders.push([...order]);
    const last = order.at(-1);
    for (const block of blocks) {
      if (orders.length > 1) return;
      if (order.some((item) => item.block === block)) continue;
      if (last === undefined || outputsOf(last) === block.inputs) extend([...order, { block, isEmbedding: false }]);
      // An embedding alone is no network.
      if (last === undefined && block.kind === "matrix" && blocks.length > 1) extend([{ block, isEmbedding: true }]);
    }
  };
  extend([]);
  return orders;
}

function parseActivations(
  placed: readonly Placed[],
  texts: readonly string[],
  source: string,
): Map<string, Activation> {
  const heads = placed
    .filter(({ block, isEmbedding }) => block.kind !== "gru" && !isEmbedding)
    .map(({ block }) => block.name);
  const activations = new Map<string, Activation>();
  for (const text of texts) {
    const split = text.lastIndexOf("=");
    const name = split < 0 && heads.length === 1 ? heads[0] : text.slice(0, Math.max(0, split));
    const activation = ACTIVATIONS.find((known) => known === text.slice(split + 1));
    if (name === undefined || !heads.includes(name) || activation === undefined || activations.has(name)) {
      const known = heads.length > 0 ? `NAME one of ${listNames(heads)}, once each` : "none, there is no linear layer";
      throw new UsageError(`--activation: Found "${text}", expected NAME=${ACTIVATIONS.join("|")} with ${known}`);
    }
    activations.set(name, activation);
  }
  const missing = heads.filter((name) => !activations.has(name));
  if (missing.length > 0) {
    const example = missing.map((name) => `${name}=linear`).join(" ");
    throw new CliError(
      `${source}: Activation of ${listNames(missing)} is not in a state dict; give it with --activation ${example} (or ${ACTIVATIONS.slice(1).join(", ")})`,
    );
  }
  return activations;
}
