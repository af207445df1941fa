import { describe, expect, it } from "vitest";
import { caseFile } from "./keras-cases.ts";
import { countRefusals } from "./keras-fuzz.ts";

describe("readKeras of a mutated file", () => {
  it("refuses or reads 10,000 .weights.h5 files", async () => {
    const sound = caseFile("tiny-weights.weights.h5");
    const config = new TextDecoder().decode(caseFile("tiny-weights.json"));
    expect(await countRefusals({ rounds: 10_000, seed: 3, sound, config })).toBeGreaterThan(2000);
  }, 300_000);

  it.each([
    ["10,000 .keras files", undefined, 10_000, 4],
    ["2,500 .keras files that are sound but for config.json", "config.json", 2500, 5],
    ["2,500 .keras files that are sound but for model.weights.h5", "model.weights.h5", 2500, 6],
  ])(
    "refuses or reads %s",
    async (_, member, rounds, seed) => {
      const fuzzing = { rounds, seed, sound: caseFile("reset-after.keras"), ...(member !== undefined && { member }) };
      expect(await countRefusals(fuzzing)).toBeGreaterThan(rounds / 4);
    },
    300_000,
  );
});
