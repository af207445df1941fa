// The slopes of the activations of ../f32/functions.ts. Scalar in every build.

import { expF32, sigmoidF32 } from "../f32/activations";
import { normalF32 } from "../f32/functions";
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

/**
 * The slope of a function at a sum.
 *
 * @param kind  LAYER_PRELU to LAYER_HARDSIGMOID
 * @param a  the sum
 * @param y  the function of it
 * @param p  the first parameter of the row
 * @param q  the second
 */
export function slopeF32(kind: i32, a: f32, y: f32, p: f32, q: f32): f32 {
  if (kind === LAYER_PRELU) return a > 0 ? 1 : p;
  if (kind === LAYER_HARDTANH) return a > p && a < q ? 1 : 0;
  if (kind === LAYER_ELU) return a > 0 ? 1 : y + p;
  if (kind === LAYER_SILU) {
    const s = sigmoidF32(f32(0.5) * a);
    return s * (f32(1) + a * (f32(1) - s));
  }
  // σ(2v) + a σ'(2v) 2v', v = √(2/π) (a + 0.044715 a³)
  if (kind === LAYER_GELU_TANH) {
    const s = sigmoidF32(a * (f32(0.0356774081) * a * a + f32(0.79788456)));
    return s + a * s * (f32(1) - s) * (f32(0.2140644489) * a * a + f32(1.59576912));
  }
  // Φ(a) + a φ(a); 1 / √(2π)
  if (kind === LAYER_GELU) return normalF32(a) + a * f32(0.39894228) * expF32(f32(-0.5) * a * a);
  if (kind === LAYER_HARDSIGMOID) return a * p + q > 0 && a * p + q < 1 ? p : 0;
  if (kind === LAYER_HARDSWISH) return a <= -3 ? 0 : a >= 3 ? 1 : a * f32(0.333333343) + f32(0.5);
  return sigmoidF32(f32(0.5) * a);
}
