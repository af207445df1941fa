// The noise of the q15 arithmetic: what its shifts, its table and its int16 state add to a network of the same int8 weights.

import { describe, expect, it } from "vitest";
import type { Model } from "../../host/model/types.ts";
import { quantizeInMemory } from "../../host/quantize/in-memory.ts";
import { createRuntime } from "../../host/runtime/runtime.ts";
import { toRaw } from "../oracle/q15.ts";
import { Q15Exact } from "../oracle/q15-exact.ts";
import { randomF32Model } from "../support/models.ts";
import { mulberry32 } from "../support/random.ts";
import type { ShapeOptions } from "../support/shapes.ts";
import { rangeSamples } from "../support/streams.ts";

/** The hidden states in a snapshot of a q15 session, one layer after the other, in real values (FORMAT.md 7). */
function hiddenOf({ spec }: Model, snapshot: Uint8Array): number[] {
  const state = new Int16Array(snapshot.slice(28, -4).buffer);
  const padded = (count: number) => Math.ceil(count / 8) * 8;
  let start = padded((spec.skip?.length ?? 0) * spec.inputs.length);
  return spec.layers.flatMap(({ kind, size }) => {
    if (kind !== "gru") return [];
    start += padded(size);
    return Array.from(state.subarray(start - padded(size), start - padded(size) + size), (value) => value / 32768);
  });
}

/** Adds up squares of differences. */
function meter() {
  let sum = 0;
  let count = 0;
  return {
    add(found: ArrayLike<number>, exact: ArrayLike<number>): void {
      for (let i = 0; i < exact.length; i++) sum += ((found[i] ?? Number.NaN) - (exact[i] ?? Number.NaN)) ** 2;
      count += exact.length;
    },
    rms: () => Math.sqrt(sum / count),
  };
}

/** The rms of the differences in states and outputs over each of `windows`, [first step, end). */
function noise(shape: ShapeOptions, windows: readonly (readonly [number, number])[]) {
  const model = quantizeInMemory(randomF32Model({ ...shape, normalise: false }).model);
  const [session, exact] = [createRuntime(model).createSession(), new Q15Exact(model)];
  const source = rangeSamples(model.spec, mulberry32(3));
  const meters = windows.map(() => ({ state: meter(), output: meter() }));
  for (let t = 0; t < Math.max(...windows.map(([, end]) => end)); t++) {
    const sample = source(1);
    const found = session.step(sample);
    const wanted = exact.step(toRaw(model.spec, sample));
    windows.forEach(([first, end], i) => {
      if (t < first || t >= end) return;
      meters[i]?.output.add(found, wanted);
      meters[i]?.state.add(hiddenOf(model, session.snapshot()), exact.hidden());
    });
  }
  return meters.map(({ state, output }) => ({ state: state.rms(), output: output.rms() }));
}

describe("the noise of the q15 arithmetic", () => {
  // Measured: states 7e-5 to 1.1e-4, outputs 4e-5 to 7e-5, of values within ±1.
  it.each([
    ["H = 1", 5000, { inputs: 1, layers: [1] }],
    ["H = 8", 5000, { inputs: 2, layers: [8] }],
    ["H = 32", 2000, { inputs: 8, layers: [32], outputs: 8 }],
    ["H = 64", 1000, { inputs: 4, layers: [64] }],
    ["H = 16, reset-before", 3000, { inputs: 4, layers: [16], reset: "before" }],
    ["H = 32, reset-before", 2000, { inputs: 4, layers: [32], reset: "before" }],
    ["two layers and a skip", 2000, { inputs: 3, layers: [16, 16], outputs: 3, skip: 3 }],
  ] satisfies [string, number, ShapeOptions][])(
    "has an rms below 2e-4 in states and outputs: %s",
    (_, steps, shape) => {
      const [all] = noise(shape, [[0, steps]]);
      expect(all?.state).toBeLessThan(2e-4);
      expect(all?.output).toBeLessThan(2e-4);
    },
  );

  it.each(["after", "before"] as const)("does not grow over 100,000 steps: reset-%s", { timeout: 120_000 }, (reset) => {
    const [first, last] = noise({ inputs: 2, layers: [8], reset }, [
      [0, 10_000],
      [90_000, 100_000],
    ]);
    expect(last?.state).toBeLessThan(1.1 * (first?.state ?? 0));
    expect(last?.output).toBeLessThan(1.1 * (first?.output ?? 0));
  });
});
