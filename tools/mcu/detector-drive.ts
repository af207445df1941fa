// The run of pseudo-random rows of assembly/mcu/watch.ts, computed by the detector in TypeScript.

import { HASH_FACTOR, HASH_TURN } from "../../assembly/layout.ts";
import { Detector, type Verdict } from "../../host/detect/detector.ts";
import { BLOCKS, type DetectorParameters } from "../../host/detect/parameters.ts";

const RAW_LIMIT = 2 ** 30;

/** Takes a word into a hash (assembly/mcu/selftest.ts). */
function fold(hash: number, word: number): number {
  const product = Math.imul(hash ^ word, HASH_FACTOR);
  return (product << HASH_TURN) | (product >>> (32 - HASH_TURN));
}

/** The next pseudo-random number (Marsaglia, Xorshift RNGs, 2003). */
function xorshift(state: number): number {
  let s = state;
  s ^= s << 13;
  s ^= s >>> 17;
  return s ^ (s << 5);
}

/** The words of a verdict as a module has them: score, alarm, block, channel, alert. */
export const verdictWords = ({ score, isAlarm, block, channel, isAlert }: Verdict): readonly number[] => [
  score * 2048,
  isAlarm ? 1 : 0,
  BLOCKS.indexOf(block),
  channel,
  isAlert ? 1 : 0,
];

/** What `drive(seed, steps)` of a detector's module must answer, an i32. */
export function driveDetector(parameters: DetectorParameters, seed: number, steps: number): number {
  const detector = new Detector(parameters);
  const raw = new Int32Array(parameters.channels.length);
  let random = seed | 1;
  let hash = 0x811c9dc5 | 0;
  let row = -1;
  for (let step = 0; step < steps; step++) {
    for (let c = 0; c < raw.length; c++) {
      const value = xorshift(random);
      random = xorshift(value);
      raw[c] = Math.max(Math.min(value >> (random & 31), RAW_LIMIT), -RAW_LIMIT);
    }
    random = xorshift(random);
    row += 1 + ((random & 63) === 0 ? (random >>> 6) >>> (random >>> 27) : 0);
    // The status of a step, 0.
    hash = verdictWords(detector.step(raw, row)).reduce(fold, fold(hash, 0));
  }
  return new Int32Array(detector.state().buffer).reduce(fold, hash);
}
