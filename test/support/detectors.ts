import { readFileSync } from "node:fs";
import { calibrate } from "../../host/detect/calibrate.ts";
import type { Block, DetectorParameters } from "../../host/detect/parameters.ts";
import { gaussian, mulberry32, type Random, uniform } from "./random.ts";

interface ReferenceBlock {
  readonly mu: readonly number[];
  readonly w: readonly (readonly number[])[];
  readonly shift: readonly number[];
}

/** A detector of test/vectors/detect/reference.json with what it answers to readings, made by another implementation. */
export interface ReferenceCase {
  readonly channels: number;
  readonly warm: number;
  readonly period: number;
  readonly slots: number;
  readonly norm: { readonly offset: number[]; readonly multiplier: number[]; readonly shift: number[] };
  readonly ar: {
    readonly w: number[][];
    readonly bias: number[];
    readonly multiplier: number[];
    readonly shift: number[];
  };
  readonly blocks: { P: ReferenceBlock[]; C: ReferenceBlock; R?: ReferenceBlock; T: ReferenceBlock };
  readonly tracker: { t0: number[]; dec: number[]; m: number; eta: number; latch: number; renew: number };
  readonly raw: readonly (readonly number[])[];
  /** Per row, 7 per channel. */
  readonly features: readonly (readonly number[])[];
  readonly seasonal: readonly (readonly number[])[];
  readonly scores: readonly (readonly number[])[];
  readonly alerts: readonly number[];
}

/** The cases of the reference, of one and of two channels. */
export function referenceCases(): ReferenceCase[] {
  return JSON.parse(readFileSync("test/vectors/detect/reference.json", "utf8")).cases;
}

function blockOf({ mu, w, shift }: ReferenceBlock): Block {
  return {
    mean: Int16Array.from(mu),
    weights: Int8Array.from(w.flatMap((row, r) => row.slice(0, r + 1))),
    shifts: Uint8Array.from(shift),
  };
}

/** The parameters of a reference as the detector takes them. */
export function parametersOf({
  channels,
  period,
  slots,
  norm,
  ar,
  blocks,
  tracker,
}: ReferenceCase): DetectorParameters {
  return {
    channels: Array.from({ length: channels }, (_, c) => ({
      offset: norm.offset[c]!,
      multiplier: norm.multiplier[c]!,
      shift: norm.shift[c]!,
      ar: Int16Array.from(ar.w[c]!),
      arBias: ar.bias[c]!,
      residual: "ar" as const,
      residualMultiplier: ar.multiplier[c]!,
      residualShift: ar.shift[c]!,
      sensor: blockOf(blocks.P[c]!),
    })),
    ...(blocks.R && { relation: blockOf(blocks.R) }),
    noise: blockOf(blocks.C),
    seasonality: { period, slots: Math.min(slots, period), block: blockOf(blocks.T) },
    tracker: {
      start: Int32Array.from(tracker.t0),
      fall: Int32Array.from(tracker.dec),
      everyLog2: tracker.m,
      rise: tracker.eta,
      hold: tracker.latch,
      renew: tracker.renew,
    },
  };
}

/** What a detector made up by {@link calibrated} is like. */
export interface Shape {
  readonly channels: number;
  readonly period?: number;
}

/** Shapes that a test goes through. */
export const SHAPES: readonly Shape[] = [1, 2, 4, 8].flatMap((channels) => [{ channels }, { channels, period: 96 }]);

/** A detector calibrated with readings made up here: courses of a day with noise, some coarse, some fine. */
export function calibrated({ channels, period }: Shape): DetectorParameters {
  const random = mulberry32(100 * channels + (period ?? 0));
  const columns = Array.from({ length: channels }, (_, c) =>
    Float64Array.from({ length: 800 }, (_, row) => course(random, c, row)),
  );
  return calibrate(columns, { rate: 0.005, ...(period !== undefined && { period }) });
}

function course(random: Random, channel: number, row: number): number {
  const scale = 10 ** (channel % 5);
  const wave = Math.sin((2 * Math.PI * (row + 7 * channel)) / 96);
  return Math.round(scale * (1000 * channel + 30 * wave + 3 * gaussian(random)));
}

/** A row of readings with the number that it has by the clock. */
export interface Row {
  readonly raw: Float64Array;
  readonly row: number;
}

/**
 * Rows as sensors give them on bad days: courses like those that {@link calibrated} saw, jumps, extremes of ±2^30, stuck values, missed rows
 * and long gaps.
 */
export function* hardRows(seed: number, channels: number, count: number, first = 0): Generator<Row> {
  const random = mulberry32(seed);
  let row = first;
  let raw = new Float64Array(channels);
  for (let t = 0; t < count; t++) {
    const kind = random();
    if (kind >= 0.03) raw = raw.map((_, c) => course(random, c, row));
    if (kind < 0.002) raw = raw.map(() => (random() < 0.5 ? -1 : 1) * 2 ** 30);
    else if (kind > 0.98) raw = raw.map((value) => (random() < 0.3 ? value + uniform(random, 2000) : value));
    else if (kind > 0.97) raw = raw.map(() => Math.floor(uniform(random, 2 ** Math.floor(30 * random()))));
    yield { raw: raw.map(Math.floor), row };
    row += random() < 0.99 ? 1 : Math.ceil(random() < 0.5 ? 40 * random() : 5000 * random());
  }
}
