import { describe, expect, it } from "vitest";
import type { Model, ModelSpec } from "../../../host/model/types.ts";
import { quantizeInMemory } from "../../../host/quantize/in-memory.ts";
import { describeModel, type ModelReport } from "../../../tools/inspect/report.ts";
import { renderReport } from "../../../tools/inspect/text.ts";
import { buildModel, randomF32Model, tensorOf, withSelftest } from "../../support/models.ts";

/** A model with a name, a unit, a range and a scale for everything. */
function pump(): Model {
  const built = randomF32Model({ inputs: 2, layers: [3, 2], outputs: 1, skip: 2, activation: "linear" });
  const spec: ModelSpec = {
    ...built.spec,
    name: "pump",
    inputs: [
      { name: "speed", unit: "rpm", range: [0, 3600] },
      { name: "current", range: [-0.5, 1e6] },
    ],
    outputs: [{ name: "next", unit: "°C", forecasts: "speed" }],
    horizon: 1,
    interval: 0.5,
    warmup: 1200,
    detector: { kind: "none", threshold: 4 },
    provenance: { framework: "PyTorch", source: "pump.pt" },
  };
  const affine = new Map([
    ["input.offset", tensorOf("F32", [2], [1480, 0.25])],
    ["input.scale", tensorOf("F32", [2], [0.001, 1 / 3])],
    ["output.offset", tensorOf("F32", [1], [20])],
    ["output.scale", tensorOf("F32", [1], [1234567.89])],
  ]);
  const tensors = new Map([...built.tensors].map(([name, tensor]) => [name, affine.get(name) ?? tensor]));
  return buildModel(spec, tensors).model;
}

/** Lines of a section, without its title. */
function section(text: string, title: string): string[] {
  const lines = text.split("\n");
  const start = lines.indexOf(title) + 1;
  const length = lines.slice(start).indexOf("");
  return lines.slice(start, length < 0 ? undefined : start + length);
}

describe("describeModel", () => {
  it("counts multiplications and bytes of every part", () => {
    const report = describeModel(pump());
    expect(report).toMatchObject({
      numeric: "f32",
      layers: [
        { kind: "gru", inputs: 2, size: 3, multiplications: 3 * 3 * 5 },
        { kind: "gru", inputs: 3, size: 2, multiplications: 3 * 2 * 5 },
        { kind: "dense", inputs: 2, size: 1, multiplications: 2 },
      ],
      skip: { length: 2, multiplications: 4 },
      multiplications: 45 + 30 + 2 + 4,
      inputs: [
        { name: "speed", offset: 1480, scale: Math.fround(0.001) },
        { name: "current", offset: 0.25, scale: Math.fround(1 / 3) },
      ],
      outputs: [{ name: "next", offset: 20, scale: Math.fround(1234567.89) }],
    });
    expect(report.tensors.find(({ name }) => name === "layers.0.U")).toEqual({
      name: "layers.0.U",
      dtype: "F32",
      shape: [9, 3],
      bytes: 108,
    });
    expect(report.selftest).toBeUndefined();
  });

  it("begins with the size of an embedding", () => {
    const { model } = randomF32Model({ layers: [4], embedding: { vocabulary: 7, size: 3 }, outputs: 2 });
    expect(describeModel(model)).toMatchObject({
      embedding: { vocabulary: 7, size: 3 },
      layers: [
        { inputs: 3, multiplications: 84 },
        { inputs: 4, multiplications: 8 },
      ],
      skip: undefined,
      multiplications: 92,
    });
  });

  it("tells the tolerance of an f32 self-test alone, and no scale of q15 inputs", () => {
    const f32 = withSelftest(randomF32Model({ layers: [4], inputs: 1 }), 5).model;
    expect(describeModel(f32).selftest).toMatchObject({ steps: 5, passed: true, tolerance: 1e-5 });
    const q15 = describeModel(quantizeInMemory(randomF32Model({ layers: [4], inputs: 1 }).model));
    expect(q15.numeric).toBe("q15");
    expect(Object.keys(q15.inputs[0] ?? {})).not.toContain("scale");
    expect(q15.inputs[0]).toHaveProperty("fraction");
  });
});

