// tanh and exp in single precision. The scalar and the SIMD form evaluate the same operations in the same order, so they give the same bits.
//
//   tanh(v) = v P(v²) / Q(v²), P and Q of degree 3, v clamped to ±7: minimax fit, absolute error 1.2e-6, |tanh| < 1.
//   sigmoid(a) = ½ + ½ tanh(½ a); callers pass ½ a.

/** P0..P3, Q1..Q3 (Q0 = 1), limit, -limit, ½, 1. In memory: V8 rebuilds a v128.const in every turn of a loop, 2 x slower. */
const T: usize = memory.data<f32>(
  [
    0.999995649, 0.123012498, 0.00227615633, 3.92607626e-6, 0.456330866, 0.0210682973, 0.000142260338, 7.0, -7.0, 0.5,
    1.0,
  ],
  16,
);

/** Four lanes of single-precision activations. */
export class Lanes {
  /** tanh of each lane. NaN stays NaN: `pmax(pmin(v, c), -c)` passes it on. */
  @inline static tanh(a: v128): v128 {
    const v = f32x4.pmax(f32x4.pmin(a, v128.load_splat<f32>(T, 28)), v128.load_splat<f32>(T, 32));
    const q = f32x4.mul(v, v);
    let p = f32x4.add(f32x4.mul(q, v128.load_splat<f32>(T, 12)), v128.load_splat<f32>(T, 8));
    p = f32x4.add(f32x4.mul(p, q), v128.load_splat<f32>(T, 4));
    p = f32x4.add(f32x4.mul(p, q), v128.load_splat<f32>(T, 0));
    let d = f32x4.add(f32x4.mul(q, v128.load_splat<f32>(T, 24)), v128.load_splat<f32>(T, 20));
    d = f32x4.add(f32x4.mul(d, q), v128.load_splat<f32>(T, 16));
    d = f32x4.add(f32x4.mul(d, q), v128.load_splat<f32>(T, 40));
    return f32x4.div(f32x4.mul(p, v), d);
  }

  /** Logistic function of twice each lane: ½ + ½ tanh(a). */
  @inline static sigmoid(a: v128): v128 {
    const half = v128.load_splat<f32>(T, 36);
    return f32x4.add(f32x4.mul(Lanes.tanh(a), half), half);
  }
}

/** tanh(a), absolute error 1.2e-6. */
export function tanhF32(a: f32): f32 {
  const v = max<f32>(min<f32>(a, load<f32>(T, 28)), load<f32>(T, 32));
  const q = v * v;
  const p = ((q * load<f32>(T, 12) + load<f32>(T, 8)) * q + load<f32>(T, 4)) * q + load<f32>(T, 0);
  const d = ((q * load<f32>(T, 24) + load<f32>(T, 20)) * q + load<f32>(T, 16)) * q + load<f32>(T, 40);
  return (p * v) / d;
}

/** The logistic function of 2a, ½ + ½ tanh(a). */
export function sigmoidF32(a: f32): f32 {
  return tanhF32(a) * f32(0.5) + f32(0.5);
}

/**
 * exp(a) for -87 <= a <= 0, absolute error 2e-7, relative error 2e-7 + 7.4e-8 |a| (the second part from rounding a log2 e); below, exp(-87).
 *
 * 2^k 2^f with k = round(a log2 e) by adding 1.5 * 2^23: no conversion that could trap, the same bits in every engine.
 */
export function expF32(a: f32): f32 {
  const t = max<f32>(a, -87) * f32(1.44269504);
  const shifted = t + f32(12582912);
  const f = t - (shifted - f32(12582912));
  let p: f32 = f * f32(1.32647273e-3) + f32(9.67151299e-3);
  p = p * f + f32(5.55073358e-2);
  p = p * f + f32(2.40222424e-1);
  p = p * f + f32(6.93147004e-1);
  p = p * f + f32(1);
  return reinterpret<f32>(reinterpret<i32>(p) + (reinterpret<i32>(shifted) << 23));
}
