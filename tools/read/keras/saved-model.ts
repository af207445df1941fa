// Reads what Keras keeps in TensorFlow's own files: SavedModel folders, and checkpoints of weights (`x.index` with its shards).
//
//   keras_metadata.pb           configurations of the model and its layers, of TensorFlow 2.5 to 2.15
//   saved_model.pb              the same in the objects of TensorFlow 2.0 to 2.4; the graph of functions, which is not needed
//   variables/variables.index   the variables, and the objects that they belong to
//
// Weights are handed on as the legacy `.h5` files have them: by layer, with their names.

import { CliError } from "../../errors.ts";
import type { SourceTensor } from "../pytorch/elements.ts";
import { openBundle, type ReadFile } from "../tensorflow/bundle.ts";
import { decode, type ObjectGraph } from "../tensorflow/proto.ts";
import type { Hdf5Content, Hdf5Dataset } from "./hdf5.ts";

/** Configuration and weights of a model in TensorFlow's files. */
export interface SavedSource {
  /** Text of the configuration, as model.to_json() gives it. */
  readonly config: string;
  /** Version of Keras that wrote it, when it is said. */
  readonly version: string | undefined;
  readonly content: Hdf5Content;
}

const CHECKPOINT = "variables/variables";
const MAX_METADATA = 20_000;
const MAX_NESTED = 8;

/**
 * Reads a SavedModel folder.
 *
 * @param path    of the folder, for messages
 * @param read    reads a file by its name in the folder; undefined when there is none
 * @param config  text of model.to_json(), for a folder that holds none
 * @throws {CliError} when a part is damaged, or there is no configuration
 */
export function readSavedModel(
  path: string,
  read: (name: string) => Uint8Array | undefined,
  config?: string,
): SavedSource {
  const must: ReadFile = (name) => {
    const bytes = read(name);
    if (bytes !== undefined) return bytes;
    throw new CliError(`${path}: Holds no ${name}; copy the whole folder`);
  };
  const objects = openObjects(CHECKPOINT, must, `${path}/`);
  const metadata = readMetadata(path, read);
  const model = metadata.get("root");
  if (model === undefined) {
    if (config === undefined) throw unconfigured(path, objects);
    return { config, version: undefined, content: byNames(config, objects) };
  }
  if (config !== undefined) throw new CliError(`${path}: Holds its own configuration; leave out --config`);
  const root = parseMetadata(model, path);
  const version = typeof root.keras_version === "string" ? root.keras_version : undefined;
  return { config: JSON.stringify(root), version, content: byObjects(metadata, objects, path) };
}

/**
 * Reads a checkpoint of weights, as `model.save_weights("x")` of Keras 2 writes it.
 *
 * @param path    of its index
 * @param read    reads a file beside the index
 * @param config  text of model.to_json()
 * @throws {CliError} when it is damaged, or the configuration is missing
 */
export function readWeightCheckpoint(path: string, read: ReadFile, config: string | undefined): SavedSource {
  const [, folder = "", name = ""] = /^(.*[\\/])?([^\\/]*)\.index$/.exec(path) ?? [];
  const objects = openObjects(name, read, folder);
  if (config === undefined) {
    throw new CliError(`${path}: Holds weights only; give the text of model.to_json() in a file with --config`);
  }
  return { config, version: undefined, content: byNames(config, objects) };
}

/** A variable as the objects know it. */
interface Variable {
  /** As `gru/gru_cell/kernel`. */
  readonly fullName: string;
  readonly key: string;
}

/** The objects of a checkpoint. */
interface Objects {
  /** The object that a path of names leads to, from the root. */
  find(path: readonly string[]): number | undefined;
  childrenOf(id: number): ReadonlyMap<string, number>;
  variableOf(id: number): Variable | undefined;
  /** All variables but those of optimizers. */
  readonly variables: readonly Variable[];
  tensor(key: string): SourceTensor;
}

const GRAPH_KEY = "_CHECKPOINTABLE_OBJECT_GRAPH";

function openObjects(name: string, read: ReadFile, folder: string): Objects {
  const bundle = openBundle(name, read, folder);
  const path = `${folder}${name}.index`;
  if (!bundle.keys.includes(GRAPH_KEY)) {
    throw new CliError(
      `${path}: Holds no objects, as TensorFlow 1 saved models; load it in Keras and save it: model.save("x.keras")`,
    );
  }
  const { nodes } = decode("ObjectGraph", bundle.text(GRAPH_KEY), `${path}: ${GRAPH_KEY}`);
  const children = new Map<number, ReadonlyMap<string, number>>();
  const childrenOf = (id: number) => {
    const known = children.get(id);
    if (known !== undefined) return known;
    const made = new Map((nodes[id]?.children ?? []).map(({ localName, nodeId }) => [localName, nodeId]));
    children.set(id, made);
    return made;
  };
  const variableOf = (id: number): Variable | undefined => toVariable(nodes[id]);
  return {
    find: (names) =>
      names.reduce<number | undefined>((id, name) => (id === undefined ? id : childrenOf(id).get(name)), 0),
    childrenOf,
    variableOf,
    variables: nodes.flatMap((node) => toVariable(node) ?? []).filter(({ key }) => !isOfOptimizer(key)),
    tensor: bundle.tensor,
  };
}

function toVariable(node: ObjectGraph["nodes"][number] | undefined): Variable | undefined {
  const [stored] = node?.attributes ?? [];
  return stored && { fullName: stored.fullName, key: stored.checkpointKey };
}

const isOfOptimizer = (key: string) => /^(optimizer|keras_api\/metrics|save_counter)\b|\/\.OPTIMIZER_SLOT\//.test(key);

