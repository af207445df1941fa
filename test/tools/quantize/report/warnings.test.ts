import { describe, expect, it } from "vitest";
import type { InputReport, LayerReport, OutputReport, WeightError } from "../../../../tools/quantize/report/types.ts";
import { type Findings, findWarnings } from "../../../../tools/quantize/report/warnings.ts";

const input = (part: Partial<InputReport>): InputReport => ({
  name: "x",
  samples: 1000,
  beyondRange: 0,
  saturated: 0,
  ...part,
});

const weights = (part: Partial<WeightError> = {}): WeightError => ({
  tensor: "U",
  count: 16,
  rms: 0.001,
  max: 0.002,
  snrDb: 45,
  ...part,
});

const layer = (part: Partial<LayerReport> = {}): LayerReport => ({
  index: 1,
  kind: "gru",
  size: 8,
  weights: [weights()],
  saturation: { sums: 0, sumCount: 1000, preactivations: 0, preactivationCount: 1000 },
  ...part,
});

const memory = (part: Partial<NonNullable<LayerReport["memory"]>> = {}): NonNullable<LayerReport["memory"]> => ({
  longest: 5000,
  median: 3,
  slowest: { unit: 5, f32: 4000, q15: 3000.4 },
  tooLong: 0,
  changed: 0,
  ...part,
});

interface OutputParts {
  readonly calibration?: Partial<OutputReport["calibration"]>;
  readonly heldOut?: Partial<OutputReport["heldOut"]>;
  readonly drift?: Partial<OutputReport["drift"]>;
}

function output({ calibration, heldOut, drift }: OutputParts = {}): OutputReport {
  const error = { max: 0.02, rms: 0.01, span: 1, maxPercent: 2, rmsPercent: 1 };
  return {
    name: "y",
    calibration: { ...error, ...calibration },
    heldOut: { ...error, ...heldOut },
    drift: { steps: 1000, first: 0.01, last: 0.01, ratio: 1, ...drift },
  };
}

const warningsOf = (part: Partial<Findings>) => findWarnings({ inputs: [], layers: [], outputs: [], ...part });
const forecast = (increasePercent: number | null) => ({
  forecast: { input: "x", horizon: 1, maeF32: 1, maeQ15: 1, increasePercent },
});

