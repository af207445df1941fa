import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseModel, serializeModel } from "../../host/runtime/model.ts";
import { quantizeInMemory, quantizeModel, type Range } from "../../host/runtime/quantize.ts";
import { createRuntime } from "../../host/runtime/runtime.ts";
import type { Model, Tensor } from "../../host/runtime/types.ts";
import { type BuiltModel, buildModel, randomF32Model, tensorOf, withSelftest } from "../support/models.ts";
import { gaussian, mulberry32 } from "../support/random.ts";
import type { ShapeOptions } from "../support/shapes.ts";
import { rangeSamples, type SampleSource, wildSamples } from "../support/streams.ts";

const sourceOf = ({ spec }: Model, seed: number): SampleSource =>
  // Tokens have no range; all of wildSamples' tokens are valid.
  spec.embedding ? wildSamples(spec, mulberry32(seed)) : rangeSamples(spec, mulberry32(seed));

const rangesOf = (model: Model): readonly Range[] =>
  model.spec.inputs.map(({ range = [0, 0] }) => ({ min: range[0], max: range[1] }));

/** The same model with some tensors in another way. */
function changed(
  { spec, tensors }: Pick<BuiltModel, "spec" | "tensors">,
  change: (name: string, tensor: Tensor) => ArrayLike<number>,
): BuiltModel {
  const all = [...tensors].map(([name, tensor]) => [name, { ...tensor, data: change(name, tensor) }] as const);
  return buildModel(spec, new Map(all.map(([name, { dtype, shape, data }]) => [name, tensorOf(dtype, shape, data)])));
}

/** An f32 model whose inputs have these offsets, scales and ranges. */
function placed(shape: ShapeOptions, places: readonly (Range & { offset: number; scale: number })[]): Model {
  const built = randomF32Model({ ...shape, inputs: places.length });
  const inputs = built.spec.inputs.map((input, i) => {
    const { min = 0, max = 1 } = places[i] ?? {};
    return { ...input, range: [min, max] as const };
  });
  const { tensors } = changed(built, (name, { data }) => {
    if (name === "input.offset") return places.map(({ offset }) => offset);
    return name === "input.scale" ? places.map(({ scale }) => scale) : data;
  });
  return buildModel({ ...built.spec, inputs }, tensors).model;
}

interface Errors {
  /** Worst rms and greatest error of an output, each as a part of that output's own range. */
  readonly rms: number;
  readonly max: number;
}

/** How far a quantized model is from its f32 model on samples within their ranges. */
function outputErrors(model: Model, steps = 4000): Errors {
  const samples = sourceOf(model, 11)(steps);
  const exact = createRuntime(model).createSession().run(samples);
  const quantized = createRuntime(model, { numeric: "q15" }).createSession().run(samples);
  const size = model.spec.outputs.length;
  const errors = model.spec.outputs.map((_, o) => {
    const at = (values: Float64Array) => values.filter((_value, i) => i % size === o);
    const [wanted, found] = [at(exact), at(quantized)];
    const range = Math.max(...wanted) - Math.min(...wanted);
    const differences = wanted.map((value, i) => Math.abs(value - (found[i] ?? Number.NaN)) / range);
    return {
      rms: Math.sqrt(differences.reduce((sum, value) => sum + value * value, 0) / differences.length),
      max: Math.max(...differences),
    };
  });
  return { rms: Math.max(...errors.map(({ rms }) => rms)), max: Math.max(...errors.map(({ max }) => max)) };
}

/** Greatest |difference| of a hidden state that is the only part of the state, over many steps. */
function stateError(model: Model, size: number): number {
  const f32 = createRuntime(model).createSession();
  const q15 = createRuntime(model, { numeric: "q15" }).createSession();
  const source = sourceOf(model, 12);
  let worst = 0;
  for (let t = 0; t < 1000; t++) {
    const sample = source(1);
    f32.step(sample);
    q15.step(sample);
    const exact = new Float32Array(f32.snapshot().slice(28, -4).buffer, 0, size);
    const found = new Int16Array(q15.snapshot().slice(28, -4).buffer, 0, size);
    exact.forEach((value, j) => {
      worst = Math.max(worst, Math.abs(value - (found[j] ?? Number.NaN) / 32768));
    });
  }
  return worst;
}

