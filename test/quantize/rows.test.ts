import { describe, expect, it } from "vitest";
import { checkActivations } from "../../host/quantize/quantize.ts";
import { quantizeRows, type Rounding } from "../../host/quantize/rows.ts";
import { randomF32Model } from "../support/models.ts";

const UNIT = 2 ** -12;
const LIMIT = 32767;
const target = () => ({ unit: UNIT, limit: LIMIT });

/** What integers that enter the matrix stand for: each unit 2^-15, and a constant beside it. */
const signal = (constants: readonly number[]) => ({
  columns: new Float64Array(constants.length).fill(2 ** -15),
  constants: Float64Array.from(constants),
});

/** The real values that quantized rows stand for. */
function realOf({ weights, bias, multipliers, shift }: ReturnType<typeof quantizeRows>, columns: number) {
  const half = shift > 0 ? 2 ** (shift - 1) : 0;
  return Array.from(multipliers, (multiplier, row) => {
    const unit = (multiplier * UNIT) / 2 ** (14 + shift);
    const own = Array.from(weights.subarray(row * columns, (row + 1) * columns), (weight) => weight * unit * 2 ** 15);
    return { weights: own, bias: ((bias[row] as number) - half) * unit };
  });
}

describe("quantizeRows", () => {
  it("keeps weights within half an integer step of the largest, and biases as good as exactly", () => {
    const rows = quantizeRows("w", [0.5, -0.25, 0.125, 1, 0.3, -0.7], [0.1, -0.4], signal([0, 0, 0]), target);
    const [first, second] = realOf(rows, 3);
    const worst = (found: readonly number[] = [], exact: readonly number[]) =>
      Math.max(...exact.map((weight, i) => Math.abs((found[i] as number) - weight)));
    expect(worst(first?.weights, [0.5, -0.25, 0.125])).toBeLessThan(0.5 / 254 + 1e-9);
    expect(worst(second?.weights, [1, 0.3, -0.7])).toBeLessThan(1 / 254 + 1e-9);
    expect(first?.bias).toBeCloseTo(0.1, 5);
    expect(second?.bias).toBeCloseTo(-0.4, 5);
    expect(Math.max(...rows.weights)).toBe(127);
  });

  it("adds what the constants of the inputs come to to the bias of each row", () => {
    const rows = quantizeRows("w", [0.5, -0.25, 1, 0.5], [0.1, 0], signal([0.5, 2]), target);
    const [first, second] = realOf(rows, 2);
    expect(first?.bias).toBeCloseTo(0.1 + 0.5 * 0.5 - 0.25 * 2, 4);
    expect(second?.bias).toBeCloseTo(1 * 0.5 + 0.5 * 2, 4);
  });

  it("uses the room of 32 bits in a row of very many weights", () => {
    const count = 20_000;
    const rows = quantizeRows("w", new Float64Array(count).fill(1e-3), [0], signal(new Array(count).fill(0)), target);
    const sum = rows.weights.reduce((total, weight) => total + Math.abs(weight), 0);
    expect(32768 * sum).toBeLessThanOrEqual(2 ** 31 - 1);
    // Of the sum of 65,535 that fits, half is lost to rounding at most.
    expect(sum).toBeGreaterThan(2 ** 15);
  });

  it("rounds a row to nearest where weights that make up for each other do not fit 32 bits", () => {
    const count = 600;
    const most: Rounding = () => ({
      round: ({ values, multiplier }) => ({ weights: values.map(() => 127), multiplier, correction: 0 }),
    });
    const args = ["w", new Float64Array(count).fill(1e-3), [0.25], signal(new Array(count).fill(0)), target] as const;
    expect(quantizeRows(...args, most)).toEqual(quantizeRows(...args));
  });

  it("leaves a bias room for the sums, and saturates one beyond it", () => {
    const { weights, bias } = quantizeRows("w", [0.5, -0.25], [1e6], signal([0, 0]), target);
    const sum = weights.reduce((total, weight) => total + Math.abs(weight), 0);
    expect(Math.abs(bias[0] as number) + 32768 * sum).toBe(2 ** 31 - 1);
  });
});

describe("checkActivations", () => {
  it("names the layer that has no fixed-point form", () => {
    const { model } = randomF32Model({ layers: [4] });
    const layers = [...model.spec.layers, { kind: "dense", size: 2, activation: "gelu" } as const];
    expect(() => checkActivations({ ...model, id: "m@1", spec: { ...model.spec, layers } })).toThrow(
      `Model m@1: layer ${layers.length - 1} applies gelu, which has no fixed-point form`,
    );
    expect(() => checkActivations(model)).not.toThrow();
  });
});
