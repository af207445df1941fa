import { candidateF32, gateF32 } from "../../../assembly/f32/activations";
import { Lanes } from "../../../assembly/f32/lanes";

/** The sweep takes every 4093rd float (a prime) from 0 to 50: densest near 0. */
const STRIDE: u32 = 4093;
const FIFTY: u32 = 0x42480000;

if (ASC_FEATURE_SIMD) {
  describe("Lanes", () => {
    it("gives the bits of gateF32 in every lane", () => {
      expect(gateDifferences()).toBe(0);
    });

    it("gives the bits of candidateF32 in every lane", () => {
      expect(candidateDifferences()).toBe(0);
    });

    it("passes NaN on, in its lane alone", () => {
      const v = f32x4.replace_lane(f32x4.splat(1), 2, NaN);
      const n = Lanes.candidate(v);
      expect<f32>(f32x4.extract_lane(n, 2)).toBeNaN();
      expect<f32>(f32x4.extract_lane(n, 1)).toBe(candidateF32(1));
      const z = Lanes.gate(v);
      expect<f32>(f32x4.extract_lane(z, 2)).toBeNaN();
      expect<f32>(f32x4.extract_lane(z, 1)).toBe(gateF32(1));
    });

    it("treats infinities as the scalar functions do", () => {
      expect<f32>(f32x4.extract_lane(Lanes.candidate(f32x4.splat(-Infinity)), 3)).toBe(-1);
      expect<f32>(f32x4.extract_lane(Lanes.gate(f32x4.splat(-Infinity)), 0)).toBe(0);
      expect<f32>(f32x4.extract_lane(Lanes.gate(f32x4.splat(Infinity)), 1)).toBe(1);
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

function gateDifferences(): i32 {
  let differences = 0;
  for (let bits: u32 = 0; bits < FIFTY; bits += STRIDE) {
    const a = reinterpret<f32>(bits);
    const y = Lanes.gate(arguments4(a));
    if (!isSameBits(f32x4.extract_lane(y, 0), gateF32(a))) differences++;
    if (!isSameBits(f32x4.extract_lane(y, 1), gateF32(-a))) differences++;
    if (!isSameBits(f32x4.extract_lane(y, 2), gateF32(a + a))) differences++;
    if (!isSameBits(f32x4.extract_lane(y, 3), gateF32(a * f32(-0.5)))) differences++;
  }
  return differences;
}

function candidateDifferences(): i32 {
  let differences = 0;
  for (let bits: u32 = 0; bits < FIFTY; bits += STRIDE) {
    const a = reinterpret<f32>(bits);
    const y = Lanes.candidate(arguments4(a));
    if (!isSameBits(f32x4.extract_lane(y, 0), candidateF32(a))) differences++;
    if (!isSameBits(f32x4.extract_lane(y, 1), candidateF32(-a))) differences++;
    if (!isSameBits(f32x4.extract_lane(y, 2), candidateF32(a + a))) differences++;
    if (!isSameBits(f32x4.extract_lane(y, 3), candidateF32(a * f32(-0.5)))) differences++;
  }
  return differences;
}
