// From a description of a model (map-schema.ts) and its weights to a network.

import { CliError } from "../../errors.ts";
import { Builder, type Scaling } from "../builder.ts";
import { parseFunction } from "../functions.ts";
import type { Applied, DenseLayer, GruLayer, Network } from "../network.ts";
import { negateUpdateGate } from "./gru.ts";
import type { AffineMap, DenseMap, GateMap, GruMap, ModelMap, NormMap } from "./map-schema.ts";
import type { Weights } from "./weights.ts";

/**
 * Makes the network that a description tells of.
 *
 * @throws {CliError} when weights are missing, left over, or have other shapes
 */
export function mappedNetwork(
  map: ModelMap,
  weights: Weights,
  source: string,
): Pick<Network, "inputs" | "layers" | "embedding" | "normalisation" | "output"> {
  for (const ignored of map.ignore) weights.ignore(ignored);
  const builder = new Builder(undefined);
  for (const [index, entry] of map.layers.entries())
    addEntry(entry, index, { weights, builder, where: `${source}: layers.${index}` });
  const network = builder.finish(false, []);
  const size = network.layers.at(-1)?.size;
  if (size === undefined) {
    throw new CliError(`${source}: layers holds no gru and no dense layer`);
  }
  if (map.input && network.embedding)
    throw new CliError(`${source}: input stands beside an embedding, whose tokens have no scale`);
  weights.ignoreTwins();
  weights.checkAllTaken();
  if ((map.input && network.normalisation) || (map.output && network.output)) {
    throw new CliError(
      `${source}: input or output stands beside a norm in the same place; put both into the one of them`,
    );
  }
  return {
    ...network,
    ...(map.input && { normalisation: toAffine(map.input, network.inputs, `${source}: input`) }),
    ...(map.output && { output: toAffine(map.output, size, `${source}: output`) }),
  };
}

interface Place {
  readonly weights: Weights;
  readonly builder: Builder;
  /** Place in the document, for messages. */
  readonly where: string;
}

function addEntry(entry: ModelMap["layers"][number], index: number, { weights, builder, where }: Place): void {
  const checkSize = (takes: number) => {
    if (builder.size === undefined || takes === builder.size) return;
    throw new CliError(`${where}: Takes ${takes} values, the layer before gives ${builder.size}`);
  };
  if ("embedding" in entry) {
    if (index > 0) throw new CliError(`${where}: An embedding stands here, expected it as the first layer`);
    const { vocabulary, size, weight } = takeEmbedding(entry.embedding, weights);
    builder.embed(vocabulary, size, weight);
  } else if ("activation" in entry) {
    if (builder.size === undefined)
      throw new CliError(`${where}: An activation stands first, expected a layer before it`);
    builder.activate(entry.activation, parseFunction(entry.activation) as Applied);
  } else if ("norm" in entry) {
    const scaling = mapNorm(entry.norm, weights, where);
    checkSize(scaling.scale.length);
    builder.scale(scaling);
  } else {
    const layer = "gru" in entry ? mapGru(entry.gru, weights, where) : mapDense(entry.dense, weights, where);
    checkSize(layer.W.length / (layer.kind === "gru" ? 3 * layer.size : layer.size));
    builder.append(layer);
  }
}

function mapNorm({ mean, variance, weight, bias, epsilon }: NormMap, weights: Weights, where: string): Scaling {
  const [size = 0] = weights.shapeOf(mean);
  const [means, variances] = [weights.take(mean, [size]), weights.take(variance, [size])];
  const gamma = weight === undefined ? new Float32Array(size).fill(1) : weights.take(weight, [size]);
  const beta = bias === undefined ? new Float32Array(size) : weights.take(bias, [size]);
  const scale = Float64Array.from(gamma, (value, i) => value / Math.sqrt((variances[i] as number) + epsilon));
  if (!scale.every(Number.isFinite)) throw new CliError(`${where}.norm: variance + epsilon is not positive`);
  return { scale, shift: Float64Array.from(beta, (value, i) => value - (means[i] as number) * (scale[i] as number)) };
}

function takeEmbedding(key: string, weights: Weights): NonNullable<Network["embedding"]> {
  const { rows, columns, data } = takeMatrix(weights, key, false, weights.source);
  return { vocabulary: rows, size: columns, weight: data };
}

