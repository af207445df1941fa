// Networks in double precision: by the definitions of their functions, and against the other evaluator of the tool.

import { describe, expect, it } from "vitest";
import { parseModel, serializeModel } from "../../../host/runtime/index.ts";
import { type Applied, type Network, toModel } from "../../../tools/read/network.ts";
import { DoubleNetwork } from "../../../tools/verify/double.ts";
import { applyFunction, Evaluator, hardGate } from "../../../tools/verify/evaluate.ts";
import { dense, gru, matrix, network } from "../../support/networks.ts";
import { mulberry32 } from "../../support/random.ts";

const GRID = [-9, -3.3, -1.5, -1, -0.4, -1e-3, 0, 1e-3, 0.3, 0.9, 1, 2.7, 3, 8];
const apply = (applied: Applied, values: readonly number[] = GRID) => [
  ...applyFunction(applied, Float64Array.from(values)),
];

/** The integral of the normal density up to a, by Simpson's rule. */
function normal(a: number): number {
  const steps = 2000;
  const [from, width] = [-12, (a + 12) / steps];
  let sum = 0;
  for (let i = 0; i <= steps; i++) {
    const weight = i === 0 || i === steps ? 1 : i % 2 === 1 ? 4 : 2;
    sum += weight * Math.exp(-((from + i * width) ** 2) / 2);
  }
  return (sum * width) / 3 / Math.sqrt(2 * Math.PI);
}

const sigmoid = (a: number) => 1 / (1 + Math.exp(-a));

describe("applyFunction", () => {
  it.each<[Applied, (a: number, row: number) => number]>([
    [{ activation: "linear" }, (a) => a],
    [{ activation: "relu" }, (a) => (a > 0 ? a : 0)],
    [{ activation: "tanh" }, (a) => Math.tanh(a)],
    [{ activation: "sigmoid" }, sigmoid],
    [{ activation: "silu" }, (a) => a / (1 + Math.exp(-a))],
    [{ activation: "softplus" }, (a) => Math.log(1 + Math.exp(a))],
    [{ activation: "prelu", parameters: [[0.25]] }, (a) => (a > 0 ? a : a / 4)],
    [{ activation: "prelu", parameters: [GRID.map((_, row) => row / 10)] }, (a, row) => (a > 0 ? a : (a * row) / 10)],
    [{ activation: "elu", parameters: [[1.5]] }, (a) => (a > 0 ? a : 1.5 * (Math.exp(a) - 1))],
    [{ activation: "hardtanh", parameters: [[-1.5], [2]] }, (a) => (a < -1.5 ? -1.5 : a > 2 ? 2 : a)],
    [{ activation: "hardsigmoid", parameters: [[0.2], [0.5]] }, (a) => (a <= -2.5 ? 0 : a >= 2.5 ? 1 : 0.2 * a + 0.5)],
    [{ activation: "hardswish" }, (a) => (a <= -3 ? 0 : a >= 3 ? a : (a * (a + 3)) / 6)],
    [
      { activation: "gelu_tanh" },
      (a) => 0.5 * a * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (a + 0.044715 * a * a * a))),
    ],
  ])("is its definition: %j", (applied, definition) => {
    const expected = GRID.map(definition);
    for (const [row, value] of apply(applied).entries()) expect(value).toBeCloseTo(expected[row] as number, 12);
  });

  it("computes gelu within 2e-7 of the integral of the normal density", () => {
    for (const [row, value] of apply({ activation: "gelu" }).entries()) {
      const a = GRID[row] as number;
      expect(Math.abs(value - a * normal(a))).toBeLessThanOrEqual(2e-7 * Math.abs(a));
    }
  });

  it("computes softmax of sums that are far from 0", () => {
    const [a = 0, b = 0, c = 0] = apply({ activation: "softmax" }, [-1000, -1001, -1003]);
    expect(a + b + c).toBeCloseTo(1, 14);
    expect(b / a).toBeCloseTo(Math.exp(-1), 14);
    expect(c / a).toBeCloseTo(Math.exp(-3), 14);
    expect(apply({ activation: "softmax" }, [1000, 0])).toEqual([1, 0]);
  });

  it("has gates that are straight between 0 and 1", () => {
    expect([-0.1, 0, 0.25, 1, 1.5].map(hardGate)).toEqual([0, 0, 0.25, 1, 1]);
  });
});