const SHAPES: readonly (readonly [string, ShapeOptions])[] = [
  ["H = 1", { inputs: 1, layers: [1] }],
  ["H = 32", { inputs: 8, layers: [32], outputs: 8 }],
  ["H = 64", { inputs: 4, layers: [64] }],
  ["reset-before", { inputs: 4, layers: [16], reset: "before" }],
  ["two layers and a skip", { inputs: 3, layers: [16, 16], outputs: 3, skip: 3 }],
  ["a GRU as the last layer", { inputs: 4, layers: [8], outputs: 0, normalise: false }],
  ["relu", { inputs: 4, layers: [16], activation: "relu" }],
  ["tanh", { inputs: 4, layers: [16], outputs: 3, activation: "tanh", normalise: false }],
  ["sigmoid", { inputs: 4, layers: [16], outputs: 3, activation: "sigmoid", normalise: false }],
  ["softmax", { inputs: 4, layers: [16], outputs: 5, activation: "softmax", normalise: false }],
  ["an embedding", { layers: [16], embedding: { vocabulary: 20, size: 8 }, outputs: 3 }],
];

describe("a quantized model", () => {
  it.each(SHAPES)("is within an rms of 1 % and 2 % at most of each output's range: %s", (_, shape) => {
    for (const seed of [1, 2, 3]) {
      const { rms, max } = outputErrors(randomF32Model({ ...shape, seed }).model);
      expect(rms).toBeLessThan(0.01);
      expect(max).toBeLessThan(0.02);
    }
  });

  it("is as near with dense layers of every activation", () => {
    const dense = (["relu", "tanh", "relu", "linear", "sigmoid"] as const).map((activation) => ({
      dense: 16,
      activation,
    }));
    for (const seed of [1, 2, 3]) {
      const built = randomF32Model({ inputs: 4, layers: dense, outputs: 2, seed });
      // Weights as PyTorch starts them would leave an output that hardly moves.
      const { model } = changed(built, (name, { data }) =>
        data.map((value) => (/\.W$/.test(name) ? 3 * value : value)),
      );
      const { rms, max } = outputErrors(model);
      expect(rms).toBeLessThan(0.015);
      expect(max).toBeLessThan(0.05);
    }
  });

  it("keeps its hidden state within 0.02 of that of the f32 model", () => {
    for (const reset of ["after", "before"] as const) {
      for (const size of [1, 5, 32]) {
        const worst = stateError(randomF32Model({ inputs: 4, layers: [size], reset }).model, size);
        expect(worst).toBeLessThan(0.02);
      }
    }
  });

  it("repeats its input through a skip as well as its int16 weight allows", () => {
    // An offset off the grid of raw integers: what it is rounded by must come back through the output's offset.
    const places = [
      { min: -1, max: 1.2, offset: 0.30002, scale: 0.5 },
      { min: 980, max: 1050, offset: 1013.7, scale: 2 ** -5 },
    ];
    const { spec, tensors } = placed({ layers: [4], outputs: 2, skip: 3 }, places);
    const identity = changed({ spec, tensors }, (name, tensor) => {
      if (name === "skip.W") return [0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1]; // the newest of three samples
      if (name === "output.offset") return places.map(({ offset }) => offset);
      if (name === "output.scale") return places.map(({ scale }) => 1 / scale);
      return name.startsWith("layers.1.") ? new Float32Array(tensor.data.length) : tensor.data;
    });
    const runtime = createRuntime(identity.model, { numeric: "q15" });
    const factors = runtime.model.spec.inputs.map(({ fraction = 0 }) => 2 ** fraction);
    const reaches = [1.3, 36.4];
    const steps = runtime.model.spec.outputs.map(({ fraction = 0 }) => 2 ** -fraction);
    const samples = rangeSamples(
      spec,
      mulberry32(1),
    )(2000).map((value, at) => {
      const factor = factors[at % 2] ?? 1;
      return Math.round(value * factor) / factor;
    });
    const predictions = runtime.createSession().run(samples);
    for (const i of [0, 1]) {
      const errors = predictions.map((value, at) => (at % 2 === i ? Math.abs(value - (samples[at] ?? Number.NaN)) : 0));
      expect(Math.max(...errors)).toBeLessThan((reaches[i] ?? 0) / 65534 + (steps[i] ?? 0));
    }
  });

  it("rounds its outputs without a bias", () => {
    const places = [{ min: -1, max: 1, offset: 0, scale: 1 }];
    const { spec, tensors } = placed({ layers: [] }, places);
    const identity = changed({ spec, tensors }, (name) =>
      name.endsWith("offset") || name === "layers.0.b" ? [0] : [1],
    );
    const runtime = createRuntime(identity.model, { numeric: "q15" });
    const [factor = 1, step = 1] = [
      2 ** (runtime.model.spec.inputs[0]?.fraction ?? 0),
      2 ** -(runtime.model.spec.outputs[0]?.fraction ?? 0),
    ];
    const samples = rangeSamples(spec, mulberry32(1))(2000).map((value) => Math.round(value * factor) / factor);
    const predictions = runtime.createSession().run(samples);
    const mean = predictions.reduce((sum, value, t) => sum + (value - (samples[t] ?? 0)) / step, 0) / samples.length;
    expect(Math.abs(mean)).toBeLessThan(0.3);
  });

  it("adds the rounding constants of FORMAT.md 5.2 to its biases", () => {
    const shape = { inputs: 1, layers: [3, { dense: 2, activation: "tanh" }], normalise: false } as const;
    const { model } = changed(randomF32Model(shape), (name, { data }) =>
      /\.[bc]$/.test(name) ? data.map(() => 0) : data,
    );
    const { spec, tensors } = quantizeInMemory(model);
    const [gru, dense] = spec.layers;
    if (gru?.kind !== "gru" || dense?.kind !== "dense") throw new Error("Expected a GRU and a dense layer");
    const constant = (shift = 0) => (shift > 0 ? 2 ** (shift - 1) : 0);
    expect(gru.shift_h).toBeGreaterThan(0);
    expect(new Set(tensors.get("layers.0.b")?.data)).toEqual(new Set([constant(gru.shift_x)]));
    expect(new Set(tensors.get("layers.0.c")?.data)).toEqual(new Set([constant(gru.shift_h)]));
    expect(new Set(tensors.get("layers.1.b")?.data)).toEqual(new Set([constant(dense.shift_x)]));
  });

  it("survives rows of zeros", () => {
    const built = randomF32Model({ inputs: 2, layers: [4], outputs: 2 });
    const { model } = changed(built, (name, { data, shape: [rows = 1, columns = 1] }) =>
      // Every other row of W, U and the head, and all of the biases.
      data.map((value, i) =>
        !name.startsWith("layers") || (Math.floor(i / columns) % 2 === 1 && rows > 1) ? value : 0,
      ),
    );
    const samples = rangeSamples(model.spec, mulberry32(2))(500);
    const exact = createRuntime(model).createSession().run(samples);
    createRuntime(model, { numeric: "q15" })
      .createSession()
      .run(samples)
      .forEach((value, i) => {
        expect(Math.abs(value - (exact[i] ?? 0))).toBeLessThan(0.02);
      });
  });

  it("survives a model of nothing but zeros", () => {
    const built = randomF32Model({ inputs: 2, layers: [3, { dense: 2, activation: "relu" }], outputs: 2 });
    const { model } = changed(built, (name, { data }) => data.map((value) => (name.startsWith("layers") ? 0 : value)));
    const session = createRuntime(model, { numeric: "q15" }).createSession();
    const offset = model.tensors.get("output.offset")?.data ?? [];
    session.step([1, 2]).forEach((value, o) => {
      expect(value).toBeCloseTo(offset[o] ?? 0, 7);
    });
  });

  it("keeps gates open or shut whose biases are far greater than their weights", () => {
    const built = randomF32Model({ inputs: 2, layers: [6], outputs: 2, normalise: false });
    for (const bias of [9, -9, 500, -500]) {
      // Of the update gate: 6 to 11.
      const { model } = changed(built, (name, { data }) =>
        name === "layers.0.b" ? data.map((value, row) => (row >= 6 && row < 12 ? bias : value)) : data,
      );
      expect(stateError(model, 6)).toBeLessThan(0.02);
    }
  });

  it.each([
    ["1e-6 to 1e-3", [{ min: 1e-6, max: 1e-3, offset: 5e-4, scale: 3000 }]],
    ["100,000 ± 10", [{ min: 99_990, max: 100_010, offset: 1e5, scale: 0.15 }]],
    ["±1e9", [{ min: -1e9, max: 1e9, offset: 0, scale: 1.5e-9 }]],
    [
      "unlike ranges side by side",
      [
        { min: 0, max: 2e-4, offset: 1e-4, scale: 1.5e4 },
        { min: -4e6, max: 4e6, offset: 0, scale: 3.75e-7 },
        { min: 1012, max: 1014, offset: 1013, scale: 1.5 },
      ],
    ],
  ])("loses no more to inputs of %s than to plain ones", (_, places) => {
    const shape = { layers: [12], outputs: 2 };
    const { rms, max } = outputErrors(placed(shape, places));
    const plain = outputErrors(
      placed(
        shape,
        places.map(() => ({ min: -1.5, max: 1.5, offset: 0, scale: 1 })),
      ),
    );
    // What is left is the rounding of the weights, the same in both.
    expect(Math.abs(rms - plain.rms)).toBeLessThan(1e-3);
    expect(Math.abs(max - plain.max)).toBeLessThan(2e-3);
  });
});

