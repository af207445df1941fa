// What a module for a microcontroller does besides a step, in both numeric forms: its self-test, and the run of pseudo-random samples by which runtimes
// are compared. `step` is the function that the linker (tools/mcu/link.ts) writes for a model.

import { CRC_POLYNOMIAL, HASH_FACTOR, HASH_TURN } from "../layout";
import { clear } from "../memory";

/** The step of the model. */
declare function step(): i32;

/**
 * Runs the test vectors from a fresh state, and leaves a fresh state.
 *
 * @param vectors  for each step the words of its sample, then those of its prediction
 * @returns 0, or the number of the first step that differs, from 1
 */
export function selftest(
  vectors: usize,
  steps: i32,
  input: usize,
  inputBytes: usize,
  output: usize,
  outputBytes: usize,
  state: usize,
  stateBytes: usize,
): i32 {
  clear(state, stateBytes);
  let failed = 0;
  for (let t = 1; t <= steps; t++) {
    for (let i: usize = 0; i < inputBytes; i += 4) store<i32>(input + i, load<i32>(vectors + i));
    vectors += inputBytes;
    let differs = step();
    for (let i: usize = 0; i < outputBytes; i += 4) differs |= load<i32>(output + i) ^ load<i32>(vectors + i);
    vectors += outputBytes;
    if (differs !== 0) {
      failed = t;
      break;
    }
  }
  clear(state, stateBytes);
  return failed;
}

/**
 * Compares the CRC-32 of the module's constants, which lie in two parts, with what it was when the module was made. It finds each damaged bit, every two,
 * and 32 in a row.
 *
 * @param from  first part, up to `to`: multiples of 4
 * @param then  second part, up to `end`
 * @param crc  as of the register, without the last complement
 * @returns 0, or 1 when the constants are damaged
 */
export function check(from: usize, to: usize, then: usize, end: usize, crc: i32): i32 {
  let register: u32 = 0xffffffff;
  let at = from;
  do {
    if (at === to) at = then;
    register ^= load<u32>(at);
    let bits = 32;
    do register = (register >>> 1) ^ (CRC_POLYNOMIAL & (0 - (register & 1)));
    while (--bits);
    at += 4;
  } while (at < end);
  return i32(i32(register) !== crc);
}

/**
 * Feeds pseudo-random samples to the model and answers a hash (as FNV-1a, over words, and rotated) of all predictions and of the last state. Values are spread over all
 * magnitudes, so that they reach the limits as well.
 *
 * T: i32 for raw values of q15, f32 for real values in units of 2^-16.
 *
 * @param vocabulary  above 0: samples are tokens
 */
export function drive<T>(
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
  clear(state, stateBytes);
  let random = seed | 1;
  let hash: i32 = 0x811c9dc5;
  while (steps-- > 0) {
    for (let i: usize = 0; i < inputBytes; i += 4) {
      const value = xorshift(random);
      random = xorshift(value);
      if (vocabulary > 0) store<u32>(input + i, u32(value) % u32(vocabulary));
      else if (isFloat<T>()) store<f32>(input + i, f32(value >> (random & 31)) * 0.0000152587890625);
      else store<i32>(input + i, max(min(value >> (random & 31), 1 << 30), -(1 << 30)));
    }
    hash = fold(hash, step());
    hash = mix(hash, output, outputBytes);
  }
  return mix(hash, state, stateBytes);
}

/** The next pseudo-random number (Marsaglia, Xorshift RNGs, 2003). */
export function xorshift(s: i32): i32 {
  s ^= s << 13;
  s ^= s >>> 17;
  return s ^ (s << 5);
}

/**
 * Takes a word into a hash. A factor that is odd keeps a difference in the highest bit there, where a second one would undo it: the rotation moves it
 * away.
 */
export function fold(hash: i32, word: i32): i32 {
  return rotl<i32>((hash ^ word) * HASH_FACTOR, HASH_TURN);
}

/** Takes words into a hash. */
export function mix(hash: i32, at: usize, bytes: usize): i32 {
  for (const end = at + bytes; at < end; at += 4) hash = fold(hash, load<i32>(at));
  return hash;
}
