import {
  FORECAST_INPUT,
  FORECAST_NEXT,
  FORECAST_OUTPUT,
  FORECASTS_COUNT,
  FORECASTS_HORIZON,
  FORECASTS_SIZE,
  RING_EXPECTED,
  RING_ROW,
  RING_STEPS,
} from "../layout";
import { F32s, Ring } from "../memory";

/**
 * Compares a sample with what was predicted for it `horizon` steps ago, and remembers what is predicted now (FORMAT.md 7).
 *
 * @param forecasts  the image's part of this name: horizon, J, and which output forecasts which input
 * @param ring  the session's ring, updated in place
 * @param sample  f32[I]
 * @param prediction  f32[O]
 */
export function residualsF32(forecasts: usize, ring: usize, sample: usize, prediction: usize): void {
  const horizon = load<u32>(forecasts, FORECASTS_HORIZON);
  const bytes = F32s.bytes(load<i32>(forecasts, FORECASTS_COUNT));
  const isKnown = load<u32>(ring, RING_STEPS) >= horizon;
  let row = ring + RING_EXPECTED + bytes * usize(2 + load<u32>(ring, RING_ROW));
  let to = ring + RING_EXPECTED;
  let map = forecasts + FORECASTS_SIZE;
  for (const end = to + bytes; to < end; to += 4) {
    const expected = load<f32>(row);
    const reading = load<f32>(sample + load<usize>(map, FORECAST_INPUT));
    store<f32>(to, expected);
    store<f32>(to + bytes, isKnown ? reading - expected : 0);
    store<f32>(row, load<f32>(prediction + load<usize>(map, FORECAST_OUTPUT)));
    row += 4;
    map += FORECAST_NEXT;
  }
  Ring.advance(ring, horizon);
}
