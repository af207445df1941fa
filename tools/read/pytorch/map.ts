// `--map`: a description of a model whose weights have names or forms that the reader does not know.
//
//   layers:                            # in their order
//     - embedding: emb.weight          # only first
//     - gru:
//         reset: before                # after, before, or none: no reset gate, r = 1
//         update: candidate            # what z weighs; "state": h' = (1 - z) n + z h, "candidate": h' = (1 - z) h + z n, "none": h' = n
//         concat: hx                   # columns of `weight`: hx or xh
//         r: { weight: wr.weight, b: wr.bias }
//         z: { weight: wz.weight, b: wz.bias }
//         n: { W: w.x, U: w.h, b: w.bias, c: w.bias_h }
//     - gru: { order: zrn, reset: after, update: state, transpose: true, W: kernel, U: recurrent, b: bias }     # gates in one matrix
//     - dense: { W: fc.weight, b: fc.bias, activation: linear, transpose: false }
//   input: { offset: [1480], scale: [0.01] }       # (x - offset) * scale
//   output: { offset: [1480], scale: [100] }       # y * scale + offset
//   ignore: [ steps ]                              # weights without effect on the answers

import { type Document, parseDocument } from "yaml";
import { z } from "zod";
import { CliError } from "../../errors.ts";
import { FUNCTION_NAMES, parseFunction } from "../functions.ts";
import type { Applied, DenseLayer, GruLayer, Network } from "../network.ts";
import { negateUpdateGate } from "./gru.ts";
import type { Weights } from "./weights.ts";

const name = z.string().min(1);
const gate = z.strictObject({
  W: name.optional(),
  U: name.optional(),
  /** Over the concatenation that `concat` names. */
  weight: name.optional(),
  b: name.optional(),
  c: name.optional(),
});
const gru = z.strictObject({
  reset: z.enum(["after", "before", "none"]),
  /** What z weighs: h' = (1 - z) n + z h with "state", h' = (1 - z) h + z n with "candidate", h' = n with "none". */
  update: z.enum(["state", "candidate", "none"]),
  concat: z.enum(["hx", "xh"]).optional(),
  transpose: z.boolean().default(false),
  r: gate.optional(),
  z: gate.optional(),
  n: gate.optional(),
  order: z.string().optional(),
  ...gate.shape,
});
const dense = z.strictObject({
  W: name,
  b: name.optional(),
  activation: z.string().refine((text) => parseFunction(text) !== undefined || text === "prelu", {
    error: `expected one of ${FUNCTION_NAMES.join(", ")}, or prelu with slope`,
  }),
  /** Of prelu: the weight with a slope for all values or for each. */
  slope: name.optional(),
  transpose: z.boolean().default(false),
});
const layer = z.union([z.strictObject({ gru }), z.strictObject({ dense }), z.strictObject({ embedding: name })]);
const affine = z.strictObject({ offset: z.array(z.number()).min(1), scale: z.array(z.number().positive()).min(1) });
const schema = z.strictObject({
  layers: z.array(layer).min(1),
  input: affine.optional(),
  output: affine.optional(),
  ignore: z.array(name).default([]),
});

/** A description of a model, checked but not yet compared with its weights. */
export type ModelMap = z.infer<typeof schema>;
type GruMap = z.infer<typeof gru>;
type GateMap = z.infer<typeof gate>;

/**
 * Reads a description in YAML.
 *
 * @throws {CliError} with the place in the document
 */
export function parseMap(text: string, source: string): ModelMap {
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error !== undefined)
    throw new CliError(`${source}: ${(error.message.split("\n")[0] as string).replace(/:$/, "")}`);
  const result = schema.safeParse(toPlain(document, source));
  if (result.success) return result.data;
  let [issue] = result.error.issues;
  while (issue?.code === "invalid_union") {
    const { path } = issue;
    const deepest = issue.errors.flat().sort((a, b) => b.path.length - a.path.length)[0];
    if (deepest === undefined) break;
    issue = { ...deepest, path: [...path, ...deepest.path] };
  }
  throw new CliError(`${source}: ${issue?.path.join(".") || "document"}: ${issue?.message ?? "not a map of a model"}`);
}

/** The document as plain objects, without aliases: a few lines of them could stand for a billion. */
function toPlain(document: Document, source: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch (cause) {
    if (!(cause instanceof ReferenceError)) throw cause;
    throw new CliError(`${source}: Aliases (*name) are not allowed in a map; write the value again`, { cause });
  }
}

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
  const [first] = map.layers;
  const embedding = first !== undefined && "embedding" in first ? takeEmbedding(first.embedding, weights) : undefined;
  let inputs = embedding && 1;
  let size = embedding?.size;
  const layers: (GruLayer | DenseLayer)[] = [];
  for (const [index, entry] of map.layers.entries()) {
    const where = `${source}: layers.${index}`;
    if ("embedding" in entry) {
      if (index > 0) throw new CliError(`${where}: An embedding stands here, expected it as the first layer`);
      continue;
    }
    const layer = "gru" in entry ? mapGru(entry.gru, weights, where) : mapDense(entry.dense, weights, where);
    const takes = layer.W.length / (layer.kind === "gru" ? 3 * layer.size : layer.size);
    if (size !== undefined && takes !== size) {
      throw new CliError(`${where}: Takes ${takes} values, the layer before gives ${size}`);
    }
    inputs ??= takes;
    size = layer.size;
    layers.push(layer);
  }
  if (inputs === undefined || size === undefined || layers.length === 0) {
    throw new CliError(`${source}: layers holds no gru and no dense layer`);
  }
  if (embedding && map.input)
    throw new CliError(`${source}: input stands beside an embedding, whose tokens have no scale`);
  weights.checkAllTaken();
  return {
    inputs,
    layers,
    ...(embedding && { embedding }),
    ...(map.input && { normalisation: toAffine(map.input, inputs, `${source}: input`) }),
    ...(map.output && { output: toAffine(map.output, size, `${source}: output`) }),
  };
}

function takeEmbedding(key: string, weights: Weights): NonNullable<Network["embedding"]> {
  const { rows, columns, data } = takeMatrix(weights, key, false, weights.source);
  return { vocabulary: rows, size: columns, weight: data };
}

function toAffine({ offset, scale }: z.infer<typeof affine>, size: number, where: string) {
  if (offset.length !== size || scale.length !== size) {
    throw new CliError(
      `${where}: ${offset.length} offsets and ${scale.length} scales, the model needs ${size} of each`,
    );
  }
  return { offset: Float32Array.from(offset), scale: Float32Array.from(scale) };
}

function mapDense(
  { W, b, activation, slope, transpose }: z.infer<typeof dense>,
  weights: Weights,
  where: string,
): DenseLayer {
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
  const bias = (key: string | undefined) => (key ? weights.take(key, [U.rows]) : new Float32Array(U.rows));
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
