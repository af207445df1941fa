// Between the detector's whole numbers and real units.

import { rawOf } from "../model/integers.ts";
import type { DetectorFile } from "./file.ts";
import { unsquash } from "./fit.ts";
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

/** Real value of a channel's usual error: the spread of its residuals. */
export function usualErrorOf(channel: ChannelParameters, fraction: number): number {
  const unit = 2 ** -fraction;
  if (channel.residual === "model") return (2 ** (27 + channel.residualShift) / channel.residualMultiplier) * unit;
  return (2 ** channel.residualShift / channel.residualMultiplier) * spreadOf(channel) * unit;
}

const spreadOf = ({ shift, multiplier }: ChannelParameters): number => 2 ** (27 + shift) / multiplier;

/**
 * What AR(8) expected, in the channel's unit.
 *
 * @param expected  deviation, Q11
 */
export function expectationOf(channel: ChannelParameters, fraction: number, expected: number): number {
  return (channel.offset + unsquash(expected / 2048) * spreadOf(channel)) * 2 ** -fraction;
}
