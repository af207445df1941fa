import { describe, expect, it } from "vitest";
import type { Tensor } from "../../host/model/types.ts";
import { randomF32Model, randomQ15Model, withSelftest } from "../support/models.ts";
import { F32, type Parts, Q15, refusal, TOKENS } from "./tensor-parts.ts";

/** The message for one number of one tensor. */
function refusalOfElement(parts: Parts, name: string, index: number, value: number): string {
  return refusal(parts, (tensors) => {
    const tensor = tensors.get(name) as Tensor;
    const data = tensor.data.slice();
    data[index] = value;
    tensors.set(name, { ...tensor, data });
  });
}

describe("checkBounds in f32", () => {
  it("refuses a weight that is not a number", () => {
    expect(refusalOfElement(F32, "layers.0.U", 17, Number.NaN)).toBe(
      "layers.0.U: element 17 is NaN, expected a finite number",
    );
  });

  it("refuses an infinite expected value of the self-test", () => {
    expect(refusalOfElement(F32, "selftest.output", 9, Number.NEGATIVE_INFINITY)).toBe(
      "selftest.output: element 9 is -Infinity, expected a finite number",
    );
  });

  it.each([
    ["input.scale", 0],
    ["input.scale", -1],
    ["output.scale", -0],
  ])("refuses %s of %d", (name, value) => {
    expect(refusalOfElement(F32, name, 1, value)).toBe(`${name}: element 1 is ${value}, expected a number above 0`);
  });

  it("refuses a token beyond the vocabulary in the self-test", () => {
    const { spec, tensors } = withSelftest(randomF32Model({ embedding: { vocabulary: 6, size: 3 }, layers: [4] }), 5);
    const message = "selftest.input: element 2 is 6, expected an integer from 0 to 5";
    expect(refusalOfElement({ spec, tensors }, "selftest.input", 2, 6)).toBe(message);
    expect(refusalOfElement({ spec, tensors }, "selftest.input", 2, -1)).toMatch(/element 2 is -1/);
  });
});

describe("checkBounds in q15", () => {
  it.each([
    ["layers.0.W", -128, -127, 127],
    ["layers.0.W.multiplier", 0, 1, 32767],
    ["layers.0.U.multiplier", 0, 1, 32767],
    ["output.multiplier", 0, 1, 32767],
    ["skip.multiplier", -1, 0, 32767],
    ["input.offset", 2 ** 30 + 1, -(2 ** 30) + 1, 2 ** 30],
    ["input.offset", -(2 ** 30), -(2 ** 30) + 1, 2 ** 30],
    ["selftest.input", 2 ** 30 + 1, -(2 ** 30), 2 ** 30],
    ["selftest.input", -(2 ** 30) - 1, -(2 ** 30), 2 ** 30],
  ])("refuses %s of %d", (name, value, min, max) => {
    expect(refusalOfElement(Q15, name, 1, value)).toBe(
      `${name}: element 1 is ${value}, expected an integer from ${min} to ${max}`,
    );
  });

  it("refuses a multiplier above 2^14 of U in an n row that is reset after", () => {
    expect(refusalOfElement(Q15, "layers.0.U.multiplier", 64, 16385)).toBe(
      "layers.0.U.multiplier: element 64 is 16385, expected an integer from 1 to 16384",
    );
  });

  it("accepts that multiplier in a z row, in W, and in an n row that is reset before", () => {
    const before = randomQ15Model({ layers: [32], reset: "before" });
    const accept = "The tensors are not refused";
    expect(() => refusalOfElement(Q15, "layers.0.U.multiplier", 63, 32767)).toThrow(accept);
    expect(() => refusalOfElement(Q15, "layers.0.W.multiplier", 64, 32767)).toThrow(accept);
    expect(() => refusalOfElement(before, "layers.0.U.multiplier", 64, 32767)).toThrow(accept);
  });

  it.each([
    ["layers.0.W", "layers.0.b", 4],
    ["layers.0.U", "layers.0.c", 32],
    ["layers.1.W", "layers.1.b", 32],
  ])("refuses a row of %s whose sum with %s can overflow, and no smaller one", (weight, bias, columns) => {
    const row = Array.from(Q15.tensors.get(weight)?.data.subarray(columns, 2 * columns) ?? []);
    const sum = row.reduce((total, value) => total + Math.abs(value), 0);
    const greatest = 2 ** 31 - 1 - 32768 * sum;
    expect(() => refusalOfElement(Q15, bias, 1, -greatest)).toThrow("The tensors are not refused");
    expect(refusalOfElement(Q15, bias, 1, -greatest - 1)).toBe(
      `${weight}: row 1 has |bias| + 32768 * sum |weight| = 2147483648, at most 2147483647`,
    );
  });

  it("refuses a row of weights that alone can overflow", () => {
    const wide = randomQ15Model({ inputs: 600, layers: [1] });
    const message = refusal(wide, (tensors) => {
      tensors.set("layers.0.W", { dtype: "I8", shape: [3, 600], data: new Int8Array(1800).fill(127) });
    });
    expect(message).toMatch(/^layers\.0\.W: row 0 has \|bias\| \+ 32768 \* sum \|weight\| = 2\d+, at most 2147483647$/);
  });

  it("refuses a row of the skip that can overflow", () => {
    const message = refusal(Q15, (tensors) => {
      tensors.set("skip.W", { dtype: "I16", shape: [2, 12], data: new Int16Array(24).fill(-32768) });
    });
    expect(message).toBe("skip.W: row 0 has 32768 * sum |weight| = 12884901888, at most 2147483647");
  });

  it("refuses an output that can overflow, and no smaller one", () => {
    const bound = (name: string, row: number, columns: number) => {
      const data = Q15.tensors.get(name)?.data.subarray(row * columns, (row + 1) * columns) ?? [];
      return 32768 * Array.from(data).reduce((total, value) => total + Math.abs(value), 0);
    };
    const number = (name: string) => Q15.tensors.get(name)?.data[1] ?? Number.NaN;
    const u = Math.abs(number("layers.1.b")) + bound("layers.1.W", 1, 32);
    const products = u * number("output.multiplier") + bound("skip.W", 1, 12) * number("skip.multiplier");
    const greatest = Math.floor(2 ** 31 - 3 - products / 65536);
    expect(() => refusalOfElement(Q15, "output.offset", 1, -greatest)).toThrow("The tensors are not refused");
    expect(refusalOfElement(Q15, "output.offset", 1, greatest + 1)).toBe(
      "output.offset: output 1 can reach 2147483648, at most 2147483647",
    );
  });

  it("takes 2^23 as the bound of an output behind softmax", () => {
    const multiplier = TOKENS.tensors.get("output.multiplier")?.data[0] ?? Number.NaN;
    const greatest = 2 ** 31 - 3 - 128 * multiplier;
    expect(() => refusalOfElement(TOKENS, "output.offset", 0, greatest)).toThrow("The tensors are not refused");
    expect(refusalOfElement(TOKENS, "output.offset", 0, greatest + 1)).toMatch(/^output\.offset: output 0 can reach/);
  });

  it("refuses a token beyond the vocabulary in the self-test", () => {
    expect(refusalOfElement(TOKENS, "selftest.input", 3, 6)).toBe(
      "selftest.input: element 3 is 6, expected an integer from 0 to 5",
    );
  });
});
