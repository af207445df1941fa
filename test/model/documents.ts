import { expect } from "vitest";
import { ModelFormatError } from "../../host/model/errors.ts";
import { parseSpec } from "../../host/model/spec.ts";

/** JSON of any shape, to be bent. */
export type Json = Record<string, unknown>;

export const F32: Json = {
  format: 1,
  name: "pump",
  numeric: "f32",
  inputs: [{ name: "speed" }, { name: "pressure" }],
  outputs: [{ name: "pressure" }],
  layers: [
    { kind: "gru", size: 8, reset: "after" },
    { kind: "dense", size: 1, activation: "linear" },
  ],
};

export const Q15: Json = {
  ...F32,
  numeric: "q15",
  inputs: [
    { name: "speed", fraction: 4 },
    { name: "pressure", fraction: -2 },
  ],
  outputs: [{ name: "pressure", fraction: 20 }],
  layers: [
    { kind: "gru", size: 8, reset: "before", shift_x: 8, shift_h: 9 },
    { kind: "dense", size: 1, activation: "linear" },
  ],
};

export const TOKEN: Json = { ...F32, inputs: [{ name: "token" }], embedding: { vocabulary: 9, size: 4 } };

export const GRU: Json = { kind: "gru", size: 8, reset: "after" };

/** The message with which a document is refused. */
export function refusal(document: unknown): string {
  try {
    parseSpec(document);
  } catch (error) {
    expect(error).toBeInstanceOf(ModelFormatError);
    return (error as Error).message;
  }
  throw new Error("The document is not refused");
}

/** A document without one of its fields. */
export function without(document: Json, field: string): Json {
  return Object.fromEntries(Object.entries(document).filter(([key]) => key !== field));
}
