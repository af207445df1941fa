import { CliError } from "../../../tools/errors.ts";
import { Builder } from "../../../tools/read/builder.ts";
import { readConfig } from "../../../tools/read/keras/config.ts";
import type { Context } from "../../../tools/read/keras/context.ts";
import type { Hdf5Content, Hdf5Dataset } from "../../../tools/read/keras/hdf5.ts";
import { addLayers } from "../../../tools/read/keras/layers.ts";
import { openWeights } from "../../../tools/read/keras/weights.ts";
import type { Network } from "../../../tools/read/network.ts";

export type Json = Readonly<Record<string, unknown>>;

export type LayerJson = readonly [className: string, config: Json];

export const dataset = (shape: readonly number[], values: readonly number[]): Hdf5Dataset => ({
  shape,
  values: Float32Array.from(values),
});

/** first, first + 1, … */
export const from = (first: number, count: number) => Array.from({ length: count }, (_, i) => first + i);

export interface ReadOptions {
  readonly allowApproximate?: boolean;
  /** Inputs; default 2. Null: not known. */
  readonly size?: number | null;
  readonly rank?: number;
}

/** Reads a chain of layers; the datasets stand below `layers/`. */
export function read(
  layers: readonly LayerJson[],
  datasets: Readonly<Record<string, Hdf5Dataset>>,
  { allowApproximate = false, size = 2, rank = 3 }: ReadOptions = {},
): { network: Network; context: Context; unused: string[] } {
  const json = {
    class_name: "Sequential",
    config: { name: "m", layers: layers.map(([class_name, config]) => ({ class_name, config })) },
  };
  const content: Hdf5Content = {
    attributes: new Map(),
    datasets: new Map(Object.entries(datasets).map(([name, value]) => [`layers/${name}`, value])),
  };
  const weights = openWeights(content, "m.keras");
  const builder = new Builder(size ?? undefined);
  const lists = { substitutions: [], notes: [], stateful: [], policies: new Set<string>() };
  const context: Context = { weights, builder, allowApproximate, hardSlope: 0.25, rank, ...lists };
  addLayers(readConfig(JSON.stringify(json), "m.keras"), context);
  return { network: builder.finish(context.rank === 2, context.substitutions), context, unused: weights.unused() };
}

export const refusal = (...args: Parameters<typeof read>): string => {
  try {
    read(...args);
  } catch (error) {
    if (error instanceof CliError) return error.message;
    throw error;
  }
  return "nothing refused";
};

/** GRU of one unit with two inputs: columns z, r, n. */
export const GRU = {
  "gru/cell/vars/0": dataset([2, 3], [1, 2, 3, 4, 5, 6]),
  "gru/cell/vars/1": dataset([1, 3], [7, 8, 9]),
  "gru/cell/vars/2": dataset([2, 3], [10, 20, 30, 40, 50, 60]),
};

export const gru = (config: Json = {}): LayerJson => [
  "GRU",
  {
    name: "g",
    units: 1,
    return_sequences: true,
    recurrent_activation: "sigmoid",
    activation: "tanh",
    reset_after: true,
    ...config,
  },
];

export const DENSE = { "dense/vars/0": dataset([2, 1], [3, 4]), "dense/vars/1": dataset([1], [5]) };

export const dense = (config: Json = {}): LayerJson => ["Dense", { name: "d", units: 1, ...config }];
