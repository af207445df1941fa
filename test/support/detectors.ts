import { readFileSync } from "node:fs";
import type { Block, DetectorParameters } from "../../host/detect/parameters.ts";

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
