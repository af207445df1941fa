// When a channel is watched by the residuals of a model.

import { describe, expect, it } from "vitest";
import { chooseResidual } from "../../../tools/detect/model.ts";
import { mulberry32 } from "../../support/random.ts";

const FRACTION = 4;
/** Raw readings of noise, which AR(8) cannot predict: its error is near a mean distance of 500. */
const noise = () => {
  const random = mulberry32(9);
  return Float64Array.from({ length: 1000 }, () => Math.round(2000 * (random() - 0.5)));
};
/** Residuals of these raw sizes, in the unit of the channel. */
const residuals = (size: number, unknown = 0) =>
  Float64Array.from({ length: 1000 }, (_, row) =>
    row >= 1000 - unknown ? Number.NaN : ((row % 2 === 0 ? 1 : -1) * size) / 2 ** FRACTION,
  );

describe("chooseResidual", () => {
  it("takes those of a model with skill, in the integers of the channel", () => {
    const { residuals: own, skill } = chooseResidual(noise(), residuals(100), FRACTION);
    expect([...(own ?? [])].slice(0, 2)).toEqual([100, -100]);
    expect(skill).toBeGreaterThan(0.7);
    expect(skill).toBeLessThan(0.85);
  });

  it("leaves those of a model without skill, and tells it in three digits", () => {
    const { residuals: own, skill } = chooseResidual(noise(), residuals(700), FRACTION);
    expect(own).toBeUndefined();
    expect(skill).toBeLessThan(-0.3);
    expect(skill).toBe(Number((skill as number).toFixed(3)));
    expect(chooseResidual(noise(), residuals(1e6), FRACTION).skill).toBe(-99);
  });

  it("judges by the last 30 % of the rows alone", () => {
    const late = residuals(100).map((value, row) => (row < 700 ? 1000 * value : value));
    expect(chooseResidual(noise(), late, FRACTION).residuals).toBeDefined();
  });

  it("needs 9 of 10 of those rows", () => {
    expect(chooseResidual(noise(), residuals(100, 30), FRACTION).residuals).toBeDefined();
    expect(chooseResidual(noise(), residuals(100, 31), FRACTION)).toEqual({ residuals: undefined, skill: undefined });
  });

  it("finds nothing to win where AR(8) is never wrong", () => {
    expect(chooseResidual(new Float64Array(1000).fill(7), residuals(0), FRACTION)).toEqual({
      residuals: undefined,
      skill: 0,
    });
  });
});
