// The ring of forecasts in a session's state, read and written by the host (FORMAT.md 7).

import { RING_EXPECTED, RING_ROW, RING_STEPS } from "../../assembly/layout.ts";
import { forecastsOf, ringBytes } from "../model/forecasts.ts";
import type { ModelSpec } from "../model/types.ts";

/** What a ring knows of the latest step: two parts of as many elements. */
export type RingPart = "expected" | "residual";

/** Reads a part of a ring in real values. */
export class RingReader {
  /** Index among the forecasts of each output; -1 for one that forecasts no input. */
  readonly #places: readonly number[];
  readonly #count: number;
  readonly #horizon: number;
  readonly #isFloat: boolean;
  readonly #units: readonly number[];

  constructor(spec: ModelSpec) {
    const forecasts = forecastsOf(spec);
    this.#places = spec.outputs.map((_, index) => forecasts.findIndex(({ output }) => output === index));
    this.#count = forecasts.length;
    this.#horizon = spec.horizon;
    this.#isFloat = spec.numeric === "f32";
    this.#units = spec.outputs.map(({ fraction = 0 }) => 2 ** -fraction);
  }

  /** Per output: null where it forecasts no input, and of all before the first forecast was due. */
  read(part: RingPart, buffer: ArrayBuffer, address: number): (number | null)[] {
    if (this.#count === 0) return this.#places.map(() => null);
    const view = new DataView(buffer, address);
    const isKnown = view.getUint32(RING_STEPS, true) > this.#horizon;
    const start = RING_EXPECTED + (part === "expected" ? 0 : 4 * this.#count);
    return this.#places.map((place, output) => {
      if (place < 0 || !isKnown) return null;
      const at = start + 4 * place;
      return this.#isFloat ? view.getFloat32(at, true) : view.getInt32(at, true) * (this.#units[output] as number);
    });
  }

  /** Steps taken, up to 2^32 - 1. */
  steps(buffer: ArrayBuffer, address: number): number {
    return this.#count === 0 ? 0 : new DataView(buffer, address).getUint32(RING_STEPS, true);
  }
}

/**
 * Writes a ring as it is after `steps` steps, but for what it knows of the latest: that is zero.
 *
 * @param forecasts  f64[horizon][J] real values; the one of step k, from 0, at row k mod horizon
 * @returns its bytes, without what pads it
 */
export function writeRing(spec: ModelSpec, steps: number, forecasts: ArrayLike<number>): Uint8Array {
  const outputs = forecastsOf(spec).map(({ output }) => output);
  const count = outputs.length;
  const bytes = new Uint8Array(ringBytes(spec));
  if (count === 0) return bytes;
  const view = new DataView(bytes.buffer);
  view.setUint32(RING_STEPS, Math.min(steps, 2 ** 32 - 1), true);
  view.setUint32(RING_ROW, steps % spec.horizon, true);
  for (let i = 0; i < count * spec.horizon; i++) {
    const at = RING_EXPECTED + 4 * (2 * count + i);
    const value = forecasts[i] as number;
    if (spec.numeric === "f32") view.setFloat32(at, value, true);
    else view.setInt32(at, value * 2 ** (spec.outputs[outputs[i % count] as number]?.fraction ?? 0), true);
  }
  return bytes;
}
