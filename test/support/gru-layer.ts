import { type GruStage, networkOf } from "../../host/model/network.ts";
import type { Dtype, GruLayerSpec, Model, Tensor } from "../../host/model/types.ts";
import { randomQ15Model, tensorOf } from "./models.ts";

/** The integers of a GRU layer, row-major, rows in gate order r, z, n. */
export type GruValues = Readonly<Record<"W" | "b" | "U" | "c" | "mx" | "mh", readonly number[]>>;

/** A GRU layer with its shifts over x and over h. */
export const gru = (size: number, reset: "after" | "before", shifts = [0, 0]): GruLayerSpec => ({
  kind: "gru",
  size,
  reset,
  ...{ shift_x: shifts[0]!, shift_h: shifts[1]! },
});

/** The stage of a network that is one GRU layer. */
export function stageOf(layer: GruLayerSpec, sizeIn: number): GruStage {
  const names = (count: number) => Array.from({ length: count }, (_, i) => ({ name: `${i}` }));
  const [stage] = networkOf({ inputs: names(sizeIn), outputs: names(layer.size), layers: [layer] }).layers;
  return stage as GruStage;
}

/** A model that is one GRU layer. */
export function modelOf(values: GruValues, layer: GruLayerSpec, sizeIn: number): Model {
  const rows = 3 * layer.size;
  const tensor = (dtype: Dtype, shape: readonly number[], data: readonly number[]): Tensor =>
    tensorOf(dtype, shape, data);
  const tensors = new Map([
    ["layers.0.W", tensor("I8", [rows, sizeIn], values.W)],
    ["layers.0.b", tensor("I32", [rows], values.b)],
    ["layers.0.U", tensor("I8", [rows, layer.size], values.U)],
    ["layers.0.c", tensor("I32", [rows], values.c)],
    ["layers.0.W.multiplier", tensor("I16", [rows], values.mx)],
    ["layers.0.U.multiplier", tensor("I16", [rows], values.mh)],
  ]);
  return { ...randomQ15Model({ inputs: sizeIn, layers: [layer.size] }).model, tensors };
}