/** Configurations by the path of their object: `root`, `root.layer-0`. */
function readMetadata(path: string, read: (name: string) => Uint8Array | undefined): Map<string, string> {
  const bytes = read("keras_metadata.pb");
  if (bytes !== undefined) {
    const { nodes } = decode("KerasMetadata", bytes, `${path}: keras_metadata.pb`);
    if (nodes.length > MAX_METADATA) throw new CliError(`${path}: More than ${MAX_METADATA} objects of Keras`);
    return new Map(nodes.map(({ nodePath, metadata }) => [nodePath, metadata]));
  }
  const { metaGraphs } = decode("SavedModel", read("saved_model.pb") ?? new Uint8Array(), `${path}: saved_model.pb`);
  const nodes = metaGraphs[0]?.objectGraphDef?.nodes ?? [];
  const found = new Map<string, string>();
  const add = (at: string, id: number) => {
    const text = nodes[id]?.userObject?.metadata;
    if (text) found.set(at, text);
  };
  add("root", 0);
  for (const { localName, nodeId } of nodes[0]?.children ?? []) add(`root.${localName}`, nodeId);
  return found;
}

/** Tuples and shapes as lists, as in other files of Keras. */
function parseMetadata(text: string, path: string): Record<string, unknown> {
  const toList = (_key: string, value: unknown) => {
    const { class_name: kind, items } = (value ?? {}) as { class_name?: unknown; items?: unknown };
    return (kind === "__tuple__" || kind === "TensorShape") && Array.isArray(items) ? items : value;
  };
  try {
    const parsed: unknown = JSON.parse(text, toList);
    if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed))
      return parsed as Record<string, unknown>;
  } catch (cause) {
    if (!(cause instanceof SyntaxError || cause instanceof RangeError)) throw cause;
  }
  throw new CliError(`${path}: A configuration of Keras is not JSON; copy the folder again`);
}

/** The weights of each layer, as its own list of variables has them. */
function byObjects(metadata: ReadonlyMap<string, string>, objects: Objects, path: string): Hdf5Content {
  const layers = new Map<number, string>();
  for (const [at, text] of metadata) {
    const [, child] = /^root\.(layer[\w-]*-\d+)$/.exec(at) ?? [];
    const id = child === undefined ? undefined : objects.find([child]);
    if (id !== undefined) layers.set(id, String(parseMetadata(text, path).name));
  }
  const owned: [string, Variable][] = [];
  for (const [id, layer] of layers) {
    // Normalization has no list of its variables, but they themselves as its own parts, some by two names.
    const list = objects.childrenOf(id).get("variables") ?? id;
    for (const variable of new Set(objects.childrenOf(list).values())) {
      const found = objects.variableOf(variable);
      if (found) owned.push([layer, found]);
    }
  }
  return toContent(owned, objects);
}

/** The weights of each layer, told by the name of the layer in those of the variables. */
function byNames(config: string, objects: Objects): Hdf5Content {
  const owners = layerOwners(config);
  const listed = objects.find(["variables"]);
  const variables =
    listed === undefined
      ? objects.variables
      : [...objects.childrenOf(listed).values()].flatMap((id) => objects.variableOf(id) ?? []);
  return toContent(
    variables.map((variable) => {
      const parts = variable.fullName.split("/");
      const named = parts.find((part) => owners.has(part));
      return [named === undefined ? (parts[0] ?? "") : (owners.get(named) as string), variable];
    }),
    objects,
  );
}

/**
 * The outermost layer that each layer of a configuration stands in, by name. Checked is the configuration later: what is not as
 * expected is passed over here.
 */
function layerOwners(config: string): Map<string, string> {
  const owners = new Map<string, string>();
  const visit = (model: unknown, owner: string | undefined, depth: number) => {
    const layers = (model as { layers?: unknown } | null)?.layers;
    if (!Array.isArray(layers) || depth > MAX_NESTED || owners.size > MAX_METADATA) return;
    for (const layer of layers) {
      const name = String(layer?.config?.name);
      if (!owners.has(name)) owners.set(name, owner ?? name);
      visit(layer?.config, owner ?? name, depth + 1);
    }
  };
  try {
    visit(JSON.parse(config)?.config, undefined, 0);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
  }
  return owners;
}

function toContent(owned: readonly (readonly [string, Variable])[], objects: Objects): Hdf5Content {
  const names = new Map<string, string[]>();
  const datasets = new Map<string, Hdf5Dataset>();
  for (const [layer, { fullName, key }] of owned) {
    names.set(layer, [...(names.get(layer) ?? []), fullName]);
    datasets.set(`${layer}/${fullName}`, toDataset(objects.tensor(key)));
  }
  return { attributes: new Map([...names].map(([layer, list]) => [`${layer}@weight_names`, list])), datasets };
}

/** Values that are read once, when a layer takes them. */
function toDataset(tensor: SourceTensor): Hdf5Dataset {
  let values: Float32Array | undefined;
  return {
    shape: tensor.shape,
    get values() {
      values ??= tensor.read();
      return values;
    },
  };
}

/** The error of a folder that says nothing of its layers, with what its variables tell. */
function unconfigured(path: string, { variables }: Objects): CliError {
  const parents = [...new Set(variables.map(({ fullName }) => fullName.replace(/\/?[^/]*$/, "")))].filter(Boolean);
  const shown = parents.slice(0, 6).map((name) => name.slice(0, 60));
  const held =
    shown.length === 0 ? "" : ` (its variables are of ${shown.join(", ")}${parents.length > 6 ? ", …" : ""})`;
  return new CliError(
    `${path}: Is a SavedModel without a configuration of Keras${held}: model.export() and tf.saved_model.save() keep the computation only. Give the text of model.to_json() in a file with --config, or save the model itself: model.save("x.keras")`,
  );
}
