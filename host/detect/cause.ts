// What explains a verdict, in words.

import type { Detector, Verdict } from "./detector.ts";
import type { DetectorFile } from "./file.ts";
import type { BlockName, ChannelParameters } from "./parameters.ts";
import { expectationOf, usualErrorOf } from "./real.ts";

/** Four digits, without an exponent where people would not write one. */
const short = (value: number): string => String(Number(value.toPrecision(4)));

/**
 * Tells in words what explains the verdict of the latest row: the channel, its value, what is wrong with it, and of several channels
 * its share of the score.
 *
 * @param values  the row, in the units of the inputs
 * @param predicted  per input, what a model predicted for this row, in the unit of the input; null where it did not
 */
export function describeCause(
  file: DetectorFile,
  detector: Detector,
  verdict: Verdict,
  values: ArrayLike<number>,
  predicted?: ArrayLike<number | null>,
): string {
  const c = verdict.channel;
  const input = file.spec.inputs[c] as DetectorFile["spec"]["inputs"][number];
  const channel = file.parameters.channels[c] as ChannelParameters;
  const unit = input.unit === undefined ? "" : ` ${input.unit}`;
  const reading = `${input.name} ${short(values[c] as number)}${unit}`;
  const ofAr = () => expectationOf(channel, input.fraction, detector.expectedOf(c));
  const expected = channel.residual === "model" ? (predicted?.[c] ?? ofAr()) : ofAr();
  const isLoud = (detector.featuresOf(c)[6] as number) > (file.parameters.noise.mean[c] as number);
  const words: Readonly<Record<BlockName, string>> = {
    sensor: `${reading}, expected ${short(expected)} ± ${short(usualErrorOf(channel, input.fraction))}`,
    relation: `${reading} does not fit the other channels`,
    noise: `${reading}, ${isLoud ? "noisier" : "quieter"} than usual`,
    time_of_day: `${reading} is unusual for the time of the period`,
    extreme: `${reading} is beyond all readings before`,
  };
  if (file.spec.inputs.length === 1) return words[verdict.block];
  const share = Math.round(100 * (detector.shares()[c] as number));
  return `${words[verdict.block]}; ${share} % of the score`;
}
