// The activations of the f32 form over a range of floats, for test/runtime/activations.test.ts.
import { candidateF32, expF32, gateF32, sigmoidF32, tanhF32 } from "../f32/activations";

export const TANH = 0;
export const SIGMOID = 1;
export const EXP = 2;
export const CANDIDATE = 3;
export const GATE = 4;

/** Applies one of the functions above. */
export function apply(kind: i32, v: f32): f32 {
  switch (kind) {
    case TANH:
      return tanhF32(v);
    case SIGMOID:
      return sigmoidF32(v);
    case EXP:
      return expF32(v);
    case CANDIDATE:
      return candidateF32(v);
    default:
      return gateF32(v);
  }
}

/** The greatest relative error at every `stride`-th float from `from` to `to`, both of one sign. */
export function relativeError(kind: i32, from: f32, to: f32, stride: u32): f64 {
  let worst: f64 = 0;
  const last = reinterpret<u32>(to);
  for (let bits = reinterpret<u32>(from); bits <= last; bits += stride) {
    const v = reinterpret<f32>(bits);
    const expected = exact(kind, f64(v));
    const error = abs(f64(apply(kind, v)) / expected - 1);
    // Negated, so that NaN counts as the greatest.
    if (!(error <= worst)) worst = error;
  }
  return worst;
}

/** The greatest absolute error, likewise. */
export function absoluteError(kind: i32, from: f32, to: f32, stride: u32): f64 {
  let worst: f64 = 0;
  const last = reinterpret<u32>(to);
  for (let bits = reinterpret<u32>(from); bits <= last; bits += stride) {
    const v = reinterpret<f32>(bits);
    const error = abs(f64(apply(kind, v)) - exact(kind, f64(v)));
    if (!(error <= worst)) worst = error;
  }
  return worst;
}

function exact(kind: i32, v: f64): f64 {
  if (kind === TANH || kind === CANDIDATE) return Math.tanh(v);
  return kind === EXP ? Math.exp(v) : 1 / (1 + Math.exp(-2 * v));
}

/** The greatest fall, relative to the value, between floats `stride` apart from `from` to `to`, both of one sign and in that order. */
export function fall(kind: i32, from: f32, to: f32, stride: u32): f64 {
  let worst: f64 = 0;
  const last = reinterpret<u32>(to);
  let top = apply(kind, from);
  for (let bits = reinterpret<u32>(from); bits <= last; bits += stride) {
    const y = apply(kind, reinterpret<f32>(bits));
    // In order of the magnitude, negative arguments fall.
    const lost = from < 0 ? y - top : top - y;
    if (!(lost <= 0)) worst = max(worst, f64(lost) / f64(abs(y)));
    top = y;
  }
  return worst;
}