/** What the model file of a network computes, in double precision. */
function byModel(of: Network, inputs: Float64Array): number[][] {
  const { spec, tensors } = toModel(of, { name: "n" });
  const model = parseModel(serializeModel(spec, tensors));
  const doubled = new DoubleNetwork(model);
  const prediction = new Float64Array(spec.outputs.length);
  return Array.from({ length: inputs.length / of.inputs }, (_, t) => {
    doubled.step(Float32Array.from(inputs), t, prediction);
    return [...prediction];
  });
}

const rowsOf = (rows: readonly Float64Array[]) => rows.map((row) => [...row]);

function expectClose(found: readonly number[][], expected: readonly number[][]): void {
  expect(found.length).toBe(expected.length);
  found.forEach((row, t) => {
    expect(row.length).toBe(expected[t]?.length);
    for (const [i, value] of row.entries()) expect(value).toBeCloseTo(expected[t]?.[i] as number, 12);
  });
}

describe("Evaluator", () => {
  const random = mulberry32(5);
  const inputs = Float64Array.from({ length: 12 * 2 }, () => Math.fround(6 * random() - 3));

  it.each<[string, Network]>([
    ["one layer", network(2, [gru(2, 4, 1)])],
    ["reset before the product", network(2, [gru(2, 3, 2, "before"), dense(3, 2, 3)])],
    ["hard gates", network(2, [{ ...gru(2, 3, 4), gates: "hard" }, dense(3, 1, 5)])],
    [
      "two layers and two dense ones",
      network(2, [gru(2, 3, 6), gru(3, 4, 7, "before"), dense(4, 3, 8, "tanh"), dense(3, 2, 9)]),
    ],
    [
      "scales of inputs and outputs",
      {
        ...network(2, [gru(2, 3, 10), dense(3, 2, 11)]),
        normalisation: { offset: Float32Array.of(0.5, -2), scale: Float32Array.of(2, 0.25) },
        output: { offset: Float32Array.of(100, -3), scale: Float32Array.of(7, 0.5) },
      },
    ],
  ])("answers as the model file does: %s", (_, of) => {
    expectClose(rowsOf(new Evaluator(inputs).answers(of)), byModel(of, inputs));
  });

  it("reads tokens by the rows of the embedding", () => {
    const of: Network = {
      ...network(1, [gru(3, 4, 12), dense(4, 5, 13, "softmax")]),
      embedding: { vocabulary: 5, size: 3, weight: matrix(5, 3, 14) },
    };
    const tokens = Float64Array.of(4, 0, 1, 1, 3);
    expectClose(rowsOf(new Evaluator(tokens).answers(of)), byModel(of, tokens));
  });

  it("tells networks apart that share layers", () => {
    const [first, last] = [gru(2, 4, 15), dense(4, 2, 16)];
    const evaluator = new Evaluator(inputs);
    const prelu = (slope: number) => ({ ...last, activation: "prelu" as const, parameters: [[slope]] });
    const scaled: Network = {
      ...network(2, [first, last]),
      normalisation: { offset: Float32Array.of(1, 1), scale: Float32Array.of(3, 3) },
    };
    for (const of of [
      network(2, [first, last]),
      network(2, [first, { ...last, activation: "relu" }]),
      network(2, [first, prelu(0.125)]),
      network(2, [first, prelu(0.25)]),
      network(2, [first, dense(4, 2, 17)]),
      network(2, [gru(2, 4, 18), last]),
      scaled,
      network(2, [first, last]),
    ]) {
      expectClose(rowsOf(evaluator.answers(of)), byModel(of, inputs));
    }
  });
});
