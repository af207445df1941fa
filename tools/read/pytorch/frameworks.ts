// `--map mlx|flax|linen|haiku`: the modules of other frameworks, by the names that they give their weights. The tensors come from
// safetensors or .npz files; folders of their trees are joined by dots or slashes.
//
//   mlx    Wx[3H][I], Wh[3H][H], b[3H], bhn[H], rows rzn; Linear weight[out][in]
//   flax   (nnx) dense_i.kernel[I][3H] and bias, dense_h.kernel[H][3H], columns rzn; Linear kernel[in][out]
//   linen  ir, iz, in with a bias each, hr, hz without, hn with one; kernel[in][out]
//   haiku  w_i[I][3H], w_h[H][3H], b[3H], columns zrn, reset-before, z weighs the candidate; Linear w[in][out]

import type { GruLayer } from "../network.ts";
import type { Block } from "./blocks.ts";
import { negateUpdateGate } from "./gru.ts";
import type { Weights } from "./weights.ts";

/** Frameworks whose names of weights are known. */
export const FRAMEWORKS = ["mlx", "flax", "linen", "haiku"] as const;

/** A framework whose names of weights are known. */
export type NamedFramework = (typeof FRAMEWORKS)[number];

/** How one framework names the weights of its modules, below the path of the module. */
interface Naming {
  /** The weight by which a GRU is told, and how it is read. */
  readonly gru: string;
  readonly cell: (weights: Weights, path: string) => GruLayer;
  /** Weight and bias of a linear layer. */
  readonly weight: string;
  readonly bias: string;
  /** Whether the weight is [in][out]. */
  readonly isTurned: boolean;
  readonly embedding: string;
}

const NAMINGS: Readonly<Record<NamedFramework, Naming>> = {
  mlx: { gru: "Wx", cell: mlxCell, weight: "weight", bias: "bias", isTurned: false, embedding: "" },
  flax: {
    gru: "dense_i.kernel",
    cell: nnxCell,
    weight: "kernel",
    bias: "bias",
    isTurned: true,
    embedding: "embedding",
  },
  linen: { gru: "ir.kernel", cell: linenCell, weight: "kernel", bias: "bias", isTurned: true, embedding: "embedding" },
  haiku: { gru: "w_i", cell: haikuCell, weight: "w", bias: "b", isTurned: true, embedding: "embeddings" },
};

/**
 * Finds the modules of another framework, in the order of their first weight.
 *
 * @throws {CliError} when weights are missing, left over, or have other shapes
 */
export function findFrameworkBlocks(weights: Weights, framework: NamedFramework): Block[] {
  const naming = NAMINGS[framework];
  const paths = (suffix: string) =>
    suffix === ""
      ? []
      : weights.names.flatMap((name) => (isNamed(name, suffix) ? [name.slice(0, -suffix.length)] : []));
  const cells = paths(naming.gru);
  if (cells.length === 0) {
    throw weights.fail(
      `No GRU of ${framework}: expected a weight named ${naming.gru}, found ${weights.names.slice(0, 8).join(", ")}`,
    );
  }
  const blocks: { readonly at: number; readonly block: Block }[] = [];
  const add = (path: string, suffix: string, block: Block) =>
    blocks.push({ at: weights.names.indexOf(`${path}${suffix}`), block });
  for (const path of cells) {
    const layer = naming.cell(weights, path);
    const inputs = layer.W.length / (3 * layer.size);
    add(path, naming.gru, { name: layer.name, kind: "gru", inputs, outputs: layer.size, layers: [layer] });
  }
  const isInside = (path: string) => cells.some((cell) => path.startsWith(cell) && path !== cell);
  for (const path of paths(naming.weight)) {
    if (!isInside(path) && weights.shapeOf(`${path}${naming.weight}`).length === 2)
      add(path, naming.weight, linear(weights, path, naming));
  }
  for (const path of paths(naming.embedding)) {
    const [outputs = 0, inputs = 0] = weights.shapeOf(`${path}${naming.embedding}`);
    const W = weights.take(`${path}${naming.embedding}`, [outputs, inputs]);
    add(path, naming.embedding, {
      name: nameOf(path, "embedding"),
      kind: "matrix",
      inputs,
      outputs,
      W,
      b: new Float32Array(outputs),
    });
  }
  weights.checkAllTaken();
  return blocks.toSorted((a, b) => a.at - b.at).map(({ block }) => block);
}

