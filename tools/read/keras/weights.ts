// Finds the weights of a layer in a file of Keras.
//
// `.keras` and `.weights.h5`   layers/<class_n>/[cell/ | layer/]vars/<i>, numbered in the order of creation
// legacy `.h5`                 [model_weights/]<layer>/<weight name>, by the attribute weight_names, `:0` ignored

import { CliError } from "../../errors.ts";
import { policyOf } from "./attributes.ts";
import type { Hdf5Content, Hdf5Dataset } from "./hdf5.ts";
import type { LayerConfig } from "./layer-config.ts";

/** Where the weights of a layer are below its own group and holder in the numbered layout: "", `cell/`, `cell/cells/gru_cell/`. */
export type Holder = string;

/** The weights of a file; remembers which were taken. */
export interface Weights {
  /**
   * Takes the weights of a layer by their names, in the order in which the layer creates them.
   *
   * @throws {CliError} when one is missing, or is not finite
   */
  take(layer: LayerConfig, holder: Holder, names: readonly string[]): Hdf5Dataset[];
  /** Marks weights of a layer that do not matter, when they are there. */
  ignore(layer: LayerConfig, holder: Holder, names: readonly string[]): void;
  /** Marks all weights of a layer, and of those inside of it, that were not taken. */
  ignoreRest(layer: LayerConfig): void;
  /** Paths that were neither taken nor ignored. */
  unused(): string[];
}

/** Folder of the layers in the numbered layout, and in that of Keras 2.12 to 2.15. */
const FOLDER = "layers";
const OLD_FOLDER = "_layer_checkpoint_dependencies";

/** Group of the weights in a legacy file of a whole model; a file of weights only has none. */
const MODEL = "model_weights/";

/** Wraps the weights of a file in either layout. */
export function openWeights(content: Hdf5Content, where: string): Weights {
  const named = [...content.attributes.keys()].find((key) => key.endsWith("@weight_names"));
  const find = named === undefined ? numbered(content, where) : legacy(content, named.startsWith(MODEL) ? MODEL : "");
  const seen = new Set<string>();
  return {
    take: (layer, holder, names) => {
      const found = names.map((name, index) => {
        const path = find(layer, holder, name, index);
        return { name, path, dataset: path === undefined ? undefined : content.datasets.get(path) };
      });
      refuseMissing(layer, found);
      return found.map(({ name, path, dataset: given }) => {
        const dataset = given as Hdf5Dataset;
        seen.add(path as string);
        const bad = dataset.values.findIndex((value) => !Number.isFinite(value));
        if (bad >= 0) {
          throw new CliError(
            `${layer.where}: ${name} holds ${dataset.values[bad]} at element ${bad}; the training diverged: convert an earlier checkpoint`,
          );
        }
        return dataset;
      });
    },
    ignore: (layer, holder, names) => {
      names.forEach((name, index) => {
        const path = find(layer, holder, name, index);
        if (path !== undefined) seen.add(path);
      });
    },
    ignoreRest: (layer) => {
      const prefixes = [`${FOLDER}/${layer.group}/`, `${MODEL}${layer.name}/`, `${layer.name}/`];
      for (const path of content.datasets.keys())
        if (prefixes.some((prefix) => path.startsWith(prefix))) seen.add(path);
    },
    unused: () => [...content.datasets.keys()].filter((path) => !seen.has(path) && !/seed_generator/.test(path)),
  };
}

/** Lists all weights of a layer that are not there. */
function refuseMissing(
  layer: LayerConfig,
  found: readonly { readonly name: string; readonly path: string | undefined; readonly dataset: unknown }[],
): void {
  const missing = found.filter(({ dataset }) => dataset === undefined);
  if (missing.length === 0) return;
  const paths = missing.flatMap(({ path }) => path ?? []);
  const policy = policyOf(layer.attributes.dtype);
  if (/^b?float16$/.test(policy)) {
    throw new CliError(
      `${layer.where}: ${missing.map(({ name }) => name).join(", ")} of this ${policy} layer ${missing.length === 1 ? "is" : "are"} not in the file: Keras saved it half built, since its initializers make no ${policy} weights, and saving again cannot help; build the model in float32 (or mixed_${policy}) and train it again`,
    );
  }
  throw new CliError(
    `${layer.where}: ${missing.map(({ name }) => name).join(", ")} ${missing.length === 1 ? "is" : "are"} missing from the weights` +
      `${paths.length > 0 ? ` (no dataset ${paths.join(", ")})` : ""}; save the weights of this very model again`,
  );
}

type Find = (layer: LayerConfig, holder: Holder, name: string, index: number) => string | undefined;

/** The layout of `.keras` and `.weights.h5`. */
function numbered(content: Hdf5Content, where: string): Find {
  const paths = [...content.datasets.keys()];
  const folder = [FOLDER, OLD_FOLDER].find((name) => paths.some((path) => path.startsWith(`${name}/`)));
  if (folder === undefined) {
    throw new CliError(`${where}: Holds no weights of layers; save them with model.save() or model.save_weights()`);
  }
  const groupOf = folder === FOLDER ? (layer: LayerConfig) => layer.group : groupsInOrder(paths, folder);
  return (layer, holder, _name, index) => {
    const group = groupOf(layer);
    // Recent versions of Keras also store the name of the layer: a second witness that the counting is right.
    const stored = content.attributes.get(`${folder}/${group}/vars@name`);
    if (typeof stored === "string" && stored !== layer.name) {
      throw new CliError(
        `${layer.where}: Its weights ${folder}/${group} belong to a layer "${stored.slice(0, 80)}"; give the configuration of this very model`,
      );
    }
    return `${folder}/${group}/${layer.holder}${holder}vars/${index}`;
  };
}

/**
 * Gives each layer the next group of its class that holds weights. The versions with the old folder list a layer with weights twice,
 * and some count both, so that only the order of the numbers can be trusted.
 */
function groupsInOrder(paths: readonly string[], folder: string): (layer: LayerConfig) => string {
  const groups = [
    ...new Set(paths.filter((path) => path.startsWith(`${folder}/`)).map((path) => path.split("/")[1] ?? "")),
  ];
  const numberOf = (group: string) => Number(/_(\d+)$/.exec(group)?.[1] ?? 0);
  const classOf = (group: string) => group.replace(/_\d+$/, "");
  groups.sort((a, b) => numberOf(a) - numberOf(b));
  const given = new Map<string, string>();
  return (layer) => {
    const known = given.get(layer.group);
    if (known !== undefined) return known;
    const taken = new Set(given.values());
    const next = groups.find((group) => classOf(group) === classOf(layer.group) && !taken.has(group)) ?? layer.group;
    given.set(layer.group, next);
    return next;
  };
}

/** The layout of legacy `.h5` files. */
function legacy(content: Hdf5Content, prefix: string): Find {
  return (layer, _holder, name) => {
    const { owner = layer.name, weightsOf } = layer;
    const stored = content.attributes.get(`${prefix}${owner}@weight_names`);
    const isOwn = (path: string) => weightsOf === undefined || path.split("/").slice(0, -1).includes(weightsOf);
    const matching = (Array.isArray(stored) ? stored : []).filter(
      (path: string) => baseName(path) === name && isOwn(path),
    );
    return matching.length === 1 ? `${prefix}${owner}/${matching[0]}` : undefined;
  };
}

/** `gru/gru_cell_1/kernel:0` -> `kernel`. */
const baseName = (path: string) => path.replace(/^.*\//, "").replace(/:\d+$/, "");
