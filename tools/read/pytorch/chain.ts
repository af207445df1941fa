// From the modules of a state dict to a network: what the file does not say is taken from the options, from the reference, or asked for.

import { CliError, UsageError } from "../../errors.ts";
import { Builder } from "../builder.ts";
import { COMMON_FUNCTIONS, FUNCTION_NAMES, parseFunction } from "../functions.ts";
import type { Network } from "../network.ts";
import type { Block } from "./blocks.ts";
import { fittingOrders, givenOrder, type NamedFunction, type Order, orderText, type Placed } from "./order.ts";
import { listNames } from "./weights.ts";

/** What the user says about a state dict. */
export interface ChainOptions {
  /** `name` or `name:embedding` each, and functions between them. */
  readonly layers?: readonly string[];
  /** `name=function` each, or one function alone if there is one linear layer. */
  readonly activations?: readonly string[];
  /** The command line without these options, for the user to copy. */
  readonly command?: string;
  /** Whether a reference chooses among several networks. */
  readonly hasReference?: boolean;
}

/** A network that a state dict may stand for, and the options that say so. */
export interface Candidate {
  readonly options: string;
  /** Whether it is to be tried only when no other matches. */
  readonly isRare: boolean;
  network(): Network;
}

/** More candidates than this are not tried. */
const MAX_CANDIDATES = 20_000;

/**
 * Lists the networks that modules may stand for: one where file and options leave no choice, several only with a reference.
 *
 * @throws {CliError} that asks for all that is missing at once
 * @throws {UsageError} when an option names what is not there
 */
export function listCandidates(blocks: readonly Block[], options: ChainOptions, source: string): Candidate[] {
  const { layers, hasReference = false } = options;
  const orders = layers ? [givenOrder(blocks, layers, source)] : fittingOrders(blocks, source);
  const said = parseActivations(orders, options.activations ?? [], blocks);
  const isNamed = orders.some(({ functions }) => functions.size > 0) || (layers !== undefined && !hasReference);
  const choices = orders.map((order) => placeChoices(order, said, isNamed, hasReference));
  const count = choices.reduce(
    (sum, places) => sum + places.reduce((product, { texts }) => product * texts.length, 1),
    0,
  );
  const isOpen = choices.some((places) => places.some(({ texts, isKnown }) => !isKnown && texts.length > 1));
  if ((orders.length > 1 || isOpen) && (!hasReference || count > MAX_CANDIDATES)) {
    throw missing(orders, choices, options, source);
  }
  return orders.flatMap((order, index) => combine(order, choices[index] as readonly Place[]));
}

/** A place behind a block, and the functions that may stand there; the first is shown where they are asked for. */
interface Place {
  readonly name: string;
  readonly texts: readonly string[];
  readonly isKnown: boolean;
  /** Whether the user said it. */
  readonly isGiven: boolean;
}

function placeChoices(
  order: Order,
  said: ReadonlyMap<string, NamedFunction>,
  isNamed: boolean,
  hasReference: boolean,
): Place[] {
  return order.placed.map((item, index): Place => {
    const { block } = item;
    const isLast = index === order.placed.length - 1;
    const isHead = !item.isEmbedding && (block.kind === "linear" || block.kind === "matrix");
    const given = said.get(block.name) ?? order.functions.get(block.name);
    if (given?.applied.activation === "softmax" && !isLast) {
      throw new UsageError(`${block.name}: softmax is allowed behind the last layer only`);
    }
    // A PReLU is the function that follows the layer before it.
    const isFunction = block.kind === "prelu" || order.placed[index + 1]?.block.kind === "prelu";
    const isKnown =
      isFunction || given !== undefined || (!isHead && (isNamed || (isLast && block.kind === "gru" && !hasReference)));
    const isGiven = given !== undefined;
    if (isKnown) return { name: block.name, isKnown, isGiven, texts: [given?.text ?? "linear"] };
    const texts = FUNCTION_NAMES.filter((name) => isLast || name !== "softmax");
    return { name: block.name, isKnown, isGiven, texts };
  });
}

function combine(order: Order, places: readonly Place[]): Candidate[] {
  let chosen: (readonly string[])[] = [[]];
  for (const { texts } of places) chosen = chosen.flatMap((before) => texts.map((text) => [...before, text]));
  return chosen.map((texts) => ({
    options: optionText(order, places, texts),
    isRare: places.some((place, index) => !place.isKnown && !COMMON_FUNCTIONS.includes(texts[index] as string)),
    network: () => buildNetwork(order.placed, texts),
  }));
}

