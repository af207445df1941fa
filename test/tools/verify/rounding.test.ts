// How far rounding may move an output.

import { describe, expect, it } from "vitest";
import { DoubleNetwork } from "../../../tools/verify/double.ts";
import type { Sequence } from "../../../tools/verify/reference.ts";
import { measureRounding } from "../../../tools/verify/rounding.ts";
import { type BuiltModel, randomF32Model, randomSamples } from "../../support/models.ts";

const MODEL = randomF32Model({ layers: [5], inputs: 2, outputs: 2 });

function sequence({ spec }: BuiltModel, steps: number, seed: number): Sequence {
  const inputs = Float64Array.from(randomSamples(spec, steps, seed).flat());
  return { inputs, outputs: new Float64Array(steps * spec.outputs.length), steps, lastOnly: false };
}

function exactly(built: BuiltModel, { inputs, steps }: Sequence): Float64Array {
  const { outputs } = built.spec;
  const network = new DoubleNetwork(built.model);
  const all = new Float64Array(steps * outputs.length);
  for (let t = 0; t < steps; t++)
    network.step(Float32Array.from(inputs), t, all.subarray(t * outputs.length, (t + 1) * outputs.length));
  return all;
}

describe("measureRounding", () => {
  const sequences = [sequence(MODEL, 20, 1), sequence(MODEL, 8, 2)];

  it("gives the outputs without error, each sequence from a state of zeros", () => {
    const { exact, steps } = measureRounding(MODEL.model, sequences);
    expect(steps).toBe(20);
    expect(exact).toEqual(sequences.map((one) => exactly(MODEL, one)));
  });

  it("gives errors of the size of a unit of the outputs, which never shrink", () => {
    const { errors, exact } = measureRounding(MODEL.model, sequences);
    expect(errors.length).toBe(40);
    const greatest = Math.max(...exact.flatMap((row) => [...row.map(Math.abs)]));
    for (let o = 0; o < 2; o++) {
      const own = errors.filter((_, at) => at % 2 === o);
      expect([...own]).toEqual([...own].toSorted((a, b) => a - b));
      expect(own[0]).toBeGreaterThan(0);
      expect(own.at(-1)).toBeLessThan(100 * 2 ** -24 * greatest);
    }
  });

  it("gives errors in proportion to the unit, none for none", () => {
    const { errors } = measureRounding(MODEL.model, sequences, 0);
    expect(errors.every((error) => error === 0)).toBe(true);
    const [small, large] = [1e-9, 1e-8].map((unit) => measureRounding(MODEL.model, sequences, unit).errors);
    small?.forEach((error, at) => {
      expect((large?.[at] as number) / error).toBeCloseTo(10, 3);
    });
  });

  it("knows the error of the second sequence too", () => {
    const [first, second] = sequences.map((one) => measureRounding(MODEL.model, [one], 1e-6).errors);
    const both = measureRounding(MODEL.model, sequences, 1e-6).errors;
    expect(both[0]).toBeGreaterThanOrEqual(first?.[0] as number);
    // The same signs of errors are drawn for the first sequence, alone or with others.
    expect([...both.subarray(16)].every((error, at) => error >= (first?.[16 + at] as number))).toBe(true);
    expect(second?.length).toBe(16);
  });

  it("computes no more than 60 million multiplications", () => {
    const large = randomF32Model({ layers: [200], inputs: 2, outputs: 1 });
    const work = 1 + 3 * 200 * (2 + 200) + 200;
    const most = Math.ceil(6e7 / (4 * work));
    expect(most).toBeGreaterThan(100);
    const { exact, errors, steps } = measureRounding(large.model, [
      sequence(large, most - 20, 1),
      sequence(large, 60, 2),
      sequence(large, 5, 3),
    ]);
    expect(steps).toBe(most - 20);
    expect(errors.length).toBe(most - 20);
    expect(exact.map(({ length }) => length)).toEqual([most - 20, 20, 0]);
  });
});
