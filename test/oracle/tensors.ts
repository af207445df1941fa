import type { Model } from "../../host/model/types.ts";

/** The numbers of a tensor that the model must have. */
export function numbers(model: Model, name: string): ArrayLike<number> {
  const tensor = model.tensors.get(name);
  if (!tensor) throw new Error(`Model ${model.id} has no tensor ${name}`);
  return tensor.data;
}

/** Element `index`; an index out of range is a fault of the oracle. */
export function at(values: ArrayLike<number>, index: number): number {
  const value = values[index];
  if (value === undefined) throw new RangeError(`Index ${index}, length ${values.length}`);
  return value;
}
