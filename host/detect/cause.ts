// What explains a verdict, in words.

import type { Detector, Verdict } from "./detector.ts";
import type { DetectorFile } from "./file.ts";
import type { BlockName, ChannelParameters } from "./parameters.ts";
import { expectationOf } from "./real.ts";

/** Four digits, without an exponent where people would not write one. */
const short = (value: number): string => String(Number(value.toPrecision(4)));

/** Tells in words what explains a verdict: the channel, its value, and what is wrong with it. */
export function describeCause(
  file: DetectorFile,
  detector: Detector,
  verdict: Verdict,
  values: ArrayLike<number>,
): string {
  const c = verdict.channel;
  const input = file.spec.inputs[c] as DetectorFile["spec"]["inputs"][number];
  const channel = file.parameters.channels[c] as ChannelParameters;
  const unit = input.unit === undefined ? "" : ` ${input.unit}`;
  const reading = `${input.name} ${short(values[c] as number)}${unit}`;
  const { value, error } = expectationOf(channel, input.fraction, detector.expectedOf(c));
  const isLoud = (detector.featuresOf(c)[6] as number) > (file.parameters.noise.mean[c] as number);
  const words: Readonly<Record<BlockName, string>> = {
    sensor: `${reading}, expected ${short(value)} ± ${short(error)}`,
    relation: `${reading} does not fit the other channels`,
    noise: `${reading}, ${isLoud ? "noisier" : "quieter"} than usual`,
    time_of_day: `${reading} is unusual for the time of the period`,
    extreme: `${reading} is beyond all readings before`,
  };
  return words[verdict.block];
}
