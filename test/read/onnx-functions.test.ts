// Functions of the values in ONNX graphs: how they are read here, and what onnxruntime answers, where it is installed.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { createRuntime, loadModel, serializeModel } from "../../host/runtime/index.ts";
import type { DenseLayer } from "../../tools/read/network.ts";
import { toModel } from "../../tools/read/network.ts";
import { readOnnx } from "../../tools/read/onnx/index.ts";
import { compareWithReference } from "../../tools/verify/compare.ts";
import { loadOnnxRuntime } from "../../tools/verify/onnxruntime.ts";
import { runOnnx } from "../../tools/verify/run-onnx.ts";
import { toleranceOf } from "../../tools/verify/source.ts";
import { needs } from "../support/needs.ts";
import { GRU_WEIGHTS, gruNode, type ModelInput, type NodeInput, onnxFile, type WeightInput } from "./onnx-models.ts";

const FLOAT_MAX = 3.4028234663852886e38;
const scalar = (value: number): WeightInput => ({ dims: [], values: [value] });

/** A GRU, a dense layer of 3, and nodes from d to y. */
const model = (
  tail: readonly NodeInput[],
  weights: Readonly<Record<string, WeightInput>> = {},
  more: Partial<ModelInput> = {},
): ModelInput => ({
  weights: {
    ...GRU_WEIGHTS,
    one: { dims: [1], values: [1], integer: true },
    // Large enough for every side of every bound.
    M: { dims: [2, 3], values: [9, -7, 4, 5, 8, -6] },
    ...weights,
  },
  nodes: [
    gruNode({ linear_before_reset: 1 }),
    more.opset === 10 ? ["Squeeze", ["Y"], ["s"], { axes: [1] }] : ["Squeeze", ["Y", "one"], ["s"]],
    ["MatMul", ["s", "M"], ["d"]],
    ...tail,
  ],
  ...more,
});

