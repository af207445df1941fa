import { describe, expect, it } from "vitest";
import { constant, cosine, steps, warmUp } from "../../host/train/schedule.ts";

describe("schedules", () => {
  it("stay, fall along a cosine, fall by steps and rise", () => {
    expect([0, 9].map(constant(0.1))).toEqual([0.1, 0.1]);
    expect([0, 1, 2, 3, 4, 5].map(steps(8, 2, 0.5))).toEqual([8, 8, 4, 4, 2, 2]);
    expect([0, 1, 2, 3, 9].map(warmUp(3, constant(4)))).toEqual([1, 2, 3, 4, 4]);
  });

  it("follow the cosine of Math.cos within 1e-9, and end at the least rate", () => {
    const schedule = cosine(2, 100, 0.5);
    const exact = (update: number) => 0.5 + (1.5 * (1 + Math.cos((Math.PI * Math.min(100, update)) / 100))) / 2;
    const worst = Array.from({ length: 120 }, (_, update) => Math.abs(schedule(update) - exact(update)));
    expect(Math.max(...worst)).toBeLessThan(1e-9);
    expect(schedule(100)).toBeCloseTo(0.5, 9);
  });
});