function toAffine({ offset, scale }: AffineMap, size: number, where: string) {
  if (offset.length !== size || scale.length !== size) {
    throw new CliError(
      `${where}: ${offset.length} offsets and ${scale.length} scales, the model needs ${size} of each`,
    );
  }
  return { offset: Float32Array.from(offset), scale: Float32Array.from(scale) };
}

function mapDense({ W, b, activation, slope, transpose }: DenseMap, weights: Weights, where: string): DenseLayer {
  const matrix = takeMatrix(weights, W, transpose, where);
  const size = matrix.rows;
  const bias = b === undefined ? new Float32Array(size) : weights.take(b, [size]);
  if ((slope !== undefined) !== (activation === "prelu")) {
    throw new CliError(`${where}.dense: slope belongs to activation: prelu, and prelu needs it`);
  }
  const applied =
    slope === undefined
      ? (parseFunction(activation) as Applied)
      : {
          activation: "prelu" as const,
          parameters: [
            weights.take(slope, weights.shapeOf(slope).length === 1 && weights.shapeOf(slope)[0] === 1 ? [1] : [size]),
          ],
        };
  return { kind: "dense", name: W, size, ...applied, W: matrix.data, b: bias };
}

interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float32Array;
}

function takeMatrix(weights: Weights, key: string, transpose: boolean, where: string): Matrix {
  const shape = weights.shapeOf(key);
  const [rows = 0, columns = 0] = shape;
  const data = weights.take(key, shape);
  if (shape.length !== 2) throw new CliError(`${where}: ${key} has ${shape.length} axes, expected a matrix`);
  if (!transpose) return { rows, columns, data };
  const turned = data.map((_, i) => data[(i % rows) * columns + Math.floor(i / rows)] as number);
  return { rows: columns, columns: rows, data: turned };
}

const slice = ({ columns, data }: Matrix, firstRow: number, rows: number): Matrix => ({
  rows,
  columns,
  data: data.subarray(firstRow * columns, (firstRow + rows) * columns),
});

/** The weights of one gate, or of all gates in one matrix. */
interface Parts {
  readonly W: Matrix;
  readonly U: Matrix;
  readonly b: Float32Array;
  readonly c: Float32Array;
}

/** Argument of a sigmoid that is 1 in single precision; its negative gives less than any weight notices. */
const SATURATED = 100;

function mapGru(map: GruMap, weights: Weights, where: string): GruLayer {
  const used = (["r", "z", "n"] as const).filter(
    (g) => (g === "r" ? map.reset : g === "z" ? map.update : "") !== "none",
  );
  const gates =
    map.order === undefined ? separateGates(map, used, weights, where) : stackedGates(map, used, weights, where);
  const candidate = gates.get("n") as Parts;
  const [size, inputs] = [candidate.U.columns, candidate.W.columns];
  const layer: GruLayer = {
    kind: "gru",
    name: where,
    size,
    reset: map.reset === "after" ? "after" : "before",
    W: new Float32Array(3 * size * inputs),
    U: new Float32Array(3 * size * size),
    b: new Float32Array(3 * size),
    c: new Float32Array(3 * size),
  };
  for (const [index, key] of ["r", "z", "n"].entries()) {
    const parts = gates.get(key);
    if (parts === undefined) {
      layer.b.fill(key === "r" ? SATURATED : -SATURATED, index * size, (index + 1) * size);
      continue;
    }
    const { W, U, b, c } = parts;
    if (W.rows !== size || U.rows !== size || U.columns !== size || W.columns !== inputs) {
      const found = `W [${W.rows}, ${W.columns}], U [${U.rows}, ${U.columns}]`;
      throw new CliError(
        `${where}.gru: Gate ${key} has ${found}, expected W [${size}, ${inputs}], U [${size}, ${size}]`,
      );
    }
    layer.W.set(W.data, index * size * inputs);
    layer.U.set(U.data, index * size * size);
    layer.b.set(b, index * size);
    layer.c.set(c, index * size);
  }
  if (map.update === "candidate") negateUpdateGate(layer);
  return layer;
}

