import { describe, expect, it } from "vitest";
import { forecastsOf, ringBytes } from "../../host/model/forecasts.ts";
import type { ModelSpec } from "../../host/model/types.ts";
import { createRuntime } from "../../host/runtime/runtime.ts";
import { RingOracle } from "../oracle/ring.ts";
import { buildModel, randomF32Model, randomQ15Model, randomSamples } from "../support/models.ts";
import type { ShapeOptions } from "../support/shapes.ts";

const SHAPES: readonly (readonly [string, ShapeOptions])[] = [
  ["horizon 1", { inputs: 3, layers: [5], outputs: 3, horizon: 1 }],
  ["horizon 2, a skip", { inputs: 2, layers: [8, 3], outputs: 5, skip: 3, horizon: 2 }],
  ["horizon 9, dense only", { inputs: 4, layers: [{ dense: 3, activation: "tanh" }], outputs: 1, horizon: 9 }],
];

/** The words of a session's sample and prediction areas as numbers. */
const numbers = (area: Float32Array | Int32Array, count: number) => Array.from(area.subarray(0, count));

describe.each(SHAPES)("Session.expected and Session.residual, %s", (_, shape) => {
  it.each([
    ["f32", true],
    ["f32", false],
    ["q15", true],
    ["q15", false],
  ] as const)("are those of FORMAT.md 7 in %s, SIMD %s", (numeric, simd) => {
    const { model } = numeric === "f32" ? randomF32Model(shape) : randomQ15Model(shape);
    const runtime = createRuntime(model, { simd });
    const session = runtime.createSession();
    const ring = new RingOracle(model.spec);
    for (const sample of randomSamples(model.spec, 30)) {
      session.step(sample);
      const { samples, predictions, inputSize, outputSize, ringOffset } = runtime.instance;
      ring.step(numbers(samples, inputSize), numbers(predictions, outputSize));
      expect(session.expected).toEqual(ring.known("expected"));
      expect(session.residual).toEqual(ring.known("residual"));
      const state = session.snapshot().subarray(28, -4);
      expect(Buffer.from(state.subarray(ringOffset)).equals(Buffer.from(ring.state()))).toBe(true);
    }
  });
});

describe("Session.residual", () => {
  it("is the reading minus the prediction of `horizon` steps before, null until then", () => {
    const { model } = randomF32Model({ inputs: 2, layers: [4], outputs: 3, horizon: 2 });
    const session = createRuntime(model).createSession();
    const samples = randomSamples(model.spec, 6);
    const predictions = samples.map((sample, t) => {
      const prediction = [...session.step(sample)];
      if (t < 2) expect(session.residual).toEqual([null, null, null]);
      return prediction;
    });
    // Outputs 0 and 1 forecast inputs 1 and 0, output 2 none.
    const expected = predictions[3]!;
    expect(session.expected).toEqual([expected[0], expected[1], null]);
    const [a = 0, b = 0] = samples[5]!.map(Math.fround);
    expect(session.residual).toEqual([Math.fround(b - expected[0]!), Math.fround(a - expected[1]!), null]);
  });

  it("is unknown again after a reset", () => {
    const { model } = randomQ15Model({ inputs: 1, layers: [2], horizon: 1 });
    const session = createRuntime(model).createSession();
    const [one, two] = randomSamples(model.spec, 2);
    session.step(one!);
    session.step(two!);
    expect(session.residual[0]).not.toBeNull();
    session.reset();
    session.step(one!);
    expect([session.expected, session.residual]).toEqual([[null], [null]]);
  });

  it("is known of every session of a batch, and after a run", () => {
    const { model } = randomF32Model({ inputs: 2, layers: [4], outputs: 2, horizon: 1 });
    const runtime = createRuntime(model);
    const sessions = [runtime.createSession(), runtime.createSession()] as const;
    const alone = runtime.createSession();
    const samples = randomSamples(model.spec, 6);
    for (let t = 0; t < 3; t++) runtime.stepAll(sessions, [...samples[t]!, ...samples[t + 3]!]);
    alone.run(samples.slice(3).flat());
    expect(sessions[1].residual).toEqual(alone.residual);
    expect(sessions[0].residual).not.toEqual(alone.residual);
  });

  it("is null without forecasts, which cost no state", () => {
    const { model } = randomF32Model({ inputs: 2, layers: [4], outputs: 2 });
    const session = createRuntime(model).createSession();
    session.step([1, 2]);
    expect(session.residual).toEqual([null, null]);
    expect(createRuntime(model).stateBytes).toBe(16);
  });

  it("is null of a token, which is no reading", () => {
    const embedding = { vocabulary: 5, size: 3 };
    const built = randomF32Model({ layers: [4], embedding, outputs: 2, horizon: 1 });
    expect(built.spec.outputs[0]?.forecasts).toBe("x0");
    const session = createRuntime(built.model).createSession();
    session.step([1]);
    session.step([2]);
    expect(session.residual).toEqual([null, null]);
  });
});

