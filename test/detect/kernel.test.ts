// The kernels beside the detector in TypeScript: the same bits, whatever the rows.

import { describe, expect, it } from "vitest";
import { Detector } from "../../host/detect/detector.ts";
import { KernelDetector } from "../../host/detect/kernel-detector.ts";
import type { DetectorParameters } from "../../host/detect/parameters.ts";
import {
  calibrated,
  hardRows,
  parametersOf,
  type Row,
  referenceCases,
  SHAPES,
  type Shape,
} from "../support/detectors.ts";
import { mulberry32, uniform } from "../support/random.ts";

const name = ({ channels, period }: Shape) => `${channels} channels${period === undefined ? "" : " and a period"}`;

/** Steps both over rows, and compares all that they tell. */
function compare(
  parameters: DetectorParameters,
  simd: boolean,
  rows: Iterable<Row>,
  warmup = 0,
): { alarms: number; blocks: Set<string> } {
  const [oracle, kernel] = [new Detector(parameters), new KernelDetector(parameters, simd)];
  const blocks = new Set<string>();
  const random = mulberry32(parameters.channels.length);
  const isInModel = parameters.channels.some(({ residual }) => residual === "model");
  /** What a model would say: values of all magnitudes, at times nothing. */
  const residualsOf = ({ length }: ArrayLike<number>) => {
    if (!isInModel || random() < 0.1) return undefined;
    return Array.from({ length }, () => Math.floor(uniform(random, 2 ** Math.floor(31 * random()))));
  };
  let [alarms, t] = [0, 0];
  for (const { raw, row } of rows) {
    const isWarmup = t++ < warmup;
    const residuals = residualsOf(raw);
    const expected = oracle.step(raw, row, isWarmup, residuals);
    const found = kernel.step(raw, row, isWarmup, residuals);
    const isEqual =
      found.score === expected.score &&
      found.isAlarm === expected.isAlarm &&
      found.isAlert === expected.isAlert &&
      found.block === expected.block &&
      found.channel === expected.channel;
    if (!isEqual) expect({ row, ...found }).toEqual({ row, ...expected });
    if (t % 97 === 0) {
      expect(kernel.scores).toEqual(oracle.scores);
      expect(kernel.state()).toEqual(oracle.state());
      for (let c = 0; c < parameters.channels.length; c++) {
        expect(kernel.featuresOf(c)).toEqual(oracle.featuresOf(c));
        expect(kernel.expectedOf(c)).toBe(oracle.expectedOf(c));
      }
    }
    alarms += found.isAlert ? 1 : 0;
    blocks.add(found.block);
  }
  expect(kernel.snapshot()).toEqual(oracle.snapshot());
  return { alarms, blocks };
}

const BUILDS = [false, true].flatMap((simd) =>
  SHAPES.map((shape) => [simd ? "SIMD" : "scalar", name(shape), simd, shape] as const),
);

describe.each(BUILDS)("the %s kernel of a detector of %s", (_, __, simd, shape) => {
  const parameters = calibrated(shape);

  it("gives the bits of the detector in TypeScript over 10,000 rows", () => {
    const { alarms, blocks } = compare(parameters, simd, hardRows(21, shape.channels, 10_000));
    expect(alarms).toBeGreaterThan(20);
    const expected = ["sensor", "noise", "extreme"];
    if (shape.channels > 1) expected.push("relation");
    if (shape.period !== undefined) expected.push("time_of_day");
    expect([...blocks].sort()).toEqual(expected.sort());
  });

  it("gives them over rows of nothing but extremes", () => {
    const random = mulberry32(5);
    const value = () => [2 ** 30, -(2 ** 30), 0, 1, -1, 2 ** 29][Math.floor(6 * random())]!;
    const rows = Array.from({ length: 2000 }, (_, row) => ({
      raw: Float64Array.from({ length: shape.channels }, value),
      row,
    }));
    expect(compare(parameters, simd, rows).blocks.size).toBeGreaterThan(1);
  });

  it("gives them over a warm-up and row numbers beyond 32 bits", () => {
    expect(compare(parameters, simd, hardRows(22, shape.channels, 1000, 2 ** 40 + 3), 200).alarms).toBeGreaterThan(0);
  });
});

