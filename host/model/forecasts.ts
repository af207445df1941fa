// Which outputs forecast which inputs, and the ring of forecasts in a session's state (FORMAT.md 7).

import { RING_EXPECTED } from "../../assembly/layout.ts";
import type { ModelSpec } from "./types.ts";

/** An output that forecasts an input. */
export interface Forecast {
  /** Index of the output. */
  readonly output: number;
  /** Index of the input whose value `horizon` steps ahead it predicts. */
  readonly input: number;
  /** Bits by which a raw input is shifted to the left to have the output's fraction; 0 in f32. */
  readonly shift: number;
}

/** The outputs that forecast an input, in their order; none of a model that takes tokens, for a token is no reading. */
export function forecastsOf(spec: ModelSpec): readonly Forecast[] {
  const { inputs, outputs, embedding } = spec;
  if (embedding) return [];
  return outputs.flatMap(({ forecasts, fraction = 0 }, output) => {
    const input = inputs.findIndex(({ name }) => name === forecasts);
    const target = inputs[input];
    return target ? [{ output, input, shift: fraction - (target.fraction ?? 0) }] : [];
  });
}

/** Bytes of the ring in the state, without what pads it; 0 when no output forecasts an input. */
export function ringBytes(spec: ModelSpec): number {
  const count = forecastsOf(spec).length;
  return count === 0 ? 0 : RING_EXPECTED + 4 * count * (2 + spec.horizon);
}
