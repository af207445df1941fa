import { describe, expect, it } from "vitest";
import { many } from "../support/full.ts";
import { caseFile } from "./keras-cases.ts";
import { countRefusals } from "./keras-fuzz.ts";

const ROUNDS = many(10_000, 600);
/** For files that are sound but for one member. */
const MEMBER_ROUNDS = many(2500, 300);

describe("readKeras of a mutated file", () => {
  it(`refuses or reads ${ROUNDS} .weights.h5 files`, async () => {
    const sound = caseFile("tiny-weights.weights.h5");
    const config = new TextDecoder().decode(caseFile("tiny-weights.json"));
    expect(await countRefusals({ rounds: ROUNDS, seed: 3, sound, config })).toBeGreaterThan(ROUNDS / 5);
  }, 300_000);

  it.each([
    [`${ROUNDS} .keras files`, undefined, ROUNDS, 4],
    [`${MEMBER_ROUNDS} .keras files that are sound but for config.json`, "config.json", MEMBER_ROUNDS, 5],
    [`${MEMBER_ROUNDS} .keras files that are sound but for its weights`, "model.weights.h5", MEMBER_ROUNDS, 6],
  ])(
    "refuses or reads %s",
    async (_, member, rounds, seed) => {
      const fuzzing = { rounds, seed, sound: caseFile("reset-after.keras"), ...(member !== undefined && { member }) };
      expect(await countRefusals(fuzzing)).toBeGreaterThan(rounds / 4);
    },
    300_000,
  );
});