describe("findWarnings", () => {
  it("has nothing to say of what is usual", () => {
    expect(
      warningsOf({ inputs: [input({})], layers: [layer({ memory: memory() })], skip: weights(), outputs: [output()] }),
    ).toEqual([]);
  });

  it("tells of inputs that saturate, or else leave their range, in more than one of a thousand samples", () => {
    expect(warningsOf({ inputs: [input({ saturated: 1, beyondRange: 1 })] })).toEqual([]);
    expect(warningsOf({ inputs: [input({ saturated: 2, beyondRange: 5 })] })).toEqual([
      'Input "x" saturates int16 in 2 of 1000 samples; widen its range',
    ]);
    expect(warningsOf({ inputs: [input({ saturated: 1, beyondRange: 2 })] })).toEqual([
      'Input "x" is beyond its range in 2 of 1000 samples; calibrate with more data',
    ]);
  });

  it("tells of weights below 25 dB, by their gate", () => {
    expect(warningsOf({ layers: [layer({ weights: [weights({ snrDb: 25 }), weights({ snrDb: null })] })] })).toEqual(
      [],
    );
    expect(
      warningsOf({
        layers: [layer({ weights: [weights({ snrDb: 24.987 }), weights({ gate: "z", snrDb: -3.25678 })] })],
      }),
    ).toEqual([
      "Layer 1: the weights U have an SNR of 25 dB, expected at least 25",
      "Layer 1: the weights U of gate z have an SNR of -3.26 dB, expected at least 25",
    ]);
    expect(warningsOf({ skip: weights({ tensor: "skip.W", snrDb: 20 }) })).toEqual([
      "The skip: the weights skip.W have an SNR of 20 dB, expected at least 25",
    ]);
  });

  it("tells of sums that are clamped, and of pre-activations where no sigmoid or tanh is flat", () => {
    const clamped = { sums: 1, sumCount: 1000, preactivations: 1, preactivationCount: 1000 };
    expect(warningsOf({ layers: [layer({ kind: "dense", saturation: clamped })] })).toEqual([]);
    expect(warningsOf({ layers: [layer({ saturation: { ...clamped, sums: 2, preactivations: 500 } })] })).toEqual([
      "Layer 1: 2 of 1000 sums are clamped to int16",
    ]);
    expect(warningsOf({ layers: [layer({ kind: "dense", saturation: { ...clamped, preactivations: 2 } })] })).toEqual([
      "Layer 1: 2 of 1000 pre-activations are clamped to int16",
    ]);
  });

  it("tells of memories that int16 does not resolve, and how far the slowest unit stops short", () => {
    expect(warningsOf({ layers: [layer({ memory: memory({ tooLong: 3 }) })] })).toEqual([
      "Layer 1: int16 state is coarse for 3 of 8 units that remember more than 2048 steps; " +
        "unit 5 remembers 4000 and stops up to 6.1 % short of where it goes",
    ]);
    const endless = memory({ tooLong: 1, slowest: { unit: 0, f32: 1e6, q15: 1e6 } });
    expect(warningsOf({ layers: [layer({ memory: endless })] })[0]).toContain(
      "remembers 1000000 and stops up to 100 %",
    );
  });

  it("tells of memories that int8 weights change", () => {
    expect(warningsOf({ layers: [layer({ memory: memory({ changed: 2 }) })] })).toEqual([
      "Layer 1: int8 weights are coarse for the memory of 2 of 8 units, which changes by more than 10 %; " +
        "unit 5 remembers 4000 steps in f32 and 3000 in q15",
    ]);
  });

  it("tells of outputs whose error is more than 2 % of their range on either data", () => {
    expect(
      warningsOf({ outputs: [output({ calibration: { rmsPercent: 2 }, heldOut: { rmsPercent: null } })] }),
    ).toEqual([]);
    const message = (percent: string) => [`Output "y" has an rms error of ${percent} % of its range`];
    expect(warningsOf({ outputs: [output({ calibration: { rmsPercent: 2.345 } })] })).toEqual(message("2.35"));
    expect(
      warningsOf({ outputs: [output({ calibration: { rmsPercent: null }, heldOut: { rmsPercent: 3 } })] }),
    ).toEqual(message("3"));
  });

  it("tells of errors that are three times as great on held-out data, if they matter", () => {
    expect(warningsOf({ outputs: [output({ heldOut: { rms: 0.03 } })] })).toEqual([]);
    expect(warningsOf({ outputs: [output({ heldOut: { rms: 0.0301, rmsPercent: 0.5 } })] })).toEqual([]);
    expect(warningsOf({ outputs: [output({ heldOut: { rms: 0.0301, rmsPercent: null } })] })).toEqual([]);
    expect(warningsOf({ outputs: [output({ heldOut: { rms: 0.0301, rmsPercent: 0.51 } })] })).toEqual([
      'Output "y" has an error of 0.0301 on held-out data, 0.01 on calibration data',
    ]);
  });

  it("tells of forecasts that are more than 1 % worse on either data", () => {
    expect(warningsOf({ outputs: [output({ calibration: forecast(1), heldOut: forecast(null) })] })).toEqual([]);
    expect(warningsOf({ outputs: [output({ calibration: forecast(1.23456) })] })).toEqual([
      'Output "y" forecasts 1.23 % worse than in f32',
    ]);
    expect(warningsOf({ outputs: [output({ calibration: forecast(-5), heldOut: forecast(7) })] })).toEqual([
      'Output "y" forecasts 7 % worse than in f32',
    ]);
  });

  it("tells of an error that more than doubles over the long run, if it matters", () => {
    expect(warningsOf({ outputs: [output({ drift: { last: 0.02, ratio: 2 } })] })).toEqual([]);
    expect(warningsOf({ outputs: [output({ drift: { last: 0.005, ratio: 9 } })] })).toEqual([]);
    expect(warningsOf({ outputs: [output({ drift: { last: 9, ratio: null } })] })).toEqual([]);
    const message = ['Output "y" drifts: its error is 0.0201 at the end of 1000 steps, 0.01 at their start'];
    expect(warningsOf({ outputs: [output({ drift: { last: 0.0201, ratio: 2.01 } })] })).toEqual(message);
    // An output that never moves in the calibration data has no range to be small against.
    const still = output({ calibration: { span: 0 }, drift: { last: 1e-9, first: 1e-10, ratio: 10 } });
    expect(warningsOf({ outputs: [still] })[0]).toContain("drifts: its error is 1e-9");
  });
});
