import {
  FORECAST_INPUT,
  FORECAST_NEXT,
  FORECAST_OUTPUT,
  FORECAST_SHIFT,
  FORECASTS_COUNT,
  FORECASTS_HORIZON,
  FORECASTS_SIZE,
  RING_EXPECTED,
  RING_ROW,
  RING_STEPS,
} from "../layout";
import { I32s, Ring } from "../memory";

/**
 * Compares a sample with what was predicted for it `horizon` steps ago, and remembers what is predicted now (FORMAT.md 7).
 *
 * @param forecasts  the image's part of this name: horizon, J, and which output forecasts which input
 * @param ring  the session's ring, updated in place
 * @param sample  i32[I] raw values
 * @param prediction  i32[O] raw values
 */
export function residualsQ15(forecasts: usize, ring: usize, sample: usize, prediction: usize): void {
  const horizon = load<u32>(forecasts, FORECASTS_HORIZON);
  const bytes = I32s.bytes(load<i32>(forecasts, FORECASTS_COUNT));
  const isKnown = load<u32>(ring, RING_STEPS) >= horizon;
  let row = ring + RING_EXPECTED + bytes * usize(2 + load<u32>(ring, RING_ROW));
  let to = ring + RING_EXPECTED;
  let map = forecasts + FORECASTS_SIZE;
  for (const end = to + bytes; to < end; to += 4) {
    const expected = load<i32>(row);
    const raw = load<i32>(sample + load<usize>(map, FORECAST_INPUT));
    store<i32>(to, expected);
    store<i32>(to + bytes, isKnown ? difference(readingOf(raw, load<i32>(map, FORECAST_SHIFT)), expected) : 0);
    store<i32>(row, load<i32>(prediction + load<usize>(map, FORECAST_OUTPUT)));
    row += 4;
    map += FORECAST_NEXT;
  }
  Ring.advance(ring, horizon);
}

/** A raw input in the fraction of an output: shifted to the left, or to the right when `shift` is negative, and saturated. */
export function readingOf(raw: i32, shift: i32): i32 {
  if (shift < 0) return raw >> -shift;
  const reading = raw << shift;
  return reading >> shift === raw ? reading : endOf(raw);
}

/** a - b, saturated. */
function difference(a: i32, b: i32): i32 {
  const d = a - b;
  // It has overflowed when a and b have unlike signs, and a and d.
  return ((a ^ b) & (a ^ d)) < 0 ? endOf(a) : d;
}

/** The end of an i32 that has the sign of `value`. */
function endOf(value: i32): i32 {
  return (value >> 31) ^ i32.MAX_VALUE;
}
