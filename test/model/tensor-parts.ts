import { expect } from "vitest";
import { checkBounds } from "../../host/model/bounds.ts";
import { ModelFormatError } from "../../host/model/errors.ts";
import { checkTensors } from "../../host/model/tensors.ts";
import type { ModelSpec, Tensor } from "../../host/model/types.ts";
import { randomF32Model, randomQ15Model, withSelftest } from "../support/models.ts";

export const F32 = withSelftest(randomF32Model({ inputs: 4, layers: [32], outputs: 2, skip: 3 }), 5);

export const Q15 = withSelftest(randomQ15Model({ inputs: 4, layers: [32], outputs: 2, skip: 3 }), 5);

export const TOKENS = withSelftest(
  randomQ15Model({ embedding: { vocabulary: 6, size: 3 }, layers: [4], outputs: 6, activation: "softmax" }),
  5,
);

export interface Parts {
  readonly spec: ModelSpec;
  readonly tensors: ReadonlyMap<string, Tensor>;
}

/** The message with which changed tensors of a model are refused. */
export function refusal({ spec, tensors }: Parts, change: (tensors: Map<string, Tensor>) => void): string {
  const changed = new Map(tensors);
  change(changed);
  try {
    checkTensors(spec, changed);
    checkBounds(spec, changed);
  } catch (error) {
    expect(error).toBeInstanceOf(ModelFormatError);
    return (error as Error).message;
  }
  throw new Error("The tensors are not refused");
}
