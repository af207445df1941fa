// Every build computes the same bits: SIMD, scalar, step by step, in rows, in batches, and the plain reading of FORMAT.md 5.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Activation, Model, Numeric } from "../../host/model/types.ts";
import { createRuntime, type KernelRuntime } from "../../host/runtime/runtime.ts";
import { Q15Oracle, toRaw, toReal } from "../oracle/q15.ts";
import { extremeModel } from "../support/extremes.ts";
import { many } from "../support/full.ts";
import { SHAPES } from "../support/kinds.ts";
import { randomF32Model, randomQ15Model } from "../support/models.ts";
import { mulberry32 } from "../support/random.ts";
import type { ShapeOptions } from "../support/shapes.ts";
import { wildSamples } from "../support/streams.ts";

const STEPS = many(1_000_000, 40_000);
/** Random shapes that are tried. */
const RUNS = many(150, 25);
const CHUNK = 20_000;

const NUMERICS: readonly Numeric[] = ["f32", "q15"];
const CASES = NUMERICS.flatMap((numeric) => SHAPES.map(([title, shape]) => ({ numeric, title, shape })));

const modelOf = (numeric: Numeric, shape: ShapeOptions): Model =>
  (numeric === "f32" ? randomF32Model(shape) : randomQ15Model(shape)).model;

const builds = (model: Model): readonly [KernelRuntime, KernelRuntime] => [
  createRuntime(model, { simd: true }),
  createRuntime(model, { simd: false }),
];

/** Whether two arrays hold the same bytes: also tells 0 from -0. */
const sameBits = (a: Float64Array, b: Float64Array): boolean =>
  Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(Buffer.from(b.buffer, b.byteOffset, b.byteLength));

/** The predictions of the plain reading of FORMAT.md, row by row. */
function oracleRun(model: Model, oracle: Q15Oracle, samples: Float64Array): Float64Array {
  const { spec } = model;
  const size = spec.inputs.length;
  const predictions = new Float64Array((samples.length / size) * spec.outputs.length);
  for (let t = 0; t * size < samples.length; t++) {
    const out = oracle.step(toRaw(spec, samples.subarray(t * size, (t + 1) * size)));
    predictions.set(toReal(spec, out), t * spec.outputs.length);
  }
  return predictions;
}

describe(`${STEPS} steps`, () => {
  it.each(CASES)(
    "gives the same bits with and without SIMD in $numeric: $title",
    { timeout: 120_000 },
    ({ numeric, shape }) => {
      const model = modelOf(numeric, shape);
      const [simd, scalar] = builds(model).map((runtime) => runtime.createSession());
      const source = wildSamples(model.spec, mulberry32(17));
      const different: number[] = [];
      let distinct = 0;
      for (let done = 0; done < STEPS; done += CHUNK) {
        const samples = source(CHUNK);
        const predictions = simd?.run(samples) ?? new Float64Array(0);
        if (!sameBits(predictions, scalar?.run(samples) ?? new Float64Array(0))) different.push(done);
        distinct += new Set(predictions.subarray(0, 100)).size;
      }
      expect(different).toEqual([]);
      expect(simd?.snapshot()).toEqual(scalar?.snapshot());
      // A network that stood still would prove nothing.
      expect(distinct).toBeGreaterThan(STEPS / 1000);
    },
  );
});

describe("Session.run", () => {
  it.each(CASES)("is as many steps, in $numeric: $title", ({ numeric, shape }) => {
    const model = modelOf(numeric, shape);
    for (const runtime of builds(model)) {
      const size = runtime.inputSize;
      // More rows than the sample area holds at once, and not a multiple of it.
      const steps = 2 * runtime.instance.capacity + 13;
      const samples = wildSamples(model.spec, mulberry32(5))(steps);
      const [one, all] = [runtime.createSession(), runtime.createSession()];
      const stepped = new Float64Array(steps * runtime.outputSize);
      for (let t = 0; t < steps; t++) {
        stepped.set(one.step(samples.subarray(t * size, (t + 1) * size)), t * runtime.outputSize);
      }
      expect(sameBits(all.run(samples), stepped)).toBe(true);
      expect(all.snapshot()).toEqual(one.snapshot());
    }
  });

  it("takes no samples at all", () => {
    const session = createRuntime(modelOf("q15", { layers: [4] })).createSession();
    expect(session.run([])).toEqual(new Float64Array(0));
  });
});

describe("Runtime.stepAll", () => {
  it.each(CASES)("is one step of each session, in $numeric: $title", ({ numeric, shape }) => {
    const model = modelOf(numeric, shape);
    for (const runtime of builds(model)) {
      const size = runtime.inputSize;
      const count = 37;
      const together = Array.from({ length: count }, () => runtime.createSession());
      const alone = Array.from({ length: count }, () => runtime.createSession());
      const source = wildSamples(model.spec, mulberry32(6));
      for (let t = 0; t < 20; t++) {
        const samples = source(count);
        const expected = alone.flatMap((session, i) => [...session.step(samples.subarray(i * size, (i + 1) * size))]);
        expect([...runtime.stepAll(together, samples)]).toEqual(expected);
      }
      expect(together.map((session) => session.snapshot())).toEqual(alone.map((session) => session.snapshot()));
    }
  });

  it("takes more sessions than the sample area has rows", () => {
    const model = modelOf("f32", { inputs: 64, layers: [2] });
    const runtime = createRuntime(model);
    const count = 2 * runtime.instance.capacity + 3;
    const sessions = Array.from({ length: count }, () => runtime.createSession());
    const samples = wildSamples(model.spec, mulberry32(6))(count);
    const expected = sessions.flatMap((_, i) => [
      ...runtime.createSession().step(samples.subarray(i * 64, i * 64 + 64)),
    ]);
    expect([...runtime.stepAll(sessions, samples)]).toEqual(expected);
  });
});

