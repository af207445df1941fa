// The functions from which the linker (tools/mcu/link.ts) makes the module of an f32 model for a microcontroller. Not a module to run.

export { residualsF32 as residuals } from "../f32/forecasts";
export { stepF32 as step } from "../f32/network";
export { clear } from "../memory";
export { check, selftest } from "./selftest";

import { drive } from "./selftest";

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
