import { CliError } from "../../../tools/errors.ts";
import type { SourceTensor } from "../../../tools/read/pytorch/elements.ts";
import { mappedNetwork } from "../../../tools/read/pytorch/map.ts";
import { parseMap } from "../../../tools/read/pytorch/map-schema.ts";
import { Weights } from "../../../tools/read/pytorch/weights.ts";

const tensor = (shape: readonly number[], values: readonly number[]): SourceTensor => ({
  dtype: "F32",
  shape,
  read: () => Float32Array.from(values),
});

/** first, first + 1, … */
const from = (first: number, count: number) => Array.from({ length: count }, (_, i) => first + i);

export const ordered = (first: number, ...shape: number[]) =>
  tensor(
    shape,
    from(
      first,
      shape.reduce((a, b) => a * b),
    ),
  );

/** Weights of gates of one unit and two inputs, and of other layers. */
export const TENSORS: Readonly<Record<string, SourceTensor>> = {
  Wr: ordered(1, 1, 2),
  Wz: ordered(3, 1, 2),
  Wn: ordered(5, 1, 2),
  Ur: ordered(7, 1, 1),
  Uz: ordered(8, 1, 1),
  Un: ordered(9, 1, 1),
  br: ordered(10, 1),
  bz: ordered(11, 1),
  bn: ordered(12, 1),
  cn: ordered(13, 1),
};

export function build(yaml: string, tensors: Readonly<Record<string, SourceTensor>>) {
  const weights = new Weights(new Map(Object.entries(tensors)), "m.pt");
  return mappedNetwork(parseMap(yaml, "map.yaml"), weights, "map.yaml");
}

export const refusal = (yaml: string, tensors: Readonly<Record<string, SourceTensor>> = TENSORS): string => {
  try {
    build(yaml, tensors);
  } catch (error) {
    if (error instanceof CliError) return error.message;
    throw error;
  }
  return "nothing refused";
};

export const pick = (...names: string[]) =>
  Object.fromEntries(names.map((name) => [name, TENSORS[name] as SourceTensor]));

export const numbers = (values: ArrayLike<number> | undefined) => Array.from(values ?? []);
