import { describe, expect, it } from "vitest";
import type { Model, ModelSpec } from "../../host/model/types.ts";
import { quantizeInMemory } from "../../host/quantize/in-memory.ts";
import { createRuntime } from "../../host/runtime/index.ts";
import { IntegerForward } from "../../tools/quantize/report/integer.ts";
import { report, reportJson, splitHeldOut } from "../../tools/quantize/report/measure.ts";
import { formatReport } from "../../tools/quantize/report/text.ts";
import type { QuantizationReport } from "../../tools/quantize/report/types.ts";
import { F32Trace } from "../../tools/quantize/trace.ts";
import { changed } from "../support/changed.ts";
import { buildModel, randomF32Model, tensorOf } from "../support/models.ts";
import { mulberry32 } from "../support/random.ts";
import type { ShapeOptions } from "../support/shapes.ts";
import { rangeSamples, wildSamples } from "../support/streams.ts";

const OPTIONS = { driftSteps: 1000, traceSteps: 400 };

const samplesOf = ({ spec }: Model, steps: number, seed = 5): Float64Array =>
  (spec.embedding ? wildSamples(spec, mulberry32(seed)) : rangeSamples(spec, mulberry32(seed)))(steps);

function measure(f32: Model, q15 = quantizeInMemory(f32)): QuantizationReport {
  return report(f32, q15, samplesOf(f32, 500, 5), samplesOf(f32, 200, 6), OPTIONS);
}

/** One input within ±1, one linear output that forecasts it. */
function linearModel(weights: readonly number[], bias = 0): Model {
  const spec: ModelSpec = {
    format: 1,
    name: "linear",
    numeric: "f32",
    inputs: weights.map((_, i) => ({ name: `x${i}`, range: [-1, 1] })),
    outputs: [{ name: "y", forecasts: "x0" }],
    horizon: 1,
    layers: [{ kind: "dense", size: 1, activation: "linear" }],
    warmup: 0,
  };
  const tensors = new Map([
    ["layers.0.W", tensorOf("F32", [1, weights.length], weights)],
    ["layers.0.b", tensorOf("F32", [1], [bias])],
  ]);
  return buildModel(spec, tensors).model;
}

/** The model with the update gate of its first layer open: z = σ(8) if nothing else moves it. */
function slow(options: ShapeOptions, bias: number): Model {
  const built = randomF32Model(options);
  const [first] = built.spec.layers;
  const size = first?.size ?? 0;
  return changed(built, (name, { data }) => {
    const isZ = (i: number, width: number) => i >= size * width && i < 2 * size * width;
    if (name === "layers.0.W") return data.map((value, i) => (isZ(i, data.length / (3 * size)) ? 0 : value));
    if (name === "layers.0.U") return data.map((value, i) => (isZ(i, size) ? 0 : value));
    if (name === "layers.0.b") return data.map((value, i) => (isZ(i, 1) ? bias : value));
    return name === "layers.0.c" ? data.map((value, i) => (isZ(i, 1) ? 0 : value)) : data;
  }).model;
}

describe("F32Trace", () => {
  it.each<[string, ShapeOptions]>([
    ["reset-after", { layers: [6, 5] }],
    ["reset-before", { layers: [6], reset: "before" }],
    ["an embedding", { layers: [6], embedding: { vocabulary: 7, size: 3 } }],
    ["dense layers", { layers: [{ dense: 5, activation: "relu" }, { dense: 4, activation: "sigmoid" }, 6] }],
  ])("computes the states of the kernels with %s", (_, options) => {
    const { model } = randomF32Model(options);
    const [trace, session] = [new F32Trace(model), createRuntime(model).createSession()];
    const index = model.spec.layers.findIndex(({ kind }) => kind === "gru");
    const width = model.spec.inputs.length;
    const samples = samplesOf(model, 50);
    let h = new Float64Array();
    for (let t = 0; t < 50; t++) {
      h = trace.step(samples, t)[index]!.y as typeof h;
      session.step(samples.subarray(t * width, (t + 1) * width));
    }
    const state = new Float32Array(session.snapshot().slice(28, -4).buffer);
    h.forEach((value, j) => {
      expect(state[j]).toBeCloseTo(value, 5);
    });
  });
});

describe("IntegerForward", () => {
  it.each<[string, ShapeOptions]>([
    ["reset-after", { layers: [6, 5] }],
    ["reset-before", { layers: [6], reset: "before" }],
    ["an embedding", { layers: [6], embedding: { vocabulary: 7, size: 3 } }],
    ["dense layers", { layers: [{ dense: 5, activation: "relu" }, { dense: 4, activation: "tanh" }, 6] }],
  ])("computes the very state of the kernels with %s", (_, options) => {
    const model = quantizeInMemory(randomF32Model(options).model);
    const [forward, session] = [new IntegerForward(model), createRuntime(model).createSession()];
    const index = model.spec.layers.findIndex(({ kind }) => kind === "gru");
    const width = model.spec.inputs.length;
    // Twice the range: inputs saturate.
    const samples = samplesOf(model, 50).map((value) => (model.spec.embedding ? value : 2 * value));
    for (let t = 0; t < 50; t++) {
      forward.step(samples.subarray(t * width, (t + 1) * width));
      session.step(samples.subarray(t * width, (t + 1) * width));
    }
    const { h } = forward.view(index);
    expect([...new Int16Array(session.snapshot().slice(28, -4).buffer, 0, h.length)]).toEqual([...h]);
  });
});

