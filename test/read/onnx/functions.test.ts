// Functions of the values, one node at a time, and products that are one function.

import { describe, expect, it } from "vitest";
import type { Applied } from "../../../tools/read/network.ts";
import { applyFunction, productOf } from "../../../tools/read/onnx/functions.ts";
import type { Stage, Stream, Value } from "../../../tools/read/onnx/values.ts";
import { constant, type SiteInput, samplesOf, siteOf, stagesOf } from "../../support/onnx-site.ts";

const X = samplesOf(3);
const MAX = 3.4028234663852886e38;
const f32 = (...values: number[]) => Float32Array.from(values);
const number = (value: number) => constant([], [value]);
const evaluate = (op: string, inputs: readonly (Value | undefined)[] = [X], of?: SiteInput) =>
  applyFunction(siteOf(op, inputs, of)) as Stream;
const applied = (op: string, inputs?: readonly (Value | undefined)[], of?: SiteInput) =>
  stagesOf(evaluate(op, inputs, of));
/** The stage of a function. */
const stage = (op: string, activation: Applied["activation"], ...parameters: number[]) => ({
  op: "activation",
  node: op.toLowerCase(),
  activation,
  ...(parameters.length > 0 && { parameters: parameters.map((value) => [value]) }),
});

describe("functions of one value", () => {
  it.each<[string, SiteInput["attributes"], Applied["activation"], number[]]>([
    ["Sigmoid", {}, "sigmoid", []],
    ["Tanh", {}, "tanh", []],
    ["Relu", {}, "relu", []],
    ["Softplus", {}, "softplus", []],
    ["HardSwish", {}, "hardswish", []],
    ["LeakyRelu", {}, "prelu", [0.01]],
    ["LeakyRelu", { alpha: 0.3 }, "prelu", [0.3]],
    ["Elu", {}, "elu", [1]],
    ["Elu", { alpha: 0.5 }, "elu", [0.5]],
    ["Gelu", {}, "gelu", []],
    ["Gelu", { approximate: "tanh" }, "gelu_tanh", []],
    ["Softmax", {}, "softmax", []],
  ])("%s %o is %s", (op, attributes = {}, activation, parameters) => {
    expect(applied(op, [X], { attributes })).toEqual([stage(op, activation, ...parameters)]);
  });

  it("says nothing of an operator that is none of these", () => {
    expect(evaluate("Cos")).toBeUndefined();
  });

  it("keeps Erf for the product that it is a part of", () => {
    expect(applied("Erf")).toEqual([{ op: "erf", node: "erf" }]);
  });

  it("has a slope of PRelu for all values, or for each", () => {
    expect(applied("PRelu", [X, number(0.5)])).toMatchObject([{ activation: "prelu", parameters: [f32(0.5)] }]);
    const each = constant([1, 3], [1, 2, 3]);
    expect(applied("PRelu", [X, each])).toMatchObject([{ activation: "prelu", parameters: [f32(1, 2, 3)] }]);
    const open = { ...X, feature: undefined };
    expect(evaluate("PRelu", [open, each]).feature).toEqual({ size: 3 });
    expect(evaluate("PRelu", [open, number(0.5)]).feature).toBeUndefined();
    expect(() => evaluate("PRelu", [X, constant([2])])).toThrow("needs 2 values in a sample");
    for (const dims of [[2, 3], [0]])
      expect(() => evaluate("PRelu", [X, constant(dims)])).toThrow(`the slope has shape [${dims.join(", ")}]`);
  });

  it("has a softmax over the last axis only, which is axis 1 by default before opset 13", () => {
    const threeAxes = { ...X, axes: [[], ...X.axes] };
    for (const [axis, x] of [
      [1, X],
      [2, threeAxes],
      [-1, threeAxes],
    ] as const)
      expect(applied("Softmax", [x], { attributes: { axis } })).toHaveLength(1);
    expect(applied("Softmax", [X], { opset: 12 })).toHaveLength(1);
    expect(() => applied("Softmax", [threeAxes], { opset: 12 })).toThrow("axis is 1 of 3 axes");
    expect(() => applied("Softmax", [X], { attributes: { axis: -2 } })).toThrow("axis is -2 of 2 axes");
  });

  it("is hard to be a sigmoid: a line within bounds", () => {
    const [by, offset] = [f32(0.2), f32(0.5)];
    const node = "hardsigmoid";
    const bounds = stage("HardSigmoid", "hardtanh", 0, 1);
    expect(applied("HardSigmoid")).toEqual([{ op: "scale", node, by }, { op: "add", node, by: offset }, bounds]);
    expect(applied("HardSigmoid", [X], { attributes: { alpha: 0.25, beta: 0.75 } })).toMatchObject([
      { by: f32(0.25) },
      { by: f32(0.75) },
      bounds,
    ]);
  });
});

