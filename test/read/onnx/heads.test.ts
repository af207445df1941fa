// Nodes that compute on the values of a sample, one at a time.

import { describe, expect, it } from "vitest";
import { compute } from "../../../tools/read/onnx/heads.ts";
import type { Stage, Stream, Value } from "../../../tools/read/onnx/values.ts";
import { constant, type SiteInput, samplesOf, siteOf, stagesOf } from "../../support/onnx-site.ts";

const X = samplesOf(3);
const evaluate = (op: string, inputs: readonly (Value | undefined)[], of?: SiteInput) =>
  compute(siteOf(op, inputs, of)) as Stream;
const stages = (op: string, inputs: readonly (Value | undefined)[], of?: SiteInput) =>
  stagesOf(evaluate(op, inputs, of));
const f32 = (...values: number[]) => Float32Array.from(values);

describe("MatMul and Gemm", () => {
  const W = f32(0, 2, 4, 1, 3, 5);

  it("reads a matrix [N][M] as rows of M", () => {
    const product = evaluate("MatMul", [X, constant([3, 2])]);
    expect(stagesOf(product)).toEqual([{ op: "matmul", node: "matmul", W, rows: 2, columns: 3 }]);
    expect(product.axes).toEqual([[{ size: 2 }], [{ size: 2 }]]);
    expect(product.axes[1]?.[0]).toBe(product.feature);
  });

  it("reads a matrix [M][N] where transB is set, times alpha, and adds beta times C", () => {
    const inputs = [X, constant([2, 3]), constant([2], [10, 20])];
    const attributes = { transB: 1, alpha: 2, beta: 0.5 };
    expect(stages("Gemm", inputs, { attributes })).toEqual([
      { op: "matmul", node: "gemm", W: f32(0, 2, 4, 6, 8, 10), rows: 2, columns: 3 },
      { op: "add", node: "gemm", by: f32(5, 10) },
    ]);
    expect(stages("Gemm", [X, constant([3, 2])])).toEqual([{ op: "matmul", node: "gemm", W, rows: 2, columns: 3 }]);
    expect(stages("Gemm", [X, constant([3, 2]), constant([2])])[1]).toMatchObject({ by: f32(0, 1) });
  });

  it("counts the elements that it makes", () => {
    const spent: number[] = [];
    evaluate("MatMul", [X, constant([3, 2])], { spend: (elements) => spent.push(elements) });
    expect(spent).toEqual([6]);
  });

  it.each<[string, string, (Value | undefined)[], SiteInput["attributes"]]>([
    ["multiplies a constant by the stream from the left", "MatMul", [constant([2, 3]), X], {}],
    ['"c" has shape [3, 2, 1]; a dense layer needs a matrix', "MatMul", [X, constant([3, 2, 1])], {}],
    ['"c" has shape [3, 0]; a dense layer needs a matrix', "MatMul", [X, constant([3, 0])], {}],
    ["needs 2 values in a sample, its input has 3", "MatMul", [X, constant([2, 3])], {}],
    ["the matrix is missing", "MatMul", [X], {}],
    ["transA is set", "Gemm", [X, constant([3, 2])], { transA: 1 }],
    ["its input has 1 axes; Gemm needs 2", "Gemm", [samplesOf(3, { axes: [[{ size: 3 }]] }), constant([3, 2])], {}],
    ["its input has 3 axes; Gemm needs 2", "Gemm", [{ ...X, axes: [[], ...X.axes] }, constant([3, 2])], {}],
    ["B is computed while the model runs", "Gemm", [X, X], {}],
    ['"c" has shape [2, 2]; it needs one number', "Gemm", [X, constant([3, 2]), constant([2, 2])], {}],
  ])("refuses what %s", (text, op, inputs, attributes = {}) => {
    expect(() => evaluate(op, inputs, { attributes })).toThrow(text);
  });
});

