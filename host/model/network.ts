// The network of a model, stage by stage: the one place that walks over the layers of a document and knows which tensors belong to
// them (FORMAT.md 4 and 5). What packs, plans, quantizes, exports or describes a model walks these stages.

import type { Activation, DenseLayerSpec, GruLayerSpec, ModelSpec } from "./types.ts";

/** The part of a document that says what the network is. */
export type NetworkSpec = Pick<ModelSpec, "inputs" | "outputs" | "embedding" | "layers" | "skip">;

/** A matrix of weights, row-major: its size and the names of its tensors. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  /** Name of the tensor [rows][columns]. */
  readonly weight: string;
  /** q15: name of the multiplier of each row. Absent where the sums stay accumulators until the output (FORMAT.md 5.4). */
  readonly multiplier?: string;
  /** Name of the tensor [rows] that is added. The skip has none. */
  readonly bias?: string;
}

/** A matrix with a bias for each row. */
export interface BiasedMatrix extends Matrix {
  readonly bias: string;
}

/** A sample becomes x: offset and scale for each value. In q15 there is no scale. */
export interface InputStage {
  readonly kind: "input";
  /** I, the values of a sample. */
  readonly sizeIn: number;
  /** I, the values of x. */
  readonly size: number;
  readonly offset: "input.offset";
  readonly scale: "input.scale";
}

/** A token becomes x: a row of the embedding. */
export interface EmbeddingStage {
  readonly kind: "embedding";
  readonly vocabulary: number;
  /** 1, the token. */
  readonly sizeIn: number;
  /** E, the values of x. */
  readonly size: number;
  /** Name of the tensor [vocabulary][size]. */
  readonly weight: "embedding.weight";
}

/** What the stages of layers share. */
interface LayerPlace {
  /** Place in the list of layers. */
  readonly index: number;
  /** What the names of its tensors begin with: `layers.0`. */
  readonly name: string;
  /** Values that enter. */
  readonly sizeIn: number;
  /** Values that leave. */
  readonly size: number;
}

/** A GRU layer: rows of w and u in gate order rzn. */
export interface GruStage extends LayerPlace {
  readonly kind: "gru";
  readonly layer: GruLayerSpec;
  /** W[3H][N] and b[3H]. */
  readonly w: BiasedMatrix;
  /** U[3H][H] and c[3H]. */
  readonly u: BiasedMatrix;
}

/** A dense layer. */
export interface DenseStage extends LayerPlace {
  readonly kind: "dense";
  readonly layer: DenseLayerSpec;
  /** Whether its sums stay accumulators until the output stage: the last layer, if linear or relu. */
  readonly isOpen: boolean;
  /** W[M][N] and b[M]. */
  readonly w: BiasedMatrix;
  /** f32: the tensor [count][M] of the parameters of its activation. */
  readonly parameters?: { readonly name: string; readonly count: number };
}

/** A layer of the network. */
export type LayerStage = GruStage | DenseStage;

/** The last samples, added to the output by a matrix. */
export interface SkipStage {
  readonly kind: "skip";
  /** Samples in the window. */
  readonly length: number;
  readonly w: Matrix;
}

/** The last layer's values become a prediction. */
export interface OutputStage {
  readonly kind: "output";
  /** O, the values of a prediction. */
  readonly size: number;
  /** Whether the last layer is open: offset and scale are allowed, and in q15 its accumulators come in. */
  readonly isOpen: boolean;
  readonly offset: "output.offset";
  /** f32 only. */
  readonly scale: "output.scale";
  /** q15 only. */
  readonly multiplier: "output.multiplier";
}

/** A stage of a network. */
export type Stage = InputStage | EmbeddingStage | LayerStage | SkipStage | OutputStage;

/** The stages of a network by their part, and all of them in order. */
export interface Network {
  readonly input: InputStage | EmbeddingStage;
  readonly layers: readonly LayerStage[];
  readonly skip: SkipStage | undefined;
  readonly output: OutputStage;
  /** Input, layers, skip, output. What looks at predictions will stand behind them. */
  readonly stages: readonly Stage[];
  /** Elements of the vectors that a session keeps, in the order of FORMAT.md 7: the window of the skip, h of each GRU layer. */
  readonly state: readonly number[];
}

