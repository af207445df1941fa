// Reads Keras models: `.keras`, legacy `.h5`, SavedModel folders, and weights alone with the text of model.to_json().

import { CliError } from "../../errors.ts";
import { Builder } from "../builder.ts";
import { inOneLine } from "../message.ts";
import type { ModelNames, Network } from "../network.ts";
import { isTable } from "../tensorflow/table.ts";
import { isZip, readArchive, versionIn } from "./archive.ts";
import { type ModelConfig, readConfig } from "./config.ts";
import type { Context } from "./context.ts";
import { type Hdf5Content, type Hdf5Dataset, isHdf5, readHdf5 } from "./hdf5.ts";
import { addLayers } from "./layers.ts";
import { readSavedModel, readWeightCheckpoint } from "./saved-model.ts";
import { openWeights } from "./weights.ts";

/** How to read a Keras model. */
export interface KerasOptions {
  /** Path of the source, for messages. */
  readonly path: string;
  /** Text of `model.to_json()`, for a file that holds weights only. */
  readonly config?: string;
  /** Puts sigmoid in the place of hard_sigmoid, and says so in `substitutions`. */
  readonly allowApproximate?: boolean;
  /** Reads a file beside the source, for weights in several files. */
  readonly readBeside?: (name: string) => Uint8Array;
  /** How long the HDF5 library may take; by default what `readHdf5` says. */
  readonly timeLimitMs?: number;
}

/** What a file of Keras is. */
export interface KerasSource {
  readonly network: Network;
  readonly names: Partial<ModelNames>;
}

/** A file of Keras, unpacked. */
interface Source {
  readonly config: string;
  readonly where: string;
  readonly version: string | undefined;
  readonly content: Hdf5Content;
}

/**
 * Reads a model from the bytes of a file of Keras, told apart by its first bytes.
 *
 * @throws {CliError} when the file is damaged, or holds a model that cannot be converted exactly
 */
export function readKeras(bytes: Uint8Array, options: KerasOptions): Promise<KerasSource> {
  return inOneLine(async () => build(await unpack(bytes, options), options));
}

/**
 * Reads a model from a SavedModel folder of TensorFlow.
 *
 * @param read  reads a file by its name in the folder, as `variables/variables.index`; undefined when there is none
 * @throws {CliError} when a part is missing or damaged, or it holds a model that cannot be converted exactly
 */
export function readKerasFolder(
  read: (name: string) => Uint8Array | undefined,
  options: KerasOptions,
): Promise<KerasSource> {
  const { path, config } = options;
  return inOneLine(() => build({ where: path, ...readSavedModel(path, read, config) }, options));
}

function build(source: Source, options: KerasOptions): KerasSource {
  const model = readConfig(source.config, source.where);
  const network = readNetwork(model, source, options);
  const name = model.name.replace(/[^A-Za-z0-9_.-]+/g, "_").slice(0, 64) || "keras";
  const provenance = { framework: source.version ? `keras ${source.version.slice(0, 40)}` : "keras" };
  return { network, names: { name, provenance } };
}

/** Finds configuration and weights in either container. */
async function unpack(bytes: Uint8Array, options: KerasOptions): Promise<Source> {
  const { path, config, timeLimitMs } = options;
  if (bytes[0] === OPENING_BRACE) return unpackShards(bytes, options);
  if (isTable(bytes)) return unpackCheckpoint(bytes, options);
  if (isZip(bytes)) {
    refuseConfig(config, path);
    const archive = readArchive(bytes, path);
    const content = await readHdf5(archive.weights, `${path}: model.weights.h5`, timeLimitMs);
    return { config: archive.config, where: path, version: archive.version, content };
  }
  if (!isHdf5(bytes))
    throw new CliError(`${path}: Neither a .keras file nor an HDF5 file; save it with model.save("x.keras")`);
  const content = await readHdf5(bytes, path, timeLimitMs);
  const stored = content.attributes.get("@model_config");
  const version = text(
    content.attributes.get("@keras_version") ?? content.attributes.get("model_weights@keras_version"),
  );
  if (typeof stored === "string") {
    refuseConfig(config, path);
    return { config: stored, where: path, version, content };
  }
  if (config === undefined) {
    throw new CliError(`${path}: Holds weights only; give the text of model.to_json() in a file with --config`);
  }
  return { config, where: path, version: version ?? versionIn(config), content };
}

/** A checkpoint of weights: the file is its index. */
function unpackCheckpoint(bytes: Uint8Array, { path, config, readBeside }: KerasOptions): Source {
  const read = (name: string) => {
    if (name.endsWith(".index")) return bytes;
    if (readBeside) return readBeside(name);
    throw new CliError(`${path}: The weights stand in the file ${name} beside it`);
  };
  const source = readWeightCheckpoint(path, read, config);
  return { where: path, ...source, version: versionIn(source.config) };
}

const OPENING_BRACE = 0x7b;
/** Most files that the weights of a model stand in. */
const MAX_SHARDS = 100;

