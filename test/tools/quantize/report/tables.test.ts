import { describe, expect, it } from "vitest";
import { heldOutText, tablesOf } from "../../../../tools/quantize/report/tables.ts";
import { formatReport } from "../../../../tools/quantize/report/text.ts";
import type { QuantizationReport } from "../../../../tools/quantize/report/types.ts";

const error = { max: 0.123456, rms: 1234.5, span: 2, maxPercent: 6.1728, rmsPercent: null };

const REPORT: QuantizationReport = {
  schema: 1,
  f32: { id: "pump@1", bytes: 4000 },
  q15: { id: "pump@2", bytes: 1500 },
  steps: { calibration: 12_000, heldOut: 3000, traced: 20_000 },
  heldOutSource: "tail",
  inputs: [
    { name: "speed", unit: "rpm", range: [-0.5, 3600], samples: 15_000, beyondRange: 1500, saturated: 0 },
    { name: "token", samples: 15_000, beyondRange: 0, saturated: 1 },
  ],
  layers: [
    {
      index: 0,
      kind: "gru",
      size: 24,
      weights: [
        { tensor: "W", gate: "r", count: 1234, rms: 0.00123456, max: 0.01, snrDb: 45.678 },
        { tensor: "U", gate: "n", count: 16, rms: 0, max: 0, snrDb: null },
      ],
      saturation: { sums: 5, sumCount: 1000, preactivations: 0, preactivationCount: 500 },
      memory: {
        longest: 2_500_000,
        median: 12.345,
        slowest: { unit: 7, f32: 2999.6, q15: 2500 },
        tooLong: 3,
        changed: 1,
      },
      state: { rms: 0.000123456, max: 0.5 },
    },
    {
      index: 1,
      kind: "dense",
      size: 1,
      weights: [{ tensor: "W", count: 24, rms: 1, max: 2, snrDb: 30 }],
      saturation: { sums: 0, sumCount: 0, preactivations: 0, preactivationCount: 0 },
    },
  ],
  skip: { tensor: "skip.W", count: 6, rms: 0.1, max: 0.2, snrDb: 40.05 },
  outputs: [
    {
      name: "next",
      unit: "°C",
      calibration: {
        ...error,
        forecast: { input: "speed", horizon: 3, maeF32: 1, maeQ15: 1.005, increasePercent: 0.5 },
      },
      heldOut: { ...error, max: 999.6, rms: 1e9, rmsPercent: -1500 },
      drift: { steps: 100_000, first: 0.01, last: 0.0234, ratio: 2.34 },
    },
    {
      name: "flat",
      calibration: { ...error, maxPercent: 0 },
      heldOut: {
        ...error,
        forecast: { input: "speed", horizon: 1, maeF32: 0, maeQ15: 0, increasePercent: null },
      },
      drift: { steps: 100_000, first: 0, last: 0, ratio: null },
    },
  ],
  warnings: ["First.", "Second."],
  plots: { histograms: [], outputs: [] },
};

const table = (title: string) => tablesOf(REPORT).find((one) => one.title === title);

