import { expF32, Lanes, sigmoidF32, tanhF32 } from "../../../assembly/f32/activations";

/** Sweeps take every 4093rd float (a prime) from 0 to 10: 266 thousand, densest near 0. */
const STRIDE: u32 = 4093;
const TEN: u32 = 0x41200000;

describe("tanhF32", () => {
  it("is zero at zero", () => {
    expect<f32>(tanhF32(0)).toBe(0);
  });

  it("differs from tanh by at most 1.2e-6", () => {
    let worst: f64 = 0;
    for (let bits: u32 = 0; bits < TEN; bits += STRIDE) {
      const a = reinterpret<f32>(bits);
      worst = max(worst, abs(f64(tanhF32(a)) - Math.tanh(f64(a))));
    }
    expect<f64>(worst).toBeLessThanOrEqual(1.2e-6);
    expect<f64>(worst).toBeGreaterThan(1e-7, "the sweep measures something");
  });

  it("is odd to the last bit", () => {
    let failures = 0;
    for (let bits: u32 = 0; bits < TEN; bits += STRIDE) {
      const a = reinterpret<f32>(bits);
      if (reinterpret<u32>(tanhF32(-a)) !== (reinterpret<u32>(tanhF32(a)) ^ 0x80000000)) failures++;
    }
    expect(failures).toBe(0);
  });

  it("never falls by more than 4e-7", () => {
    let top: f32 = -1;
    let worst: f32 = 0;
    for (let bits: u32 = 0; bits < TEN; bits += STRIDE) {
      const y = tanhF32(reinterpret<f32>(bits));
      worst = max(worst, top - y);
      top = max(top, y);
    }
    expect<f32>(worst).toBeLessThanOrEqual(4e-7);
  });

  it("stays below 1", () => {
    let top: f32 = 0;
    for (let bits: u32 = 0; bits < TEN; bits += STRIDE) top = max(top, tanhF32(reinterpret<f32>(bits)));
    expect<f32>(top).toBeLessThan(1);
  });

  it("is constant beyond 7", () => {
    expect<f32>(tanhF32(1e30)).toBe(tanhF32(7));
    expect<f32>(tanhF32(f32.MAX_VALUE)).toBe(tanhF32(7));
    expect<f32>(tanhF32(Infinity)).toBe(tanhF32(7));
    expect<f32>(tanhF32(-Infinity)).toBe(tanhF32(-7));
  });

  it("passes NaN on", () => {
    expect<f32>(tanhF32(NaN)).toBeNaN();
  });
});

describe("sigmoidF32", () => {
  it("is one half at zero", () => {
    expect<f32>(sigmoidF32(0)).toBe(0.5);
  });

  it("is the logistic function of twice its argument, within 6.2e-7", () => {
    let worst: f64 = 0;
    for (let bits: u32 = 0; bits < TEN; bits += STRIDE) {
      const a = reinterpret<f32>(bits);
      worst = max(worst, abs(f64(sigmoidF32(a)) - 1 / (1 + Math.exp(-2 * f64(a)))));
      worst = max(worst, abs(f64(sigmoidF32(-a)) - 1 / (1 + Math.exp(2 * f64(a)))));
    }
    expect<f64>(worst).toBeLessThanOrEqual(6.2e-7);
  });

  it("lies between 0 and 1", () => {
    expect<f32>(sigmoidF32(Infinity)).toBeLessThanOrEqual(1);
    expect<f32>(sigmoidF32(-Infinity)).toBeGreaterThanOrEqual(0);
  });

  it("passes NaN on", () => {
    expect<f32>(sigmoidF32(NaN)).toBeNaN();
  });
});

