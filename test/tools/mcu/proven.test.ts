import { describe, expect, it } from "vitest";
import { isProven } from "../../../tools/mcu/pack.ts";
import { gru, modelOf, stageOf } from "../../support/gru-layer.ts";

describe("isProven", () => {
  /** One row of a layer of one unit at its bound; the others are nothing. */
  const proven = (part: "W" | "U", gate: number, weight: number, bias: number, shift: number) => {
    const none = [0, 0, 0];
    const one = (value: number) => none.map((_, at) => (at === gate ? value : 0));
    const own = part === "W" ? { W: one(weight), b: one(bias) } : { U: one(weight), c: one(bias) };
    const values = { W: none, b: none, U: none, c: none, mx: none, mh: none, ...own };
    const layer = gru(1, "after", part === "W" ? [shift, 0] : [0, shift]);
    return isProven(modelOf(values, layer, 1), stageOf(layer, 1));
  };

  describe.each(["W", "U"] as const)("rows of %s", (part) => {
    it.each([0, 1, 2])("hold biases that fit i16 as they are, gate %i", (gate) => {
      expect(proven(part, gate, 0, 32767, 0)).toBe(true);
      expect(proven(part, gate, 0, 32768, 0)).toBe(false);
      expect(proven(part, gate, 0, -32768, 0)).toBe(true);
      expect(proven(part, gate, 0, -32769, 0)).toBe(false);
    });

    it.each([1, -1])("add 32768 for each weight of %i to both ends", (weight) => {
      expect(proven(part, 2, weight, 32767, 1)).toBe(true);
      expect(proven(part, 2, weight, 32768, 1)).toBe(false);
      expect(proven(part, 2, weight, -32768, 1)).toBe(true);
      expect(proven(part, 2, weight, -32769, 1)).toBe(false);
    });

    it("take the floor of the shifted sum", () => {
      expect(proven(part, 0, 127, (32768 << 12) - 127 * 32768 - 1, 12)).toBe(true);
      expect(proven(part, 0, 127, (32768 << 12) - 127 * 32768, 12)).toBe(false);
      expect(proven(part, 0, 127, -(32768 << 12) + 127 * 32768, 12)).toBe(true);
      expect(proven(part, 0, 127, -(32768 << 12) + 127 * 32768 - 1, 12)).toBe(false);
    });

    it("hold the greatest sums of 32 bits from a shift of 16 on", () => {
      expect(proven(part, 0, 127, 2 ** 31 - 1 - 127 * 32768, 16)).toBe(true);
      expect(proven(part, 0, 127, 2 ** 31 - 1 - 127 * 32768, 15)).toBe(false);
    });
  });
});