function separateGates(map: GruMap, used: readonly ("r" | "z" | "n")[], weights: Weights, where: string) {
  const stray = (["W", "U", "weight", "b", "c"] as const).find((key) => map[key] !== undefined);
  if (stray !== undefined)
    throw new CliError(`${where}.gru: ${stray} of all gates needs order, for example "order: rzn"`);
  const gates = (["r", "z", "n"] as const).flatMap((key): [string, Parts][] => {
    const gateMap = map[key];
    if (gateMap === undefined && !used.includes(key)) return [];
    if (gateMap === undefined) throw new CliError(`${where}.gru: Gate ${key} is missing`);
    if (!used.includes(key)) throw new CliError(`${where}.gru: Gate ${key} is given, and said to be none`);
    return [[key, takeParts(gateMap, 1, map, weights, `${where}.gru.${key}`)]];
  });
  return new Map(gates);
}

function stackedGates(map: GruMap, used: readonly string[], weights: Weights, where: string): Map<string, Parts> {
  const order = [...(map.order as string)];
  if (order.toSorted().join("") !== [...used].sort().join("")) {
    throw new CliError(`${where}.gru: order is ${map.order}, expected the letters ${used.join(", ")}, each once`);
  }
  const stray = (["r", "z", "n"] as const).find((key) => map[key] !== undefined);
  if (stray !== undefined) throw new CliError(`${where}.gru: Gate ${stray} stands beside order; give one of them`);
  const { W, U, b, c } = takeParts(map, order.length, map, weights, `${where}.gru`);
  const rows = U.columns;
  const part = (values: Float32Array, index: number) => values.subarray(index * rows, (index + 1) * rows);
  return new Map(
    order.map((key, index): [string, Parts] => [
      key,
      { W: slice(W, index * rows, rows), U: slice(U, index * rows, rows), b: part(b, index), c: part(c, index) },
    ]),
  );
}

/** Reads the weights of `count` gates that stand one below the other. */
function takeParts(names: GateMap, count: number, map: GruMap, weights: Weights, where: string): Parts {
  const { W, U } = takeMatrices(names, count, map, weights, where);
  if (W.rows !== U.rows || U.rows !== count * U.columns) {
    const found = `W [${W.rows}, ${W.columns}], U [${U.rows}, ${U.columns}]`;
    throw new CliError(`${where}: ${found}, expected ${count} times H rows for H = ${U.columns}; see transpose`);
  }
  // MLX has a recurrent bias for the candidate alone, which comes last.
  const isShort = (key: string) => map.order?.endsWith("n") === true && weights.shapeOf(key).join() === `${U.columns}`;
  const bias = (key: string | undefined) => {
    const all = new Float32Array(U.rows);
    if (key === undefined) return all;
    if (count === 1 || !isShort(key)) return weights.take(key, [U.rows]);
    all.set(weights.take(key, [U.columns]), U.rows - U.columns);
    return all;
  };
  return { W, U, b: bias(names.b), c: bias(names.c) };
}

function takeMatrices(names: GateMap, count: number, map: GruMap, weights: Weights, where: string) {
  if (names.weight === undefined) {
    if (names.W === undefined || names.U === undefined) throw new CliError(`${where}: Expected W and U, or weight`);
    return {
      W: takeMatrix(weights, names.W, map.transpose, where),
      U: takeMatrix(weights, names.U, map.transpose, where),
    };
  }
  if (names.W !== undefined || names.U !== undefined) throw new CliError(`${where}: weight stands beside W or U`);
  if (map.concat === undefined) throw new CliError(`${where}: weight needs concat: hx or xh, the order of the columns`);
  const both = takeMatrix(weights, names.weight, map.transpose, where);
  const size = both.rows / count;
  const inputs = both.columns - size;
  if (!Number.isInteger(size) || inputs < 1) {
    throw new CliError(
      `${where}: weight is [${both.rows}, ${both.columns}], expected [${count} H, H + I]; see transpose`,
    );
  }
  const [h, x] = map.concat === "hx" ? [0, size] : [inputs, 0];
  return { W: columnsOf(both, x, inputs), U: columnsOf(both, h, size) };
}

function columnsOf({ rows, columns, data }: Matrix, first: number, count: number): Matrix {
  const picked = new Float32Array(rows * count);
  for (let row = 0; row < rows; row++) {
    const start = row * columns + first;
    picked.set(data.subarray(start, start + count), row * count);
  }
  return { rows, columns: count, data: picked };
}