describe("sums and products with a constant", () => {
  const three = constant([3], [1, 2, 4]);

  it.each<[string, readonly Value[], object[]]>([
    ["Add", [X, three], [{ op: "add", node: "add", by: f32(1, 2, 4) }]],
    ["Add", [three, X], [{ op: "add", node: "add", by: f32(1, 2, 4) }]],
    ["Mul", [three, X], [{ op: "scale", node: "mul", by: f32(1, 2, 4) }]],
    ["Sub", [X, three], [{ op: "add", node: "sub", by: f32(-1, -2, -4) }]],
    [
      "Sub",
      [three, X],
      [
        { op: "scale", node: "sub", by: f32(-1) },
        { op: "add", node: "sub", by: f32(1, 2, 4) },
      ],
    ],
    ["Div", [X, three], [{ op: "scale", node: "div", by: f32(1, 0.5, 0.25) }]],
    ["Add", [X, constant([], [7])], [{ op: "add", node: "add", by: f32(7) }]],
    ["Add", [X, constant([1, 3], [1, 2, 4])], [{ op: "add", node: "add", by: f32(1, 2, 4) }]],
  ])("%s", (op, inputs, expected) => {
    expect(stages(op, inputs)).toEqual(expected);
  });

  it("takes one number without knowing which axis the values stand in, several only with it", () => {
    const open = { ...X, feature: undefined };
    expect(evaluate("Mul", [open, constant([1], [3])]).feature).toBeUndefined();
    expect(evaluate("Mul", [open, three]).feature).toEqual({ size: 3 });
    expect(evaluate("Add", [open, three]).feature).toEqual({ size: 3 });
    for (const op of ["Add", "Mul"])
      expect(() => evaluate(op, [X, constant([2])])).toThrow("needs 2 values in a sample, its input has 3");
  });

  it("drops a factor that undoes the one before it, and no other", () => {
    const half = evaluate("Mul", [X, constant([], [0.5])]);
    expect(stages("Mul", [half, constant([], [2])])).toEqual([]);
    expect(stages("Mul", [half, constant([], [4])])).toHaveLength(2);
    expect(stages("Mul", [half, constant([3], [2, 2, 2])])).toHaveLength(2);
    expect(stages("Mul", [evaluate("Mul", [X, constant([3], [0.5, 0.5, 0.5])]), constant([], [2])])).toHaveLength(2);
    expect(stages("Mul", [evaluate("Add", [X, constant([], [0.5])]), constant([], [2])])).toHaveLength(2);
  });

  it.each<[string, string, readonly (Value | undefined)[]]>([
    ["joins two branches", "Add", [X, { ...X, stage: { op: "erf", node: "e", previous: null } }]],
    ["divides by the stream", "Div", [three, X]],
    ["divides by zero", "Div", [X, constant([3], [1, 0, 2])]],
    ["the other operand is missing", "Add", [X, undefined]],
    ["input 1 does not come from the model's input", "Add", [three, three]],
    ['"c" has shape [2, 3]', "Add", [X, constant([2, 3])]],
    ['"c" has shape [0]', "Add", [X, constant([0])]],
    ['"c" has shape [1, 1, 3]', "Add", [X, constant([1, 1, 3])]],
  ])("refuses what %s", (text, op, inputs) => {
    expect(() => evaluate(op, inputs)).toThrow(text);
  });
});

describe("BatchNormalization", () => {
  const [gamma, beta, mean] = [constant([3], [2, 2, 3]), constant([3], [1, 0, -1]), constant([3], [10, 20, 0])];
  const variance = constant([3], [0.75, 3.75, 0]);
  const all = [X, gamma, beta, mean, variance];

  it("is a factor and an offset", () => {
    expect(stages("BatchNormalization", all, { attributes: { epsilon: 0.25 } })).toEqual([
      { op: "scale", node: "batchnormalization", by: f32(2, 1, 6) },
      { op: "add", node: "batchnormalization", by: f32(1 - 20, -20, -1) },
    ]);
  });

  it("has an epsilon of 1e-5 by default", () => {
    const [scale] = stages("BatchNormalization", all) as (Stage & { by: Float32Array })[];
    expect(scale?.by[2]).toBeCloseTo(3 / Math.sqrt(1e-5), 2);
  });

  it.each<[string, readonly Value[], SiteInput["attributes"]]>([
    ["training_mode is set", all, { training_mode: 1 }],
    ["normalises axis 1 of a sequence", [{ ...X, axes: [[], ...X.axes] }, ...all.slice(1)], {}],
    ["have different sizes", [X, gamma, beta, constant([2]), variance], {}],
    ["have different sizes", [X, gamma, beta, mean, constant([2])], {}],
    ["have different sizes", [X, gamma, constant([4]), mean, variance], {}],
    ["mean is missing", [X, gamma, beta], {}],
    ["var holds a negative number", [X, gamma, beta, mean, constant([3], [1, -1, 1])], {}],
    ["needs 3 values in a sample, its input has 4", [samplesOf(4), ...all.slice(1)], {}],
  ])("refuses: %s", (text, inputs, attributes = {}) => {
    expect(() => evaluate("BatchNormalization", inputs, { attributes })).toThrow(text);
  });
});

describe("an embedding", () => {
  const table = constant([5, 2]);
  const tokens: Stream = { ...samplesOf(1), axes: [[{ size: 4 }], [{ size: 7 }]], feature: undefined, truncated: true };

  it("looks rows of a matrix up", () => {
    const found = evaluate("Gather", [table, tokens]);
    expect(found).toMatchObject({ truncated: false, feature: { size: 2 }, axes: [...tokens.axes, [{ size: 2 }]] });
    expect(found.axes[2]?.[0]).toBe(found.feature);
    expect(stagesOf(found)).toEqual([{ op: "embedding", node: "gather", table }]);
  });

  it("is no business of a Gather from the stream", () => {
    expect(evaluate("Gather", [X, constant([], [1], true)])).toBeUndefined();
  });

  it.each<[string, readonly Value[], SiteInput["attributes"]]>([
    ["looks up computed numbers", [table, { ...tokens, stage: { op: "erf", node: "e", previous: null } }], {}],
    ["looks up axis 1 of a table of shape [5, 2]", [table, tokens], { axis: 1 }],
    ["looks up axis 0 of a table of shape [5]", [constant([5]), tokens], {}],
    ["looks up axis 0 of a table of shape [0, 2]", [constant([0, 2]), tokens], {}],
    ["the table is computed while the model runs", [X, tokens], {}],
    ['"c" holds Infinity at index 1', [constant([1, 2], [0, Infinity]), tokens], {}],
  ])("refuses what %s", (text, inputs, attributes = {}) => {
    expect(() => evaluate("Gather", inputs, { attributes })).toThrow(text);
  });
});