/** Parameters of each row that an activation has: the slope, alpha, the least and the greatest value, or the slope and the value at 0. */
const PARAMETERS: Readonly<Partial<Record<Activation, number>>> = { prelu: 1, elu: 1, hardtanh: 2, hardsigmoid: 2 };

/** Whether the output of a last layer with this activation stays an accumulator (FORMAT.md 5.4). */
export const isOpenActivation = (activation: Activation): boolean => activation === "linear" || activation === "relu";

/** Takes the network of a document apart. */
export function networkOf(spec: NetworkSpec): Network {
  const { embedding, outputs } = spec;
  const I = spec.inputs.length;
  const input: Network["input"] = embedding
    ? { kind: "embedding", sizeIn: I, ...embedding, weight: "embedding.weight" }
    : { kind: "input", sizeIn: I, size: I, offset: "input.offset", scale: "input.scale" };
  let sizeIn = input.size;
  const layers = spec.layers.map((layer, index): LayerStage => {
    const place = { index, name: `layers.${index}`, sizeIn, size: layer.size };
    sizeIn = layer.size;
    if (layer.kind === "gru") return gruStage(layer, place);
    return denseStage(layer, place, index === spec.layers.length - 1);
  });
  const last = layers.at(-1);
  const output: OutputStage = {
    kind: "output",
    size: outputs.length,
    isOpen: last?.kind === "dense" && last.isOpen,
    offset: "output.offset",
    scale: "output.scale",
    multiplier: "output.multiplier",
  };
  const skip = spec.skip && skipStage(spec.skip.length, I, outputs.length);
  const hidden = layers.filter(({ kind }) => kind === "gru").map(({ size }) => size);
  return {
    input,
    layers,
    skip,
    output,
    stages: [input, ...layers, ...(skip ? [skip] : []), output],
    state: [...(skip ? [skip.w.columns] : []), ...hidden],
  };
}

function gruStage(layer: GruLayerSpec, place: LayerPlace): GruStage {
  const { name, sizeIn, size } = place;
  const w = biased(name, "W", "b", 3 * size, sizeIn);
  const u = biased(name, "U", "c", 3 * size, size);
  return { kind: "gru", ...place, layer, w, u };
}

function denseStage(layer: DenseLayerSpec, place: LayerPlace, isLast: boolean): DenseStage {
  const isOpen = isLast && isOpenActivation(layer.activation);
  const { multiplier, ...open } = biased(place.name, "W", "b", place.size, place.sizeIn);
  const count = PARAMETERS[layer.activation] ?? 0;
  const parameters = { name: `${place.name}.p`, count };
  return {
    kind: "dense",
    ...place,
    layer,
    isOpen,
    w: isOpen ? open : { ...open, multiplier },
    ...(count > 0 && { parameters }),
  };
}

/** Its samples are those that came in, before any embedding, which a model with a skip has not. */
function skipStage(length: number, inputs: number, outputs: number): SkipStage {
  const w = { rows: outputs, columns: length * inputs, weight: "skip.W", multiplier: "skip.multiplier" };
  return { kind: "skip", length, w };
}

function biased(name: string, weight: string, bias: string, rows: number, columns: number) {
  const full = `${name}.${weight}`;
  return { rows, columns, weight: full, bias: `${name}.${bias}`, multiplier: `${full}.multiplier` };
}

/** The matrices of a stage, in the order of their tensors. */
export function matricesOf(stage: Stage): readonly Matrix[] {
  switch (stage.kind) {
    case "gru":
      return [stage.w, stage.u];
    case "dense":
    case "skip":
      return [stage.w];
    default:
      return [];
  }
}

/** Multiplications by weights in one step of a stage. */
export const multiplications = (stage: Stage): number =>
  matricesOf(stage).reduce((sum, { rows, columns }) => sum + rows * columns, 0);
