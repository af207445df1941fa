import { describe, expect, it } from "vitest";
import { createTrainer } from "../../host/train/trainer.ts";
import { differentiate } from "../oracle/train.ts";
import { batchFor, CASES, caseOptions, numbersOf } from "../support/training.ts";

/** Norm of the difference over the norm of what is expected. */
function distance(found: Float32Array, expected: Float64Array): number {
  const square = (values: Float64Array) => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0));
  return square(expected.map((v, i) => v - found[i]!)) / square(expected);
}

describe("the oracle of training", () => {
  it.each(CASES)("has the gradients of finite differences: $name", (shape) => {
    const options = caseOptions(shape);
    const tensors = numbersOf(options);
    const batch = batchFor(options, 3, 5);
    const { gradients } = differentiate(options, tensors, batch);
    const step = 2 ** -14;
    const worst = [...gradients]
      .filter(([name]) => !name.startsWith("input") && !name.endsWith(".p"))
      .map(([name, gradient]) => {
        // A direction of random signs sees every element at once.
        const signs = gradient.map((_, i) => (((i * 2654435761) >>> 16) & 1 ? 1 : -1));
        const moved = (by: number) => {
          const values = Float64Array.from(tensors.get(name)!, (w, i) => w + by * signs[i]!);
          const { sum, weight } = differentiate(options, new Map([...tensors, [name, values]]), batch);
          return sum / weight;
        };
        const slope = (8 * (moved(step) - moved(-step)) - (moved(2 * step) - moved(-2 * step))) / (12 * step);
        const along = gradient.reduce((sum, g, i) => sum + g * signs[i]!, 0);
        return Math.abs(along - slope) / Math.max(0.01, Math.abs(slope));
      });
    expect(worst.length).toBeGreaterThan(1);
    expect(Math.max(...worst)).toBeLessThan(1e-8);
  });
});

describe("gradients of the kernels", () => {
  it.each(CASES)("are those of the oracle within 1e-5: $name", (shape) => {
    const options = caseOptions(shape);
    const batch = batchFor(options, 7, 8);
    const trainer = createTrainer(options);
    const expected = differentiate(options, numbersOf(options), batch);
    const { sum, weight } = trainer.evaluate(batch);
    const gradients = trainer.gradients(batch);
    const worst = [...gradients].map(([name, found]) => distance(found, expected.gradients.get(name)!));
    expect(Math.abs(sum / expected.sum - 1)).toBeLessThan(1e-5);
    expect(weight).toBeCloseTo(expected.weight, 6);
    expect(gradients.size).toBeGreaterThan(1);
    expect(Math.max(...worst)).toBeLessThan(1e-5);
  });

  it.each(CASES)("have the same bits with SIMD and without: $name", (shape) => {
    const options = caseOptions(shape);
    const batch = batchFor(options, 8, 8);
    const [simd, scalar] = [true, false].map((simd) => createTrainer(options, { simd }));
    expect(simd!.step(batch)).toEqual(scalar!.step(batch));
    expect(simd!.gradients(batch)).toEqual(scalar!.gradients(batch));
    expect(simd!.weights()).toEqual(scalar!.weights());
  });
});
