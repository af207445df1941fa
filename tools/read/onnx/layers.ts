// From the chain of stages to the layers of a network.

import { CliError } from "../../errors.ts";
import type { Affine, Applied, DenseLayer, GruLayer, Network } from "../network.ts";
import type { Stage, Stream } from "./values.ts";

/** A linear map under construction: rows of W, and b. */
interface Linear {
  readonly name: string;
  readonly rows: number;
  readonly columns: number;
  readonly W: Float64Array;
  readonly b: Float64Array;
}

/** The greatest count of products, sums, activations and GRUs in the chain. */
const MAX_STAGES = 256;

/** The greatest count of weights in layers that only carry an activation or a scaling, 2^24. */
const MAX_IDENTITIES = 2 ** 24;

const LINEAR: Applied = { activation: "linear" };

/** Joins products, sums and activations in dense layers; scaling before the first layer becomes the normalisation. */
export function buildNetwork(stream: Stream, path: string, substitutions: readonly string[]): Network {
  const stages: Stage[] = [];
  for (let stage = stream.stage; stage; stage = stage.previous) stages.push(stage);
  stages.reverse();
  const first = stages[0];
  if (stages.length > MAX_STAGES)
    throw new CliError(`${path} has ${stages.length} layers and operations; at most ${MAX_STAGES} are read`);
  if (!stages.some(({ op }) => op === "gru"))
    throw new CliError(`${path} holds no GRU between its input and its output; nothing to stream`);
  const inputs = inputSize(stages, stream);
  if (first?.op === "embedding") {
    const { dims, data } = first.table;
    const [vocabulary = 0, size = 0] = dims;
    const layers = buildLayers(stages.slice(1), size, path);
    return {
      inputs: 1,
      embedding: { vocabulary, size, weight: Float32Array.from(data) },
      layers,
      lastOnly: stream.last,
      substitutions,
    };
  }
  const count = stages.findIndex(({ op }) => op !== "scale" && op !== "add");
  const normalisation = normalise(stages.slice(0, count), inputs);
  const layers = buildLayers(normalisation ? stages.slice(count) : stages, inputs, path);
  return { inputs, ...(normalisation && { normalisation }), layers, lastOnly: stream.last, substitutions };
}

/** The values that the first layer with weights takes. */
function inputSize(stages: readonly Stage[], stream: Stream): number {
  for (const stage of stages) {
    if (stage.op === "gru") return stage.layer.W.length / (3 * stage.layer.size);
    if (stage.op === "matmul") return stage.columns;
  }
  return stream.feature?.size ?? 1;
}

/** Scale and offset of the leading stages, when every scale is positive and in the range of single precision. */
function normalise(stages: readonly Stage[], size: number): Affine | undefined {
  if (stages.length === 0) return undefined;
  const scale = new Float64Array(size).fill(1);
  const shift = new Float64Array(size);
  for (const stage of stages) {
    if (stage.op !== "scale" && stage.op !== "add") continue;
    for (let i = 0; i < size; i++) {
      const by = stage.by[i % stage.by.length] ?? 0;
      scale[i] = (scale[i] ?? 0) * (stage.op === "scale" ? by : 1);
      shift[i] = stage.op === "scale" ? (shift[i] ?? 0) * by : (shift[i] ?? 0) + by;
    }
  }
  const affine = {
    offset: Float32Array.from(shift, (value, i) => -value / (scale[i] ?? 1)),
    scale: Float32Array.from(scale),
  };
  return affine.scale.every((value) => value > 0 && value < Infinity) && affine.offset.every(Number.isFinite)
    ? affine
    : undefined;
}

function buildLayers(stages: readonly Stage[], inputs: number, path: string): (GruLayer | DenseLayer)[] {
  const layers: (GruLayer | DenseLayer)[] = [];
  let size = inputs;
  let open: Linear | undefined;
  let identities = 0;
  const close = (applied: Applied) => {
    if (open) layers.push(finish(open, applied, path));
    open = undefined;
  };
  for (const stage of stages) {
    if (stage.op === "gru") {
      close(LINEAR);
      layers.push(stage.layer);
      size = stage.layer.size;
    } else if (stage.op === "matmul") {
      close(LINEAR);
      size = stage.rows;
      open = {
        name: stage.node,
        rows: size,
        columns: stage.columns,
        W: Float64Array.from(stage.W),
        b: new Float64Array(size),
      };
    } else if (stage.op === "erf") {
      throw new CliError(
        `${path}: node "${stage.node}" (Erf): is supported as a part of GELU only, x times (1 + Erf(x / √2)) / 2; use another activation`,
      );
    } else if (stage.op !== "embedding") {
      if (!open) {
        identities += size * size;
        if (identities > MAX_IDENTITIES) {
          throw new CliError(`${path}: node "${stage.node}" works on ${size} values; put a dense layer before it`);
        }
        open = identity(stage.node, size);
      }
      if (stage.op === "activation") close(stage);
      else apply(open, stage);
    }
  }
  close(LINEAR);
  refuseInnerSoftmax(layers, path);
  return layers;
}

/** The map that changes nothing: an activation or a scaling without a dense layer before it gets one. */
function identity(name: string, size: number): Linear {
  const W = new Float64Array(size * size);
  for (let i = 0; i < size; i++) W[i * size + i] = 1;
  return { name, rows: size, columns: size, W, b: new Float64Array(size) };
}

function apply({ rows, columns, W, b }: Linear, stage: Stage & { readonly op: "scale" | "add" }): void {
  for (let row = 0; row < rows; row++) {
    const by = stage.by[row % stage.by.length] ?? 0;
    if (stage.op === "add") {
      b[row] = (b[row] ?? 0) + by;
      continue;
    }
    b[row] = (b[row] ?? 0) * by;
    for (let i = row * columns; i < (row + 1) * columns; i++) W[i] = (W[i] ?? 0) * by;
  }
}

/** A model file has a softmax at its end only. */
function refuseInnerSoftmax(layers: readonly (GruLayer | DenseLayer)[], path: string): void {
  const inner = layers.slice(0, -1).find((layer) => layer.kind === "dense" && layer.activation === "softmax");
  if (!inner) return;
  throw new CliError(
    `${path}: node "${inner.name}" ends in a softmax, and more follows; cut the graph behind the softmax, and compute the rest yourself`,
  );
}

function finish(linear: Linear, { activation, parameters }: Applied, path: string): DenseLayer {
  const W = Float32Array.from(linear.W);
  const b = Float32Array.from(linear.b);
  if (W.every(Number.isFinite) && b.every(Number.isFinite)) {
    return { kind: "dense", name: linear.name, size: linear.rows, activation, ...(parameters && { parameters }), W, b };
  }
  throw new CliError(
    `${path}: node "${linear.name}" has weights that are too large for single precision; scale the model down`,
  );
}
