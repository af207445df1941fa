// The chain of layers in a functional Keras model, by the tensors that each call reads.

import { CliError } from "../../errors.ts";
import { type Entry, type Json, list, MODELS, object } from "./layer-config.ts";

/** A reference to a tensor: layer, node and number of the output. */
interface TensorReference {
  readonly layer: string;
  readonly node: number;
  readonly tensor: number;
}

/** Follows a functional model from its output back to its input. */
export function functionalChain(config: Json, entries: readonly Entry[], where: string, notes: string[]): Entry[] {
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  const outputs = references(config.output_layers, `${where}: output_layers`);
  const [main, ...others] = outputs;
  if (!main) throw new CliError(`${where}: The model has no output`);
  for (const { layer, tensor } of others) {
    // The state that a model hands out with its outputs is kept by the session.
    if (tensor === 0 || !isRecurrent(byName.get(layer))) {
      throw new CliError(`${where}: The model has ${outputs.length} outputs; convert a model with one`);
    }
  }
  const chain: Entry[] = [];
  const aside = new Set<string>();
  for (let next: TensorReference | undefined = main; next; ) {
    const entry = byName.get(next.layer);
    if (!entry)
      throw new CliError(`${where}: There is no layer "${next.layer.slice(0, 80)}"; the configuration is damaged`);
    if (chain.some((seen) => seen.name === entry.name)) {
      throw new CliError(`${entry.where}: Is used twice; build a model where each layer is used once`);
    }
    if (next.tensor !== 0 && !isRecurrent(entry)) throw new CliError(`${entry.where}: Has one output only`);
    chain.unshift({ ...entry, readsState: next.tensor !== 0 });
    next = inputOf(entry, byName, aside);
  }
  for (const name of aside) {
    notes.push(
      `Input "${name.slice(0, 80)}" of the source is left out: it is an initial state. The model starts from zeros, and each session keeps its state from sample to sample`,
    );
  }
  const inChain = new Set(chain.map((entry) => entry.name));
  const unused = entries.find((entry) => !inChain.has(entry.name) && !aside.has(entry.name));
  if (unused)
    throw new CliError(`${unused.where}: Is not on the one path from input to output; build a model without it`);
  if (chain[0]?.className !== "InputLayer")
    throw new CliError(`${where}: The path to the output starts at no InputLayer`);
  return chain;
}

const isRecurrent = (entry: Entry | undefined) => entry?.className === "GRU" || entry?.className === "RNN";

/** The tensor that a layer reads; a state that comes from an input layer of its own is put aside, because sessions keep it. */
function inputOf(entry: Entry, byName: ReadonlyMap<string, Entry>, aside: Set<string>): TensorReference | undefined {
  const nodes = list(entry.json.inbound_nodes ?? [], `${entry.where}: inbound_nodes`);
  if (entry.className === "InputLayer" && nodes.length === 0) return undefined;
  if (nodes.length !== 1) throw new CliError(`${entry.where}: Is called ${nodes.length} times; use each layer once`);
  const inputs = nodeInputs(nodes[0], entry.where);
  const [input, ...states] = inputs;
  if (!input) throw new CliError(`${entry.where}: Has no input`);
  for (const state of states) {
    if (!isRecurrent(entry) || byName.get(state.layer)?.className !== "InputLayer") {
      throw new CliError(`${entry.where}: Reads ${inputs.length} tensors; only a single chain of layers is read`);
    }
    aside.add(state.layer);
  }
  // Keras 2 counts from 1 for a model that was built before it was called: its own input is call 0.
  const isModel = MODELS.includes(byName.get(input.layer)?.className ?? "");
  if (input.node !== 0 && !(isModel && input.node === 1))
    throw new CliError(`${entry.where}: Reads the second use of "${input.layer}"; use each layer once`);
  return input;
}

/** The tensors that a call reads: Keras 3 `{args, kwargs}` with tensor objects, Keras 2 `[[name, node, tensor, kwargs], …]`. */
function nodeInputs(node: unknown, where: string): TensorReference[] {
  if (Array.isArray(node)) {
    const calls = typeof node[0] === "string" ? [node] : node;
    return calls.flatMap((call) => [...references(call, where), ...tensorsIn(list(call, where)[3], where, 0)]);
  }
  const { args, kwargs } = object(node, `${where}: inbound_nodes`);
  return [...tensorsIn(args, where, 0), ...tensorsIn(kwargs, where, 0)];
}

/** Every tensor object in the arguments of a call. */
function tensorsIn(value: unknown, where: string, depth: number): TensorReference[] {
  if (depth > 16) throw new CliError(`${where}: arguments nested too deep`);
  if (Array.isArray(value)) {
    // Keras 2 stores the tensor of a keyword as [name, node, tensor].
    if (isHistory(value)) return references(value, where);
    return value.flatMap((item) => tensorsIn(item, where, depth + 1));
  }
  if (typeof value !== "object" || value === null) return [];
  const json = value as Json;
  if (json.class_name === "__keras_tensor__") {
    return references(object(json.config, where).keras_history, where);
  }
  return Object.values(json).flatMap((item) => tensorsIn(item, where, depth + 1));
}

const isHistory = (value: readonly unknown[]) =>
  typeof value[0] === "string" && typeof value[1] === "number" && typeof value[2] === "number";

/** `[name, node, tensor]`, or a list of such. */
function references(value: unknown, where: string): TensorReference[] {
  const items = list(value, where);
  const all = typeof items[0] === "string" ? [items] : items;
  return all.map((item) => {
    const history = list(item, where);
    if (!isHistory(history)) throw new CliError(`${where}: Not a reference to a tensor; the configuration is damaged`);
    return { layer: history[0] as string, node: history[1] as number, tensor: history[2] as number };
  });
}
