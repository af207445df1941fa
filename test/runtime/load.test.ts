import { describe, expect, it } from "vitest";
import { ModelFormatError } from "../../host/model/errors.ts";
import { serializeModel } from "../../host/model/model.ts";
import { loadModel } from "../../host/runtime/load.ts";
import { randomF32Model, randomQ15Model, tensorOf, withSelftest } from "../support/models.ts";

const SHAPE = { inputs: 2, layers: [4] } as const;

/** A q15 model whose test vectors expect something else. */
function liar(): Uint8Array {
  const { spec, tensors } = withSelftest(randomQ15Model(SHAPE), 8);
  return serializeModel(spec, new Map(tensors).set("selftest.output", tensorOf("I32", [8, 1], new Array(8).fill(99))));
}

describe("loadModel", () => {
  it("loads a model that passes its self-test", async () => {
    for (const built of [randomF32Model(SHAPE), randomQ15Model(SHAPE)]) {
      const { bytes, model } = withSelftest(built, 8);
      expect(await loadModel(bytes)).toEqual(model);
    }
  });

  it("loads a model that has none", async () => {
    const { bytes, model } = randomF32Model(SHAPE);
    expect((await loadModel(bytes)).hash).toBe(model.hash);
  });

  it("refuses a model that fails it", async () => {
    await expect(loadModel(liar())).rejects.toThrow(/^selftest\.output: differs by \d+/);
    await expect(loadModel(liar(), { verify: true })).rejects.toBeInstanceOf(ModelFormatError);
  });

  it("does not run it when told not to", async () => {
    expect((await loadModel(liar(), { verify: false })).spec.selftest?.steps).toBe(8);
  });

  it("refuses a damaged file", async () => {
    const { bytes } = randomF32Model(SHAPE);
    await expect(loadModel(bytes.subarray(0, -1))).rejects.toBeInstanceOf(ModelFormatError);
    await expect(loadModel(bytes.subarray(0, -1), { verify: false })).rejects.toBeInstanceOf(ModelFormatError);
  });

  it("refuses a file above the size that it is told", async () => {
    const { bytes } = randomF32Model(SHAPE);
    await expect(loadModel(bytes, { maxBytes: bytes.length - 1 })).rejects.toBeInstanceOf(ModelFormatError);
    expect((await loadModel(bytes, { maxBytes: bytes.length })).bytes).toBe(bytes.length);
  });
});
