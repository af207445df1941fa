// Layers of nn.GRU and nn.GRUCell, whose weights stand as a network has them (gate order rzn, reset-after), and of the cell that courses
// write by hand.

import type { GruLayer } from "../network.ts";
import type { Weights } from "./weights.ts";

/**
 * Reads the layers of an nn.GRU, or the one of an nn.GRUCell, at `path`.
 *
 * @throws {CliError} for a bidirectional GRU, an LSTM, a plain RNN, missing weights or wrong shapes
 */
export function gruLayers(weights: Weights, path: string, name: string): GruLayer[] {
  const own = weights.names.filter((key) => key.startsWith(path)).map((key) => key.slice(path.length));
  const reverse = own.find((key) => key.endsWith("_reverse"));
  if (reverse !== undefined) {
    throw weights.fail(
      `${name} is bidirectional (${path}${reverse}): it needs samples of the future and cannot be streamed; train it with bidirectional=False`,
    );
  }
  const indices = own.flatMap((key) => /^(?:weight|bias)_[ih]h_l(\d{1,4})$/.exec(key)?.[1] ?? []).map(Number);
  const suffixes = indices.length === 0 ? [""] : Array.from({ length: Math.max(...indices) + 1 }, (_, l) => `_l${l}`);
  const hasBias = own.some((key) => /^bias_[ih]h/.test(key));
  const parts = ["weight_ih", "weight_hh", ...(hasBias ? ["bias_ih", "bias_hh"] : [])];
  weights.require(suffixes.flatMap((suffix) => parts.map((part) => `${path}${part}${suffix}`)));
  let previous: number | undefined;
  return suffixes.map((suffix) => {
    const layer = gruLayer(weights, {
      path,
      suffix,
      hasBias,
      name: `${name}${suffix && `.${suffix.slice(1)}`}`,
      previous,
    });
    previous = layer.size;
    return layer;
  });
}

interface Place {
  readonly path: string;
  readonly suffix: string;
  readonly hasBias: boolean;
  readonly name: string;
  /** Size of the layer before. */
  readonly previous: number | undefined;
}

function gruLayer(weights: Weights, { path, suffix, hasBias, name, previous }: Place): GruLayer {
  const [inputs, hidden] = [`${path}weight_ih${suffix}`, `${path}weight_hh${suffix}`];
  const [rows = 0, columns = 0] = weights.shapeOf(inputs);
  const size = weights.shapeOf(hidden)[1] ?? 0;
  if (size === 0) {
    throw weights.fail(`${hidden} has shape [${weights.shapeOf(hidden).join(", ")}], expected [3 H, H]`);
  }
  const gates = rows / size;
  if (gates === 4) throw weights.fail(`${name} is an LSTM (${rows} rows for ${size} units), expected a GRU`);
  if (gates === 1)
    throw weights.fail(`${name} is a plain RNN (${rows} rows for ${size} units), expected a GRU; see --map`);
  if (weights.has(`${path}weight_hr${suffix}`)) throw weights.fail(`${name} has a projection, which no GRU has`);
  const bias = (part: string) =>
    hasBias ? weights.take(`${path}${part}${suffix}`, [3 * size]) : new Float32Array(3 * size);
  return {
    kind: "gru",
    name,
    size,
    reset: "after",
    W: weights.take(inputs, [3 * size, previous ?? columns]),
    U: weights.take(hidden, [3 * size, size]),
    b: bias("bias_ih"),
    c: bias("bias_hh"),
  };
}

/**
 * Reads a cell of three linear layers over the concatenation [h, x]; its update gate weighs the candidate:
 *
 *     z = σ(wz [h, x])   r = σ(wr [h, x])   n = tanh(w [r * h, x])   h' = (1 - z) * h + z * n
 *
 * Since 1 - σ(a) = σ(-a), negated rows of z turn it into the blend of a network.
 */
export function cellLayer(weights: Weights, path: string, name: string): GruLayer {
  const [size = 0, columns = 0] = weights.shapeOf(`${path}wz.weight`);
  const inputs = columns - size;
  if (inputs < 1) {
    const found = `wz.weight has shape [${size}, ${columns}]`;
    throw weights.fail(`${name}: ${found}, expected [H, H + I] over the concatenation [h, x]; describe it with --map`);
  }
  const gates = ["wr", "wz", "w"];
  const layer: GruLayer = {
    kind: "gru",
    name,
    size,
    reset: "before",
    W: new Float32Array(3 * size * inputs),
    U: new Float32Array(3 * size * size),
    b: new Float32Array(3 * size),
    c: new Float32Array(3 * size),
  };
  const hasBias = gates.some((gate) => weights.has(`${path}${gate}.bias`));
  gates.forEach((gate, index) => {
    const weight = weights.take(`${path}${gate}.weight`, [size, columns]);
    for (let row = 0; row < size; row++) {
      const target = index * size + row;
      layer.U.set(weight.subarray(row * columns, row * columns + size), target * size);
      layer.W.set(weight.subarray(row * columns + size, (row + 1) * columns), target * inputs);
    }
    if (hasBias) layer.b.set(weights.take(`${path}${gate}.bias`, [size]), index * size);
  });
  negateUpdateGate(layer);
  return layer;
}

/** Turns h' = (1 - z) h + z n into h' = (1 - z) n + z h, in place. */
export function negateUpdateGate({ W, U, b, c }: GruLayer): void {
  for (const values of [W, U, b, c]) {
    const block = values.length / 3;
    const z = values.subarray(block, 2 * block);
    // 0 - v, which makes no negative zero of a zero.
    z.forEach((value, i) => {
      z[i] = 0 - value;
    });
  }
}
