import { describe, expect, it } from "vitest";
import { caseFile } from "./keras-cases.ts";
import { countRefusals } from "./keras-fuzz.ts";

describe("readKeras of a mutated HDF5 file", () => {
  it.each([
    ["Keras 2", "../keras2/2.15/tiny.h5", 1],
    ["Keras 3", "tiny.h5", 2],
  ])(
    "refuses or reads 10,000 of %s",
    async (_, file, seed) => {
      expect(await countRefusals({ rounds: 10_000, seed, sound: caseFile(file) })).toBeGreaterThan(2500);
    },
    300_000,
  );
});