describe("expF32", () => {
  it("is one at zero", () => {
    expect<f32>(expF32(0)).toBe(1);
  });

  it("differs from exp by at most 2e-7 from -87 to 0", () => {
    let worst: f64 = 0;
    for (let i = 0; i <= 200000; i++) {
      const a = f32(-87) * (f32(i) / f32(200000));
      worst = max(worst, abs(f64(expF32(a)) - Math.exp(f64(a))));
    }
    expect<f64>(worst).toBeLessThanOrEqual(2e-7);
  });

  it("has a relative error of at most 2e-7 + 7.4e-8 |a|: that of rounding a log2 e", () => {
    let worst: f64 = 0;
    for (let i = 0; i <= 200000; i++) {
      const a = f32(-87) * (f32(i) / f32(200000));
      const error = abs(f64(expF32(a)) / Math.exp(f64(a)) - 1);
      worst = max(worst, error / (2e-7 - 7.4e-8 * f64(a)));
    }
    expect<f64>(worst).toBeLessThanOrEqual(1);
  });

  it("turns less than -87 into exp(-87)", () => {
    expect<f32>(expF32(-87.5)).toBe(expF32(-87));
    expect<f32>(expF32(-1e30)).toBe(expF32(-87));
    expect<f32>(expF32(-Infinity)).toBe(expF32(-87));
    expect<f32>(expF32(-87)).toBeGreaterThan(0);
  });

  it("passes NaN on", () => {
    expect<f32>(expF32(NaN)).toBeNaN();
  });
});

if (ASC_FEATURE_SIMD) {
  describe("Lanes", () => {
    it("gives the bits of tanhF32 in every lane", () => {
      expect(tanhDifferences()).toBe(0);
    });

    it("gives the bits of sigmoidF32 in every lane", () => {
      expect(sigmoidDifferences()).toBe(0);
    });

    it("passes NaN on, in its lane alone", () => {
      const y = Lanes.tanh(f32x4.replace_lane(f32x4.splat(1), 2, NaN));
      expect<f32>(f32x4.extract_lane(y, 2)).toBeNaN();
      expect<f32>(f32x4.extract_lane(y, 1)).toBe(tanhF32(1));
      expect<f32>(f32x4.extract_lane(Lanes.sigmoid(f32x4.splat(NaN)), 0)).toBeNaN();
    });

    it("treats infinities as tanhF32 does", () => {
      expect<f32>(f32x4.extract_lane(Lanes.tanh(f32x4.splat(Infinity)), 0)).toBe(tanhF32(7));
      expect<f32>(f32x4.extract_lane(Lanes.tanh(f32x4.splat(-Infinity)), 3)).toBe(tanhF32(-7));
    });
  });
}

/** Four arguments of the sweep: a, -a, 2a, -a/2. */
function arguments4(a: f32): v128 {
  let v = f32x4.splat(a);
  v = f32x4.replace_lane(v, 1, -a);
  v = f32x4.replace_lane(v, 2, a + a);
  return f32x4.replace_lane(v, 3, a * f32(-0.5));
}

function isSameBits(a: f32, b: f32): bool {
  return reinterpret<u32>(a) === reinterpret<u32>(b);
}

function tanhDifferences(): i32 {
  let differences = 0;
  for (let bits: u32 = 0; bits < TEN; bits += STRIDE) {
    const a = reinterpret<f32>(bits);
    const y = Lanes.tanh(arguments4(a));
    if (!isSameBits(f32x4.extract_lane(y, 0), tanhF32(a))) differences++;
    if (!isSameBits(f32x4.extract_lane(y, 1), tanhF32(-a))) differences++;
    if (!isSameBits(f32x4.extract_lane(y, 2), tanhF32(a + a))) differences++;
    if (!isSameBits(f32x4.extract_lane(y, 3), tanhF32(a * f32(-0.5)))) differences++;
  }
  return differences;
}

function sigmoidDifferences(): i32 {
  let differences = 0;
  for (let bits: u32 = 0; bits < TEN; bits += STRIDE) {
    const a = reinterpret<f32>(bits);
    const y = Lanes.sigmoid(arguments4(a));
    if (!isSameBits(f32x4.extract_lane(y, 0), sigmoidF32(a))) differences++;
    if (!isSameBits(f32x4.extract_lane(y, 1), sigmoidF32(-a))) differences++;
    if (!isSameBits(f32x4.extract_lane(y, 2), sigmoidF32(a + a))) differences++;
    if (!isSameBits(f32x4.extract_lane(y, 3), sigmoidF32(a * f32(-0.5)))) differences++;
  }
  return differences;
}
