// Faults that converters make. Each leaves a valid model file whose answers look right.

import type { GruLayerSpec, ModelSpec, Tensor } from "../../host/model/types.ts";
import { type BuiltModel, buildModel, tensorOf } from "./models.ts";

/** Makes the model that a converter with this fault would write. */
export type Mutation = (built: Pick<BuiltModel, "spec" | "tensors">) => BuiltModel;

type Values = (layer: string) => Float32Array;

/** Changes tensors of every GRU layer; `change` writes into copies. */
function onGruLayers(change: (values: Values, layer: GruLayerSpec) => void): Mutation {
  return ({ spec, tensors }) => {
    const all = new Map<string, Tensor>(
      [...tensors].map(([name, { dtype, shape, data }]) => [name, tensorOf(dtype, shape, data)]),
    );
    for (const [index, layer] of spec.layers.entries()) {
      if (layer.kind !== "gru") continue;
      change((part) => all.get(`layers.${index}.${part}`)?.data as Float32Array, layer);
    }
    return buildModel(spec, all);
  };
}

const PARTS = ["W", "U", "b", "c"];

/** Exchanges two blocks of rows (0 r, 1 z, 2 n) in one part of a layer. */
function swapBlocks(values: Float32Array, first: number, second: number): void {
  const size = values.length / 3;
  const kept = values.slice(first * size, (first + 1) * size);
  values.copyWithin(first * size, second * size, (second + 1) * size);
  values.set(kept, second * size);
}

/** Rows of z are in the place of r: Keras and ONNX order taken for PyTorch's. */
export const swapGates = onGruLayers((values) => {
  for (const part of PARTS) swapBlocks(values(part), 0, 1);
});

/** Only the recurrent weights are in the wrong order. */
export const swapRecurrentGates = onGruLayers((values) => swapBlocks(values("U"), 0, 1));

/** z weighs the candidate in the source and was taken as it is, or the other way round. */
export const negateUpdateGate = onGruLayers((values, { size }) => {
  for (const part of PARTS) {
    const data = values(part);
    const rows = data.length / (3 * size);
    for (let at = size * rows; at < 2 * size * rows; at++) data[at] = -(data[at] as number);
  }
});

/** b + c in the place of b: wrong for the candidate of a reset-after layer, where r weighs c. */
export const mergeBiases = onGruLayers((values) => {
  const [b, c] = [values("b"), values("c")];
  b.forEach((value, index) => {
    b[index] = value + (c[index] as number);
  });
  c.fill(0);
});

/** The recurrent biases are left out. */
export const dropRecurrentBias = onGruLayers((values) => values("c").fill(0));

/** U is read column by column. */
export const transposeRecurrent = onGruLayers((values, { size }) => {
  const U = values("U");
  const kept = U.slice();
  U.forEach((_, at) => {
    const [row, column] = [Math.floor(at / size) % size, at % size];
    const gate = at - row * size - column;
    U[at] = kept[gate + column * size + row] as number;
  });
});

/** The other form of the reset gate. */
export const flipReset: Mutation = ({ spec, tensors }) => {
  const layers: ModelSpec["layers"] = spec.layers.map((layer) =>
    layer.kind === "gru" ? { ...layer, reset: layer.reset === "after" ? "before" : "after" } : layer,
  );
  return buildModel({ ...spec, layers }, tensors);
};

/** The second of two GRU layers of equal size is left out. */
export const dropLayer: Mutation = ({ spec, tensors }) => {
  const kept = [...tensors].flatMap(([name, tensor]): [string, Tensor][] => {
    const [, index, part] = /^layers\.(\d+)\.(.*)$/.exec(name) ?? [];
    if (index === undefined || index === "0") return [[name, tensor]];
    return index === "1" ? [] : [[`layers.${Number(index) - 1}.${part}`, tensor]];
  });
  return buildModel({ ...spec, layers: spec.layers.filter((_, index) => index !== 1) }, new Map(kept));
};
