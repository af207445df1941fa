// The ring of forecasts in a module for a microcontroller (FORMAT.md 7): where firmware finds what was expected, and the residual.

import { RING_EXPECTED, RING_STEPS } from "../../assembly/layout.ts";
import { forecastsOf } from "../../host/model/forecasts.ts";
import type { ModelSpec } from "../../host/model/types.ts";
import type { Ring } from "./types.ts";

/**
 * The ring of a model whose state is placed.
 *
 * @param address  of the ring in the state
 * @returns undefined when no output forecasts an input
 */
export function placeRing(spec: ModelSpec, address: number): Ring | undefined {
  const outputs = forecastsOf(spec).map(({ output }) => output);
  if (outputs.length === 0) return undefined;
  const expected = address + RING_EXPECTED;
  return {
    outputs,
    horizon: spec.horizon,
    steps: address + RING_STEPS,
    expected,
    residual: expected + 4 * outputs.length,
  };
}

/** The constants that a module with a ring exports besides the others; none without. */
export function ringConstants(ring: Ring | undefined): Readonly<Record<string, number>> {
  if (ring === undefined) return {};
  const { steps, horizon, expected, residual, outputs } = ring;
  return { steps, horizon, expected, residual, residual_count: outputs.length };
}