describe("quantizeModel", () => {
  const { model } = randomF32Model({ inputs: 2, layers: [4] });
  const fine = { min: 0, max: 1 };

  it("leaves the test vectors out, and keeps the rest of the document", () => {
    const { spec, tensors } = quantizeModel(withSelftest(randomF32Model({ layers: [4] }), 8).model, {
      ranges: [fine, fine, fine, fine],
    });
    expect(spec.selftest).toBeUndefined();
    expect([...tensors.keys()].filter((name) => name.startsWith("selftest"))).toEqual([]);
    expect(spec).toMatchObject({ format: 1, name: "random", numeric: "q15", horizon: 1, warmup: 0 });
  });

  it("writes the ranges that it was given", () => {
    const { spec } = quantizeModel(model, {
      ranges: [
        { min: -30, max: 40 },
        { min: -20, max: 21 },
      ],
    });
    expect(spec.inputs.map(({ range }) => range)).toEqual([
      [-30, 40],
      [-20, 21],
    ]);
  });

  it.each([
    [{ min: 1, max: 1 }, 'Input "x1" ranges from 1 to 1, expected two finite numbers, the first less'],
    [{ min: 2, max: 1 }, 'Input "x1" ranges from 2 to 1, expected two finite numbers, the first less'],
    [{ min: Number.NaN, max: 1 }, 'Input "x1" ranges from NaN to 1, expected two finite numbers, the first less'],
    [
      { min: 0, max: Number.POSITIVE_INFINITY },
      'Input "x1" ranges from 0 to Infinity, expected two finite numbers, the first less',
    ],
  ])("refuses the range %j", (range, message) => {
    expect(() => quantizeModel(model, { ranges: [{ min: -30, max: 30 }, range] })).toThrow(new RangeError(message));
  });

  it("refuses a range that is but a few steps of a raw integer", () => {
    const plain = randomF32Model({ inputs: 1, layers: [4], normalise: false }).model;
    const refuse = (min: number, max: number) => () => quantizeModel(plain, { ranges: [{ min, max }] });
    expect(refuse(99_990, 100_010)).toThrow(
      new RangeError(
        'Input "x0" ranges from 99990 to 100010, which is 5.0 steps of 4 in fixed point, expected at least 64; ' +
          "give the model an input.offset in the middle of the range, or scale the input up before it",
      ),
    );
    expect(refuse(0, 1e-9)).toThrow(/^Input "x0" ranges from 0 to 1e-9, which is 1\.1 steps of/);
    expect(refuse(-1e14, 1e14)).toThrow(
      new RangeError(
        'Input "x0" ranges from -100000000000000 to 100000000000000, expected within ±2^45 of its offset 0; ' +
          "scale it down before the model",
      ),
    );
  });

  it("refuses an output that is too small or too large", () => {
    const built = randomF32Model({ inputs: 1, layers: [4] });
    const scaled = (scale: number) =>
      changed(built, (name, { data }) => (name === "output.scale" ? data.map(() => scale) : data)).model;
    const quantize = (scale: number) => () => quantizeInMemory(scaled(scale));
    expect(quantize(1e-12)).toThrow(/^Output "y0" moves by at most .*, which is .* steps of 2\^-30 in fixed point/);
    expect(quantize(1e30)).toThrow(new RangeError('Output "y0" is too large for 32-bit fixed point'));
    expect(quantize(1e-3)).not.toThrow();
    expect(quantize(1e6)).not.toThrow();
  });

  it("refuses weights that are too large", () => {
    const built = randomF32Model({ inputs: 1, layers: [4], normalise: false });
    const { model: large } = changed(built, (name, { data }) =>
      data.map((value) => (name === "layers.0.W" ? 1e6 * value : value)),
    );
    expect(() => quantizeInMemory(large)).toThrow(/^layers\.0\.W is too large for fixed point/);
  });

  it("refuses the wrong number of ranges, and a model that is quantized already", () => {
    expect(() => quantizeModel(model, { ranges: [fine] })).toThrow(
      new RangeError(`1 ranges given, model ${model.id} has 2 inputs`),
    );
    const quantized = quantizeInMemory(model);
    expect(() => quantizeModel(quantized, { ranges: rangesOf(model) })).toThrow(
      new RangeError(`Model ${quantized.id} is q15 already, expected f32`),
    );
  });

  it("gives a model within the bounds of FORMAT.md 5, or refuses it, for weights of any size", () => {
    const cases = fc.record({
      layers: fc.array(
        fc.oneof(
          fc.integer({ min: 1, max: 12 }),
          fc.record({
            dense: fc.integer({ min: 1, max: 12 }),
            activation: fc.constantFrom("linear" as const, "sigmoid" as const, "tanh" as const, "relu" as const),
          }),
        ),
        { minLength: 1, maxLength: 3 },
      ),
      reset: fc.constantFrom("after" as const, "before" as const),
      activation: fc.constantFrom("linear" as const, "sigmoid" as const, "relu" as const, "softmax" as const),
      outputs: fc.integer({ min: 1, max: 4 }),
      seed: fc.integer({ min: 1, max: 1 << 20 }),
      exponent: fc.integer({ min: -3, max: 1 }),
      spread: fc.integer({ min: 0, max: 3 }),
      isSparse: fc.boolean(),
      hasSkip: fc.boolean(),
    });
    let accepted = 0;
    const property = fc.property(cases, ({ exponent, spread, isSparse, hasSkip, ...shape }) => {
      const random = mulberry32(shape.seed);
      const built = randomF32Model({ ...shape, ...(hasSkip && shape.activation === "linear" && { skip: 2 }) });
      const { model: wild } = changed(built, (name, { data }) =>
        data.map((value) => {
          if (name.startsWith("input") || name.startsWith("output")) return value;
          return isSparse && random() < 0.3 ? 0 : value * 10 ** (exponent + (spread * gaussian(random)) / 3);
        }),
      );
      let quantized: ReturnType<typeof quantizeModel>;
      try {
        quantized = quantizeModel(wild, { ranges: rangesOf(wild) });
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
        expect((error as Error).message).toMatch(/too large for|steps of 2\^-30/);
        return;
      }
      accepted++;
      const parsed = parseModel(serializeModel(quantized.spec, quantized.tensors));
      const samples = wildSamples(parsed.spec, mulberry32(1))(50);
      expect(createRuntime(parsed).createSession().run(samples).every(Number.isFinite)).toBe(true);
    });
    fc.assert(property, { numRuns: 400, seed: 3 });
    expect(accepted).toBeGreaterThan(250);
  });
});