const optionText = (order: Order, places: readonly Place[], texts: readonly string[]) =>
  `--layers ${orderText(order)} --activation ${places.map(({ name }, index) => `${name}=${texts[index]}`).join(" ")}`;

function buildNetwork(placed: readonly Placed[], texts: readonly string[]): Network {
  const builder = new Builder(undefined);
  const notes: string[] = [];
  placed.forEach(({ block, isEmbedding }, index) => {
    if (block.kind === "prelu") builder.activate(block.name, { activation: "prelu", parameters: [block.slope] });
    else if (block.kind === "gru") for (const layer of block.layers) builder.append(layer);
    else if (block.kind === "norm") {
      builder.scale(block.scaling);
      notes.push(`${block.name}: epsilon taken as 1e-5, which is nn.BatchNorm1d's own; a state dict does not hold it`);
    } else if (isEmbedding) builder.embed(block.outputs, block.inputs, block.W);
    else {
      const { name, outputs: size, W, b } = block;
      builder.append({ kind: "dense", name, size, activation: "linear", W, b });
    }
    const function_ = parseFunction(texts[index] as string);
    if (function_) builder.activate(`${block.name}.${texts[index]}`, function_);
  });
  return { ...builder.finish(false, []), notes };
}

/** Reads `--activation`. */
function parseActivations(
  orders: readonly Order[],
  texts: readonly string[],
  blocks: readonly Block[],
): Map<string, NamedFunction> {
  const isHead = ({ block, isEmbedding }: Placed) =>
    !isEmbedding && (block.kind === "linear" || block.kind === "matrix");
  const heads = new Set(orders.flatMap(({ placed }) => placed.filter(isHead).map(({ block }) => block.name)));
  const names = blocks.map(({ name }) => name);
  const said = new Map<string, NamedFunction>();
  for (const given of texts) {
    const split = given.indexOf("=");
    const name = split < 0 && heads.size === 1 ? [...heads][0] : given.slice(0, Math.max(0, split));
    const text = given.slice(split + 1);
    const applied = parseFunction(text);
    if (name === undefined || !names.includes(name) || applied === undefined || said.has(name)) {
      throw new UsageError(
        `--activation: Found "${given}", expected NAME=${FUNCTION_NAMES.join("|")} with NAME one of ${listNames(names)}, once each; the function follows that layer`,
      );
    }
    said.set(name, { text, applied });
  }
  return said;
}

/** Asks for all that is missing, with the whole command line to copy. */
function missing(
  orders: readonly Order[],
  choices: readonly (readonly Place[])[],
  { command = "rivulet convert", layers, hasReference = false }: ChainOptions,
  source: string,
): CliError {
  const [order, second] = orders as [Order, Order?];
  const all = choices.flat();
  // A layer that stands last in one order and not in another is asked for, in the order that is shown first.
  const places = (choices[0] as readonly Place[]).map((place) => ({
    ...place,
    isKnown: all.every(({ name, isKnown }) => name !== place.name || isKnown),
  }));
  const open = places.filter(({ isKnown }) => !isKnown).map(({ name }) => name);
  const fitting = orders.map((one) => `--layers ${orderText(one)}`);
  const questions = [
    ...(second ? [`in which order the layers stand (${fitting.slice(0, 3).join(" or ")} fit)`] : []),
    ...(open.length > 0
      ? [`what follows ${open.join(", ")}: nothing (linear), or an activation (${FUNCTION_NAMES.slice(1).join(", ")})`]
      : []),
  ];
  const functions = places.filter(({ isKnown, isGiven }) => isGiven || !isKnown);
  const options = [
    ...(second || layers ? [`--layers ${orderText(order)}`] : []),
    ...(functions.length > 0
      ? [`--activation ${functions.map(({ name, texts }) => `${name}=${texts[0]}`).join(" ")}`]
      : []),
  ];
  const why = hasReference
    ? "There are too many ways to try them all against the reference"
    : "A reference tells it, too (--reference FILE)";
  return new CliError(
    `${source}: A state dict does not say ${questions.join(", nor ")}. ${why}. Say it, with what is true in this line: ${command} ${options.join(" ")}`,
  );
}
