// A detector on a microcontroller, with rows that are counted (FORMAT.md 8): its row, its reset, its self-test. `step` is the function that the
// linker (tools/mcu/link.ts) writes.

import { detectRow, restart } from "../detect/detector";
// biome-ignore lint/style/useImportType: asc knows no import type
import { Form } from "../detect/forms";
import { IMAGE_PERIOD, STATE_ALARM, STATE_HOLD, STATE_ROW, STATE_STARTED, VERDICT_BYTES } from "../detect/layout";
import { clear } from "../memory";
import { fold, mix, xorshift } from "./selftest";

/** The step of the module. */
declare function step(): i32;

/**
 * Takes a row.
 *
 * @param input  i32[C], then u32 rows missed before this one, which is set to 0
 * @param residuals  i32[C] of the model that the detector is in; 0 while they are not known, or without one
 */
export function watch<F extends Form>(image: usize, state: usize, input: usize, residuals: usize, work: usize): void {
  const missing = input + (usize(changetype<F>(0).count(image)) << 2);
  const missed = load<u32>(missing);
  store<u32>(missing, 0);
  // Rows are counted from 0.
  store<u64>(state, load<u64>(state, STATE_ROW) + missed + load<u8>(state, STATE_STARTED), STATE_ROW);
  let skip: u32 = 0;
  if (changetype<F>(0).isPeriodic() && missed !== 0) skip = missed % load<u32>(image, IMAGE_PERIOD);
  detectRow<F>(image, state, input, residuals, work, missed, skip, false);
}

/** Forgets what is recent, and ends the alarm. What took long to learn stays. */
export function forget(state: usize): void {
  if (load<u8>(state, STATE_STARTED) === 0) return;
  restart(state);
  store<u8>(state, 0, STATE_ALARM);
  store<i32>(state, 0, STATE_HOLD);
}

/**
 * Feeds pseudo-random rows to a fresh detector and answers a hash (as FNV-1a, over words, and rotated) of all verdicts and of the last state. Values are spread over
 * all magnitudes; now and then rows are missed.
 */
export function driveWatch(
  seed: i32,
  steps: i32,
  input: usize,
  inputBytes: usize,
  output: usize,
  state: usize,
  stateBytes: usize,
): i32 {
  clear(state, stateBytes);
  let random = seed | 1;
  let hash: i32 = 0x811c9dc5;
  while (steps-- > 0) {
    for (let i: usize = 0; i < inputBytes; i += 4) {
      const value = xorshift(random);
      random = xorshift(value);
      store<i32>(input + i, max(min(value >> (random & 31), 1 << 30), -(1 << 30)));
    }
    random = xorshift(random);
    store<u32>(input + inputBytes, (random & 63) === 0 ? (u32(random) >>> 6) >>> (u32(random) >>> 27) : 0);
    hash = fold(hash, step());
    hash = mix(hash, output, VERDICT_BYTES);
  }
  return mix(hash, state, stateBytes);
}

/**
 * Compares such a run with what it must answer. Leaves a fresh state.
 *
 * @returns 0, or 1 when they differ
 */
export function testWatch(
  seed: i32,
  steps: i32,
  expected: i32,
  input: usize,
  inputBytes: usize,
  output: usize,
  state: usize,
  stateBytes: usize,
): i32 {
  const differs = driveWatch(seed, steps, input, inputBytes, output, state, stateBytes) !== expected;
  clear(state, stateBytes);
  return i32(differs);
}