describe("createRuntime with numeric q15", () => {
  it("runs what quantizeModel makes of the ranges in the file", () => {
    const { model } = randomF32Model({ inputs: 3, layers: [7], outputs: 2, skip: 2 });
    const { spec, tensors } = quantizeModel(model, { ranges: rangesOf(model) });
    const written = parseModel(serializeModel(spec, tensors));
    const runtime = createRuntime(model, { numeric: "q15" });
    expect(runtime.numeric).toBe("q15");
    expect(runtime.model.hash).toBe(written.hash);
    const samples = rangeSamples(model.spec, mulberry32(7))(100);
    expect(runtime.createSession().run(samples)).toEqual(createRuntime(written).createSession().run(samples));
  });

  it("names the input that has no range", () => {
    const built = randomF32Model({ inputs: 2, layers: [4] });
    const inputs = [{ name: "x0", range: [0, 1] as const }, { name: "x1" }];
    const { model } = buildModel({ ...built.spec, inputs }, built.tensors);
    expect(() => createRuntime(model, { numeric: "q15" })).toThrow(
      new Error(
        `Model ${model.id} has no range for input "x1", which q15 needs; run \`rivulet quantize\` with calibration data`,
      ),
    );
  });

  it("needs no range for a token", () => {
    const { model } = randomF32Model({ layers: [4], embedding: { vocabulary: 5, size: 3 } });
    expect(createRuntime(model, { numeric: "q15" }).createSession().step([4]).length).toBe(1);
  });
});
