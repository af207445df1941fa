// Walks the configuration of a Keras model, in the formats of Keras 2 and 3, to the chain of layers from its input to its output.

import { CliError } from "../../errors.ts";

type Json = Readonly<Record<string, unknown>>;

/** One layer of the configuration, with the means to ask for its attributes. */
export interface LayerConfig {
  /** Place for messages: file, name and class of the layer. */
  readonly where: string;
  readonly name: string;
  readonly className: string;
  readonly attributes: Json;
  /** Group of its weights in `.keras` and `.weights.h5` files below the folder of layers, as `gru_1` or `sequential/layers/gru`. */
  readonly group: string;
  /** Path of its weights below its group, for a layer inside of another: "" or `layer/`. */
  readonly holder: string;
  /** Name of the outermost layer, under which legacy files hold the weights of the layers inside of it. */
  readonly owner?: string;
  /** Name of the layer or cell whose weights are meant, where its owner holds those of several. */
  readonly weightsOf?: string;
  /** The calls of the layer, as they stand in a functional model. */
  readonly calls?: unknown;
  /** Whether the next layer reads the layer's last state (tensor 1 of a GRU with return_state), not its outputs. */
  readonly readsState: boolean;
}

/** The chain of layers of a model. */
export interface ModelConfig {
  readonly name: string;
  /** Shape of a sample series without the batch, as [null, 3]; undefined when the configuration does not say. */
  readonly inputShape: readonly (number | null)[] | undefined;
  /** From input to output, without InputLayer. */
  readonly chain: readonly LayerConfig[];
  /** What of the model is left out, one line each. */
  readonly notes: readonly string[];
}

const MAX_LAYERS = 1000;
/** How deep models may stand inside of models. */
const MAX_NESTED = 8;
const MODELS = ["Sequential", "Functional", "Model"];

/**
 * Reads the JSON text of a model's configuration: a Sequential model, or a functional one that is a single chain.
 *
 * @throws {CliError} when it is anything else
 */
export function readConfig(text: string, where: string): ModelConfig {
  const root = object(parse(text, where), where);
  const { class_name: className } = root;
  if (typeof className !== "string" || !MODELS.includes(className)) {
    throw new CliError(
      `${where}: The model is a ${String(className).slice(0, 80)}; only Sequential and functional models are read: rebuild it as one and load the weights into it`,
    );
  }
  refuseCustom(root, where);
  // Keras before 2.2.3 stores the list of a Sequential model without its name.
  const config = Array.isArray(root.config) ? { layers: root.config } : object(root.config, `${where}: config`);
  const notes: string[] = [];
  const chain = chainOf({ className, config, where, folder: "", depth: 0 }, notes);
  const inputShape = chain.map(shapeOf).find((shape) => shape !== undefined) ?? buildShape(config);
  return {
    name: typeof config.name === "string" ? config.name : "keras",
    inputShape,
    chain: chain.filter((entry) => entry.className !== "InputLayer"),
    notes,
  };
}

/** A model, alone or as a layer of another. */
interface Nested {
  readonly className: string;
  readonly config: Json;
  readonly where: string;
  /** Path of its layers' groups below the folder of layers: "", or `sequential/layers/`. */
  readonly folder: string;
  readonly owner?: string;
  readonly depth: number;
}

/** The layers of a model from input to output, those of models inside of it in their place. */
function chainOf(model: Nested, notes: string[]): Entry[] {
  const { className, config, where, depth } = model;
  if (depth > MAX_NESTED) throw new CliError(`${where}: Models are nested more than ${MAX_NESTED} deep`);
  const layers = list(config.layers, `${where}: config.layers`);
  if (layers.length > MAX_LAYERS)
    throw new CliError(`${where}: ${layers.length} layers; at most ${MAX_LAYERS} are read`);
  const entries = numberGroups(layers, model);
  const chain = className === "Sequential" ? entries : functionalChain(config, entries, where, notes);
  return chain.flatMap((entry) => {
    if (!MODELS.includes(entry.className)) return [entry];
    const inner = {
      className: entry.className,
      config: entry.attributes,
      where: entry.where,
      folder: `${entry.group}/layers/`,
      owner: entry.owner ?? entry.name,
      depth: depth + 1,
    };
    return chainOf(inner, notes);
  });
}

