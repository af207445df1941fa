import type { Model, Tensor } from "../../host/model/types.ts";
import type { Range } from "../../host/quantize/quantize.ts";
import { type BuiltModel, buildModel, randomF32Model, tensorOf } from "./models.ts";
import type { ShapeOptions } from "./shapes.ts";

/** The same model with some tensors in another way. */
export function changed(
  { spec, tensors }: Pick<BuiltModel, "spec" | "tensors">,
  change: (name: string, tensor: Tensor) => ArrayLike<number>,
): BuiltModel {
  const all = [...tensors].map(([name, tensor]) => [name, { ...tensor, data: change(name, tensor) }] as const);
  return buildModel(spec, new Map(all.map(([name, { dtype, shape, data }]) => [name, tensorOf(dtype, shape, data)])));
}

/** An f32 model whose inputs have these offsets, scales and ranges. */
export function placed(shape: ShapeOptions, places: readonly (Range & { offset: number; scale: number })[]): Model {
  const built = randomF32Model({ ...shape, inputs: places.length });
  const inputs = built.spec.inputs.map((input, i) => {
    const { min = 0, max = 1 } = places[i] ?? {};
    return { ...input, range: [min, max] as const };
  });
  const { tensors } = changed(built, (name, { data }) => {
    if (name === "input.offset") return places.map(({ offset }) => offset);
    return name === "input.scale" ? places.map(({ scale }) => scale) : data;
  });
  return buildModel({ ...built.spec, inputs }, tensors).model;
}