describe("bounds", () => {
  it.each<[string, readonly (Value | undefined)[], object]>([
    ["Clip", [X, number(-1), number(2)], stage("Clip", "hardtanh", -1, 2)],
    ["Clip", [X, number(-1)], stage("Clip", "hardtanh", -1, MAX)],
    ["Clip", [X, undefined, number(2)], stage("Clip", "hardtanh", -MAX, 2)],
    ["Clip", [X, number(0)], stage("Clip", "relu")],
    ["Clip", [X, number(0), number(6)], stage("Clip", "hardtanh", 0, 6)],
    ["Clip", [X, { kind: "fill", value: -3 }, number(2)], stage("Clip", "hardtanh", -3, 2)],
    ["Max", [X, number(-1)], stage("Max", "hardtanh", -1, MAX)],
    ["Max", [number(0), X], stage("Max", "relu")],
    ["Min", [number(2), X], stage("Min", "hardtanh", -MAX, 2)],
    ["Min", [X, constant([1], [2])], stage("Min", "hardtanh", -MAX, 2)],
  ])("%s", (op, inputs, expected) => {
    expect(applied(op, inputs)).toEqual([expected]);
  });

  it("stand in attributes before opset 11", () => {
    expect(applied("Clip", [X], { opset: 10, attributes: { min: -1, max: 2 } })).toEqual([
      stage("Clip", "hardtanh", -1, 2),
    ]);
    expect(applied("Clip", [X], { opset: 10 })).toEqual([stage("Clip", "hardtanh", -MAX, MAX)]);
    expect(applied("Clip", [X, number(-1)], { opset: 11, attributes: { min: -5 } })).toEqual([
      stage("Clip", "hardtanh", -1, MAX),
    ]);
  });

  it.each<[string, readonly (Value | undefined)[], string]>([
    ["Clip", [X, constant([2])], "min has 2 elements; one number is supported"],
    ["Clip", [X, number(0), constant([0])], "max has 0 elements"],
    ["Clip", [X, number(Number.NaN)], "min has 1 elements"],
    ["Clip", [X, X], "min is computed while the model runs"],
    ["Max", [X, number(0), number(1)], "has more than 2 inputs"],
    ["Max", [X, X], "the other operand is computed while the model runs"],
    ["Min", [number(0), number(1)], "does not come from the model's input"],
  ])("%s refuses what is no bound", (op, inputs, text) => {
    expect(() => evaluate(op, inputs)).toThrow(text);
  });

  /** Bounds behind another function. */
  const behind = (activation: Applied["activation"], least?: number, most?: number, ...parameters: number[]) => {
    const first: Stage = { ...stage("First", activation, ...parameters), previous: null } as Stage;
    return applied("Clip", [{ ...X, stage: first }, ...[least, most].map((v) => (v === undefined ? v : number(v)))]);
  };

  it.each<[Applied["activation"], number, number]>([
    ["sigmoid", 0, 1],
    ["softmax", 0, 1],
    ["tanh", -1, 1],
    ["tanh", -2, 3],
    ["relu", 0, Infinity],
  ])("change nothing behind %s", (activation, least, most) => {
    expect(behind(activation, least, most)).toHaveLength(1);
  });

  it("join with bounds, and stand behind what has another form", () => {
    expect(behind("relu", undefined, 6)).toEqual([stage("Clip", "hardtanh", 0, 6)]);
    expect(behind("relu", 1)).toEqual([stage("Clip", "hardtanh", 1, MAX)]);
    expect(behind("relu", -5)).toEqual([stage("First", "relu")]);
    expect(behind("hardtanh", 0, undefined, -MAX, MAX)).toEqual([stage("Clip", "relu")]);
    expect(behind("hardtanh", 0, 9, -1, 1)).toEqual([stage("Clip", "hardtanh", 0, 1)]);
    expect(behind("hardtanh", -2, 2, -1, 1)).toEqual([stage("First", "hardtanh", -1, 1)]);
    // What lies below both bounds is the upper one.
    expect(behind("hardtanh", 3, 2, -1, 1)).toEqual([stage("Clip", "hardtanh", 2, 2)]);
    expect(behind("sigmoid", 0.25, 1)).toEqual([stage("First", "sigmoid"), stage("Clip", "hardtanh", 0.25, 1)]);
    expect(behind("tanh", -1, 0.5)).toEqual([stage("First", "tanh"), stage("Clip", "hardtanh", -1, 0.5)]);
    expect(behind("softplus", 0, Infinity)).toHaveLength(2);
  });
});