describe("tablesOf", () => {
  it("puts what matters most first", () => {
    expect(tablesOf(REPORT).map(({ title }) => title)).toEqual([
      "error of q15 against f32",
      "forecasts",
      "drift",
      "weights",
      "state and memory",
      "saturation in layers",
      "inputs",
    ]);
  });

  it("tells errors with three digits, in units and in % of the range", () => {
    expect(table("error of q15 against f32")).toEqual({
      title: "error of q15 against f32",
      note:
        "In the output's unit and in % of the range of its f32 predictions; held out: " +
        "the last 3,000 samples of the calibration data, which the quantizer has seen.",
      header: ["output", "data", "max", "of range", "rms", "of range"],
      rows: [
        ["next (°C)", "calibration", "0.123", "6.17 %", "1,235", "–"],
        ["", "held out", "1000", "6.17 %", "1000000000", "-1,500 %"],
        ["flat", "calibration", "0.123", "0 %", "1,235", "–"],
        ["", "held out", "0.123", "6.17 %", "1,235", "–"],
      ],
    });
  });

  it("tells forecasts of the outputs that make some", () => {
    expect(table("forecasts")).toEqual({
      title: "forecasts",
      note: "Mean absolute error against what the input became, after the warm-up.",
      header: ["output", "data", "of", "steps ahead", "f32", "q15", "increase"],
      rows: [
        ["next", "calibration", "speed", "3", "1", "1", "0.5 %"],
        ["flat", "held out", "speed", "1", "0", "0", "–"],
      ],
    });
  });

  it("tells drifts", () => {
    expect(table("drift")).toEqual({
      title: "drift",
      note: "rms error in the first and the last tenth of 100,000 steps, the calibration data repeated.",
      header: ["output", "first tenth", "last tenth", "ratio"],
      rows: [
        ["next", "0.01", "0.0234", "2.34"],
        ["flat", "0", "0", "–"],
      ],
    });
  });

  it("tells weights by layer and gate, the skip behind them", () => {
    expect(table("weights")).toEqual({
      title: "weights",
      note: "Dequantized weights against float ones, in the units of the float weights.",
      header: ["layer", "weights", "count", "rms error", "max error", "SNR"],
      rows: [
        ["0 gru", "W, gate r", "1,234", "0.00123", "0.01", "45.7 dB"],
        ["0 gru", "U, gate n", "16", "0", "0", "exact"],
        ["1 dense", "W", "24", "1", "2", "30.0 dB"],
        ["skip", "skip.W", "6", "0.1", "0.2", "40.0 dB"],
      ],
    });
  });

  it("tells states and memories of the layers that have them", () => {
    expect(table("state and memory")).toEqual({
      title: "state and memory",
      note:
        "Error of h (full scale 1) and memory 1 / (1 - z) in steps over 20,000 steps; slowest: the unit that forgets " +
        "least on average, f32 → q15; coarse: units with a memory above 2048.",
      header: ["layer", "h rms", "h max", "median memory", "longest", "slowest", "coarse"],
      rows: [["0", "0.000123", "0.5", "12.3", "2,500,000", "3,000 → 2,500 (unit 7)", "3 of 24"]],
    });
  });

  it("tells saturation of the layers that can saturate", () => {
    expect(table("saturation in layers")).toEqual({
      title: "saturation in layers",
      note: "Integers clamped to int16 over 20,000 steps; a pre-activation beyond ±8 costs nothing before a sigmoid or tanh.",
      header: ["layer", "sums", "pre-activations"],
      rows: [["0 gru", "5 (0.5 %)", "0"]],
    });
  });

  it("tells ranges of the inputs and what is beyond them", () => {
    expect(table("inputs")).toEqual({
      title: "inputs",
      note: "Values beyond the range, and values that int16 cannot hold, over calibration and held-out data.",
      header: ["input", "range", "beyond range", "saturated"],
      rows: [
        ["speed (rpm)", "-0.5 to 3,600", "1,500 (10 %)", "0"],
        ["token", "–", "0", "1 (0.00667 %)"],
      ],
    });
  });

  it("leaves out what a report does not have", () => {
    const { skip: _, ...rest } = REPORT;
    const bare = { ...rest, inputs: [], layers: [], outputs: [] };
    expect(tablesOf(bare)).toEqual([]);
  });
});

describe("heldOutText", () => {
  it("tells a file of its own from the end of the calibration data", () => {
    expect(heldOutText({ ...REPORT, heldOutSource: "file" })).toBe("3,000 samples of a file of their own");
  });
});

describe("formatReport", () => {
  it("begins with the models and ends with the warnings", () => {
    const lines = formatReport(REPORT).split("\n");
    expect(lines.slice(0, 4)).toEqual([
      "pump@1 → pump@2, 4000 → 1500 bytes",
      "",
      "error of q15 against f32",
      "  output     data         max    of range  rms         of range",
    ]);
    expect(lines.slice(-5)).toEqual(["", "warnings", "  First.", "  Second.", ""]);
    expect(formatReport({ ...REPORT, warnings: [] })).toMatch(/\n\nno warnings\n$/);
  });
});
