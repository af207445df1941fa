import { describeCause } from "../detect/cause.ts";
import type { Detector, Verdict } from "../detect/detector.ts";
import type { DetectorFile } from "../detect/file.ts";
import { expectationOf, usualErrorOf } from "../detect/real.ts";
import type { Explanation } from "./latch.ts";
import type { Cause } from "./types.ts";

/** Inputs that explain less are left out. */
const LEAST_SHARE = 0.05;
const MOST_CAUSES = 5;

/** What explains a verdict, as it is published: inputs with their shares, and words for the first. */
export function explain(
  file: DetectorFile,
  detector: Detector,
  verdict: Verdict,
  values: ArrayLike<number>,
): Explanation {
  const shares = detector.shares();
  const order = [...shares.keys()].sort((a, b) => (shares[b] as number) - (shares[a] as number));
  const named = order.filter((c) => (shares[c] as number) >= LEAST_SHARE).slice(0, MOST_CAUSES);
  return {
    cause: named.map((c) => causeOf(file, detector, verdict, values, c, shares[c] as number)),
    text: describeCause(file, detector, verdict, values),
  };
}

function causeOf(
  { spec, parameters }: DetectorFile,
  detector: Detector,
  { block }: Verdict,
  values: ArrayLike<number>,
  c: number,
  share: number,
): Cause {
  const input = spec.inputs[c] as DetectorFile["spec"]["inputs"][number];
  const channel = parameters.channels[c] as DetectorFile["parameters"]["channels"][number];
  const expected = expectationOf(channel, input.fraction, detector.expectedOf(c));
  const error = usualErrorOf(channel, input.fraction);
  return {
    input: input.name,
    share: round(share, 2),
    value: values[c] as number,
    ...(block === "sensor" && { expected: short(expected), error: short(error) }),
    ...(input.unit !== undefined && { unit: input.unit }),
    kind: block,
  };
}

const round = (value: number, digits: number): number => Number(value.toFixed(digits));
const short = (value: number): number => Number(value.toPrecision(5));
