// Layers as Keras names them, and the network that a list of them is.

import type { NetworkSpec } from "../../model/network.ts";
import type { Activation, LayerSpec } from "../../model/types.ts";

/** Activations by the names of Keras 3. */
export type KerasActivation =
  | Exclude<Activation, "hardtanh" | "hardswish" | "hardsigmoid" | "gelu_tanh">
  | "swish"
  | "hard_silu"
  | "hard_swish"
  | "hard_sigmoid"
  | "leaky_relu";

/** A layer of a {@link sequential} model. */
export type KerasLayer =
  | { readonly kind: "input"; readonly shape: readonly (number | null)[] }
  | { readonly kind: "embedding"; readonly inputDim: number; readonly outputDim: number; readonly trainable: boolean }
  | ({ readonly kind: "gru"; readonly units: number } & Required<GruOptions>)
  | ({ readonly kind: "dense"; readonly units: number } & Required<DenseOptions>)
  | { readonly kind: "dropout"; readonly rate: number };

/** Options of {@link gru}, with the defaults of Keras. */
export interface GruOptions {
  /** Whether every step has an output, or the last alone; default false. */
  readonly returnSequences?: boolean;
  /** Default true. */
  readonly resetAfter?: boolean;
  /** Default true. */
  readonly useBias?: boolean;
  /** Default true. */
  readonly trainable?: boolean;
}

/** Options of {@link dense}, with the defaults of Keras. */
export interface DenseOptions {
  /** Default linear. */
  readonly activation?: KerasActivation;
  /** Default true. */
  readonly useBias?: boolean;
  /** Default true. */
  readonly trainable?: boolean;
}

/** What a model takes: `[steps, values]`, steps being null for any number. Not needed where the data tell it. */
export const input = (shape: readonly (number | null)[]): KerasLayer => ({ kind: "input", shape });

/** Rows of a matrix by the number of a token: the first layer. */
export const embedding = (inputDim: number, outputDim: number, { trainable = true } = {}): KerasLayer => ({
  kind: "embedding",
  inputDim,
  outputDim,
  trainable,
});

/** A GRU layer with tanh and sigmoid. */
export function gru(units: number, options: GruOptions = {}): KerasLayer {
  return { kind: "gru", units, returnSequences: false, resetAfter: true, useBias: true, trainable: true, ...options };
}

/** A dense layer: over every step where the GRU layer before it returns sequences. */
export function dense(units: number, options: DenseOptions = {}): KerasLayer {
  return { kind: "dense", units, activation: "linear", useBias: true, trainable: true, ...options };
}

/** Leaves values out while training. */
export const dropout = (rate: number): KerasLayer => ({ kind: "dropout", rate });

const ACTIVATIONS: Readonly<Partial<Record<KerasActivation, Activation>>> = {
  swish: "silu",
  hard_silu: "hardswish",
  hard_swish: "hardswish",
  hard_sigmoid: "hardsigmoid",
  leaky_relu: "prelu",
};

/** What a list of layers comes to. */
export interface Plan {
  readonly layers: readonly LayerSpec[];
  readonly embedding: NetworkSpec["embedding"];
  /** Values of a sample, where the layers tell it. */
  readonly inputs: number | undefined;
  readonly outputs: number;
  readonly targets: "each" | "last";
  /** Dropout behind each layer. */
  readonly dropout: readonly number[];
  /** Tensors that stay as they are. */
  readonly frozen: readonly string[];
  /** Layers whose slope is .2 on the left. */
  readonly leaky: readonly number[];
}

/**
 * Makes a plan of a list of layers.
 *
 * @throws {RangeError} when they do not follow each other so
 */
export function planOf(given: readonly KerasLayer[]): Plan {
  const [first] = given;
  const own = first?.kind === "input" ? given.slice(1) : given;
  const [start] = own;
  const embedded = start?.kind === "embedding" ? start : undefined;
  const list = embedded ? own.slice(1) : own;
  const layers: LayerSpec[] = [];
  const dropouts: number[] = [];
  const frozen: string[] = embedded && !embedded.trainable ? ["embedding.weight"] : [];
  const leaky: number[] = [];
  let isEach = true;
  for (const layer of list) {
    if (layer.kind === "input" || layer.kind === "embedding")
      throw new RangeError(`${layer.kind}: expected as the first layer`);
    if (layer.kind === "dropout") {
      if (layers.length === 0) throw new RangeError("dropout: expected behind a GRU or dense layer");
      dropouts[layers.length - 1] = layer.rate;
      continue;
    }
    const name = `layers.${layers.length}`;
    frozen.push(...frozenOf(layer, name));
    if (layer.kind === "dense" && layer.activation === "leaky_relu") leaky.push(layers.length);
    if (layer.kind === "gru" && !isEach) {
      throw new RangeError(`${name}: a GRU layer behind one without returnSequences, expected a sequence`);
    }
    if (layer.kind === "gru") isEach = layer.returnSequences;
    layers.push(specOf(layer));
  }
  const outputs = layers.at(-1)?.size;
  if (outputs === undefined) throw new RangeError("Found no GRU or dense layer, expected one at least");
  if (dropouts.length === layers.length) throw new RangeError("dropout: expected a layer behind it");
  return {
    layers,
    embedding: embedded && { vocabulary: embedded.inputDim, size: embedded.outputDim },
    inputs: first?.kind === "input" && !embedded ? (first.shape.at(-1) ?? undefined) : embedded && 1,
    outputs,
    targets: isEach ? "each" : "last",
    dropout: Array.from(layers, (_, k) => dropouts[k] ?? 0),
    frozen,
    leaky,
  };
}

type Weighted = Extract<KerasLayer, { kind: "gru" | "dense" }>;

function specOf(layer: Weighted): LayerSpec {
  if (layer.kind === "gru") return { kind: "gru", size: layer.units, reset: layer.resetAfter ? "after" : "before" };
  const activation = ACTIVATIONS[layer.activation] ?? (layer.activation as Activation);
  return { kind: "dense", size: layer.units, activation };
}

/** Biases that are not used stay 0, which is what they start as. */
function frozenOf(layer: Weighted, name: string): string[] {
  const biases = layer.kind === "gru" ? [`${name}.b`, `${name}.c`] : [`${name}.b`];
  const matrices = layer.kind === "gru" ? [`${name}.W`, `${name}.U`] : [`${name}.W`];
  const isLeaky = layer.kind === "dense" && layer.activation === "leaky_relu";
  const hasSlopes = layer.kind === "dense" && layer.activation === "prelu";
  const fixed = isLeaky || (hasSlopes && !layer.trainable) ? [`${name}.p`] : [];
  if (!layer.trainable) return [...matrices, ...biases, ...fixed];
  return [...(layer.useBias ? [] : biases), ...fixed];
}
