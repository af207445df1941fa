// Finds the modules that a state dict is made of, by the names and shapes of their weights.

import type { DenseLayer, GruLayer } from "../network.ts";
import { cellLayer, gruLayers } from "./gru.ts";
import type { Weights } from "./weights.ts";

/** A module of the source. The state dict does not say what it is connected to, nor whether a matrix without a bias is an embedding. */
export interface Block {
  readonly name: string;
  readonly kind: "gru" | "linear" | "matrix";
  /** Values that it takes and gives; of a matrix, as a linear layer. */
  readonly inputs: number;
  readonly outputs: number;
  /** Layers of a GRU. */
  readonly layers: readonly GruLayer[];
  /** Of a linear layer or a matrix, [outputs][inputs]. */
  readonly W: Float32Array;
  readonly b: Float32Array;
}

const NONE = new Float32Array(0);

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
    }
  }
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
  const inputs = first.W.length / (3 * first.size);
  return { name, kind: "gru", inputs, outputs: last.size, layers, W: NONE, b: NONE };
}

function matrixBlock(weights: Weights, path: string, name: string): Block {
  const [outputs, inputs] = weights.shapeOf(`${path}weight`) as [number, number];
  const hasBias = weights.has(`${path}bias`);
  const W = weights.take(`${path}weight`, [outputs, inputs]);
  const b = hasBias ? weights.take(`${path}bias`, [outputs]) : new Float32Array(outputs);
  return { name, kind: hasBias ? "linear" : "matrix", inputs, outputs, layers: [], W, b };
}

/** The dense layer of a linear block. */
export function denseLayer(block: Block, activation: DenseLayer["activation"]): DenseLayer {
  return { kind: "dense", name: block.name, size: block.outputs, activation, W: block.W, b: block.b };
}
