// Small networks between framework and model file, with weights by chance.

import type { DenseLayer, GruLayer, Network } from "../../tools/read/network.ts";
import { mulberry32 } from "./random.ts";

/** Values within ±1, f32[rows][columns]. */
export function matrix(rows: number, columns: number, seed: number): Float32Array {
  const random = mulberry32(seed);
  return Float32Array.from({ length: rows * columns }, () => 2 * random() - 1);
}

/** A GRU layer. */
export function gru(inputs: number, size: number, seed: number, reset: GruLayer["reset"] = "after"): GruLayer {
  const part = (rows: number, columns: number, at: number) => matrix(rows, columns, 10 * seed + at);
  return {
    kind: "gru",
    name: `gru${seed}`,
    size,
    reset,
    W: part(3 * size, inputs, 0),
    U: part(3 * size, size, 1),
    b: part(3 * size, 1, 2),
    c: part(3 * size, 1, 3),
  };
}

/** A dense layer. */
export function dense(
  inputs: number,
  size: number,
  seed: number,
  activation: DenseLayer["activation"] = "linear",
): DenseLayer {
  const [W, b] = [matrix(size, inputs, 10 * seed), matrix(size, 1, 10 * seed + 1)];
  return { kind: "dense", name: `dense${seed}`, size, activation, W, b };
}

/** A network of these layers. */
export function network(inputs: number, layers: Network["layers"]): Network {
  return { inputs, layers, lastOnly: false, substitutions: [] };
}
