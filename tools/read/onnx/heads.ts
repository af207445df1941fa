// Nodes that compute on the values of one sample: dense layers, scaling, embeddings.

import { applyFunction, productOf } from "./functions.ts";
import { asFeature } from "./gru.ts";
import {
  type Constant,
  constantInput,
  type Part,
  product,
  type Site,
  type Stage,
  type Stream,
  streamInput,
} from "./values.ts";
import { weightsOf } from "./weights.ts";

/** Evaluates a node that computes on the values of a sample; nothing when the node is none of those known here. */
export function compute(site: Site): Stream | undefined {
  switch (site.op) {
    case "MatMul":
      return matMul(site);
    case "Gemm":
      return gemm(site);
    case "Add":
    case "Sub":
    case "Mul":
    case "Div":
      return arithmetic(site);
    case "BatchNormalization":
      return batchNormalization(site);
    case "Gather":
      return embed(site);
    default:
      return applyFunction(site);
  }
}

function append(stream: Stream, stage: Stage): Stream {
  return { ...stream, stage };
}

/** Multiplies the values of a sample by `matrix`, [N][M] or, transposed, [M][N]. */
function multiply(site: Site, stream: Stream, matrix: Constant, transposed: boolean, alpha: number): Stream {
  const [first = 0, second = 0] = matrix.dims;
  if (matrix.dims.length !== 2 || product(matrix.dims) === 0) {
    throw site.refuse(`"${matrix.name}" has shape [${matrix.dims.join(", ")}]; a dense layer needs a matrix`);
  }
  const [columns, rows] = transposed ? [second, first] : [first, second];
  const source = asFeature(site, stream, columns);
  site.spend(rows * columns);
  const given = weightsOf(site, matrix);
  const W = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      W[row * columns + column] = alpha * (given[transposed ? row * columns + column : column * rows + row] ?? 0);
    }
  }
  const feature: Part = { size: rows };
  const axes = [...source.axes.slice(0, -1), [feature]];
  return {
    ...source,
    axes,
    feature,
    stage: { op: "matmul", node: site.name, previous: source.stage, W, rows, columns },
  };
}

function matMul(site: Site): Stream {
  if (site.input(0)?.kind === "constant")
    throw site.refuse("multiplies a constant by the stream from the left; transpose it before exporting");
  return multiply(site, streamInput(site, 0), constantInput(site, 1, "the matrix"), false, 1);
}

function gemm(site: Site): Stream {
  const { attributes } = site;
  if (attributes.int("transA", 0) !== 0) throw site.refuse("transA is set; export the layer without it");
  const stream = streamInput(site, 0);
  if (stream.axes.length !== 2) throw site.refuse(`its input has ${stream.axes.length} axes; Gemm needs 2`);
  const matrix = constantInput(site, 1, "B");
  const product = multiply(site, stream, matrix, attributes.int("transB", 0) !== 0, attributes.float("alpha", 1));
  if (site.input(2) === undefined) return product;
  const beta = attributes.float("beta", 1);
  return shift(
    site,
    product,
    vectorOf(site, product, constantInput(site, 2, "C")).map((value) => beta * value),
  );
}

/** A constant that adds to or multiplies each value of a sample: one number, or one for each value. */
function vectorOf(site: Site, stream: Stream, constant: Constant): Float32Array {
  const size = constant.dims.at(-1) ?? 1;
  if (product(constant.dims) !== size || size < 1 || constant.dims.length > stream.axes.length) {
    throw site.refuse(
      `"${constant.name}" has shape [${constant.dims.join(", ")}]; it needs one number for each value of a sample`,
    );
  }
  return weightsOf(site, constant);
}

function shift(site: Site, stream: Stream, by: Float32Array): Stream {
  const source = by.length > 1 ? asFeature(site, stream, by.length) : stream;
  return append(source, { op: "add", node: site.name, previous: source.stage, by });
}

