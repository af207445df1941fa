// Entry of the q15 module. Addresses are bytes in the exported memory; the host chooses them at or above `__heap_base`.

import { checkImage } from "../image";
import {
  ABI_VERSION,
  HEADER_FORECASTS,
  HEADER_PREDICTION,
  HEADER_RING,
  HEADER_SAMPLE,
  HEADER_STATE,
  IMAGE_MAGIC_Q15_I8,
  IMAGE_MAGIC_Q15_I16,
} from "../layout";
import { clear } from "../memory";
import { residualsQ15 } from "./forecasts";
import { stepQ15 } from "./network";

// @ts-expect-error: tsc does not know that asc exports a global of its own
export { __heap_base };

/** Version of these functions. */
export function abi_version(): i32 {
  return ABI_VERSION;
}

/** Checks an image in `bytes` bytes (the scratch comes behind it): STATUS_OK or what is wrong. */
export function check(image: usize, bytes: i32): i32 {
  return checkImage(image, bytes, ASC_FEATURE_SIMD ? IMAGE_MAGIC_Q15_I16 : IMAGE_MAGIC_Q15_I8);
}

/** Sets the state of a session to its start, all zeros. */
export function reset(image: usize, state: usize): void {
  clear(state, load<u32>(image, HEADER_STATE));
}

/** Advances one session by one time step. `sample` is i32[I] or a token as i32, `prediction` i32[O]. Returns a status. */
export function step(image: usize, state: usize, sample: usize, prediction: usize): i32 {
  return stepped(image, state, sample, prediction);
}

/** Advances one session by `count` time steps: samples i32[count][I], predictions i32[count][O]. Stops at a bad status and returns it. */
export function run(image: usize, state: usize, samples: usize, predictions: usize, count: i32): i32 {
  return advance(image, state, 0, samples, predictions, count);
}

/** Advances `count` sessions by one time step each: states u32[count] addresses, samples i32[count][I], predictions i32[count][O]. */
export function batch(image: usize, states: usize, samples: usize, predictions: usize, count: i32): i32 {
  return advance(image, 0, states, samples, predictions, count);
}

/** `run` when `states` is 0, else `batch`. */
function advance(image: usize, state: usize, states: usize, samples: usize, predictions: usize, count: i32): i32 {
  let status = 0;
  while (count-- > 0 && status === 0) {
    status = stepped(image, states > 0 ? usize(load<u32>(states)) : state, samples, predictions);
    states += states > 0 ? 4 : 0;
    samples += load<u32>(image, HEADER_SAMPLE) << 2;
    predictions += load<u32>(image, HEADER_PREDICTION) << 2;
  }
  return status;
}

/** One step: the network, then its ring of forecasts where it has one. */
function stepped(image: usize, state: usize, sample: usize, prediction: usize): i32 {
  const status = stepQ15(image, state, sample, prediction);
  const forecasts = load<u32>(image, HEADER_FORECASTS);
  if (forecasts > 0) residualsQ15(image + forecasts, state + load<u32>(image, HEADER_RING), sample, prediction);
  return status;
}
