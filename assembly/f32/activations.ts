// tanh, the logistic function and exp in single precision, made of multiplications, additions and one division, so that every engine
// gives the same bits. Two of them twice: those of the cell (`gateF32`, `candidateF32`, with twins in lanes.ts) are the quickest that
// are as near to the truth in absolute terms as one rounding of the result; those of dense layers keep to the relative bounds below.
// Test: test/runtime/activations.test.ts takes every float.
//
//   2^x     k is the integer nearest x, taken by adding 1.5 * 2^23, and 2^(x - k) a polynomial. Nothing that could trap.
//   e^-2v   k = floor(-2v / ln 2): the polynomial's variable is never negative and nor are its coefficients, so that every rounding
//           keeps the order: the result never rises where v does.

import {
  C1,
  C2,
  C3,
  C4,
  C5,
  CONSTANTS,
  E0,
  GATE_HIGH,
  GATE_LOW,
  HALF,
  LN2_HIGH,
  LN2_LOW,
  LOG2E_MINUS,
  LOG2E_TWICE,
  MAGIC,
  O0,
  O1,
  P1,
  P2,
  P3,
  P4,
  P5,
  R0,
  R1,
  R2,
  R3,
  SMALL,
  TANH_HIGH,
} from "./coefficients";

/** A constant of coefficients.ts by its offset, and the powers of two. */
class Numbers {
  @inline static at(offset: usize): f32 {
    return load<f32>(CONSTANTS + offset);
  }

  /** 2^k from k + MAGIC, -127 <= k <= 128: 0 and infinity at the ends. */
  @inline static power(shifted: f32): f32 {
    return reinterpret<f32>(reinterpret<i32>(shifted) << 23);
  }

  /** 2^x, x = t less its nearest integer, which `shifted` holds. */
  @inline static exp2(t: f32, shifted: f32): f32 {
    const x = t - (shifted - Numbers.at(MAGIC));
    const square = x * x;
    const low = x * Numbers.at(P1) + f32(1);
    const middle = x * Numbers.at(P3) + Numbers.at(P2);
    const high = x * Numbers.at(P5) + Numbers.at(P4);
    return Numbers.power(shifted) * ((high * square + middle) * square + low);
  }
}

/**
 * A gate of the cell: the logistic function of 2v, within 1.1e-7; relative error 1.8e-7 + 1.2e-7 |v|.
 *
 *     1 / (1 + 2^t), t = -2v / ln 2
 *
 * It is exactly ½ at 0, 0 and 1 far out. Between floats next to each other it may fall by one unit in the last place.
 */
export function gateF32(v: f32): f32 {
  const t = max<f32>(min<f32>(v, Numbers.at(GATE_HIGH)), Numbers.at(GATE_LOW)) * Numbers.at(LOG2E_MINUS);
  return f32(1) / (Numbers.exp2(t, t + Numbers.at(MAGIC)) + f32(1));
}

/**
 * The candidate of the cell: tanh(v), relative error 3e-7.
 *
 *     (2^t - 1) / (2^t + 1), t = 2 |v| / ln 2, 2^t = 2^k (even + odd) / (even - odd)
 *
 * For k = 0 the numerator is odd alone, so small arguments keep their relative precision. Where the quotient is above ½, it is
 * 1 less the complement, which rounds once: no noise on the way to 1. Between floats next to each other it may fall by 2.7e-7 of itself.
 */
export function candidateF32(v: f32): f32 {
  const t = min<f32>(abs<f32>(v), Numbers.at(TANH_HIGH)) * Numbers.at(LOG2E_TWICE);
  const shifted = t + Numbers.at(MAGIC);
  const x = t - (shifted - Numbers.at(MAGIC));
  const square = x * x;
  const even = square + Numbers.at(E0);
  const odd = x * (square * Numbers.at(O1) + Numbers.at(O0));
  const scale = Numbers.power(shifted);
  const top = (scale - f32(1)) * even + (scale + f32(1)) * odd;
  const rest = even - odd;
  const twice = rest + rest;
  return copysign<f32>(top < twice ? top / (top + twice) : f32(1) - twice / (top + twice), v);
}

/** tanh(v), relative error 2.5e-7, never falling, odd to the last bit, exactly 1 from 9.1 on. NaN stays NaN. */
export function tanhF32(v: f32): f32 {
  const a = min<f32>(abs<f32>(v), Numbers.at(TANH_HIGH));
  let y: f32;
  if (a < Numbers.at(SMALL)) {
    const q = a * a;
    const low = q * Numbers.at(R1) + Numbers.at(R0);
    const high = q * Numbers.at(R3) + Numbers.at(R2);
    y = a - a * q * (q * q * high + low);
  } else {
    const t = a * Numbers.at(LOG2E_TWICE);
    y = f32(1) - f32(2) / (Numbers.exp2(t, t + Numbers.at(MAGIC)) + f32(1));
  }
  return copysign<f32>(y, v);
}

/** The logistic function of 2v, relative error 2.7e-7 down to 1e-38, never falling, exactly 0 and 1 far out. NaN stays NaN. */
export function sigmoidF32(v: f32): f32 {
  return f32(1) / (expTwice(v) + f32(1));
}

/** exp(a) for a <= 0, relative error 2.5e-7 from -87.3 on and 0 below, never falling. NaN stays NaN. */
export function expF32(a: f32): f32 {
  return expTwice(f32(-0.5) * a);
}

/** e^-2v, never rising; 0 beyond 43.67, infinite below -44.36. */
function expTwice(v: f32): f32 {
  const a = max<f32>(min<f32>(v, Numbers.at(GATE_HIGH)), Numbers.at(GATE_LOW));
  const shifted = a * Numbers.at(LOG2E_MINUS) - Numbers.at(HALF) + Numbers.at(MAGIC);
  const k = shifted - Numbers.at(MAGIC);
  // -2v = k ln 2 + 2x. The product with the upper part of ln 2 is exact.
  const x = -k * Numbers.at(LN2_HIGH) - a - k * Numbers.at(LN2_LOW);
  const square = x * x;
  const low = x * Numbers.at(C1) + f32(1);
  const middle = x * Numbers.at(C3) + Numbers.at(C2);
  const high = x * Numbers.at(C5) + Numbers.at(C4);
  return Numbers.power(shifted) * ((high * square + middle) * square + low);
}
