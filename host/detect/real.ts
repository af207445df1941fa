// Between the detector's whole numbers and real units.

import { rawOf } from "../model/integers.ts";
import type { DetectorFile } from "./file.ts";
import type { ChannelParameters } from "./parameters.ts";

/** Writes the raw integers of a row. */
export function toRaw({ spec }: Pick<DetectorFile, "spec">, values: ArrayLike<number>, raw: Float64Array): void {
  for (const [c, { fraction }] of spec.inputs.entries()) raw[c] = rawOf(values[c] as number, fraction);
}

/** The fraction with which readings up to 8 times the greatest seen fit a raw integer: -30 to 30. */
export function fractionFor(values: ArrayLike<number>): number {
  let greatest = 1e-30;
  for (let i = 0; i < values.length; i++) greatest = Math.max(greatest, Math.abs(values[i] as number));
  return Math.min(30, Math.max(-30, Math.floor(Math.log2(2 ** 30 / (8 * greatest)))));
}

/** The deviation before it was squashed. */
function unsquash(x: number): number {
  const magnitude = Math.abs(x);
  return magnitude <= 3 ? x : Math.sign(x) * 3 * Math.exp(magnitude / 3 - 1);
}

/**
 * What the last eight readings let expect of the next one.
 *
 * @param expected  deviation, Q11
 * @returns value and usual error, in the channel's unit
 */
export function expectationOf(
  channel: ChannelParameters,
  fraction: number,
  expected: number,
): { readonly value: number; readonly error: number } {
  const unit = 2 ** -fraction;
  const spread = 2 ** (27 + channel.shift) / channel.multiplier;
  const error = 2 ** channel.residualShift / channel.residualMultiplier;
  return {
    value: (channel.offset + unsquash(expected / 2048) * spread) * unit,
    error: error * spread * unit,
  };
}
