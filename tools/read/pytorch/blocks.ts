// Finds the modules that a state dict is made of, by the names and shapes of their weights.

import type { Scaling } from "../builder.ts";
import type { GruLayer } from "../network.ts";
import { cellLayer, gruLayers } from "./gru.ts";
import { refuseUnknown } from "./unknown.ts";
import type { Weights } from "./weights.ts";

interface Sizes {
  readonly name: string;
  /** Values that it takes and gives; of a matrix, as a linear layer. */
  readonly inputs: number;
  readonly outputs: number;
}

/** A module of the source. The state dict does not say what it is connected to, nor whether a matrix without a bias is an embedding. */
export type Block = Sizes &
  (
    | { readonly kind: "gru"; readonly layers: readonly GruLayer[] }
    /** W[outputs][inputs], b[outputs]. */
    | { readonly kind: "linear" | "matrix"; readonly W: Float32Array; readonly b: Float32Array }
    | { readonly kind: "norm"; readonly scaling: Scaling }
    /** nn.PReLU with one slope; it takes as many values as the layer before it gives. */
    | { readonly kind: "prelu"; readonly slope: Float32Array }
  );

/**
 * Finds the modules in the order of their first weight.
 *
 * @throws {CliError} when weights are missing, left over or not finite, or the model cannot be streamed
 */
export function findBlocks(weights: Weights): Block[] {
  const blocks: Block[] = [];
  const parents = new Set(weights.names.map((name) => name.slice(0, name.lastIndexOf(".") + 1)));
  const cells = new Set(["wz", "wr", "w"].flatMap((gate) => cellParents(weights).map((path) => `${path}${gate}.`)));
  for (const path of parents) {
    const name = path.slice(0, -1);
    if (isRecurrent(weights, path)) {
      blocks.push(gruBlock(name || "gru", gruLayers(weights, path, name || "gru")));
    } else if (cells.has(path)) {
      const parent = path.replace(/w[zr]?\.$/, "");
      const cellName = parent.slice(0, -1) || "cell";
      if (blocks.some((block) => block.name === cellName)) continue;
      blocks.push(gruBlock(cellName, [cellLayer(weights, parent, cellName)]));
    } else if (weights.shapeOf(`${path}weight`).length === 2) {
      blocks.push(matrixBlock(weights, path, name || "linear"));
    } else if (weights.shapeOf(`${path}weight`).join() === "1" && !weights.has(`${path}bias`)) {
      const slope = weights.take(`${path}weight`, [1]);
      blocks.push({ name: name || "prelu", kind: "prelu", inputs: 0, outputs: 0, slope });
    } else if (weights.has(`${path}running_var`)) {
      blocks.push(normBlock(weights, path, name || "norm"));
    }
  }
  refuseUnknown(weights);
  weights.checkAllTaken();
  return blocks;
}

const isRecurrent = (weights: Weights, path: string): boolean =>
  weights.names.some(
    (name) => name.startsWith(path) && /^(weight|bias)_(ih|hh)(_l\d+)?(_reverse)?$/.test(name.slice(path.length)),
  );

/** Paths under which three matrices wz, wr, w stand. */
function cellParents(weights: Weights): string[] {
  const update = /^(?:.*\.)?(?=wz\.weight$)/;
  const paths = weights.names.flatMap((name) => update.exec(name)?.[0] ?? []);
  return paths.filter((path) => weights.has(`${path}wr.weight`) && weights.has(`${path}w.weight`));
}

function gruBlock(name: string, layers: readonly GruLayer[]): Block {
  const [first, last] = [layers[0], layers.at(-1)] as [GruLayer, GruLayer];
  return { name, kind: "gru", inputs: first.W.length / (3 * first.size), outputs: last.size, layers };
}

function matrixBlock(weights: Weights, path: string, name: string): Block {
  const [outputs, inputs] = weights.shapeOf(`${path}weight`) as [number, number];
  const hasBias = weights.has(`${path}bias`);
  const W = weights.take(`${path}weight`, [outputs, inputs]);
  const b = hasBias ? weights.take(`${path}bias`, [outputs]) : new Float32Array(outputs);
  return { name, kind: hasBias ? "linear" : "matrix", inputs, outputs, W, b };
}

/** Added to the variance by nn.BatchNorm1d unless its script says otherwise, which no state dict does. */
const EPSILON = 1e-5;

/** nn.BatchNorm1d as it evaluates: (x - mean) / sqrt(variance + epsilon) * weight + bias, in double precision. */
function normBlock(weights: Weights, path: string, name: string): Block {
  const [size = 0] = weights.shapeOf(`${path}running_var`);
  const take = (part: string) => weights.take(`${path}${part}`, [size]);
  const [mean, variance] = [take("running_mean"), take("running_var")];
  const isAffine = weights.has(`${path}weight`);
  const gamma = isAffine ? take("weight") : new Float32Array(size).fill(1);
  const beta = isAffine ? take("bias") : new Float32Array(size);
  if (weights.has(`${path}num_batches_tracked`)) weights.ignore(`${path}num_batches_tracked`);
  const scale = Float64Array.from(gamma, (value, i) => value / Math.sqrt((variance[i] as number) + EPSILON));
  if (!scale.every(Number.isFinite)) throw weights.fail(`${name}: running_var is negative; the weights are damaged`);
  const shift = Float64Array.from(beta, (value, i) => value - (mean[i] as number) * (scale[i] as number));
  return { name, kind: "norm", inputs: size, outputs: size, scaling: { scale, shift } };
}
