// What weights start as, where nothing else is given: as Keras 3 starts them. Kernels of GRU and dense layers are Glorot uniform, the
// recurrent kernel is orthogonal, rows of an embedding lie within ±.05, biases are 0; a skip is 0, so that it disturbs nothing.

import type { NetworkSpec } from "../model/network.ts";
import type { Random } from "./random.ts";

/** Draws a tensor. Only exact operations of IEEE 754 are used, so a seed gives the same bits on every machine. */
export function initialValues(
  network: NetworkSpec,
  name: string,
  shape: readonly number[],
  random: Random,
): Float32Array {
  const [rows = 1, columns = 1] = shape;
  const [, index, part] = name.split(".");
  const layer = name.startsWith("layers.") ? network.layers[Number(index)] : undefined;
  if (name === "embedding.weight") return uniform(rows * columns, 0.05, random);
  if (part === "W") return uniform(rows * columns, Math.sqrt(6 / (rows + columns)), random);
  if (part === "U") return orthogonal(rows, columns, random);
  if (part === "p" && layer?.kind === "dense") return parametersOf(layer.activation, columns);
  return new Float32Array(rows * columns).fill(name.endsWith(".scale") ? 1 : 0);
}

const uniform = (count: number, limit: number, random: Random) =>
  Float32Array.from({ length: count }, () => (2 * random() - 1) * limit);

/** The parameters of an activation as Keras has them: no slope, alpha 1, ±1, and (a + 3) / 6. */
function parametersOf(activation: string, size: number): Float32Array {
  const [first, second] = FIRST[activation] as readonly number[];
  const own = new Float32Array(second === undefined ? size : 2 * size).fill(second ?? (first as number));
  return own.fill(first as number, 0, size);
}

const FIRST: Readonly<Record<string, readonly number[]>> = {
  prelu: [0],
  elu: [1],
  hardtanh: [-1, 1],
  hardsigmoid: [1 / 6, 0.5],
};

/** A matrix whose columns are orthogonal and have length 1: normal numbers, made so column by column (Gram and Schmidt, twice). */
function orthogonal(rows: number, columns: number, random: Random): Float32Array {
  const all: Float64Array[] = [];
  for (let column = 0; column < columns; column++) {
    const own = Float64Array.from({ length: rows }, () => normal(random));
    for (let pass = 0; pass < 2; pass++) {
      for (const other of all) {
        const along = dot(own, other);
        for (let i = 0; i < rows; i++) own[i] = (own[i] as number) - along * (other[i] as number);
      }
    }
    const length = Math.sqrt(dot(own, own));
    all.push(own.map((value) => value / length));
  }
  return Float32Array.from({ length: rows * columns }, (_, i) => all[i % columns]?.[Math.floor(i / columns)] as number);
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

/** Twelve uniform numbers added: normal but for its tails, without a logarithm, which engines round as they like. */
function normal(random: Random): number {
  let sum = -6;
  for (let i = 0; i < 12; i++) sum += random();
  return sum;
}