function scale(site: Site, stream: Stream, by: Float32Array): Stream {
  const { stage } = stream;
  const undone = stage?.op === "scale" && stage.by.length === 1 && by.length === 1 ? stage : undefined;
  // As the half of a GELU undoes the two in front of it: else a layer of its own would multiply by 1.
  if (undone && (undone.by[0] ?? 0) * (by[0] ?? 0) === 1) return { ...stream, stage: undone.previous };
  const source = by.length > 1 ? asFeature(site, stream, by.length) : stream;
  return append(source, { op: "scale", node: site.name, previous: source.stage, by });
}

function arithmetic(site: Site): Stream {
  const [left, right] = [site.input(0), site.input(1)];
  if (left?.kind === "stream" && right?.kind === "stream") {
    const product = site.op === "Mul" ? productOf(site, left, right) : undefined;
    if (product) return product;
    throw site.refuse(
      "joins two branches; only one chain of layers from input to output can be converted (no residual connections)",
    );
  }
  const first = left?.kind === "stream";
  const stream = streamInput(site, first ? 0 : 1);
  const by = vectorOf(site, stream, constantInput(site, first ? 1 : 0, "the other operand"));
  if (site.op === "Add") return shift(site, stream, by);
  if (site.op === "Mul") return scale(site, stream, by);
  if (site.op === "Sub") {
    return first
      ? shift(
          site,
          stream,
          by.map((value) => -value),
        )
      : shift(site, scale(site, stream, Float32Array.of(-1)), by);
  }
  if (!first) throw site.refuse("divides by the stream, which is not supported");
  if (by.includes(0)) throw site.refuse("divides by zero");
  return scale(
    site,
    stream,
    by.map((value) => 1 / value),
  );
}

/** Inference form only: (x - mean) / sqrt(variance + epsilon) * gamma + beta. */
function batchNormalization(site: Site): Stream {
  if (site.attributes.int("training_mode", 0) !== 0)
    throw site.refuse("training_mode is set; export the model in evaluation mode");
  const stream = streamInput(site, 0);
  if (stream.axes.length !== 2)
    throw site.refuse(
      "normalises axis 1 of a sequence; only a normalisation over the values of a sample (2 axes) is supported",
    );
  const [gamma, beta, mean, variance] = ["scale", "B", "mean", "var"].map((what, i) =>
    weightsOf(site, constantInput(site, i + 1, what)),
  );
  if (!gamma || !beta || !mean || !variance || [beta, mean, variance].some(({ length }) => length !== gamma.length)) {
    throw site.refuse("scale, B, mean and var have different sizes");
  }
  const epsilon = site.attributes.float("epsilon", 1e-5);
  const factor = gamma.map((value, i) => value / Math.sqrt((variance[i] ?? 0) + epsilon));
  if (!factor.every(Number.isFinite)) throw site.refuse("var holds a negative number");
  const offset = beta.map((value, i) => value - (mean[i] ?? 0) * (factor[i] ?? 0));
  return shift(site, scale(site, stream, factor), offset);
}

function embed(site: Site): Stream | undefined {
  const indices = site.input(1);
  if (indices?.kind !== "stream") return undefined;
  const table = constantInput(site, 0, "the table");
  if (indices.stage !== null)
    throw site.refuse("looks up computed numbers; an embedding is supported at the model's input only");
  if (table.dims.length !== 2 || product(table.dims) === 0 || site.attributes.int("axis", 0) !== 0) {
    throw site.refuse(
      `looks up axis ${site.attributes.int("axis", 0)} of a table of shape [${table.dims.join(", ")}]; an embedding is rows of a matrix`,
    );
  }
  const data = weightsOf(site, table);
  const feature: Part = { size: table.dims[1] ?? 0 };
  const stage: Stage = { op: "embedding", node: site.name, previous: null, table: { ...table, data } };
  return { ...indices, truncated: false, stage, feature, axes: [...indices.axes, [feature]] };
}