/** A layer with the JSON that it comes from. */
type Entry = LayerConfig & { readonly json: Json };

/** The layers in the order of the configuration, which is that in which Keras numbers the groups of weights by class. */
function numberGroups(layers: readonly unknown[], { where, folder, owner }: Nested): Entry[] {
  const counts = new Map<string, number>();
  return layers.map((layer, index) => {
    const json = object(layer, `${where}: layer ${index}`);
    const { class_name: className } = json;
    if (typeof className !== "string") throw new CliError(`${where}: layer ${index} has no class_name`);
    const attributes = object(json.config, `${where}: layer ${index}`);
    const name = typeof attributes.name === "string" ? attributes.name : String(json.name ?? index);
    const place = `${where}: layer "${name.slice(0, 80)}" (${className.slice(0, 80)})`;
    refuseCustom(json, place);
    const base = snakeCase(className);
    const count = counts.get(base) ?? 0;
    counts.set(base, count + 1);
    const group = `${folder}${base}${count === 0 ? "" : `_${count}`}`;
    const calls = json.inbound_nodes;
    const inside = owner === undefined ? {} : { owner, weightsOf: name };
    return { where: place, name, className, attributes, group, holder: "", ...inside, calls, readsState: false, json };
  });
}

/** The name that Keras makes of a class, `TimeDistributed` -> `time_distributed` (keras/src/utils/naming.py). */
function snakeCase(className: string): string {
  return className
    .replace(/\W+/g, "")
    .replace(/(.)([A-Z][a-z]+)/g, "$1_$2")
    .replace(/([a-z])([A-Z])/g, "$1_$2")
    .toLowerCase();
}

const KERAS_MODULE = /^(tf_)?keras(\.|$)|^tensorflow\.(python\.)?keras(\.|$)/;

/**
 * Refuses a class from outside of Keras, which may compute anything, whatever its name.
 *
 * @throws {CliError} that names the class
 */
export function refuseCustom(json: Json, where: string): void {
  const { module, registered_name: registered, class_name: className } = json;
  const shown = (text: unknown) => String(text).slice(0, 80);
  // The wrapper of the pruning tool hands on what the layer inside of it computes.
  if (
    typeof module === "string" &&
    module.startsWith("tensorflow_model_optimization.") &&
    className === "PruneLowMagnitude"
  )
    return;
  if (typeof module === "string" && !KERAS_MODULE.test(module)) {
    throw new CliError(`${where}: Is a class of module ${shown(module)}; only layers of Keras itself are known`);
  }
  const isForeign = typeof registered === "string" && />/.test(registered) && !/^(tf_)?keras>/i.test(registered);
  // Keras leaves the module out where a script registered the class.
  if (isForeign || (module === null && typeof registered === "string" && registered !== className)) {
    throw new CliError(
      `${where}: Is the class ${shown(registered)}, which a script registered; only layers of Keras itself are known: rebuild the model with them, or describe its weights as .npz with --map`,
    );
  }
}

/** A reference to a tensor: layer, node and number of the output. */
interface TensorReference {
  readonly layer: string;
  readonly node: number;
  readonly tensor: number;
}

/** Follows a functional model from its output back to its input. */
function functionalChain(config: Json, entries: readonly Entry[], where: string, notes: string[]): Entry[] {
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

/** The shape that a layer states for the input of the model, without the batch. */
function shapeOf({ attributes }: LayerConfig): (number | null)[] | undefined {
  return shape(attributes.batch_shape ?? attributes.batch_input_shape);
}

/** The shape that a Sequential model was built for. */
const buildShape = (config: Json) => shape(config.build_input_shape);

function shape(value: unknown): (number | null)[] | undefined {
  if (!Array.isArray(value) || !value.every((size) => size === null || Number.isInteger(size))) return undefined;
  return value.slice(1);
}

function parse(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CliError(`${where}: Not JSON; it must be the text of model.to_json()`, { cause });
  }
}

function object(value: unknown, where: string): Json {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Json;
  throw new CliError(`${where}: Not a JSON object; the configuration is damaged`);
}

function list(value: unknown, where: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new CliError(`${where}: Not a JSON array; the configuration is damaged`);
}
