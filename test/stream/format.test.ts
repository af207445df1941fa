import { describe, expect, it } from "vitest";
import { formatAnswer, formatNumber } from "../../host/stream/format.ts";

describe("formatNumber", () => {
  it("prints single precision with at most nine digits that read back to the same bits", () => {
    expect(formatNumber(Math.fround(0.1), "f32")).toBe("0.100000001");
    expect(formatNumber(Math.fround(1 / 3), "f32")).toBe("0.333333343");
    const bits = new Uint32Array(1);
    const value = new Float32Array(bits.buffer);
    let wrong = 0;
    for (let seed = 1, count = 0; count < 20_000; count++) {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      bits[0] = seed;
      const expected = value[0] ?? 0;
      if (Number.isFinite(expected) && Math.fround(Number(formatNumber(expected, "f32"))) !== expected) wrong++;
    }
    expect(wrong).toBe(0);
  });

  it("prints null for what is not finite: the line stays JSON", () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      expect([formatNumber(value, "f32"), formatNumber(value, "q15")]).toEqual(["null", "null"]);
    }
  });

  it("prints q15 values exactly", () => {
    expect(formatNumber(123456789 * 2 ** -20, "q15")).toBe("117.73756885528564");
  });
});

describe("formatAnswer", () => {
  const answer = {
    prediction: [Math.fround(0.1), 2],
    residual: [null, -0.5],
    n: 12,
    ts: 1732000000000,
    model: 'a "pump"@00ff00ff',
  };

  it("prints one line of JSON", () => {
    expect(formatAnswer(answer, "f32")).toBe(
      '{"prediction":[0.100000001,2],"residual":[null,-0.5],"n":12,"ts":1732000000000,"model":"a \\"pump\\"@00ff00ff"}',
    );
  });

  it("prints numbers in the form of the runtime", () => {
    const exact = { ...answer, prediction: Float64Array.of(0.1), residual: [0.123456789012] };
    expect(JSON.parse(formatAnswer(exact, "q15"))).toMatchObject({ prediction: [0.1], residual: [0.123456789012] });
    expect(JSON.parse(formatAnswer(exact, "f32"))).toMatchObject({ residual: [0.123456789] });
  });
});
