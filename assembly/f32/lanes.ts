// The activations of the cell in four lanes, for the SIMD build: the operations of activations.ts in the same order, so the same bits.

import {
  E0,
  GATE_HIGH,
  GATE_LOW,
  LANES,
  LOG2E_MINUS,
  LOG2E_TWICE,
  MAGIC,
  O0,
  O1,
  ONE,
  P1,
  P2,
  P3,
  P4,
  P5,
  SIGN,
  TANH_HIGH,
} from "./coefficients";

/** Four lanes of single-precision activations. */
export class Lanes {
  /** The constant at this offset, in every lane. */
  @inline static at(offset: usize): v128 {
    return v128.load(LANES + 4 * offset);
  }

  /** gateF32 of each lane. NaN stays NaN: `pmax(pmin(v, c), d)` passes it on. */
  @inline static gate(v: v128): v128 {
    const one = Lanes.at(ONE);
    const limited = f32x4.pmax(f32x4.pmin(v, Lanes.at(GATE_HIGH)), Lanes.at(GATE_LOW));
    const t = f32x4.mul(limited, Lanes.at(LOG2E_MINUS));
    const shifted = f32x4.add(t, Lanes.at(MAGIC));
    const x = f32x4.sub(t, f32x4.sub(shifted, Lanes.at(MAGIC)));
    const square = f32x4.mul(x, x);
    const low = f32x4.add(f32x4.mul(x, Lanes.at(P1)), one);
    const middle = f32x4.add(f32x4.mul(x, Lanes.at(P3)), Lanes.at(P2));
    const high = f32x4.add(f32x4.mul(x, Lanes.at(P5)), Lanes.at(P4));
    const power = f32x4.add(f32x4.mul(f32x4.add(f32x4.mul(high, square), middle), square), low);
    return f32x4.div(one, f32x4.add(f32x4.mul(i32x4.shl(shifted, 23), power), one));
  }

  /** candidateF32 of each lane. NaN stays NaN. */
  @inline static candidate(v: v128): v128 {
    const one = Lanes.at(ONE);
    const sign = v128.and(v, Lanes.at(SIGN));
    const t = f32x4.mul(f32x4.pmin(v128.xor(v, sign), Lanes.at(TANH_HIGH)), Lanes.at(LOG2E_TWICE));
    const shifted = f32x4.add(t, Lanes.at(MAGIC));
    const x = f32x4.sub(t, f32x4.sub(shifted, Lanes.at(MAGIC)));
    const square = f32x4.mul(x, x);
    const even = f32x4.add(square, Lanes.at(E0));
    const odd = f32x4.mul(x, f32x4.add(f32x4.mul(square, Lanes.at(O1)), Lanes.at(O0)));
    const scale = i32x4.shl(shifted, 23);
    const top = f32x4.add(f32x4.mul(f32x4.sub(scale, one), even), f32x4.mul(f32x4.add(scale, one), odd));
    const rest = f32x4.sub(even, odd);
    const twice = f32x4.add(rest, rest);
    // |0 - top / all| or |1 - twice / all|, whichever numerator is less.
    const quotient = f32x4.div(f32x4.pmin(top, twice), f32x4.add(top, twice));
    const base = v128.andnot(one, f32x4.lt(top, twice));
    return v128.or(sign, v128.andnot(f32x4.sub(base, quotient), Lanes.at(SIGN)));
  }
}
