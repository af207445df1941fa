// The export `drive` of a module that is built for tests (assembly/mcu/selftest.ts), computed without that module: the same pseudo-random samples fed
// to the host's builds or to the oracle, and hashed the same way.

import type { Model, ModelSpec } from "../../host/model/types.ts";
import { createRuntime } from "../../host/runtime/runtime.ts";
import { Q15Oracle } from "../oracle/q15.ts";

const RAW_LIMIT = 2 ** 30;
const HASH_START = 0x811c9dc5;
/** Bytes of a snapshot before and after the state block (FORMAT.md 7). */
const SNAPSHOT_HEAD = 28;
const SNAPSHOT_TAIL = 4;

/** FNV-1a over words, each product rotated: a difference in the highest bit alone does not stay there, where another one would undo it. */
export function fold(hash: number, word: number): number {
  const product = Math.imul(hash ^ word, 0x01000193);
  return (product << 5) | (product >>> 27);
}

/** The words of `bytes`, which may lie anywhere in their buffer. */
const wordsOf = (bytes: Uint8Array): Int32Array => new Int32Array(Uint8Array.from(bytes).buffer);

/** The next pseudo-random number (Marsaglia, Xorshift RNGs, 2003). */
function xorshift(state: number): number {
  let s = state;
  s ^= s << 13;
  s ^= s >>> 17;
  return s ^ (s << 5);
}

/**
 * Draws the samples of `drive(seed, steps)`: values of all magnitudes, the limits included.
 *
 * @returns the words at `input` of each step: raw integers, tokens, or the bits of f32 values
 */
export function driveSamples({ inputs, numeric, embedding }: ModelSpec, seed: number, steps: number): Int32Array {
  const words = new Int32Array(steps * inputs.length);
  const reals = new Float32Array(words.buffer);
  let state = seed | 1;
  for (let i = 0; i < words.length; i++) {
    const value = xorshift(state);
    state = xorshift(value);
    const magnitude = value >> (state & 31);
    if (embedding) words[i] = (value >>> 0) % embedding.vocabulary;
    else if (numeric === "f32") reals[i] = Math.fround(magnitude) * 2 ** -16;
    else words[i] = Math.max(Math.min(magnitude, RAW_LIMIT), -RAW_LIMIT);
  }
  return words;
}

/** Hashes all predictions, a status of 0 before each, and the last state. Returns a u32. */
function hashRun(predictions: Int32Array, outputs: number, state: Uint8Array): number {
  let hash = HASH_START;
  predictions.forEach((word, index) => {
    if (index % outputs === 0) hash = fold(hash, 0);
    hash = fold(hash, word);
  });
  return wordsOf(state).reduce(fold, hash) >>> 0;
}

/** What `drive` must answer, from a build of the host. */
export function driveHost(model: Model, simd: boolean, seed: number, steps: number): number {
  const { inputs, outputs, numeric, embedding } = model.spec;
  const words = driveSamples(model.spec, seed, steps);
  const isReal = numeric === "f32" && !embedding;
  const samples = isReal
    ? new Float32Array(words.buffer)
    : Float64Array.from(words, (word, i) => word * 2 ** -(inputs[i % inputs.length]?.fraction ?? 0));
  const session = createRuntime(model, { simd }).createSession();
  const values = session.run(samples);
  const predictions =
    numeric === "f32"
      ? new Int32Array(Float32Array.from(values).buffer)
      : Int32Array.from(values, (value, i) => value * 2 ** (outputs[i % outputs.length]?.fraction ?? 0));
  return hashRun(predictions, outputs.length, session.snapshot().subarray(SNAPSHOT_HEAD, -SNAPSHOT_TAIL));
}

/** What `drive` must answer, from the plain reading of FORMAT.md 5. Of q15 models only. */
export function driveOracle(model: Model, seed: number, steps: number): number {
  const { inputs, outputs } = model.spec;
  const words = driveSamples(model.spec, seed, steps);
  const oracle = new Q15Oracle(model);
  const predictions = new Int32Array(steps * outputs.length);
  for (let t = 0; t < steps; t++) {
    predictions.set(oracle.step(words.subarray(t * inputs.length, (t + 1) * inputs.length)), t * outputs.length);
  }
  return hashRun(predictions, outputs.length, oracle.state());
}
