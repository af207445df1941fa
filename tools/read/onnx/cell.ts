// nn.GRUCell has no operator of its own: exporters write it as two dense layers, split in gates, and elementwise nodes.
// The pattern is found in the graph first and put back together as one node.

import type { GruLayer } from "../network.ts";
import { int64 } from "../protobuf.ts";
import { asFeature } from "./gru.ts";
import type { AttributeProto, NodeProto } from "./proto.ts";
import { type Constant, constantInput, type Part, type Site, type Stream, streamInput } from "./values.ts";
import { weightsOf } from "./weights.ts";

/** Type of the node that stands for a cell; its inputs are x, h, the matrices of both and the biases of both. */
export const CELL_OP = "nn.GRUCell";

/** What a cell's node carries beside its inputs. */
export interface Cell {
  /** Block of the gates r, z, n in the stacked rows. */
  readonly blocks: readonly [number, number, number];
  /** Whether the matrices of x and h are [3H][N], else [N][3H]. */
  readonly transposed: readonly [boolean, boolean];
}

interface Made {
  readonly node: NodeProto;
  readonly index: number;
}

type Graph = ReadonlyMap<string, Made>;

/** One dense layer as its nodes' names: source, matrix, bias. */
interface Dense {
  readonly source: string;
  readonly matrix: string;
  readonly bias: string;
  readonly transposed: boolean;
}

/** Replaces the last node of each cell in a graph by a node of the whole cell. */
export function findCells(nodes: readonly NodeProto[]): { nodes: NodeProto[]; cells: Map<NodeProto, Cell> } {
  const graph: Map<string, Made> = new Map();
  for (const node of nodes)
    for (const [index, name] of node.output.entries()) if (name) graph.set(name, { node, index });
  const cells = new Map<NodeProto, Cell>();
  const replaced = nodes.map((node) => {
    const found = node.opType === "Add" ? matchCell(graph, node) : undefined;
    if (!found) return node;
    cells.set(found.node, found.cell);
    return found.node;
  });
  return { nodes: replaced, cells };
}

const made = (graph: Graph, name: string | undefined, op: string): NodeProto | undefined => {
  const node = name ? graph.get(name)?.node : undefined;
  return node?.opType === op && node.domain.replace("ai.onnx", "") === "" ? node : undefined;
};

/** Both orders of the two inputs of a commutative node. */
const orders = (node: NodeProto): [string, string][] => {
  const [a = "", b = ""] = node.input;
  return [
    [a, b],
    [b, a],
  ];
};

/** h' = n + z (h - n). */
function matchCell(graph: Graph, last: NodeProto): { node: NodeProto; cell: Cell } | undefined {
  for (const [blended, candidate] of orders(last)) {
    const tanh = made(graph, candidate, "Tanh");
    const mul = made(graph, blended, "Mul");
    if (!tanh || !mul) continue;
    for (const [gate, difference] of orders(mul)) {
      const sub = made(graph, difference, "Sub");
      const z = made(graph, gate, "Sigmoid");
      if (!z || !sub || sub.input[1] !== candidate) continue;
      const found = matchGates(graph, z, tanh, sub.input[0] ?? "");
      if (found) return join(found, last);
    }
  }
  return undefined;
}

interface Gates {
  readonly x: Dense;
  readonly h: Dense;
  readonly blocks: Cell["blocks"];
}

/** n = tanh(xn + r hn), with r and z of the same two dense layers. */
function matchGates(graph: Graph, z: NodeProto, tanh: NodeProto, state: string): Gates | undefined {
  const sum = made(graph, tanh.input[0], "Add");
  if (!sum) return undefined;
  for (const [xn, reset] of orders(sum)) {
    const mul = made(graph, reset, "Mul");
    if (!mul) continue;
    for (const [hn, gate] of orders(mul)) {
      const [fromX, fromH] = [graph.get(xn), graph.get(hn)];
      const r = made(graph, gate, "Sigmoid");
      if (!r || !isThird(graph, fromX) || !isThird(graph, fromH) || fromX.index !== fromH.index) continue;
      const rBlock = gateBlock(graph, r, fromX.node, fromH.node);
      const zBlock = gateBlock(graph, z, fromX.node, fromH.node);
      const [x, h] = [dense(graph, fromX.node.input[0]), dense(graph, fromH.node.input[0])];
      if (rBlock === undefined || zBlock === undefined || !x || h?.source !== state) continue;
      const blocks: Cell["blocks"] = [rBlock, zBlock, fromX.index];
      if (new Set(blocks).size === 3) return { x, h, blocks };
    }
  }
  return undefined;
}

/** Whether a value is one of three equal pieces of the last axis of two. */
function isThird(graph: Graph, value: Made | undefined): value is Made {
  if (value?.node.opType !== "Split" || value.node.output.length !== 3) return false;
  const attribute = (name: string) => value.node.attribute.find((one) => one.name === name);
  const axis = int64(attribute("axis")?.i);
  const listed = attribute("split")?.ints ?? [];
  const sizes = listed.length > 0 ? listed.map(int64) : constantSizes(graph, value.node.input[1]);
  return (axis === 1 || axis === -1) && new Set(sizes).size <= 1;
}

