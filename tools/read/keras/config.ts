// Walks the configuration of a Keras model, in the formats of Keras 2 and 3, to the chain of layers from its input to its output.

import { CliError } from "../../errors.ts";
import { functionalChain } from "./functional.ts";
import { type Entry, type Json, type LayerConfig, list, MODELS, object } from "./layer-config.ts";

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