describe("productOf", () => {
  const node = "n";
  /** The stream behind some stages. */
  const then = (base: Stream, ...stages: readonly object[]): Stream => {
    let stage = base.stage;
    for (const one of stages) stage = { ...one, node, previous: stage } as unknown as Stage;
    return { ...base, stage };
  };
  const scale = (...by: number[]) => ({ op: "scale", by: f32(...by) });
  const add = (...by: number[]) => ({ op: "add", by: f32(...by) });
  const activation = (name: string, ...parameters: number[]) => ({
    op: "activation",
    activation: name,
    ...(parameters.length > 0 && { parameters: parameters.map((value) => [value]) }),
  });
  const B = then(X, { op: "matmul", W: f32(), rows: 3, columns: 3 });
  const base = stagesOf(B);
  const product = (a: Stream, b: Stream): object[] | undefined => {
    const found = productOf(siteOf("Mul", [a, b]), a, b);
    return found && stagesOf(found).slice(base.length);
  };
  const names = (stages: object[] | undefined) =>
    stages?.map((one) => ("activation" in one ? one.activation : (one as { by: Float32Array }).by[0]));
  const halfGelu = [scale(Math.SQRT1_2), { op: "erf" }, add(1)];

  it.each<[string, readonly object[], readonly object[], unknown[]]>([
    ["SiLU", [], [activation("sigmoid")], ["silu"]],
    ["SiLU of a factor", [scale(2)], [activation("sigmoid")], ["silu", 2]],
    ["SiLU of factors on both sides", [scale(2), scale(3)], [activation("sigmoid"), scale(0.5)], ["silu", 3]],
    ["GELU, halved first", [scale(0.5)], halfGelu, ["gelu"]],
    ["GELU, halved last", [], [...halfGelu, scale(0.5)], ["gelu"]],
    ["twice GELU", [], halfGelu, ["gelu", 2]],
    ["HardSwish", [], [scale(1 / 6), add(0.5), activation("hardtanh", 0, 1)], ["hardswish"]],
    ["HardSwish times 6", [], [add(3), activation("hardtanh", 0, 6)], ["hardswish", 6]],
    ["HardSwish, divided last", [], [add(3), activation("hardtanh", 0, 6), scale(1 / 6)], ["hardswish"]],
  ])("finds %s, in both orders", (_, left, right, expected) => {
    const [a, b] = [then(B, ...left), then(B, ...right)];
    const close = (found: unknown[] | undefined) =>
      found?.map((one) => (typeof one === "number" ? Math.round(one * 1e6) / 1e6 : one));
    expect(close(names(product(a, b)))).toEqual(expected);
    expect(close(names(product(b, a)))).toEqual(expected);
  });

  it.each<[string, readonly object[], readonly object[]]>([
    ["x tanh(x)", [], [activation("tanh")]],
    ["x times x", [], []],
    ["(x + 1) σ(x)", [add(1)], [activation("sigmoid")]],
    ["x times a vector, times σ(x)", [scale(1, 2, 3)], [activation("sigmoid")]],
    ["x (σ(x) + 1)", [], [activation("sigmoid"), add(1)]],
    ["x (erf(x / √2) + 2)", [], [scale(Math.SQRT1_2), { op: "erf" }, add(2)]],
    ["x (erf(x / 2) + 1)", [], [scale(0.5), { op: "erf" }, add(1)]],
    ["x (tanh(x / √2) + 1)", [], [scale(Math.SQRT1_2), activation("tanh"), add(1)]],
    ["x (erf(x / √2) + 1), and more", [], [...halfGelu, activation("relu")]],
    ["x (erf(x / √2) + a vector of ones)", [], [scale(Math.SQRT1_2), { op: "erf" }, add(1, 1, 1)]],
  ])("finds nothing in %s", (_, left, right) => {
    expect(product(then(B, ...left), then(B, ...right))).toBeUndefined();
  });

  it.each<[string, readonly object[]]>([
    ["other bounds", [activation("hardtanh", 0, 1)]],
    ["another slope", [scale(1 / 5), add(0.5), activation("hardtanh", 0, 1)]],
    ["another offset", [scale(1 / 6), add(0.4), activation("hardtanh", 0, 1)]],
    ["another upper bound", [scale(1 / 6), add(0.5), activation("hardtanh", 0, 6)]],
    ["another lower bound", [add(3), activation("hardtanh", -1, 6)]],
    ["more behind the bounds", [add(3), activation("hardtanh", 0, 6), add(1)]],
  ])("refuses x times bounds of x with %s", (_, right) => {
    expect(() => product(B, then(B, ...right))).toThrow("is supported as HardSwish only");
  });

  it("needs both sides of one form, and of one source", () => {
    const gate = then(B, activation("sigmoid"));
    expect(product({ ...B, last: true }, gate)).toBeUndefined();
    expect(product({ ...B, axes: [[], ...B.axes] }, gate)).toBeUndefined();
    expect(product({ ...B, feature: { size: 3 } }, gate)).toBeUndefined();
    const other = then(X, { op: "matmul", W: f32(1), rows: 3, columns: 3 });
    expect(product(other, gate)).toBeUndefined();
  });

  it("starts from the input of the graph, too", () => {
    expect(names(stagesOf(productOf(siteOf("Mul", []), X, then(X, activation("sigmoid"))) as Stream))).toEqual([
      "silu",
    ]);
  });
});
