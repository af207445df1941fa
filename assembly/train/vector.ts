// Numbers side by side: four lanes in the SIMD build, one in the scalar build. What is written with them is written once, and the
// same operations in the same order give the same bits.

import { candidateF32, gateF32 } from "../f32/activations";
import { Lanes } from "../f32/lanes";

/** Operations on V: v128 as four f32, or f32. */
export class Vec {
  @inline static splat<V>(value: f32): V {
    return isVector<V>() ? (f32x4.splat(value) as V) : (value as V);
  }

  @inline static splatAt<V>(at: usize): V {
    return isVector<V>() ? (v128.load_splat<f32>(at) as V) : (load<f32>(at) as V);
  }

  @inline static add<V>(a: V, b: V): V {
    return isVector<V>() ? (f32x4.add(a as v128, b as v128) as V) : (((a as f32) + (b as f32)) as V);
  }

  @inline static sub<V>(a: V, b: V): V {
    return isVector<V>() ? (f32x4.sub(a as v128, b as v128) as V) : (((a as f32) - (b as f32)) as V);
  }

  @inline static mul<V>(a: V, b: V): V {
    return isVector<V>() ? (f32x4.mul(a as v128, b as v128) as V) : (((a as f32) * (b as f32)) as V);
  }

  @inline static div<V>(a: V, b: V): V {
    return isVector<V>() ? (f32x4.div(a as v128, b as v128) as V) : (((a as f32) / (b as f32)) as V);
  }

  @inline static sqrt<V>(a: V): V {
    return isVector<V>() ? (f32x4.sqrt(a as v128) as V) : (sqrt<f32>(a as f32) as V);
  }

  @inline static min<V>(a: V, b: V): V {
    return isVector<V>() ? (f32x4.min(a as v128, b as v128) as V) : (min<f32>(a as f32, b as f32) as V);
  }

  @inline static max<V>(a: V, b: V): V {
    return isVector<V>() ? (f32x4.max(a as v128, b as v128) as V) : (max<f32>(a as f32, b as f32) as V);
  }

  @inline static nearest<V>(a: V): V {
    return isVector<V>() ? (f32x4.nearest(a as v128) as V) : (nearest<f32>(a as f32) as V);
  }

  /** 1 where 0 < a < 1, else 0: the slope of a hard gate. */
  @inline static isInside<V>(a: V): V {
    if (isVector<V>()) {
      const v = a as v128;
      const one = f32x4.splat(1);
      return v128.and(one, v128.and(f32x4.gt(v, f32x4.splat(0)), f32x4.lt(v, one))) as V;
    }
    return f32((a as f32) > 0 && (a as f32) < 1) as V;
  }

  /** gateF32: the logistic function of 2a. */
  @inline static gate<V>(a: V): V {
    return isVector<V>() ? (Lanes.gate(a as v128) as V) : (gateF32(a as f32) as V);
  }

  /** candidateF32. */
  @inline static candidate<V>(a: V): V {
    return isVector<V>() ? (Lanes.candidate(a as v128) as V) : (candidateF32(a as f32) as V);
  }

  /** min(max(a, 0), 1) */
  @inline static hardGate<V>(a: V): V {
    return Vec.min<V>(Vec.max<V>(a, Vec.splat<V>(0)), Vec.splat<V>(1));
  }
}
