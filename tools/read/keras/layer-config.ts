// A layer of a Keras configuration, and the JSON that it comes from.

import { CliError } from "../../errors.ts";

/** A JSON object. */
export type Json = Readonly<Record<string, unknown>>;

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

/** A layer with the JSON that it comes from. */
export type Entry = LayerConfig & { readonly json: Json };

/** Classes of models, which may stand in place of a layer. */
export const MODELS = ["Sequential", "Functional", "Model"];

/** The value as a JSON object. @throws {CliError} */
export function object(value: unknown, where: string): Json {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Json;
  throw new CliError(`${where}: Not a JSON object; the configuration is damaged`);
}

/** The value as a JSON array. @throws {CliError} */
export function list(value: unknown, where: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new CliError(`${where}: Not a JSON array; the configuration is damaged`);
}
