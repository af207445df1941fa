import { describe, expect, it } from "vitest";
import type { DenseLayer, GruLayer } from "../../../tools/read/network.ts";
import { parseMap } from "../../../tools/read/pytorch/map-schema.ts";
import { build, numbers, ordered, pick, refusal, TENSORS } from "./map-tensors.ts";

describe("a map of a whole model", () => {
  const gru = "gru: { reset: none, update: none, n: { W: Wn, U: Un } }";

  it("reads dense layers, turned over or not, with a bias or without", () => {
    const tensors = { ...pick("Wn", "Un"), W: ordered(1, 2, 1), T: ordered(1, 2, 3), b: ordered(9, 3) };
    const dense = "dense: { W: W, activation: tanh }";
    const turned = "dense: { W: T, b: b, activation: linear, transpose: true }";
    const { layers, inputs } = build(`layers: [{ ${gru} }, { ${dense} }, { ${turned} }]`, tensors);
    const [, first, second] = layers as [GruLayer, DenseLayer, DenseLayer];
    expect(inputs).toBe(2);
    expect(first).toMatchObject({ kind: "dense", name: "W", size: 2, activation: "tanh" });
    expect([numbers(first.W), numbers(first.b)]).toEqual([
      [1, 2],
      [0, 0],
    ]);
    expect(second).toMatchObject({ size: 3, activation: "linear" });
    expect([numbers(second.W), numbers(second.b)]).toEqual([
      [1, 4, 2, 5, 3, 6],
      [9, 10, 11],
    ]);
  });

  it("reads an embedding, which takes tokens", () => {
    const tensors = { ...pick("Wn", "Un"), E: ordered(1, 3, 2) };
    const { inputs, embedding } = build(`layers: [{ embedding: E }, { ${gru} }]`, tensors);
    expect(inputs).toBe(1);
    expect([embedding?.vocabulary, embedding?.size, numbers(embedding?.weight)]).toEqual([3, 2, [1, 2, 3, 4, 5, 6]]);
  });

  it("reads scales of input and output", () => {
    const affine = "input: { offset: [1, 2], scale: [3, 4] }\noutput: { offset: [5], scale: [6] }";
    const { normalisation, output } = build(`layers: [{ ${gru} }]\n${affine}`, pick("Wn", "Un"));
    expect([numbers(normalisation?.offset), numbers(normalisation?.scale)]).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect([numbers(output?.offset), numbers(output?.scale)]).toEqual([[5], [6]]);
  });

  it.each([
    ["input: { offset: [0], scale: [1, 2] }", "map.yaml: input: 1 offsets and 2 scales, the model needs 2 of each"],
    ["input: { offset: [0, 0], scale: [1] }", "map.yaml: input: 2 offsets and 1 scales, the model needs 2 of each"],
    ["output: { offset: [0, 1], scale: [1] }", "map.yaml: output: 2 offsets and 1 scales, the model needs 1 of each"],
  ])("refuses %s", (affine, message) => {
    expect(refusal(`layers: [{ ${gru} }]\n${affine}`, pick("Wn", "Un"))).toBe(message);
  });

  it("leaves out what is to be ignored, and refuses what is left over", () => {
    expect(refusal(`layers: [{ ${gru} }]`, pick("Wn", "Un", "br"))).toContain("Weights that no layer uses: br");
    expect(build(`layers: [{ ${gru} }]\nignore: [br]`, pick("Wn", "Un", "br")).layers).toHaveLength(1);
    expect(refusal(`layers: [{ ${gru} }]\nignore: [x]`, pick("Wn", "Un"))).toContain("Missing weights: x");
  });

  it.each([
    [
      `layers: [{ ${gru} }, { embedding: E }]`,
      "map.yaml: layers.1: An embedding stands here, expected it as the first layer",
    ],
    [
      `layers: [{ ${gru} }, { dense: { W: Wr, activation: linear } }]`,
      "map.yaml: layers.1: Takes 2 values, the layer before gives 1",
    ],
    [`layers: [{ embedding: E3 }, { ${gru} }]`, "map.yaml: layers.1: Takes 2 values, the layer before gives 3"],
    ["layers: [{ embedding: E }]", "map.yaml: layers holds no gru and no dense layer"],
    [
      `layers: [{ embedding: E }, { ${gru} }]\ninput: { offset: [0], scale: [1] }`,
      "map.yaml: input stands beside an embedding, whose tokens have no scale",
    ],
    ["layers: [", "map.yaml: "],
    ["layers: []", "map.yaml: layers: "],
    ["layers: [{ dense: { W: Wn } }]", "map.yaml: layers.0.dense.activation: "],
    [`layers: [{ ${gru} }]\ninput: { offset: [0, 0], scale: [0, 1] }`, "map.yaml: input.scale.0: "],
  ])("refuses %j", (yaml, message) => {
    const tensors = { ...TENSORS, E: ordered(1, 3, 2), E3: ordered(1, 2, 3) };
    expect(refusal(yaml, tensors)).toContain(message);
  });
});

describe("a description of very many keys", () => {
  it("is refused before it is parsed", () => {
    const text = Array.from({ length: 60_000 }, (_, i) => `k${i}: 1`).join("\n");
    expect(() => parseMap(text, "map.yaml")).toThrow("map.yaml: Has more than 10000 keys");
    expect(() => parseMap("[".repeat(30_000), "map.yaml")).toThrow("map.yaml: The file is nested too deeply");
    expect(() => parseMap(`${"- ".repeat(300)}a`, "map.yaml")).toThrow("map.yaml: The file is nested too deeply");
  });
});
