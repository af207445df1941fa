// A network between its framework and the model file: what the readers make and what `toModel` writes. Values are single precision,
// rows of GRU matrices in gate order rzn, blending `h' = (1 - z) n + z h` (FORMAT.md 4).

import type { ModelSpecInput } from "../../host/model/model.ts";
import { type BiasedMatrix, type Network as ModelNetwork, networkOf } from "../../host/model/network.ts";
import type { Activation, InputSpec, LayerSpec, OutputSpec, Tensor } from "../../host/model/types.ts";

/** One GRU layer: W[3H][N], U[3H][H], b[3H], c[3H], row-major. */
export interface GruLayer {
  readonly kind: "gru";
  /** Name of the layer in its source, for messages. */
  readonly name: string;
  readonly size: number;
  readonly reset: "after" | "before";
  /** "hard" for r, z = min(max(a, 0), 1); slope and offset are in the weights. */
  readonly gates?: "hard";
  readonly W: Float32Array;
  readonly U: Float32Array;
  readonly b: Float32Array;
  readonly c: Float32Array;
}

/** The layer with the gates min(max(slope · a + offset, 0), 1): slope and offset go into the rows of r and z. */
export function withHardGates(layer: GruLayer, slope: number, offset: number): GruLayer {
  const { size: H, W, U, b, c } = layer;
  const scaled = (values: Float32Array) => {
    const gates = (2 * values.length) / 3;
    return values.map((value, i) => (i < gates ? value * slope : value));
  };
  const shifted = scaled(b).map((value, i) => (i < 2 * H ? value + offset : value));
  return { ...layer, gates: "hard", W: scaled(W), U: scaled(U), b: shifted, c: scaled(c) };
}

/** A function of the values of a layer, each by itself but for softmax. */
export interface Applied {
  readonly activation: Activation;
  /** Of each parameter that the activation has (FORMAT.md 3.1), one value for all rows, or one for each. */
  readonly parameters?: readonly ArrayLike<number>[];
}

/** One dense layer: W[M][N] row-major, b[M]. */
export interface DenseLayer extends Applied {
  readonly kind: "dense";
  readonly name: string;
  readonly size: number;
  readonly W: Float32Array;
  readonly b: Float32Array;
}

/** (x - offset) * scale for each element. */
export interface Affine {
  readonly offset: Float32Array;
  readonly scale: Float32Array;
}

/** A framework-neutral network. */
export interface Network {
  /** Values in a sample, I; 1 with an embedding. */
  readonly inputs: number;
  /** Rows V of E values. */
  readonly embedding?: { readonly vocabulary: number; readonly size: number; readonly weight: Float32Array };
  /** Of the inputs; scale > 0. */
  readonly normalisation?: Affine;
  readonly layers: readonly (GruLayer | DenseLayer)[];
  /** y * scale + offset of the last, linear, layer's outputs; scale > 0. */
  readonly output?: Affine;
  /** Whether the source returns its output at the last step only; a streamed model gives it at every step. */
  readonly lastOnly: boolean;
  /** What was put in the place of what the source asks for (`--allow-approximate`), one line each. */
  readonly substitutions: readonly string[];
  /** What the user should know of how the source was read, one line each. */
  readonly notes?: readonly string[];
  /** The precision that the source computes in, where that is less than single. */
  readonly precision?: "float16" | "bfloat16";
  /** Steps of a sequence of the source, where its shape fixes them: it was trained on windows, each from a state of zeros. */
  readonly window?: number;
  /** Layers of the source that keep their state from one batch to the next. */
  readonly stateful?: readonly string[];
}

/** What the source does not say about a model. */
export interface ModelNames {
  readonly name: string;
  readonly inputs?: readonly InputSpec[];
  readonly outputs?: readonly OutputSpec[];
  readonly provenance?: Readonly<Record<string, string>>;
}

/** Turns a network into the parts of an f32 model file, ready for `serializeModel`. */
export function toModel(network: Network, names: ModelNames): { spec: ModelSpecInput; tensors: Map<string, Tensor> } {
  const { embedding } = network;
  const layers = network.layers.map(
    (layer): LayerSpec =>
      layer.kind === "dense"
        ? { kind: "dense", size: layer.size, activation: layer.activation }
        : { kind: "gru", size: layer.size, reset: layer.reset, ...(layer.gates && { gates: layer.gates }) },
  );
  const numbered = (prefix: string, count: number) =>
    count === 1 ? [{ name: prefix }] : Array.from({ length: count }, (_, i) => ({ name: `${prefix}${i}` }));
  const spec: ModelSpecInput = {
    format: 1,
    name: names.name,
    numeric: "f32",
    inputs: names.inputs ?? numbered(embedding ? "token" : "x", network.inputs),
    outputs: names.outputs ?? numbered("y", layers.at(-1)?.size ?? 0),
    ...(embedding && { embedding: { vocabulary: embedding.vocabulary, size: embedding.size } }),
    layers,
    ...((names.provenance || network.lastOnly || network.window) && {
      provenance: { ...names.provenance, ...lastOnlyNote(network), ...windowNote(network) },
    }),
  };
  return { spec, tensors: tensorsOf(network, networkOf(spec)) };
}

/** The tensors of a network by the names that its stages give them. */
function tensorsOf(network: Network, { input, layers, output }: ModelNetwork): Map<string, Tensor> {
  const tensors = new Map<string, Tensor>();
  const put = (name: string, data: Float32Array, ...shape: number[]) =>
    tensors.set(name, { dtype: "F32", shape, data });
  const putRows = ({ weight, bias, rows, columns }: BiasedMatrix, w: Float32Array, b: Float32Array) => {
    put(weight, w, rows, columns);
    put(bias, b, rows);
  };
  if (network.embedding) {
    put("embedding.weight", network.embedding.weight, network.embedding.vocabulary, network.embedding.size);
  }
  if (network.normalisation) {
    put("input.offset", network.normalisation.offset, input.sizeIn);
    put("input.scale", network.normalisation.scale, input.sizeIn);
  }
  for (const stage of layers) {
    const layer = network.layers[stage.index] as GruLayer | DenseLayer;
    putRows(stage.w, layer.W, layer.b);
    if (stage.kind === "gru" && layer.kind === "gru") putRows(stage.u, layer.U, layer.c);
    if (stage.kind === "dense" && stage.parameters && layer.kind === "dense") {
      put(stage.parameters.name, rowsOf(layer.parameters ?? [], layer.size), stage.parameters.count, layer.size);
    }
  }
  if (network.output) {
    put(output.offset, network.output.offset, output.size);
    put(output.scale, network.output.scale, output.size);
  }
  return tensors;
}

/** Parameters as [count][size]. */
function rowsOf(parameters: readonly ArrayLike<number>[], size: number): Float32Array {
  const rows = parameters.map((values) =>
    Array.from({ length: size }, (_, row) => values[values.length === 1 ? 0 : row]),
  );
  return Float32Array.from(rows.flat() as number[]);
}

/** What `inspect` is to say of a source that was trained on windows. */
function windowNote({ window }: Network): Readonly<Record<string, string>> {
  return window === undefined
    ? {}
    : { window: `${window} steps; the source starts each from zeros, a session runs on` };
}

/** What `inspect` is to say of a source that answers once for a whole sequence. */
function lastOnlyNote({ lastOnly }: Network): Readonly<Record<string, string>> {
  return lastOnly ? { answers: "at every step; the source answers at its last step only" } : {};
}