/** Joins the weights of several files: `x.weights.json` says which, as model.save_weights(max_shard_size=…) writes them. */
async function unpackShards(
  bytes: Uint8Array,
  { path, config, readBeside, timeLimitMs }: KerasOptions,
): Promise<Source> {
  const files = shardNames(bytes, path);
  if (config === undefined) {
    throw new CliError(`${path}: Holds weights only; give the text of model.to_json() in a file with --config`);
  }
  if (!readBeside) throw new CliError(`${path}: The weights stand in the files ${files.join(", ")} beside it`);
  const attributes = new Map<string, string | readonly string[]>();
  const datasets = new Map<string, Hdf5Dataset>();
  for (const file of files) {
    const content = await readHdf5(readBeside(file), file, timeLimitMs);
    for (const [key, value] of content.attributes) attributes.set(key, value);
    for (const [key, value] of content.datasets) datasets.set(key, value);
  }
  return { config, where: path, version: versionIn(config), content: { attributes, datasets } };
}

/** Names of the files in `weight_map`; a name with a folder in it is refused. */
function shardNames(bytes: Uint8Array, path: string): string[] {
  let index: { weight_map?: unknown } = {};
  try {
    index = JSON.parse(new TextDecoder().decode(bytes)) ?? {};
  } catch (cause) {
    throw new CliError(`${path}: Not JSON; copy or save the file again`, { cause });
  }
  const map = index.weight_map;
  const names = typeof map === "object" && map !== null ? [...new Set(Object.values(map).flat())] : [];
  const isName = (name: unknown): name is string => typeof name === "string" && /^[\w.-]+\.h5$/.test(name);
  if (names.length > 0 && names.length <= MAX_SHARDS && names.every(isName)) return names;
  throw new CliError(
    `${path}: weight_map names no files, or other than x.weights.h5 beside it; save the weights again`,
  );
}

function refuseConfig(config: string | undefined, path: string): void {
  if (config !== undefined) throw new CliError(`${path}: Holds its own configuration; leave out --config`);
}

/** Builds the network and refuses weights that are left over. */
function readNetwork(model: ModelConfig, source: Source, options: KerasOptions): Network {
  const { path, allowApproximate = false } = options;
  const weights = openWeights(source.content, path);
  const hardSlope = hardSlopeOf(source);
  const isToken = model.chain[0]?.className === "Embedding";
  const builder = new Builder(isToken ? undefined : (model.inputShape?.at(-1) ?? undefined));
  const rank = model.inputShape ? model.inputShape.length + 1 : isToken ? 2 : 3;
  const notes = [...model.notes];
  const policies = new Set<string>();
  const stateful: string[] = [];
  const lists = { substitutions: [], notes, policies, stateful };
  const context: Context = { weights, builder, allowApproximate, hardSlope, rank, ...lists };
  addLayers(model, context);
  const unused = weights.unused();
  if (unused.length > 0) {
    throw new CliError(
      `${path}: Weights that no layer uses: ${listed(unused)}; save the weights of this very model again`,
    );
  }
  const network = builder.finish(context.rank === 2, context.substitutions);
  if (!network.layers.some((layer) => layer.kind === "gru")) {
    throw new CliError(`${path}: The model has no GRU layer; there is nothing to stream`);
  }
  const early = network.layers.slice(0, -1).find((layer) => layer.kind === "dense" && layer.activation === "softmax");
  if (early) throw new CliError(`${path}: layer "${early.name}": softmax is supported in the last layer only`);
  const precision = policies.has("bfloat16") || policies.has("mixed_bfloat16") ? "bfloat16" : "float16";
  if (policies.size > 0) {
    notes.push(
      `The source computes in 16 bits (${[...policies].join(", ")}); it is converted as float32, and compared by what ${precision} can do`,
    );
  }
  const window = windowOf(model);
  if (window !== undefined) {
    notes.push(
      `The source reads windows of ${window} steps, each from a state of zeros; a session runs on from sample to sample. Reset it after every ${window} samples to get what the source computes (\`--reset-every ${window}\`), or let windows overlap (\`--overlap ${window}\`)`,
    );
  }
  return {
    ...network,
    notes,
    ...(window !== undefined && { window }),
    ...(policies.size > 0 && { precision }),
    ...(stateful.length > 0 && { stateful }),
  };
}

/** hard_sigmoid is relu6(x + 3) / 6 since Keras 3, whose configurations tell no version but the module of each class; 0.2 x + 0.5 before. */
function hardSlopeOf({ version, config }: Source): number {
  const isKeras3 = version === undefined ? /^\s*\{\s*"module":/.test(config) : Number.parseInt(version, 10) >= 3;
  return isKeras3 ? 1 / 6 : 0.2;
}

/** The number of steps that the shape of the input fixes. A stateful source runs on by itself. */
function windowOf({ inputShape, chain }: ModelConfig): number | undefined {
  const steps = inputShape?.[0];
  const isStateful = chain.some(({ attributes }) => attributes.stateful === true);
  return typeof steps === "number" && !isStateful ? steps : undefined;
}

/** Up to eight paths, and how many more there are. */
function listed(paths: readonly string[]): string {
  const shown = paths.slice(0, 8).map((path) => path.slice(0, 100));
  return paths.length > shown.length ? `${shown.join(", ")} and ${paths.length - shown.length} more` : shown.join(", ");
}

const text = (value: unknown) => (typeof value === "string" ? value : undefined);