describe("the kernels", () => {
  it.each(referenceCases().map((reference) => [reference.channels, reference] as const))(
    "gives the scores and alerts of the reference of %i channels",
    (_, reference) => {
      const detector = new KernelDetector(parametersOf(reference));
      const [scores, alerts]: [number[][], number[]] = [[], []];
      for (const [row, raw] of reference.raw.entries()) {
        const { isAlert } = detector.step(raw, row, row < reference.warm);
        scores.push([...detector.scores]);
        if (isAlert) alerts.push(row);
      }
      expect(scores).toEqual(reference.scores);
      expect(alerts).toEqual(reference.alerts);
    },
  );

  it("gives the same bits with parameters at their bounds", () => {
    const random = mulberry32(9);
    for (let trial = 0; trial < 100; trial++) {
      const parameters = extremeParameters(SHAPES[trial % SHAPES.length]!, random);
      compare(parameters, trial % 3 !== 0, hardRows(trial, parameters.channels.length, 300));
    }
    expect.hasAssertions();
  });

  it("keeps detectors apart that step in turns", () => {
    const all = SHAPES.map((shape) => {
      const parameters = calibrated(shape);
      return { parameters, oracle: new Detector(parameters), kernel: new KernelDetector(parameters), shape };
    });
    const twins = all.map(({ parameters }) => new KernelDetector(parameters));
    const rows = all.map(({ shape }) => [...hardRows(30, shape.channels, 200)]);
    for (let t = 0; t < 200; t++) {
      for (const [i, { oracle, kernel }] of all.entries()) {
        const { raw, row } = rows[i]![t]!;
        const expected = { ...oracle.step(raw, row) };
        expect(kernel.step(raw, row)).toEqual(expected);
        expect(twins[i]!.step(raw, row)).toEqual(expected);
      }
    }
  });

  it("goes on from a snapshot of either", () => {
    const parameters = calibrated({ channels: 4, period: 96 });
    const [oracle, kernel] = [new Detector(parameters), new KernelDetector(parameters)];
    const rows = [...hardRows(31, 4, 400)];
    for (const { raw, row } of rows.slice(0, 200)) oracle.step(raw, row);
    kernel.restore(oracle.snapshot());
    expect(kernel.lastRow).toBe(oracle.lastRow);
    for (const { raw, row } of rows.slice(200)) expect(kernel.step(raw, row)).toEqual({ ...oracle.step(raw, row) });
    expect(() => kernel.restore(new Uint8Array(40))).toThrow("Snapshot does not start with RVD1");
    kernel.restore(new Detector(parameters).snapshot());
    expect(kernel.lastRow).toBeUndefined();
  });

  it("refuses a row that does not come after the last", () => {
    const kernel = new KernelDetector(calibrated({ channels: 1 }));
    kernel.step([0], 5);
    expect(() => kernel.step([0], 5)).toThrow("Row 5 does not come after row 5");
  });

  it("takes 64 channels and a season of 1024 slots", () => {
    const wide = calibrated({ channels: 64, period: 96 });
    const parameters = { ...wide, seasonality: { ...wide.seasonality!, period: 4096, slots: 1024 } };
    expect(compare(parameters, true, hardRows(33, 64, 600)).blocks.size).toBeGreaterThan(1);
  });
});

/** A detector whose numbers lie anywhere within the bounds of FORMAT.md 8, its ends included. */
function extremeParameters(shape: Shape, random: () => number): DetectorParameters {
  const base = calibrated(shape);
  const any = (least: number, greatest: number) => {
    const end = random();
    if (end < 0.15) return least;
    return end > 0.85 ? greatest : least + Math.floor((greatest - least + 1) * random());
  };
  const block = <T extends DetectorParameters["noise"]>({ mean, weights, shifts }: T) => ({
    mean: mean.map(() => any(-32768, 32767)),
    weights: weights.map(() => any(-128, 127)),
    shifts: shifts.map(() => any(0, 31)),
  });
  const channels = base.channels.map((channel) => ({
    ...channel,
    ...(random() < 0.5 && { residual: "model" as const }),
    range: [any(-(2 ** 30), 0), any(0, 2 ** 30)] as const,
    offset: any(-(2 ** 30) + 1, 2 ** 30),
    multiplier: any(16384, 32767),
    shift: any(-30, 31),
    // Four of 16383 are just what fits 32 bits with a bias of 0.
    ar: channel.ar.map((_, j) => (j % 2 === 0 ? any(-16383, 16383) : 0)),
    arBias: Math.floor(uniform(random, 65000)),
    residualMultiplier: any(1, 32767),
    residualShift: any(0, 31),
    sensor: block(channel.sensor),
  }));
  const { tracker } = base;
  for (const channel of channels) {
    if (channel.residual !== "model") continue;
    channel.residualMultiplier = any(16384, 32767);
    channel.residualShift = any(-30, 31);
  }
  return {
    channels,
    ...(base.relation && { relation: block(base.relation) }),
    noise: block(base.noise),
    ...(base.seasonality && {
      seasonality: {
        ...base.seasonality,
        block: block(base.seasonality.block),
        seen: {
          means: new Int16Array(shape.channels * base.seasonality.slots).map(() => any(-32767, 32767)),
          visits: new Uint8Array(base.seasonality.slots).map(() => any(0, 255)),
        },
      },
    }),
    tracker: {
      start: tracker.start.map(() => any(-60 * 2 ** 24, 60 * 2 ** 24)),
      fall: tracker.fall.map(() => any(1, 2 ** 28)),
      everyLog2: any(0, 12),
      rise: any(1, 2 ** 28),
      hold: any(0, 65535) % 40,
      renew: 1 + (any(1, 65535) % 20),
    },
  };
}
