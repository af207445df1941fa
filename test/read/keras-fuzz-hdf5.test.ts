import { describe, expect, it } from "vitest";
import { many } from "../support/full.ts";
import { caseFile } from "./keras-cases.ts";
import { countRefusals } from "./keras-fuzz.ts";

const ROUNDS = many(10_000, 600);

describe("readKeras of a mutated HDF5 file", () => {
  it.each([
    ["Keras 2", "../keras2/2.15/tiny.h5", 1],
    ["Keras 3", "tiny.h5", 2],
  ])(
    `refuses or reads ${ROUNDS} of %s`,
    async (_, file, seed) => {
      expect(await countRefusals({ rounds: ROUNDS, seed, sound: caseFile(file) })).toBeGreaterThan(ROUNDS / 4);
    },
    300_000,
  );
});
