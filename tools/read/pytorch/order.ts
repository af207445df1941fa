// Puts the modules of a state dict in order. A state dict does not hold it: where the shapes allow one order only, that is it; otherwise
// the user must tell, or the reference.

import { CliError, UsageError } from "../../errors.ts";
import { FUNCTION_NAMES, parseFunction } from "../functions.ts";
import type { Applied } from "../network.ts";
import type { Block } from "./blocks.ts";
import { listNames } from "./weights.ts";

/** More modules than this are not tried in every order. */
const MAX_TRIED = 8;
/** Orders that a reference may choose from. */
const MAX_ORDERS = 24;

/** A block with the part that it plays. */
export interface Placed {
  readonly block: Block;
  readonly isEmbedding: boolean;
}

/** An order of the blocks, with the functions that the user put between them, by the name of the block before. */
export interface Order {
  readonly placed: readonly Placed[];
  readonly functions: ReadonlyMap<string, NamedFunction>;
}

/** A function as the user wrote it. */
export interface NamedFunction {
  readonly text: string;
  readonly applied: Applied;
}

/** Values that the last of some layers in order gives; undefined when there is none. */
function outputsOf(placed: readonly Placed[]): number | undefined {
  const last = placed.findLast(({ block }) => block.kind !== "prelu");
  return last && (last.isEmbedding ? last.block.inputs : last.block.outputs);
}

/** Whether a block may follow some layers in order. A PReLU follows any layer but another. */
function canFollow(placed: readonly Placed[], block: Block): boolean {
  if (block.kind === "prelu") return placed.length > 0 && placed.at(-1)?.block.kind !== "prelu";
  const outputs = outputsOf(placed);
  return outputs === undefined || outputs === block.inputs;
}

/** The order in the words of `--layers`. */
export function orderText({ placed }: Pick<Order, "placed">): string {
  return placed.map(({ block, isEmbedding }) => (isEmbedding ? `${block.name}:embedding` : block.name)).join(",");
}

/**
 * Reads `--layers`: names of blocks in order, `NAME:embedding`, and functions in the places where they stand.
 *
 * @throws {UsageError} when a name is not known, a block is missing or stands twice, or the sizes do not fit
 */
export function givenOrder(blocks: readonly Block[], names: readonly string[], source: string): Order {
  const placed: Placed[] = [];
  const functions = new Map<string, NamedFunction>();
  for (const text of names) {
    const before = placed.at(-1);
    const [name, role, ...rest] = text.split(":");
    const block = blocks.find((candidate) => candidate.name === name);
    const applied = block === undefined ? parseFunction(text) : undefined;
    if (applied !== undefined && before !== undefined && !functions.has(before.block.name)) {
      functions.set(before.block.name, { text, applied });
      continue;
    }
    if (block === undefined || rest.length > 0 || ![undefined, "embedding"].includes(role)) {
      const known = `NAME or NAME:embedding of ${listNames(blocks.map((candidate) => candidate.name))}`;
      throw new UsageError(
        `--layers: Found "${text}", expected ${known}, or a function after one: ${FUNCTION_NAMES.join(", ")}`,
      );
    }
    const isEmbedding = role === "embedding";
    if (isEmbedding && (block.kind !== "matrix" || placed.length > 0)) {
      throw new UsageError(`--layers: "${name}" cannot be an embedding: that is the first layer, and has no bias`);
    }
    placed.push({ block, isEmbedding });
  }
  checkOrder(blocks, placed, source);
  return { placed, functions };
}

function checkOrder(blocks: readonly Block[], placed: readonly Placed[], source: string): void {
  const unnamed = blocks.filter((block) => !placed.some((other) => other.block === block)).map((block) => block.name);
  if (unnamed.length > 0 || placed.length > blocks.length) {
    const text = unnamed.length > 0 ? `${listNames(unnamed)} is missing` : "A layer stands twice";
    throw new UsageError(`--layers: ${text}, expected each layer of ${source} once`);
  }
  placed.forEach(({ block }, index) => {
    const before = placed.slice(0, index);
    if (canFollow(before, block)) return;
    if (block.kind === "prelu")
      throw new UsageError(`--layers: ${block.name} is an nn.PReLU and follows another layer`);
    const found = `${before.at(-1)?.block.name} gives ${outputsOf(before)} values, ${block.name} takes ${block.inputs}`;
    throw new UsageError(`--layers: ${found}`);
  });
}

/**
 * Finds the orders in which each layer takes as many values as the one before gives, at most 24.
 *
 * @throws {CliError} when there is none, or there are too many layers to try
 */
export function fittingOrders(blocks: readonly Block[], source: string): Order[] {
  if (blocks.length > MAX_TRIED) {
    const names = blocks.map((block) => block.name).join(",");
    throw new CliError(
      `${source}: Order of the ${blocks.length} layers is unknown; give it with --layers, for example --layers ${names}`,
    );
  }
  const orders = findOrders(blocks);
  const likely = orders.toSorted((a, b) => unlikeliness(a) - unlikeliness(b));
  if (orders.length > 0) return likely.map((placed) => ({ placed, functions: new Map() }));
  const sizes = blocks.map(({ name, inputs, outputs }) => `${name} (${inputs} to ${outputs})`);
  throw new CliError(
    `${source}: No order of the layers fits their sizes: ${listNames(sizes)}. Layers that are added, multiplied or put side by side (attention, skips, several inputs) do not stream here; describe a chain of other form with --map`,
  );
}

/** Few models have a linear layer before their GRU: the sum of the places of GRUs, and for embeddings less. */
function unlikeliness(order: readonly Placed[]): number {
  return order.reduce(
    (sum, { block, isEmbedding }, place) => sum + (block.kind === "gru" ? place : isEmbedding ? -1 : 0),
    0,
  );
}

function findOrders(blocks: readonly Block[]): Placed[][] {
  const orders: Placed[][] = [];
  const seen = new Set<string>();
  const twins = blocks.map((block) => blocks.findIndex((other) => isTwin(block, other)));
  const extend = (order: readonly Placed[]): void => {
    if (order.length === blocks.length) {
      // Blocks with the same weights may change places without a difference.
      const key = order.map((item) => `${twins[blocks.indexOf(item.block)]}${item.isEmbedding ? ":" : ""}`).join();
      if (!seen.has(key)) orders.push([...order]);
      seen.add(key);
    }
    const last = order.at(-1);
    for (const block of blocks) {
      if (orders.length >= MAX_ORDERS) return;
      if (order.some((item) => item.block === block)) continue;
      if (canFollow(order, block)) extend([...order, { block, isEmbedding: false }]);
      // An embedding alone is no network.
      if (last === undefined && block.kind === "matrix" && blocks.length > 1) extend([{ block, isEmbedding: true }]);
    }
  };
  extend([]);
  return orders;
}

/** Whether two blocks hold the same weights, as tied ones do. */
function isTwin(block: Block, other: Block): boolean {
  if (block === other) return true;
  if (!("W" in block && "W" in other) || block.kind !== other.kind) return false;
  const isEqual = (a: Float32Array, b: Float32Array) => a.length === b.length && a.every((value, i) => value === b[i]);
  return block.inputs === other.inputs && isEqual(block.W, other.W) && isEqual(block.b, other.b);
}