const CASES: Readonly<Record<string, { readonly source: ModelInput; readonly last: Partial<DenseLayer> }>> = {
  "Clip with both bounds": {
    source: model([["Clip", ["d", "lo", "hi"], ["y"]]], { lo: scalar(-0.5), hi: scalar(0.25) }),
    last: { activation: "hardtanh", parameters: [[-0.5], [0.25]] },
  },
  "Clip of opset 10, by attributes": {
    source: model([["Clip", ["d"], ["y"], { min: { f: -1 }, max: { f: 6 } }]], {}, { opset: 10 }),
    last: { activation: "hardtanh", parameters: [[-1], [6]] },
  },
  "Clip with a least value": {
    source: model([["Clip", ["d", "lo"], ["y"]]], { lo: scalar(0.5) }),
    last: { activation: "hardtanh", parameters: [[0.5], [FLOAT_MAX]] },
  },
  "Clip with a greatest value": {
    source: model([["Clip", ["d", "", "hi"], ["y"]]], { hi: scalar(0.5) }),
    last: { activation: "hardtanh", parameters: [[-FLOAT_MAX], [0.5]] },
  },
  "Clip from 0": { source: model([["Clip", ["d", "lo"], ["y"]]], { lo: scalar(0) }), last: { activation: "relu" } },
  "Clip behind Sigmoid, as NSNet2 has it": {
    source: model(
      [
        ["Sigmoid", ["d"], ["g"]],
        ["Clip", ["g", "lo"], ["y"]],
      ],
      { lo: scalar(1e-4) },
    ),
    last: { activation: "hardtanh", W: Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1) },
  },
  "Clip behind Sigmoid that changes nothing": {
    source: model(
      [
        ["Sigmoid", ["d"], ["g"]],
        ["Clip", ["g", "lo", "hi"], ["y"]],
      ],
      { lo: scalar(0), hi: scalar(1) },
    ),
    last: { activation: "sigmoid" },
  },
  "ReLU6 as two nodes": {
    source: model(
      [
        ["Relu", ["d"], ["g"]],
        ["Min", ["g", "hi"], ["y"]],
      ],
      { hi: scalar(6) },
    ),
    last: { activation: "hardtanh", parameters: [[0], [6]] },
  },
  "Max, the number first": {
    source: model([["Max", ["lo", "d"], ["y"]]], { lo: scalar(0) }),
    last: { activation: "relu" },
  },
  HardSigmoid: {
    source: model([["HardSigmoid", ["d"], ["y"], { alpha: { f: 0.25 }, beta: { f: 0.5 } }]]),
    last: {
      activation: "hardtanh",
      parameters: [[0], [1]],
      W: Float32Array.of(9 / 4, 5 / 4, -7 / 4, 2, 1, -6 / 4),
      b: Float32Array.of(0.5, 0.5, 0.5),
    },
  },
  "HardSigmoid by default": { source: model([["HardSigmoid", ["d"], ["y"]]]), last: { activation: "hardtanh" } },
  HardSwish: { source: model([["HardSwish", ["d"], ["y"]]]), last: { activation: "hardswish" } },
  "HardSwish as x times HardSigmoid": {
    source: model([
      ["HardSigmoid", ["d"], ["g"], { alpha: { f: 1 / 6 } }],
      ["Mul", ["d", "g"], ["y"]],
    ]),
    last: { activation: "hardswish" },
  },
  "HardSwish as x times ReLU6 of x + 3, by 6": {
    source: model(
      [
        ["Add", ["d", "three"], ["a"]],
        ["Clip", ["a", "lo", "hi"], ["g"]],
        ["Div", ["g", "hi"], ["p"]],
        ["Mul", ["d", "p"], ["y"]],
      ],
      { three: scalar(3), lo: scalar(0), hi: scalar(6) },
    ),
    last: { activation: "hardswish" },
  },
  LeakyRelu: {
    source: model([["LeakyRelu", ["d"], ["y"], { alpha: { f: 0.125 } }]]),
    last: { activation: "prelu", parameters: [[0.125]] },
  },
  PRelu: {
    source: model([["PRelu", ["d", "slope"], ["y"]]], { slope: { dims: [3], values: [0.5, 0.25, -2] } }),
    last: { activation: "prelu", parameters: [Float32Array.of(0.5, 0.25, -2)] },
  },
  Elu: {
    source: model([["Elu", ["d"], ["y"], { alpha: { f: 0.5 } }]]),
    last: { activation: "elu", parameters: [[0.5]] },
  },
  Softplus: { source: model([["Softplus", ["d"], ["y"]]]), last: { activation: "softplus" } },
  Gelu: { source: model([["Gelu", ["d"], ["y"]]], {}, { opset: 20 }), last: { activation: "gelu" } },
  "Gelu by tanh": {
    source: model([["Gelu", ["d"], ["y"], { approximate: "tanh" }]], {}, { opset: 20 }),
    last: { activation: "gelu_tanh" },
  },
  "GELU as PyTorch writes it": {
    source: model(
      [
        ["Div", ["d", "root"], ["a"]],
        ["Erf", ["a"], ["e"]],
        ["Add", ["e", "1"], ["f"]],
        ["Mul", ["d", "f"], ["g"]],
        ["Mul", ["g", "half"], ["y"]],
      ],
      { root: scalar(Math.SQRT2), 1: scalar(1), half: scalar(0.5) },
    ),
    last: { activation: "gelu" },
  },
  "GELU with the half first": {
    source: model(
      [
        ["Mul", ["d", "half"], ["h"]],
        ["Mul", ["d", "root"], ["a"]],
        ["Erf", ["a"], ["e"]],
        ["Add", ["e", "1"], ["f"]],
        ["Mul", ["f", "h"], ["y"]],
      ],
      { root: scalar(Math.SQRT1_2), 1: scalar(1), half: scalar(0.5) },
    ),
    last: { activation: "gelu" },
  },
  "SiLU as x times Sigmoid": {
    source: model([
      ["Sigmoid", ["d"], ["g"]],
      ["Mul", ["g", "d"], ["y"]],
    ]),
    last: { activation: "silu" },
  },
};

