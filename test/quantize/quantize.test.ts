import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseModel, serializeModel } from "../../host/model/model.ts";
import type { Model } from "../../host/model/types.ts";
import { inNumeric, quantizeInMemory } from "../../host/quantize/in-memory.ts";
import { quantizeModel, type Range } from "../../host/quantize/quantize.ts";
import { createRuntime } from "../../host/runtime/runtime.ts";
import { changed } from "../support/changed.ts";
import { buildModel, randomF32Model, withSelftest } from "../support/models.ts";
import { gaussian, mulberry32 } from "../support/random.ts";
import { rangeSamples, wildSamples } from "../support/streams.ts";

const rangesOf = (model: Model): readonly Range[] =>
  model.spec.inputs.map(({ range = [0, 0] }) => ({ min: range[0], max: range[1] }));

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

describe("quantizeModel by hand", () => {
  const dense = randomF32Model({ inputs: 1, layers: [], normalise: true });
  /** One linear row of one input, its weights and places as given. */
  const quantized = (weight: number, place: { min: number; max: number; offset: number }) => {
    const values: Readonly<Record<string, number>> = {
      "layers.0.W": weight,
      "layers.0.b": 0.25,
      "input.offset": place.offset,
      "input.scale": 1,
      "output.offset": 3,
      "output.scale": 1,
    };
    const { model } = changed(dense, (name) => [values[name] as number]);
    const { spec, tensors } = quantizeModel(model, { ranges: [place] });
    const data = (name: string) => [...(tensors.get(name)?.data ?? [])];
    return { spec, data };
  };

  it("takes a multiplier that is exact as it is", () => {
    // 127/128 in steps of 2^-7, inputs in steps of 2^-14, outputs in steps of 2^-19: 2^-7 · 2^-14 · 2^19 · 2^16.
    const { spec, data } = quantized(127 / 128, { min: -1, max: 1, offset: 0 });
    expect([spec.inputs[0]?.fraction, spec.outputs[0]?.fraction]).toEqual([14, 19]);
    expect([data("layers.0.W"), data("layers.0.b"), data("output.multiplier")]).toEqual([[127], [0], [16384]]);
    expect(data("output.offset")).toEqual([Math.round(3.25 * 2 ** 19 + 0.5)]);
  });

  it("keeps raw integers of every end of a range within 2^30", () => {
    const fraction = (min: number, max: number, offset: number) =>
      quantized(1, { min, max, offset }).spec.inputs[0]?.fraction;
    expect(fraction(65535, 65536, 65536)).toBe(14);
    expect(fraction(65535, 65537, 65536)).toBe(13);
    expect(fraction(-65537, -65535, -65536)).toBe(13);
    expect(fraction(65535, 65536, 65537)).toBe(13);
  });

  it("gives a column of zeros in an embedding the unit of Q15", () => {
    const built = randomF32Model({ layers: [4], embedding: { vocabulary: 5, size: 2 } });
    const { model } = changed(built, (name, { data }) =>
      Array.from(data, (value, i) =>
        name === "embedding.weight" ? (i % 2) * value : name === "layers.0.W" ? 1 : value,
      ),
    );
    const { tensors } = quantizeModel(model, { ranges: [] });
    const weights = tensors.get("embedding.weight")?.data ?? [];
    const greatest = Math.max(
      ...[...(built.tensors.get("embedding.weight")?.data ?? [])].map((v, i) => (i % 2) * Math.abs(v)),
    );
    expect([...weights].filter((_, i) => i % 2 === 0)).toEqual([0, 0, 0, 0, 0]);
    // Columns of one weight: the one of zeros is as much smaller as its unit is.
    const [none = 0, full = 0] = tensors.get("layers.0.W")?.data ?? [];
    expect(full).toBe(127);
    expect(none).toBe(Math.round((127 * 2 ** -15) / (greatest / 32767)));
  });
});

describe("quantizeInMemory", () => {
  it("runs what quantizeModel makes of the ranges in the file", () => {
    const { model } = randomF32Model({ inputs: 3, layers: [7], outputs: 2, skip: 2 });
    const { spec, tensors } = quantizeModel(model, { ranges: rangesOf(model) });
    const written = parseModel(serializeModel(spec, tensors));
    const runtime = createRuntime(quantizeInMemory(model));
    expect(runtime.numeric).toBe("q15");
    expect(runtime.model.hash).toBe(written.hash);
    const samples = rangeSamples(model.spec, mulberry32(7))(100);
    expect(runtime.createSession().run(samples)).toEqual(createRuntime(written).createSession().run(samples));
  });

  it("names the input that has no range", () => {
    const built = randomF32Model({ inputs: 2, layers: [4] });
    const inputs = [{ name: "x0", range: [0, 1] as const }, { name: "x1" }];
    const { model } = buildModel({ ...built.spec, inputs }, built.tensors);
    expect(() => createRuntime(quantizeInMemory(model))).toThrow(
      new RangeError(
        `Model ${model.id} has no range for input "x1", which q15 needs; run \`rivulet quantize\` with calibration data`,
      ),
    );
  });

  it("needs no range for a token", () => {
    const { model } = randomF32Model({ layers: [4], embedding: { vocabulary: 5, size: 3 } });
    expect(createRuntime(quantizeInMemory(model)).createSession().step([4]).length).toBe(1);
  });
});

describe("inNumeric", () => {
  const { model } = randomF32Model({ layers: [4] });
  const quantized = quantizeInMemory(model);

  it("answers the model itself in its own form, which is the default", () => {
    for (const own of [model, quantized]) {
      expect(inNumeric(own)).toBe(own);
      expect(inNumeric(own, own.spec.numeric)).toBe(own);
    }
  });

  it("quantizes an f32 model", () => {
    expect(inNumeric(model, "q15").hash).toBe(quantized.hash);
  });

  it("refuses f32 of a quantized model", () => {
    expect(() => inNumeric(quantized, "f32")).toThrow(
      new RangeError(`Model ${quantized.id} is quantized; for f32, use the model that it was made from`),
    );
  });
});
