import { describe, expect, it } from "vitest";
import type { Comparison, OutputDifference } from "../../../tools/verify/compare.ts";
import type { Sequence } from "../../../tools/verify/reference.ts";
import { renderComparison } from "../../../tools/verify/text.ts";
import { findWeaknesses } from "../../../tools/verify/weakness.ts";

const output = (part: Partial<OutputDifference> = {}): OutputDifference => ({
  name: "y",
  max: 0.0123456,
  rms: 1.23456e-7,
  signal: 2,
  sequence: 0,
  step: 31,
  expected: 1.23456789012,
  actual: -0.5,
  error: 1e-6,
  passed: true,
  ...part,
});

function linesOf(outputs: readonly OutputDifference[], part: Partial<Comparison> = {}): string[] {
  const passed = outputs.every((one) => one.passed);
  return renderComparison("m against r", { compared: 5, tolerance: 1e-5, outputs, passed, ...part }, false).split("\n");
}

describe("renderComparison", () => {
  it("tells heading, outputs and verdict", () => {
    expect(linesOf([output({ unit: "°C" })])).toEqual([
      "m against r",
      "  y  max 0.0123 °C  rms 1.23e-7  0.0000062 % of the signal  worst at step 31: expected 1.23456789, found -0.5",
      "passed, allowed 1e-5 · max(1, |expected|)",
      "",
    ]);
  });

  it("tells how much of it rounding explains", () => {
    const { tolerance: _, ...rule } = { compared: 5, tolerance: 0, outputs: [output({ error: 0.0234 })], passed: true };
    expect(renderComparison("m", rule, false)).toContain(
      "passed, at most 2.3 % of what rounding in single precision explains\n",
    );
    const failed = { ...rule, outputs: [output({ error: 123.4, passed: false })], passed: false };
    expect(renderComparison("m", failed, false)).toContain(
      "FAILED: 1 of 1 output, up to 120 times what rounding in single precision explains\n",
    );
  });

  it("tells the source's own error", () => {
    expect(linesOf([output({ max: 2, source: { max: 1e-5, rms: 1e-6 } })])[2]).toBe(
      "compared with the source's float64; its own float32 is off by max 1.00e-5, rms 1.00e-6 on y",
    );
    expect(linesOf([output({ max: 1e-6, source: { max: 1e-5, rms: 1e-6 } })])[2]).toMatch(/, more than the model is$/);
  });

  it("tells the sequence where it is not the first, and no part of a reference that does not move", () => {
    expect(linesOf([output({ sequence: 2, signal: 0 })])[1]).toBe(
      "  y  max 0.0123  rms 1.23e-7    worst at sequence 2 step 31: expected 1.23456789, found -0.5",
    );
  });

  it.each([
    [0, "0.00"],
    [9.99e-4, "9.99e-4"],
    [1e-3, "0.00100"],
    [123.456, "123"],
    [Infinity, "not a number"],
    [Number.NaN, "not a number"],
  ])("writes a difference of %d as %s", (max, text) => {
    expect(linesOf([output({ max })])[1]).toContain(`max ${text}  rms`);
  });

  it("tells which outputs failed, and how many", () => {
    const [, first, second, verdict] = linesOf([output({ passed: false }), output({ name: "other" })]);
    expect(first).toMatch(/ {2}FAILED$/);
    expect(second).not.toContain("FAILED");
    expect(verdict).toBe("FAILED: 1 of 2 outputs, allowed 1e-5 · max(1, |expected|)");
    expect(linesOf([output({ passed: false })], { tolerance: 0.25 })[2]).toBe(
      "FAILED: 1 of 1 output, allowed 0.25 · max(1, |expected|)",
    );
    expect(linesOf([output()], { tolerance: 1e-3 })[2]).toContain("allowed 0.001 ·");
  });

  it("shows the twenty worst of more outputs", () => {
    const many = (count: number) =>
      Array.from({ length: count }, (_, i) => output({ name: `y${i}`, error: (i * 7) % 23 }));
    expect(linesOf(many(20))).toHaveLength(1 + 20 + 2);
    const lines = linesOf(many(23));
    expect(lines).toHaveLength(1 + 20 + 3);
    // Errors 22, 21, … 3.
    const worst = many(23).sort((a, b) => b.error - a.error);
    expect(lines.slice(1, 21).map((line) => line.trim().split(" ")[0])).toEqual(
      worst.slice(0, 20).map(({ name }) => name),
    );
    expect(lines[21]).toBe("  and 3 outputs that are closer");
  });

  it("is green or red with colours", () => {
    const coloured = (passed: boolean) =>
      renderComparison("h", { compared: 1, tolerance: 1, outputs: [output({ passed })], passed }, true);
    expect(coloured(true)).toContain("\x1b[32mpassed\x1b[39m");
    expect(coloured(false)).toContain("\x1b[31mFAILED: 1 of 1 output\x1b[39m");
    expect(coloured(true)).toContain("\x1b[1mh\x1b[22m");
  });
});

describe("findWeaknesses", () => {
  const sequence = (steps: number, ...inputs: number[]): Sequence => ({
    inputs: Float64Array.from(inputs),
    outputs: new Float64Array(steps),
    steps,
    lastOnly: false,
  });
  const spec = { inputs: [{ name: "a" }, { name: "b" }] } as unknown as Parameters<typeof findWeaknesses>[1];
  const oneStep =
    "Every sequence has one step: recurrent weights and reset form are not proven; is the first axis time? Expected [B, T, I]";

  it("has nothing to say of sequences whose inputs move", () => {
    expect(findWeaknesses([sequence(2, 1, 0, 0, 1)], spec)).toEqual([]);
    expect(findWeaknesses([sequence(1, 1, 1), sequence(2, 1, 1, 1, 1)], spec)).toEqual([]);
  });

  it("tells that every sequence has one step", () => {
    expect(findWeaknesses([sequence(1, 1, 1), sequence(1, 2, 2)], spec)).toEqual([oneStep]);
  });

  it("names inputs that are always 0, unless they are tokens", () => {
    const silent = (names: string) => [`Always 0 in the reference, so that their weights are not proven: ${names}`];
    expect(findWeaknesses([sequence(2, 0, 1, 0, 1)], spec)).toEqual(silent("a"));
    expect(findWeaknesses([sequence(2, 1, 0, 1, 0), sequence(2, 1, 0, 0, 0)], spec)).toEqual(silent("b"));
    expect(findWeaknesses([sequence(2, 0, 0, 0, 0)], spec)).toEqual(silent("a, b"));
    expect(findWeaknesses([sequence(2, 0, 0, 0, 0), sequence(2, 0, 0, 5, 5)], spec)).toEqual([]);
    const token = { ...spec, inputs: [{ name: "t" }], embedding: { vocabulary: 3, size: 2 } };
    expect(findWeaknesses([sequence(2, 0, 0)], token)).toEqual([]);
  });
});
