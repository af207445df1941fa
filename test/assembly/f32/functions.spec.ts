import { expm1F32, functionF32, normalF32, softplusF32 } from "../../../assembly/f32/functions";
import {
  LAYER_ELU,
  LAYER_GELU,
  LAYER_GELU_TANH,
  LAYER_HARDTANH,
  LAYER_PRELU,
  LAYER_SILU,
  LAYER_SOFTPLUS,
} from "../../../assembly/layout";

describe("functionF32", () => {
  it("keeps positive values of prelu, and multiplies the others by the slope", () => {
    expect<f32>(functionF32(LAYER_PRELU, 3, -0.5, 0)).toBe(3);
    expect<f32>(functionF32(LAYER_PRELU, -4, -0.5, 0)).toBe(2);
    expect<f32>(functionF32(LAYER_PRELU, 0, -0.5, 0)).toBe(0);
  });

  it("keeps hardtanh between its bounds", () => {
    expect<f32>(functionF32(LAYER_HARDTANH, -3, -0.5, 6)).toBe(-0.5);
    expect<f32>(functionF32(LAYER_HARDTANH, 2, -0.5, 6)).toBe(2);
    expect<f32>(functionF32(LAYER_HARDTANH, 7, -0.5, 6)).toBe(6);
  });

  it("multiplies the exponential of elu by alpha", () => {
    expect<f32>(functionF32(LAYER_ELU, 2, 0.5, 0)).toBe(2);
    expect<f64>(abs(f64(functionF32(LAYER_ELU, -1, 0.5, 0)) - 0.5 * (Math.exp(-1) - 1))).toBeLessThan(1e-7);
  });

  it("is within 4e-7 of silu, gelu, gelu_tanh and softplus from -12 to 12", () => {
    expect<f64>(worst(LAYER_SILU)).toBeLessThan(4e-7);
    expect<f64>(worst(LAYER_GELU)).toBeLessThan(4e-7);
    expect<f64>(worst(LAYER_GELU_TANH)).toBeLessThan(4e-7);
    expect<f64>(worst(LAYER_SOFTPLUS)).toBeLessThan(4e-7);
  });
});

describe("expm1F32", () => {
  it("does not cancel near zero", () => {
    expect<f64>(abs(f64(expm1F32(-1e-6)) / Math.expm1(-1e-6) - 1)).toBeLessThan(4e-7);
  });
});

describe("softplusF32", () => {
  it("is log 2 at zero, and the value itself far to the right", () => {
    expect<f64>(abs(f64(softplusF32(0)) - Math.log(2))).toBeLessThan(1e-7);
    expect<f32>(softplusF32(60)).toBe(60);
  });
});

describe("normalF32", () => {
  it("is 1/2 at zero, and 0 and 1 far away", () => {
    expect<f64>(abs(f64(normalF32(0)) - 0.5)).toBeLessThan(1e-7);
    expect<f32>(normalF32(9)).toBe(1);
    expect<f64>(abs(f64(normalF32(-9)))).toBeLessThan(1e-15);
  });
});

/** The greatest |difference| / max(1, |expected|) from -12 to 12 in steps of 1/64. */
function worst(kind: i32): f64 {
  let greatest: f64 = 0;
  for (let i = -768; i <= 768; i++) {
    const a = f64(i) / 64;
    const want = exact(kind, a);
    const have = f64(functionF32(kind, f32(a), 0, 0));
    greatest = max(greatest, abs(have - want) / max(1, abs(want)));
  }
  return greatest;
}

function exact(kind: i32, a: f64): f64 {
  if (kind === LAYER_SILU) return a / (1 + Math.exp(-a));
  if (kind === LAYER_SOFTPLUS) return max(a, 0) + Math.log1p(Math.exp(-abs(a)));
  if (kind === LAYER_GELU_TANH) return a * 0.5 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (a + 0.044715 * a * a * a)));
  return a * normal(a);
}

/** By its series about zero, and 0 or 1 where the rest is below 1e-18. */
function normal(a: f64): f64 {
  if (abs(a) > 9) return a > 0 ? 1 : 0;
  let term = a;
  let sum = a;
  for (let k = 1; k < 400; k++) {
    term *= (a * a) / (2 * k + 1);
    sum += term;
  }
  return 0.5 + (sum * Math.exp((-a * a) / 2)) / Math.sqrt(2 * Math.PI);
}
