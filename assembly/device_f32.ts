// The functions from which the linker (tools/device/link.ts) makes the module of an f32 model for a microcontroller. Not a module to run.

export { resetState, selftest } from "./device";
export { stepF32 as step } from "./network_f32";

import { drive } from "./device";

/** The run by which runtimes are compared. */
export function drive_f32(
  seed: i32,
  steps: i32,
  input: usize,
  inputBytes: usize,
  output: usize,
  outputBytes: usize,
  state: usize,
  stateBytes: usize,
  vocabulary: i32,
): i32 {
  return drive<f32>(seed, steps, input, inputBytes, output, outputBytes, state, stateBytes, vocabulary);
}
