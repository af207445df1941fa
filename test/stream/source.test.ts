import { describe, expect, it } from "vitest";
import { maxAgesOf } from "../../host/stream/source.ts";
import { createTestSource } from "../support/bridge.ts";

const modelInputs = ["a", "b", "c"];
const source = (...inputs: { name: string; maxAge?: number }[]) =>
  createTestSource({ modelInputs, inputs, isPartial: true });

describe("maxAgesOf", () => {
  it("takes each greatest age from the first source that tells one", () => {
    const sources = [source({ name: "a" }, { name: "c", maxAge: 1 }), source({ name: "b", maxAge: 2 })];
    expect(maxAgesOf(sources)).toEqual([undefined, 2000, 1000]);
    expect(maxAgesOf([...sources, source({ name: "c", maxAge: 9 })])).toEqual([undefined, 2000, 1000]);
  });

  it("knows of none where there are no sources", () => {
    expect(maxAgesOf([])).toEqual([]);
  });
});
