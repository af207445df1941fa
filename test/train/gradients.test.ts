import { describe, expect, it } from "vitest";
import { createTrainer } from "../../host/train/trainer.ts";
import { batchFor, CASES, caseOptions } from "../support/training.ts";

describe("gradients", () => {
  it.each(CASES)("are those of finite differences: $name", (shape) => {
    const options = caseOptions(shape);
    const trainer = createTrainer(options);
    const batch = batchFor(options, 3, 5);
    const before = trainer.weights();
    const gradients = trainer.gradients(batch);
    let worst = 0;
    for (const [name, gradient] of gradients) {
      const { shape, data } = before.get(name)!;
      // A direction of random signs sees every element at once.
      const signs = gradient.map((_, i) => (((i * 2654435761) >>> 16) & 1 ? 1 : -1));
      const step = 2 ** -14;
      const moved = (by: number) => {
        trainer.load(
          new Map([[name, { dtype: "F32", shape, data: Float32Array.from(data, (w, i) => w + by * signs[i]!) }]]),
        );
        const { sum, weight } = trainer.evaluate(batch);
        return sum / weight;
      };
      const slope = (8 * (moved(step) - moved(-step)) - (moved(2 * step) - moved(-2 * step))) / (12 * step);
      trainer.load(before);
      const along = gradient.reduce((sum, g, i) => sum + g * signs[i]!, 0);
      worst = Math.max(worst, Math.abs(along - slope) / Math.max(0.01, Math.abs(slope)));
    }
    expect(gradients.size).toBeGreaterThan(1);
    expect(worst).toBeLessThan(1e-5);
  });
});
