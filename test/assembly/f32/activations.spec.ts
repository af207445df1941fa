// What one value shows. The bounds over every float are held by test/runtime/activations.test.ts.
import { candidateF32, expF32, gateF32, sigmoidF32, tanhF32 } from "../../../assembly/f32/activations";

describe("tanhF32", () => {
  it("is zero at zero, with its sign", () => {
    expect(bits(tanhF32(0))).toBe(0);
    expect(bits(tanhF32(-0.0))).toBe(0x80000000);
  });

  it("is its argument where that is small", () => {
    expect<f32>(tanhF32(1e-5)).toBe(1e-5);
    expect<f32>(tanhF32(-1e-38)).toBe(-1e-38);
  });

  it("is one, exactly, far out", () => {
    expect<f32>(tanhF32(9.1)).toBe(1);
    expect<f32>(tanhF32(f32.MAX_VALUE)).toBe(1);
    expect<f32>(tanhF32(Infinity)).toBe(1);
    expect<f32>(tanhF32(-Infinity)).toBe(-1);
  });

  it("passes NaN on", () => {
    expect<f32>(tanhF32(NaN)).toBeNaN();
  });
});

describe("candidateF32", () => {
  it("is zero at zero, with its sign", () => {
    expect(bits(candidateF32(0))).toBe(0);
    expect(bits(candidateF32(-0.0))).toBe(0x80000000);
  });

  it("is one, exactly, far out", () => {
    expect<f32>(candidateF32(9.1)).toBe(1);
    expect<f32>(candidateF32(Infinity)).toBe(1);
    expect<f32>(candidateF32(-f32.MAX_VALUE)).toBe(-1);
  });

  it("passes NaN on", () => {
    expect<f32>(candidateF32(NaN)).toBeNaN();
  });
});

describe("sigmoidF32", () => {
  it("is the logistic function of twice its argument", () => {
    expect<f32>(sigmoidF32(0)).toBe(0.5);
    expect<f64>(relative(sigmoidF32(1), 1 / (1 + Math.exp(-2)))).toBeLessThanOrEqual(1.2e-7);
    expect<f64>(relative(sigmoidF32(-20), Math.exp(-40))).toBeLessThanOrEqual(4e-7);
  });

  it("is zero and one, exactly, far out", () => {
    expect<f32>(sigmoidF32(9)).toBe(1);
    expect<f32>(sigmoidF32(Infinity)).toBe(1);
    expect<f32>(sigmoidF32(-44.5)).toBe(0);
    expect<f32>(sigmoidF32(-Infinity)).toBe(0);
  });

  it("passes NaN on", () => {
    expect<f32>(sigmoidF32(NaN)).toBeNaN();
  });
});

describe("gateF32", () => {
  it("is the logistic function of twice its argument", () => {
    expect<f32>(gateF32(0)).toBe(0.5);
    expect<f64>(relative(gateF32(1), 1 / (1 + Math.exp(-2)))).toBeLessThanOrEqual(1.2e-7);
  });

  it("is zero and one, exactly, far out", () => {
    expect<f32>(gateF32(9)).toBe(1);
    expect<f32>(gateF32(Infinity)).toBe(1);
    expect<f32>(gateF32(-44.5)).toBe(0);
    expect<f32>(gateF32(-Infinity)).toBe(0);
  });

  it("passes NaN on", () => {
    expect<f32>(gateF32(NaN)).toBeNaN();
  });
});

describe("expF32", () => {
  it("is one at zero", () => {
    expect<f32>(expF32(0)).toBe(1);
  });

  it("is exp of its argument", () => {
    expect<f64>(relative(expF32(-1), Math.exp(-1))).toBeLessThanOrEqual(2.5e-7);
    expect<f64>(relative(expF32(-87), Math.exp(-87))).toBeLessThanOrEqual(2.5e-7);
  });

  it("is zero far below", () => {
    expect<f32>(expF32(-88)).toBe(0);
    expect<f32>(expF32(-1e30)).toBe(0);
    expect<f32>(expF32(-Infinity)).toBe(0);
  });

  it("passes NaN on", () => {
    expect<f32>(expF32(NaN)).toBeNaN();
  });
});

function bits(y: f32): u32 {
  return reinterpret<u32>(y);
}

function relative(y: f32, expected: f64): f64 {
  return abs(f64(y) / expected - 1);
}