const isNamed = (name: string, suffix: string) => name === suffix || name.endsWith(`.${suffix}`);
const nameOf = (path: string, fallback: string) => path.replace(/\.$/, "") || fallback;

function linear(weights: Weights, path: string, { weight, bias, isTurned }: Naming): Block {
  const [first = 0, second = 0] = weights.shapeOf(`${path}${weight}`);
  const [outputs, inputs] = isTurned ? [second, first] : [first, second];
  const given = weights.take(`${path}${weight}`, [first, second]);
  const hasBias = weights.has(`${path}${bias}`);
  return {
    name: nameOf(path, "linear"),
    kind: hasBias ? "linear" : "matrix",
    inputs,
    outputs,
    W: isTurned ? turned(given, first, second) : given,
    b: hasBias ? weights.take(`${path}${bias}`, [outputs]) : new Float32Array(outputs),
  };
}

/** [rows][columns] as [columns][rows]. */
function turned(values: Float32Array, rows: number, columns: number): Float32Array {
  return values.map((_, i) => values[(i % rows) * columns + Math.floor(i / rows)] as number);
}

/** The optional bias at `name`, or zeros. */
const biasOf = (weights: Weights, name: string, size: number) =>
  weights.has(name) ? weights.take(name, [size]) : new Float32Array(size);

/** A vector of 3H with values for the candidate alone. */
function candidateOnly(values: Float32Array): Float32Array {
  const all = new Float32Array(3 * values.length);
  all.set(values, 2 * values.length);
  return all;
}

function mlxCell(weights: Weights, path: string): GruLayer {
  const [rows = 0, inputs = 0] = weights.shapeOf(`${path}Wx`);
  const size = rows / 3;
  return {
    kind: "gru",
    name: nameOf(path, "gru"),
    size,
    reset: "after",
    W: weights.take(`${path}Wx`, [rows, inputs]),
    U: weights.take(`${path}Wh`, [rows, size]),
    b: biasOf(weights, `${path}b`, rows),
    c: candidateOnly(biasOf(weights, `${path}bhn`, size)),
  };
}

function nnxCell(weights: Weights, path: string): GruLayer {
  const [inputs = 0, rows = 0] = weights.shapeOf(`${path}dense_i.kernel`);
  const size = rows / 3;
  return {
    kind: "gru",
    name: nameOf(path, "gru"),
    size,
    reset: "after",
    W: turned(weights.take(`${path}dense_i.kernel`, [inputs, rows]), inputs, rows),
    U: turned(weights.take(`${path}dense_h.kernel`, [size, rows]), size, rows),
    b: biasOf(weights, `${path}dense_i.bias`, rows),
    c: biasOf(weights, `${path}dense_h.bias`, rows),
  };
}

function linenCell(weights: Weights, path: string): GruLayer {
  const [inputs = 0, size = 0] = weights.shapeOf(`${path}ir.kernel`);
  const stack = (part: string, columns: number) =>
    joined(
      ["r", "z", "n"].map((gate) =>
        turned(weights.take(`${path}${part}${gate}.kernel`, [columns, size]), columns, size),
      ),
    );
  const biases = (part: string) =>
    joined(["r", "z", "n"].map((gate) => biasOf(weights, `${path}${part}${gate}.bias`, size)));
  const [W, U, b, c] = [stack("i", inputs), stack("h", size), biases("i"), biases("h")];
  return { kind: "gru", name: nameOf(path, "gru"), size, reset: "after", W, U, b, c };
}

function haikuCell(weights: Weights, path: string): GruLayer {
  const [inputs = 0, rows = 0] = weights.shapeOf(`${path}w_i`);
  const size = rows / 3;
  const layer: GruLayer = {
    kind: "gru",
    name: nameOf(path, "gru"),
    size,
    reset: "before",
    W: rzn(turned(weights.take(`${path}w_i`, [inputs, rows]), inputs, rows)),
    U: rzn(turned(weights.take(`${path}w_h`, [size, rows]), size, rows)),
    b: rzn(biasOf(weights, `${path}b`, rows)),
    c: new Float32Array(rows),
  };
  negateUpdateGate(layer);
  return layer;
}

/** Blocks z, r, n as r, z, n. */
function rzn(values: Float32Array): Float32Array {
  const block = values.length / 3;
  return joined([values.subarray(block, 2 * block), values.subarray(0, block), values.subarray(2 * block)]);
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