describe("splitHeldOut", () => {
  it("holds out the last fifth, in whole samples", () => {
    const { calibration, heldOut } = splitHeldOut(
      Float64Array.from({ length: 22 }, (_, i) => i),
      2,
    );
    expect([...heldOut]).toEqual([18, 19, 20, 21]);
    expect(calibration).toHaveLength(18);
  });

  it("holds out one of two samples", () => {
    const { calibration, heldOut } = splitHeldOut(Float64Array.of(1, 2), 1);
    expect([[...calibration], [...heldOut]]).toEqual([[1], [2]]);
  });
});

describe("report", () => {
  it("tells the weight error of a row that rounds", () => {
    // The scale is 1/127 (a little more, for a whole multiplier): 0.25 becomes 32 of it, 0.252.
    const { layers } = measure(linearModel([1, 0.25]));
    const [error] = layers[0]?.weights ?? [];
    expect(error?.max).toBeCloseTo(32 / 127 - 0.25, 4);
    expect(error?.rms).toBeCloseTo((32 / 127 - 0.25) / Math.SQRT2, 4);
    expect(error?.snrDb).toBeCloseTo(10 * Math.log10(1.0625 / (32 / 127 - 0.25) ** 2), 0);
  });

  it("finds no error above a bit in weights that int8 holds exactly", () => {
    const [error] = measure(linearModel([1, -64 / 127])).layers[0]?.weights ?? [];
    expect(error?.max).toBeLessThan(1e-4);
  });

  it("measures outputs against f32, and forecasts against what came", () => {
    const model = linearModel([0.5]);
    const samples = Float64Array.of(0, 1, 0, 1, 0);
    const { outputs } = report(model, quantizeInMemory(model), samples, samples, OPTIONS);
    const { span, max, forecast } = outputs[0]?.heldOut ?? {};
    expect(span).toBe(0.5);
    expect(max).toBeLessThan(1e-3);
    // y = 0, 0.5, 0, 0.5 against 1, 0, 1, 0.
    expect(forecast).toMatchObject({ input: "x0", horizon: 1, maeF32: 0.75 });
    expect(forecast?.maeQ15).toBeCloseTo(0.75, 3);
  });

  it("counts values beyond the range and beyond int16", () => {
    const model = linearModel([0.5]);
    const q15 = quantizeInMemory(model);
    // fraction 14: int16 reaches to just below 2.
    const { inputs, warnings } = report(model, q15, Float64Array.of(0, 1.5, 1), Float64Array.of(2.5, -1), OPTIONS);
    expect(inputs[0]).toMatchObject({ samples: 5, beyondRange: 2, saturated: 1 });
    expect(warnings).toContain('Input "x0" saturates int16 in 1 of 5 samples; widen its range');
  });

  it.each<[string, ShapeOptions]>([
    ["a plain model", { layers: [8] }],
    ["a skip", { layers: [8], skip: 3, outputs: 2 }],
    ["a token", { layers: [8], embedding: { vocabulary: 9, size: 4 } }],
    [
      "dense layers of every kind",
      { layers: [{ dense: 6, activation: "linear" }, 7, { dense: 5, activation: "relu" }] },
    ],
    ["a softmax", { layers: [8], outputs: 3, activation: "softmax" }],
    ["a GRU at the end", { layers: [8, 6], outputs: 0 }],
  ])("finds int8 weights close to the float ones in %s", (_, options) => {
    const { layers, skip } = measure(randomF32Model(options).model);
    const errors = [...layers.flatMap(({ weights }) => weights), ...(skip ? [skip] : [])];
    for (const { snrDb } of errors) expect(snrDb ?? Infinity).toBeGreaterThan(35);
    for (const { state } of layers) expect(state?.rms ?? 0).toBeLessThan(2e-3);
  });

  it("tells the memory of a unit: 1 / (1 - z)", () => {
    const { memory } = measure(slow({ layers: [4] }, 3)).layers[0] ?? {};
    const wanted = 1 + Math.exp(3);
    expect(memory?.longest).toBeCloseTo(wanted, 4);
    expect(memory?.median).toBeCloseTo(wanted, 4);
    expect(memory?.slowest.f32).toBeCloseTo(wanted, 4);
    expect(memory?.slowest.q15).toBeCloseTo(wanted, 1);
    expect(memory?.tooLong).toBe(0);
  });

  it("warns of a memory that int16 state does not resolve", () => {
    const { layers, warnings } = measure(slow({ layers: [4] }, 8));
    expect(layers[0]?.memory?.longest).toBeCloseTo(1 + Math.exp(8), 0);
    expect(warnings.join("\n")).toMatch(/^Layer 0: int16 state is coarse for 4 of 4 units .* 2980 .* 4\.55 % short/m);
  });

  it("counts sums that are clamped where it matters, and warns", () => {
    const { model } = randomF32Model({ layers: [4] });
    // Sums 64 times too large, their multipliers 64 times too small.
    const { layers: specs, ...rest } = quantizeInMemory(model).spec;
    const [gru, head] = specs;
    const { tensors } = quantizeInMemory(model);
    const less = buildModel(
      { ...rest, layers: [{ ...gru, shift_x: (gru?.shift_x ?? 0) - 6 }, head] as ModelSpec["layers"] },
      new Map(
        [...tensors].map(([name, tensor]) =>
          name === "layers.0.W.multiplier"
            ? [
                name,
                tensorOf(
                  "I16",
                  tensor.shape,
                  Array.from(tensor.data, (m) => Math.max(1, m >> 6)),
                ),
              ]
            : [name, tensor],
        ),
      ),
    ).model;
    const { layers, warnings } = measure(model, less);
    expect(layers[0]?.saturation).toMatchObject({ sumCount: 24 * 400, preactivationCount: 12 * 400 });
    expect(layers[0]?.saturation.sums).toBeGreaterThan(400);
    expect(warnings.join("\n")).toMatch(/^Layer 0: \d+ of 9600 sums are clamped to int16$/m);
  });

  it("has nothing to warn of in a usual model", () => {
    expect(measure(randomF32Model({ layers: [8] }).model).warnings).toEqual([]);
  });

  it("shows flipped bits in the weights", () => {
    const built = randomF32Model({ layers: [8] });
    const q15 = quantizeInMemory(built.model);
    const broken = changed(q15, (name, { data }) =>
      name === "layers.0.U" ? data.map((value, i) => (i < 64 ? Math.max(-127, value ^ 0x40) : value)) : data,
    ).model;
    const [good, bad] = [measure(built.model, q15), measure(built.model, broken)];
    const rmsOf = (found: QuantizationReport) => found.outputs[0]?.heldOut.rms ?? 0;
    expect(bad.warnings.join("\n")).toMatch(/^Layer 0: the weights U of gate r have an SNR of/m);
    expect(bad.warnings.join("\n")).not.toContain("U of gate z");
    expect(rmsOf(bad)).toBeGreaterThan(3 * rmsOf(good));
  });

  it("tells a drift: the error of a state that grows", () => {
    const model = slow({ layers: [4] }, 7);
    const { drift } = measure(model).outputs[0] ?? {};
    expect(drift?.steps).toBe(1000);
    expect(drift?.ratio).toBeGreaterThan(1);
  });

  it("refuses models that are no two forms of one network", () => {
    const [a, b] = [randomF32Model({ layers: [8] }).model, randomF32Model({ layers: [7] }).model];
    expect(() => measure(a, quantizeInMemory(b))).toThrow(/is not a quantized form of/);
    expect(() => measure(a, a)).toThrow("Models are f32 and f32, expected f32 and q15");
  });

  it("refuses to measure without samples", () => {
    const { model } = randomF32Model({ layers: [4] });
    const none = new Float64Array(0);
    expect(() => report(model, quantizeInMemory(model), samplesOf(model, 4), none)).toThrow(
      /4 calibration and 0 held-out/,
    );
  });
});