describe("renderReport", () => {
  const text = renderReport(describeModel(pump()), false);

  it("has its sections in this order", () => {
    const titles = text.split("\n").filter((line, i, lines) => i > 0 && lines[i - 1] === "" && line !== "");
    expect(titles).toEqual(["inputs", "outputs", "network", "tensors", "cost", "use", "self-test", "provenance"]);
    expect(text.endsWith("\n")).toBe(true);
  });

  it("tells of inputs and outputs what is known", () => {
    expect(section(text, "inputs")).toEqual([
      "  speed    rpm  range 0 to 3600, offset 1480, scale 0.001",
      "  current       range -0.5 to 1000000, offset 0.25, scale 0.333333",
    ]);
    expect(section(text, "outputs")).toEqual(["  next  °C  offset 20, scale 1234570  speed, 1 step ahead"]);
    const far = renderReport({ ...describeModel(pump()), horizon: 12 }, false);
    expect(section(far, "outputs")[0]).toContain("speed, 12 steps ahead");
  });

  it("tells the network layer by layer", () => {
    expect(section(text, "network")).toEqual([
      "  gru    2 → 3      reset-after  45 multiplications",
      "  gru    3 → 2      reset-after  30 multiplications",
      "  dense  2 → 1      linear       2 multiplications",
      "  skip   2 × 2 → 1  linear       4 multiplications",
    ]);
    const { model } = randomF32Model({ layers: [40], embedding: { vocabulary: 700, size: 3 }, reset: "before" });
    const rows = section(renderReport(describeModel(model), false), "network");
    expect(rows).toEqual([
      "  embedding  700 → 3",
      "  gru        3 → 40   reset-before  5,160 multiplications",
      "  dense      40 → 1   linear        40 multiplications",
    ]);
  });

  it("tells tensors and costs", () => {
    expect(section(text, "tensors")).toContain("  layers.0.U     F32[9][3]  108 bytes");
    const report = describeModel(pump());
    expect(section(text, "cost")).toEqual([
      "  multiplications per step  81",
      `  weights in memory         ${report.imageBytes.toLocaleString("en-US")} bytes, once`,
      `  state                     ${report.stateBytes} bytes for each session`,
    ]);
  });

  it("tells how it is used, where there is something to tell", () => {
    expect(section(text, "use")).toEqual([
      "  interval  0.5 s between samples",
      "  warm-up   1,200 steps",
      '  detector  {"kind":"none","threshold":4}',
    ]);
    const { model } = randomF32Model({ layers: [4] });
    const bare = { ...describeModel(model), warmup: 0 };
    expect(renderReport(bare, false)).not.toContain("\nuse\n");
    expect(renderReport({ ...bare, interval: 2 }, false)).toContain("\nuse\n  interval  2 s between samples\n");
  });

  it("tells what came of the self-test", () => {
    expect(section(text, "self-test")).toEqual(["  none"]);
    const shown = (selftest: unknown) =>
      section(renderReport({ ...describeModel(pump()), selftest } as ModelReport, false), "self-test")[0];
    expect(shown({ passed: true, steps: 1500, worst: 1.23456789e-7, tolerance: 1e-5 })).toBe(
      "  passed  1,500 steps  largest error 1.23457e-7  allowed 0.00001",
    );
    expect(shown({ passed: false, steps: 2, worst: 3 })).toBe("  FAILED  2 steps  largest error 3  must be exact");
  });

  it("tells where the model comes from", () => {
    expect(section(text, "provenance")).toEqual([
      `  hash       ${pump().hash}`,
      "  framework  PyTorch",
      "  source     pump.pt",
    ]);
  });

  it("is green or red by the self-test, with colours", () => {
    const coloured = (passed: boolean) =>
      renderReport({ ...describeModel(pump()), selftest: { passed, steps: 1, worst: 0 } } as ModelReport, true);
    expect(coloured(true)).toContain("\x1b[32mpassed\x1b[39m");
    expect(coloured(false)).toContain("\x1b[31mFAILED\x1b[39m");
    expect(coloured(true)).toContain(`\x1b[1m${pump().id}\x1b[22m`);
  });
});
