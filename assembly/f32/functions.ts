// The functions of a dense layer beyond those of a GRU (FORMAT.md 4). Scalar in every build, so that all give the same bits.

import {
  LAYER_ELU,
  LAYER_GELU,
  LAYER_GELU_TANH,
  LAYER_HARDSIGMOID,
  LAYER_HARDSWISH,
  LAYER_HARDTANH,
  LAYER_PRELU,
  LAYER_SILU,
} from "../layout";
import { expF32, sigmoidF32, tanhF32 } from "./activations";

/**
 * Applies a function to one sum.
 *
 * @param kind  LAYER_PRELU to LAYER_HARDSIGMOID
 * @param p  the first parameter of the row
 * @param q  the second
 */
export function functionF32(kind: i32, a: f32, p: f32, q: f32): f32 {
  if (kind === LAYER_PRELU) return a > 0 ? a : a * p;
  if (kind === LAYER_HARDTANH) return min<f32>(max<f32>(a, p), q);
  if (kind === LAYER_ELU) return a > 0 ? a : p * expm1F32(a);
  if (kind === LAYER_SILU) return a * sigmoidF32(f32(0.5) * a);
  // ½ + ½ tanh(v) = σ(2v), v = √(2/π) (a + 0.044715 a³)
  if (kind === LAYER_GELU_TANH) return a * sigmoidF32(a * (f32(0.0356774081) * a * a + f32(0.79788456)));
  if (kind === LAYER_GELU) return a * normalF32(a);
  if (kind === LAYER_HARDSIGMOID) return hardGateF32(a * p + q);
  // 1/6, rounded
  if (kind === LAYER_HARDSWISH) return a * hardGateF32(a * f32(0.166666672) + f32(0.5));
  return softplusF32(a);
}

/** A value between 0 and 1; what is beyond becomes the nearer of them. NaN stays NaN. */
export function hardGateF32(a: f32): f32 {
  return min<f32>(max<f32>(a, 0), 1);
}

/** exp(a) - 1 for a <= 0: 2t / (1 - t) with t = tanh(a / 2), exact near zero where exp(a) - 1 cancels. */
export function expm1F32(a: f32): f32 {
  const t = tanhF32(a * f32(0.5));
  return (t + t) / (f32(1) - t);
}

/** log(1 + exp(a)): max(a, 0) + log1p(exp(-|a|)), log1p(u) = 2 atanh(u / (2 + u)) as a series to the power 13. */
export function softplusF32(a: f32): f32 {
  const u = expF32(-abs<f32>(a));
  const s = u / (f32(2) + u);
  const q = s * s;
  let p: f32 = q * f32(0.0769230798) + f32(0.0909090936);
  p = p * q + f32(0.111111112);
  p = p * q + f32(0.142857149);
  p = p * q + f32(0.2);
  p = p * q + f32(0.333333343);
  p = p * q + f32(1);
  return max<f32>(a, 0) + f32(2) * s * p;
}

/**
 * The normal distribution function, ½ erfc(-a / √2), by Chebyshev's fit of erfc with a relative error of 1.2e-7 (Press et al.,
 * Numerical Recipes, erfcc): t exp(-x² + polynomial in t), t = 1 / (1 + x / 2).
 */
export function normalF32(a: f32): f32 {
  const x = abs<f32>(a) * f32(0.707106769);
  const t = f32(1) / (f32(1) + f32(0.5) * x);
  let p: f32 = t * f32(0.17087277) - f32(0.82215223);
  p = p * t + f32(1.48851587);
  p = p * t - f32(1.13520398);
  p = p * t + f32(0.27886807);
  p = p * t - f32(0.18628806);
  p = p * t + f32(0.09678418);
  p = p * t + f32(0.37409196);
  p = p * t + f32(1.00002368);
  p = p * t - f32(1.26551223);
  const tail = f32(0.5) * t * expF32(p - x * x);
  return a > 0 ? f32(1) - tail : tail;
}