const read = (source: ModelInput, file = "m.onnx") => readOnnx(onnxFile(source), { path: file });

describe("functions of ONNX", () => {
  it.each(Object.entries(CASES))("reads %s", async (_, { source, last }) => {
    const { network } = await read(source);
    expect(network.layers.at(-1)).toMatchObject(last);
    expect(network.layers).toHaveLength(last.W?.length === 9 ? 3 : 2);
  });

  const refused = async (tail: readonly NodeInput[], weights: Readonly<Record<string, WeightInput>> = {}) =>
    read(model(tail, weights)).then(
      () => "",
      ({ message }: Error) => message,
    );

  it("refuses x times other bounds of x than those of HardSwish, with the way out", async () => {
    const text = "x times bounds of x is supported as HardSwish only";
    const apart: NodeInput[] = [
      ["HardSigmoid", ["d"], ["g"]],
      ["Mul", ["d", "g"], ["y"]],
    ];
    expect(await refused(apart)).toContain(`node "mul_y" (Mul): ${text}`);
  });

  it("refuses other products of two branches, and what is left of a GELU", async () => {
    const tanh: NodeInput[] = [
      ["Tanh", ["d"], ["g"]],
      ["Mul", ["d", "g"], ["y"]],
    ];
    expect(await refused(tanh)).toContain("joins two branches");
    const scaled: NodeInput[] = [
      ["Mul", ["d", "two"], ["a"]],
      ["Sigmoid", ["a"], ["g"]],
      ["Mul", ["d", "g"], ["y"]],
    ];
    expect(await refused(scaled, { two: scalar(2) })).toContain("joins two branches");
    expect(await refused([["Erf", ["d"], ["y"]]])).toContain('node "erf_y" (Erf): is supported as a part of GELU only');
  });

  it("refuses bounds that differ from value to value", async () => {
    const lo = { dims: [3], values: [1, 2, 3] };
    expect(await refused([["Max", ["d", "lo"], ["y"]]], { lo })).toContain("has 3 elements; one number is supported");
    expect(await refused([["Max", ["d", "s", "s"], ["y"]]])).toContain("has more than 2 inputs");
  });

  it("refuses more behind a softmax", async () => {
    const tail: NodeInput[] = [
      ["Softmax", ["d"], ["g"], { axis: -1 }],
      ["Clip", ["g", "lo"], ["y"]],
    ];
    expect(await refused(tail, { lo: scalar(0.1) })).toContain('node "matmul_d" ends in a softmax, and more follows');
  });
});

const runtime = await loadOnnxRuntime();

describe("functions in onnxruntime", needs({ "onnxruntime-node": runtime !== undefined }), () => {
  const folder = mkdtempSync(path.join(tmpdir(), "rivulet-functions-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function compare(source: ModelInput) {
    const file = path.join(folder, "m.onnx");
    writeFileSync(file, onnxFile(source));
    const found = await read(source, file);
    const sequences = await runOnnx(runtime!, found, file);
    const { spec, tensors } = toModel(found.network, { name: "case" });
    const converted = createRuntime(await loadModel(serializeModel(spec, tensors)));
    const { precision } = found.network;
    return { precision, comparison: compareWithReference(converted, sequences, toleranceOf(precision)) };
  }

  it.each(Object.entries(CASES))("computes what onnxruntime does: %s", async (_, { source }) => {
    const { comparison } = await compare(source);
    expect(comparison).toMatchObject({ passed: true });
    expect(comparison.outputs.some(({ signal }) => signal > 0.01)).toBe(true);
  });

  it("compares a float16 file by the precision of float16", async () => {
    const { precision, comparison } = await compare(model([["Sigmoid", ["d"], ["y"]]], {}, { half: true }));
    expect({ precision, tolerance: comparison.tolerance, passed: comparison.passed }).toEqual({
      precision: "float16",
      tolerance: 1e-2,
      passed: true,
    });
    expect(Math.max(...comparison.outputs.map(({ max }) => max))).toBeGreaterThan(1e-5);
  });
});
