import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { parseModel, serializeModel } from "../../../host/model/model.ts";
import type { Model } from "../../../host/model/types.ts";
import type { Range } from "../../../host/quantize/quantize.ts";
import { createRuntime } from "../../../host/runtime/runtime.ts";
import { type CalibrateOptions, quantizeCalibrated } from "../../../tools/quantize/calibrated.ts";
import { F32Trace, traceF32 } from "../../../tools/quantize/trace.ts";
import { buildModel, randomF32Model, tensorOf } from "../../support/models.ts";
import { mulberry32 } from "../../support/random.ts";
import type { ShapeOptions } from "../../support/shapes.ts";
import { rangeSamples, wildSamples } from "../../support/streams.ts";

type Steps = Pick<CalibrateOptions, "sums" | "scale" | "correctBias" | "compensate">;

const SHAPES: readonly ShapeOptions[] = [
  { inputs: 3, layers: [6, 5], outputs: 2, skip: 2 },
  { inputs: 4, layers: [7], reset: "before", normalise: false },
  { layers: [5], embedding: { vocabulary: 20, size: 4 }, outputs: 3, activation: "softmax" },
  { inputs: 3, layers: [{ dense: 6, activation: "relu" }, 4, { dense: 5, activation: "sigmoid" }], outputs: 2 },
];

const STEPS: Readonly<Record<string, Steps>> = {
  scale: { sums: "bound", scale: "error", correctBias: false, compensate: false },
  bias: { sums: "bound", scale: "error", correctBias: true, compensate: false },
  compensation: { sums: "bound", scale: "max", correctBias: false, compensate: true },
  minmax: { sums: "minmax", scale: "error", correctBias: true, compensate: true },
  percentile: { sums: "percentile", scale: "error", correctBias: true, compensate: true },
  error: { sums: "error", scale: "error", correctBias: true, compensate: true },
};

const rangesOf = ({ spec }: Model): Range[] =>
  spec.inputs.map(({ range }) => ({ min: range?.[0] ?? -1, max: range?.[1] ?? 1 }));

/** Samples that leave their ranges now and then. */
function samplesOf({ spec }: Model): Float64Array {
  if (spec.embedding) return wildSamples(spec, mulberry32(1))(300);
  return rangeSamples(spec, mulberry32(1))(300).map((value, i) => (i % 41 === 0 ? 1.5 * value : value));
}

/** First digits of the SHA-256 of the calibrated models of all shapes. */
function digestOf(steps: Steps): string {
  const hash = createHash("sha256");
  for (const shape of SHAPES) {
    const { model } = randomF32Model(shape);
    const made = quantizeCalibrated(model, { samples: samplesOf(model), ranges: rangesOf(model), ...steps });
    hash.update(serializeModel(made.spec, made.tensors));
  }
  return hash.digest("hex").slice(0, 16);
}

describe("quantizeCalibrated", () => {
  // A change of these is a change of every model that users quantize: say why in the CHANGELOG.
  it.each([
    ["scale", "91dde97d624b774a"],
    ["bias", "8fb815c58df2cd15"],
    ["compensation", "c6ad56e0f990a20d"],
    ["minmax", "e6fe53aceeb28cad"],
    ["percentile", "e6fe53aceeb28cad"],
    ["error", "a7e56e5765147dcf"],
  ])("writes the same bits with %s", (name, digest) => {
    expect(digestOf(STEPS[name] as Steps)).toBe(digest);
  });

  it("tells which steps it took", () => {
    const { model } = randomF32Model({ inputs: 2, layers: [4], normalise: false });
    const notes = (steps: Steps) =>
      quantizeCalibrated(model, { samples: samplesOf(model), ranges: rangesOf(model), ...steps }).notes;
    expect(notes({ sums: "bound", scale: "max", correctBias: false, compensate: false })).toEqual([
      "calibrated with 300 samples",
    ]);
    const [samples, scales, biases, errors] = notes(STEPS.minmax as Steps);
    expect([samples, biases, errors]).toEqual([
      "calibrated with 300 samples",
      "biases corrected for the mean rounding error",
      "rounding errors compensated column by column",
    ]);
    // W and U of 12 rows each, and one row of the dense layer.
    const [, changed] = /^scale by least error: (\d+) of 25 rows differ from max$/.exec(scales ?? "") ?? [];
    expect(Number(changed)).toBeGreaterThan(5);
    expect(Number(changed)).toBeLessThan(25);
  });

  it.each(["minmax", "percentile"] as const)(
    "lets sums of W and U meet that are great and of two signs: %s",
    (sums) => {
      // Unit 0 carries the sample on. The update gate of unit 1 takes what W says of the sample less what U says of it: 24 x - 18 h.
      // In half arguments W alone goes to ±12, beyond the ±8 where tanh is flat. The greater weights, of a
      // gate of no consequence, take the multipliers that would do for that from them.
      const W = [0, 90, 0, 24, 2, 3];
      const U = [0, 0, 60, 0, 0, 0, -18, 0, 0, 0, 0, 0];
      const { model } = buildModel(
        {
          ...{ format: 1, name: "meeting", numeric: "f32", horizon: 1, warmup: 0 },
          inputs: [{ name: "x", range: [-1, 1] }],
          outputs: [{ name: "y" }],
          layers: [
            { kind: "gru", size: 2, reset: "after" },
            { kind: "dense", size: 1, activation: "linear" },
          ],
        },
        new Map([
          ["layers.0.W", tensorOf("F32", [6, 1], W)],
          ["layers.0.U", tensorOf("F32", [6, 2], U)],
          ["layers.0.b", tensorOf("F32", [6], [0, 0, -8, 0, 0, 0])],
          ["layers.0.c", tensorOf("F32", [6], [0, 0, 0, 0, 0, 0])],
          ["layers.1.W", tensorOf("F32", [1, 2], [0, 1])],
          ["layers.1.b", tensorOf("F32", [1], [0])],
        ]),
      );
      const samples = Float64Array.from({ length: 400 }, (_, i) => Math.sin(i / 9));
      const made = quantizeCalibrated(model, { ...(STEPS[sums] as Steps), samples, ranges: rangesOf(model) });
      const [exact, found] = [model, parseModel(serializeModel(made.spec, made.tensors))].map((own) =>
        createRuntime(own).createSession().run(samples),
      );
      expect(Math.max(...exact!.map((value, t) => Math.abs(value - found![t]!)))).toBeLessThan(0.03);
    },
  );

  it("does not let values beyond a range count: they saturate in q15", () => {
    const { model } = randomF32Model({ inputs: 2, layers: [4], normalise: false });
    const ranges = [
      { min: -1, max: 1 },
      { min: -2, max: 2 },
    ];
    const made = (samples: Float64Array) => {
      const { spec, tensors } = quantizeCalibrated(model, { samples, ranges, ...(STEPS.minmax as Steps) });
      return Buffer.from(serializeModel(spec, tensors)).toString("hex");
    };
    const within = Float64Array.from({ length: 200 }, (_, i) => (i % 2 ? 2 : 1) * Math.sign(Math.sin(i)));
    expect(made(within.map((value) => 7 * value))).toBe(made(within));
    expect(made(within.map((value) => 0.5 * value))).not.toBe(made(within));
  });
});

