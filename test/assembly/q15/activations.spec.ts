import { requantize, sat16, scale, sigmoidQ15, tanhQ15 } from "../../../assembly/q15/activations";
import { integer } from "../support/random";
import { TABLE } from "../support/table";

describe("sat16", () => {
  it("keeps what fits an i16", () => {
    expect(sat16(0)).toBe(0);
    expect(sat16(32767)).toBe(32767);
    expect(sat16(-32768)).toBe(-32768);
  });

  it("clamps what does not", () => {
    expect(sat16(32768)).toBe(32767);
    expect(sat16(-32769)).toBe(-32768);
    expect(sat16(i32.MAX_VALUE)).toBe(32767);
    expect(sat16(i32.MIN_VALUE)).toBe(-32768);
  });
});

describe("requantize (FORMAT.md 5.2)", () => {
  it("divides by 2^14, halves towards +infinity", () => {
    expect(requantize(16384)).toBe(1);
    expect(requantize(8192)).toBe(1); //  0.5 ->  1
    expect(requantize(-8192)).toBe(0); // -0.5 ->  0
    expect(requantize(-24576)).toBe(-1); // -1.5 -> -1
  });

  it("saturates at the ends of an i16", () => {
    expect(requantize(32767 << 14)).toBe(32767);
    expect(requantize(32768 << 14)).toBe(32767);
    expect(requantize(-32769 << 14)).toBe(-32768);
  });

  it("does not overflow at the greatest sums of two products", () => {
    expect(requantize(2 * 32767 * 32767)).toBe(32767);
    expect(requantize(-2 * 32768 * 32767)).toBe(-32768);
  });
});

describe("scale (FORMAT.md 5.5)", () => {
  it("is the floor of a m / 65536", () => {
    expect(scale(65536, 3)).toBe(3);
    expect(scale(65535, 3)).toBe(2);
    expect(scale(-1, 1)).toBe(-1);
    expect(scale(-1, 0)).toBe(0);
  });

  it("equals the product in 64 bits at the extremes", () => {
    expect(scale(i32.MAX_VALUE, 32767)).toBe(1073709055);
    expect(scale(i32.MIN_VALUE, 32767)).toBe(-1073709056);
  });

  it("equals the product in 64 bits at random", () => {
    let differences = 0;
    for (let turn = 0; turn < 100000; turn++) {
      const a = integer(i32.MIN_VALUE, i32.MAX_VALUE);
      const m = integer(0, 32767);
      if (scale(a, m) !== i32((i64(a) * i64(m)) >> 16)) differences++;
    }
    expect(differences).toBe(0);
  });
});

describe("tanhQ15 (FORMAT.md 5.3)", () => {
  it("is zero at zero", () => {
    expect(tanhQ15(0, TABLE)).toBe(0);
  });

  it("interpolates between the entries of the table", () => {
    expect(tanhQ15(256, TABLE)).toBe(2047); // tanh(1/16), entry 1
    expect(tanhQ15(128, TABLE)).toBe(1023); // (2047 * 128) >> 8
    expect(tanhQ15(-1, TABLE)).toBe(-9); // entry -1: -2047 + ((2046 * 255) >> 8)
  });

  it("differs from tanh by at most 2.1e-4 at every i16", () => {
    let worst: f64 = 0;
    for (let v = -32768; v <= 32767; v++) {
      worst = max(worst, abs(f64(tanhQ15(v, TABLE)) / 32768 - Math.tanh(f64(v) / 4096)));
    }
    expect<f64>(worst).toBeLessThanOrEqual(2.1e-4);
  });

  it("never falls", () => {
    let falls = 0;
    for (let v = -32767; v <= 32767; v++) if (tanhQ15(v, TABLE) < tanhQ15(v - 1, TABLE)) falls++;
    expect(falls).toBe(0);
  });

  it("ends at -32766 and 32766", () => {
    expect(tanhQ15(-32768, TABLE)).toBe(-32766);
    expect(tanhQ15(32767, TABLE)).toBe(32766);
  });
});

describe("sigmoidQ15", () => {
  it("is one half at zero", () => {
    expect(sigmoidQ15(0, TABLE)).toBe(16384);
  });

  it("is (T(v) + 32769) >> 1 at every i16", () => {
    let failures = 0;
    for (let v = -32768; v <= 32767; v++) if (sigmoidQ15(v, TABLE) !== (tanhQ15(v, TABLE) + 32769) >> 1) failures++;
    expect(failures).toBe(0);
  });

  it("reaches from 1 to 32767: a gate never closes entirely and fits an i16", () => {
    expect(sigmoidQ15(-32768, TABLE)).toBe(1);
    expect(sigmoidQ15(32767, TABLE)).toBe(32767);
  });
});