/** Expects both q15 builds to be the plain reading of FORMAT.md for `steps` steps. */
function expectOracle(model: Model, steps: number, seed: number): void {
  const oracle = new Q15Oracle(model);
  const samples = wildSamples(model.spec, mulberry32(seed))(steps);
  const expected = oracleRun(model, oracle, samples);
  for (const runtime of builds(model)) {
    const session = runtime.createSession();
    expect(sameBits(session.run(samples), expected)).toBe(true);
    expect(Buffer.from(session.snapshot().subarray(28, -4)).equals(Buffer.from(oracle.state()))).toBe(true);
  }
}

describe("q15", () => {
  it.each(SHAPES)("is FORMAT.md 5 for many steps: %s", { timeout: 120_000 }, (_, shape) => {
    expectOracle(modelOf("q15", shape), many(20_000, 2000), 23);
  });

  it.each([
    ["H = 64", { inputs: 4, layers: [64] }],
    ["H = 33, reset-before", { inputs: 7, layers: [33], reset: "before" }],
    ["a sigmoid head", { layers: [9], outputs: 3, activation: "sigmoid" }],
    ["a GRU as the last layer", { layers: [6], outputs: 0 }],
    ["a skip over 50 of 3 inputs", { inputs: 3, layers: [8], outputs: 3, skip: 50 }],
  ] satisfies [string, ShapeOptions][])("is FORMAT.md 5 in other shapes: %s", (_, shape) => {
    expectOracle(modelOf("q15", shape), many(3000, 1000), 29);
  });

  it("is FORMAT.md 5 when every sample saturates", () => {
    const { model } = randomQ15Model({ inputs: 5, layers: [18, 3], outputs: 2, skip: 4 });
    const oracle = new Q15Oracle(model);
    const random = mulberry32(31);
    const samples = Float64Array.from({ length: 5 * 2000 }, () => (random() < 0.5 ? -1e9 : 1e9));
    const expected = oracleRun(model, oracle, samples);
    for (const runtime of builds(model)) expect(sameBits(runtime.createSession().run(samples), expected)).toBe(true);
  });
});

const ACTIVATIONS: readonly Activation[] = ["linear", "sigmoid", "tanh", "relu"];
const dense = fc.record({ dense: fc.integer({ min: 1, max: 40 }), activation: fc.constantFrom(...ACTIVATIONS) });
const shapes = fc
  .record({
    inputs: fc.integer({ min: 1, max: 20 }),
    layers: fc.array(fc.oneof(fc.integer({ min: 1, max: 40 }), dense), { minLength: 1, maxLength: 3 }),
    outputs: fc.integer({ min: 1, max: 20 }),
    activation: fc.constantFrom(...ACTIVATIONS, "softmax" as const),
    reset: fc.constantFrom("after" as const, "before" as const),
    skip: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
    horizon: fc.integer({ min: 0, max: 9 }),
    embedding: fc.option(
      fc.record({ vocabulary: fc.integer({ min: 1, max: 9 }), size: fc.integer({ min: 1, max: 20 }) }),
      { nil: undefined },
    ),
    seed: fc.integer({ min: 1, max: 1 << 20 }),
  })
  .map(({ skip, embedding, inputs, ...rest }): ShapeOptions => {
    if (embedding) return { ...rest, embedding };
    // A skip needs a linear last layer.
    return { ...rest, inputs, ...(skip && rest.activation === "linear" && { skip }) };
  });

describe("random shapes", () => {
  it("give the same bits in every build, and in q15 those of FORMAT.md 5", { timeout: 120_000 }, () => {
    const property = fc.property(shapes, (shape) => {
      expectOracle(modelOf("q15", shape), 100, 41);
      const model = modelOf("f32", shape);
      const samples = wildSamples(model.spec, mulberry32(43))(300);
      const [simd, scalar] = builds(model).map((runtime) => runtime.createSession().run(samples));
      expect(simd?.every(Number.isFinite)).toBe(true);
      expect(simd && scalar && sameBits(simd, scalar)).toBe(true);
    });
    fc.assert(property, { numRuns: RUNS, seed: 20_251 });
  });

  it("do so with weights, biases, multipliers and shifts at the ends of their bounds", { timeout: 120_000 }, () => {
    const property = fc.property(shapes, (shape) => expectOracle(extremeModel(shape).model, 100, 47));
    fc.assert(property, { numRuns: RUNS, seed: 20_251 });
  });
});
