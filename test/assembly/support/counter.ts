// A model for the specs of the libraries for microcontrollers, in the place of what the linker writes: its state is the sum of its inputs, and so are its two outputs, the second
// one negated. An input that `refuse` names is refused.

import { zeros } from "./memory";

export const INPUT: usize = zeros(8);
export const OUTPUT: usize = zeros(8);
export const STATE: usize = zeros(16);

/** The status of a step that is refused. */
export const REFUSED: i32 = 77;

/** The input that is refused. */
let refused: i32 = 77;

/** Chooses the input that is refused. */
export function refuse(input: i32): void {
  refused = input;
}

/** Calls of `step` so far. */
export let calls: i32 = 0;

/** The step of the model; as-pect.config.js gives it to assembly/mcu/selftest.ts. */
export function step(): i32 {
  calls++;
  if (load<i32>(INPUT) === refused) return REFUSED;
  const sum = load<i32>(STATE) + load<i32>(INPUT) + load<i32>(INPUT, 4);
  store<i32>(STATE, sum);
  store<i32>(OUTPUT, sum);
  store<i32>(OUTPUT, -sum, 4);
  return 0;
}