describe("reportJson", () => {
  it("survives JSON and has a stable form, without plots", () => {
    const json = reportJson(measure(randomF32Model({ layers: [4], skip: 2 }).model));
    expect(JSON.parse(JSON.stringify(json))).toEqual(json);
    expect(Object.keys(json).join()).toBe("schema,f32,q15,steps,heldOutSource,inputs,layers,skip,outputs,warnings");
    expect(json.schema).toBe(1);
    const [layer, head] = json.layers;
    expect(Object.keys(layer ?? {}).join()).toBe("index,kind,size,weights,saturation,memory,state");
    expect(Object.keys(head ?? {}).join()).toBe("index,kind,size,weights,saturation");
    expect(Object.keys(layer?.weights[0] ?? {}).join()).toBe("tensor,gate,count,rms,max,snrDb");
    expect(Object.keys(layer?.memory ?? {}).join()).toBe("longest,median,slowest,tooLong,changed");
    expect(Object.keys(json.outputs[0]?.drift ?? {}).join()).toBe("steps,first,last,ratio");
  });
});

describe("formatReport", () => {
  it("aligns tables and ends with the warnings", () => {
    const text = formatReport(measure(slow({ layers: [4] }, 8)));
    expect(text).toMatch(/^error of q15 against f32\n {2}output +data +max +of range +rms +of range$/m);
    expect(text).toMatch(/^ {2}0 gru +U, gate z +16 +\S+ +\S+ +exact$/m);
    expect(text).toMatch(/\nwarnings\n {2}Layer 0: int16 state is coarse/);
  });
});