/** The numbers of a Constant node that gives the sizes of a Split; of an initializer the evaluated cell checks the sizes. */
function constantSizes(graph: Graph, name: string | undefined): unknown[] {
  const tensor = made(graph, name, "Constant")?.attribute.find((one) => one.name === "value")?.t;
  if (!tensor) return [];
  const { rawData } = tensor;
  if (rawData.length === 0) return tensor.int64Data.map(int64);
  const view = new DataView(rawData.buffer, rawData.byteOffset, rawData.byteLength);
  return Array.from({ length: Math.floor(rawData.length / 8) }, (_, i) => Number(view.getBigInt64(8 * i, true)));
}

/** The block of both splits that a sigmoid adds. */
function gateBlock(graph: Graph, sigmoid: NodeProto, x: NodeProto, h: NodeProto): number | undefined {
  const sum = made(graph, sigmoid.input[0], "Add");
  for (const [a, b] of sum ? orders(sum) : []) {
    const [fromX, fromH] = [graph.get(a), graph.get(b)];
    if (fromX?.node === x && fromH?.node === h && fromX.index === fromH.index) return fromX.index;
  }
  return undefined;
}

function dense(graph: Graph, name: string | undefined): Dense | undefined {
  const gemm = made(graph, name, "Gemm");
  if (gemm) {
    const attribute = (key: string): AttributeProto | undefined => gemm.attribute.find((one) => one.name === key);
    const plain =
      [attribute("alpha"), attribute("beta")].every((factor) => (factor?.f ?? 1) === 1) &&
      int64(attribute("transA")?.i) === 0;
    const [source = "", matrix = "", bias = ""] = gemm.input;
    return plain ? { source, matrix, bias, transposed: int64(attribute("transB")?.i) !== 0 } : undefined;
  }
  const add = made(graph, name, "Add");
  for (const [product, bias] of add ? orders(add) : [[name ?? "", ""] as const]) {
    const [source = "", matrix = ""] = made(graph, product, "MatMul")?.input ?? [];
    if (matrix) return { source, matrix, bias, transposed: false };
  }
  return undefined;
}

function join({ x, h, blocks }: Gates, last: NodeProto): { node: NodeProto; cell: Cell } {
  const input = [x.source, h.source, x.matrix, h.matrix, x.bias, h.bias];
  const node: NodeProto = { input, output: last.output, name: last.name, opType: CELL_OP, attribute: [], domain: "" };
  return { node, cell: { blocks, transposed: [x.transposed, h.transposed] } };
}

/** Evaluates the node of a cell. */
export function evaluateCell(site: Site, { blocks, transposed }: Cell): Stream {
  const x = streamInput(site, 0);
  const state = site.input(1);
  if (state?.kind !== "fill" || state.state === undefined) {
    throw site.refuse(
      "the state of the cell is not an input of the graph; export one step, with the state as an input and an output",
    );
  }
  if (x.time)
    throw site.refuse(
      "a cell of one step follows a GRU over a sequence; export both as one step or both over the sequence",
    );
  const [wx, wh] = [constantInput(site, 2, "the matrix of x"), constantInput(site, 3, "the matrix of h")];
  const [W, U] = [rowsOf(site, wx, transposed[0]), rowsOf(site, wh, transposed[1])];
  const size = U.columns;
  if (W.rows !== 3 * size || U.rows !== 3 * size)
    throw site.refuse(`${W.rows} and ${U.rows} rows do not fit a state of ${size} values`);
  const source = asFeature(site, x, W.columns);
  const pick = (stacked: Float32Array, block: number) => {
    const ordered = new Float32Array(stacked.length);
    for (const [i, from] of blocks.entries())
      ordered.set(stacked.subarray(from * block, (from + 1) * block), i * block);
    return ordered;
  };
  const layer: GruLayer = {
    kind: "gru",
    name: site.name,
    size,
    reset: "after",
    W: pick(W.data, size * W.columns),
    U: pick(U.data, size * size),
    b: pick(biasOf(site, 4, 3 * size), size),
    c: pick(biasOf(site, 5, 3 * size), size),
  };
  const feature: Part = { size };
  const axes = [...source.axes.slice(0, -1), [feature]];
  return { ...source, axes, feature, time: null, stage: { op: "gru", node: site.name, previous: source.stage, layer } };
}

function biasOf(site: Site, index: number, size: number): Float32Array {
  if (site.input(index) === undefined) return new Float32Array(size);
  const bias = constantInput(site, index, "a bias");
  if (bias.data.length !== size) throw site.refuse(`"${bias.name}" has ${bias.data.length} numbers, expected ${size}`);
  return weightsOf(site, bias);
}

/** The rows [3H][N] of a matrix that is stored so, or as [N][3H]. */
function rowsOf(
  site: Site,
  matrix: Constant,
  transposed: boolean,
): { data: Float32Array; rows: number; columns: number } {
  const [first = 0, second = 0] = matrix.dims;
  if (matrix.dims.length !== 2)
    throw site.refuse(`"${matrix.name}" has shape [${matrix.dims.join(", ")}]; expected a matrix`);
  const given = weightsOf(site, matrix);
  if (transposed) return { data: given, rows: first, columns: second };
  return {
    data: given.map((_, i) => given[(i % first) * second + Math.floor(i / first)] ?? 0),
    rows: second,
    columns: first,
  };
}