describe("F32Trace", () => {
  it("shows sums, gates and states of a step", () => {
    const spec = {
      format: 1 as const,
      name: "one",
      numeric: "f32" as const,
      inputs: [{ name: "x" }],
      outputs: [{ name: "y" }],
      horizon: 1,
      layers: [
        { kind: "gru" as const, size: 1, reset: "after" as const },
        { kind: "dense" as const, size: 1, activation: "linear" as const },
      ],
      warmup: 0,
    };
    const traceOf = (reset: "after" | "before") =>
      new F32Trace(
        buildModel(
          { ...spec, layers: [{ ...spec.layers[0], reset } as never, spec.layers[1] as never] },
          new Map([
            ["layers.0.W", tensorOf("F32", [3, 1], [1, 2, 0.5])],
            ["layers.0.U", tensorOf("F32", [3, 1], [0.25, -1, 2])],
            ["layers.0.b", tensorOf("F32", [3], [0.5, 0, -0.25])],
            ["layers.0.c", tensorOf("F32", [3], [0, 1, 0.75])],
            ["layers.1.W", tensorOf("F32", [1, 1], [3])],
            ["layers.1.b", tensorOf("F32", [1], [0.5])],
          ]),
        ).model,
      );
    const sigmoid = (a: number) => 1 / (1 + Math.exp(-a));
    for (const reset of ["after", "before"] as const) {
      const trace = traceOf(reset);
      let h = 0;
      for (const [t, x] of [2, -1, 0.5].entries()) {
        const [gru, dense] = trace.step([2, -1, 0.5], t);
        const [sumsX, sumsH] = [
          [x + 0.5, 2 * x, 0.5 * x - 0.25],
          [0.25 * h, -h + 1],
        ];
        const r = sigmoid((sumsX[0] as number) + (sumsH[0] as number));
        const z = sigmoid((sumsX[1] as number) + (sumsH[1] as number));
        const gated = reset === "before" ? r * h : h;
        const recurrent = 2 * gated + 0.75;
        const n = Math.tanh((sumsX[2] as number) + (reset === "before" ? 1 : r) * recurrent);
        const next = (1 - z) * n + z * h;
        const close = (found: Float64Array | undefined, wanted: number[]) => {
          expect(found).toHaveLength(wanted.length);
          wanted.forEach((value, i) => {
            expect(found?.[i]).toBeCloseTo(value, 12);
          });
        };
        close(gru?.x, [x]);
        close(gru?.h, [h]);
        close(gru?.gated, [gated]);
        close(gru?.sumsX, sumsX);
        close(gru?.sumsH, [...sumsH, recurrent]);
        close(gru?.z, [z]);
        close(gru?.y, [next]);
        close(dense?.x, [next]);
        close(dense?.sumsX, [3 * next + 0.5]);
        close(dense?.y, [3 * next + 0.5]);
        for (const empty of [dense?.h, dense?.gated, dense?.sumsH, dense?.z]) expect(empty).toHaveLength(0);
        h = next;
      }
    }
  });

  it("refuses a model that is quantized, and tokens that are none", () => {
    const { model } = randomF32Model({ layers: [4], embedding: { vocabulary: 20, size: 8 } });
    for (const token of [-1, 20, 0.5]) {
      expect(() => traceF32(model, [token], () => {})).toThrow(
        new RangeError(`Sample 1 is token ${token}, expected 0 to 19`),
      );
    }
    expect(() => new F32Trace({ ...model, spec: { ...model.spec, numeric: "q15" } })).toThrow(
      new RangeError(`Model ${model.id} is q15, expected f32`),
    );
  });

  it("steps whole samples only, and rounds them to f32 first", () => {
    const { model } = randomF32Model({ inputs: 2, layers: [4], normalise: false });
    const seen: number[][] = [];
    traceF32(model, [0.1, 0.2, 0.3, 0.4, 0.5], ([layer], t) => seen.push([t, ...(layer?.x ?? [])]));
    expect(seen).toEqual([
      [0, Math.fround(0.1), Math.fround(0.2)],
      [1, Math.fround(0.3), Math.fround(0.4)],
    ]);
  });
});