describe("q15 residuals at the ends of 32 bits", () => {
  /** One output that forecasts the one input and predicts its offset alone. */
  function session(inputFraction: number, outputFraction: number, offset: number) {
    const { spec, tensors } = randomQ15Model({ inputs: 1, layers: [1], horizon: 1 });
    const all = new Map(tensors);
    for (const [name, tensor] of tensors) {
      if (/^layers.1.[Wb]$/.test(name)) all.set(name, { ...tensor, data: tensor.data.map(() => 0) as Int8Array });
    }
    all.set("output.offset", { dtype: "I32", shape: [1], data: Int32Array.of(offset) });
    const fractions = {
      inputs: [{ name: "x0", fraction: inputFraction }],
      outputs: [{ name: "y0", forecasts: "x0", fraction: outputFraction }],
    };
    const runtime = createRuntime(buildModel({ ...spec, ...fractions } as ModelSpec, all).model, { simd: false });
    return runtime.createSession();
  }

  it.each([
    // input fraction, output fraction, offset, raw sample, residual
    [0, 0, 5, 7, 2],
    [0, 4, 5, 7, 7 * 16 - 5],
    [4, 0, 5, 7, 0 - 5], // 7 / 16 is 0
    [4, 0, 5, -7, -1 - 5], // the floor
    [0, 30, 0, 2 ** 30, 2 ** 31 - 1],
    [0, 30, 0, -(2 ** 30), -(2 ** 31)],
    [-30, 30, 0, 1, 2 ** 31 - 1],
    [-30, 30, 0, -1, -(2 ** 31)],
    [-30, 30, 3, 0, -3],
    [30, -30, 3, -(2 ** 30), -1 - 3],
    [30, -30, 3, 2 ** 30, -3],
    [0, 1, -(2 ** 30), 2 ** 30, 2 ** 31 - 1],
    [0, 1, 2 ** 30, -(2 ** 30), -(2 ** 31)],
  ])("fractions %i and %i, offset %i, raw %i: %i", (inputFraction, outputFraction, offset, raw, expected) => {
    const steps = session(inputFraction, outputFraction, offset);
    const sample = [raw * 2 ** -inputFraction];
    steps.step(sample);
    steps.step(sample);
    expect((steps.residual[0] as number) * 2 ** outputFraction).toBe(expected);
  });
});

describe("ringBytes", () => {
  it("is two counters, what is known of the latest step, and a row for each step of the horizon", () => {
    const { spec } = randomF32Model({ inputs: 2, layers: [4], outputs: 5, horizon: 7 });
    expect(forecastsOf(spec).map(({ output, input }) => [output, input])).toEqual([
      [0, 1],
      [1, 0],
      [3, 0],
      [4, 1],
    ]);
    expect(ringBytes(spec)).toBe(8 + 4 * 4 * 9);
  });
});
