import { describe, expect, it } from "vitest";
import {
  isOpenActivation,
  matricesOf,
  multiplications,
  type NetworkSpec,
  networkOf,
} from "../../host/model/network.ts";
import type { Activation, LayerSpec } from "../../host/model/types.ts";

const named = (count: number) => Array.from({ length: count }, (_, i) => ({ name: `${i}` }));
const gru = (size: number): LayerSpec => ({ kind: "gru", size, reset: "after", shift_x: 3, shift_h: 4 });
const dense = (size: number, activation: Activation): LayerSpec => ({ kind: "dense", size, activation });
const specOf = (inputs: number, layers: readonly LayerSpec[], rest: Partial<NetworkSpec> = {}): NetworkSpec => ({
  inputs: named(inputs),
  outputs: named(layers.at(-1)?.size ?? 0),
  layers,
  ...rest,
});

/** A network with every stage but an embedding. */
const FULL = specOf(3, [dense(5, "tanh"), gru(7), gru(4), dense(2, "linear")], { skip: { length: 6 } });

describe("networkOf", () => {
  it("gives the stages in order", () => {
    const { stages, input, layers, skip, output } = networkOf(FULL);
    expect(stages.map(({ kind }) => kind)).toEqual(["input", "dense", "gru", "gru", "dense", "skip", "output"]);
    expect(stages).toEqual([input, ...layers, skip, output]);
    const short = networkOf(specOf(1, [gru(2)]));
    expect(short.stages.map(({ kind }) => kind)).toEqual(["input", "gru", "output"]);
    expect(short.skip).toBeUndefined();
  });

  it("begins with offset and scale of every input", () => {
    expect(networkOf(FULL).input).toEqual({
      kind: "input",
      sizeIn: 3,
      size: 3,
      offset: "input.offset",
      scale: "input.scale",
    });
  });

  it("begins with the embedding of a token", () => {
    const { input, layers } = networkOf(specOf(1, [gru(4)], { embedding: { vocabulary: 20, size: 8 } }));
    expect(input).toEqual({ kind: "embedding", sizeIn: 1, vocabulary: 20, size: 8, weight: "embedding.weight" });
    expect(layers[0]).toMatchObject({ sizeIn: 8, w: { rows: 12, columns: 8 } });
  });

  it("hands each layer the size of the one before", () => {
    const { layers } = networkOf(FULL);
    expect(layers.map(({ index, name, sizeIn, size }) => [index, name, sizeIn, size])).toEqual([
      [0, "layers.0", 3, 5],
      [1, "layers.1", 5, 7],
      [2, "layers.2", 7, 4],
      [3, "layers.3", 4, 2],
    ]);
    expect(layers.map(({ layer }) => layer)).toEqual(FULL.layers);
  });

  it("names the tensors of a GRU layer", () => {
    expect(networkOf(FULL).layers[1]).toMatchObject({
      w: { rows: 21, columns: 5, weight: "layers.1.W", bias: "layers.1.b", multiplier: "layers.1.W.multiplier" },
      u: { rows: 21, columns: 7, weight: "layers.1.U", bias: "layers.1.c", multiplier: "layers.1.U.multiplier" },
    });
  });

  it("names the tensors of a dense layer: an open one has no multiplier", () => {
    const { layers } = networkOf(FULL);
    expect(layers[0]?.w).toEqual({
      rows: 5,
      columns: 3,
      weight: "layers.0.W",
      bias: "layers.0.b",
      multiplier: "layers.0.W.multiplier",
    });
    expect(layers[3]?.w).toEqual({ rows: 2, columns: 4, weight: "layers.3.W", bias: "layers.3.b" });
  });

  it("names the parameters that an activation has, and how many for a row", () => {
    const parametersOf = (activation: Activation) => networkOf(specOf(2, [dense(3, activation)])).layers[0];
    expect(parametersOf("prelu")).toMatchObject({ parameters: { name: "layers.0.p", count: 1 } });
    expect(parametersOf("elu")).toMatchObject({ parameters: { name: "layers.0.p", count: 1 } });
    expect(parametersOf("hardtanh")).toMatchObject({ parameters: { name: "layers.0.p", count: 2 } });
    expect(parametersOf("gelu")).not.toHaveProperty("parameters");
  });

  it("names the tensors of the skip over all samples of the window, which has no bias", () => {
    expect(networkOf(FULL).skip).toEqual({
      kind: "skip",
      length: 6,
      w: { rows: 2, columns: 18, weight: "skip.W", multiplier: "skip.multiplier" },
    });
  });

  it("names the tensors of the output", () => {
    expect(networkOf(FULL).output).toEqual({
      kind: "output",
      size: 2,
      isOpen: true,
      offset: "output.offset",
      scale: "output.scale",
      multiplier: "output.multiplier",
    });
  });

  it.each([
    ["linear", true],
    ["relu", true],
    ["tanh", false],
    ["sigmoid", false],
    ["softmax", false],
  ] as const)("opens a last layer that is %s: %s", (activation, isOpen) => {
    expect(isOpenActivation(activation)).toBe(isOpen);
    const { layers, output } = networkOf(specOf(2, [dense(3, activation)]));
    expect(layers[0]).toMatchObject({ isOpen });
    expect(output.isOpen).toBe(isOpen);
    expect("multiplier" in (layers[0]?.w ?? {})).toBe(!isOpen);
  });

  it("opens no layer but the last", () => {
    const { layers } = networkOf(specOf(2, [dense(3, "linear"), dense(3, "relu"), dense(3, "linear")]));
    expect(layers.map((stage) => stage.kind === "dense" && stage.isOpen)).toEqual([false, false, true]);
  });

  it("leaves the output of a GRU layer closed", () => {
    expect(networkOf(specOf(2, [dense(3, "linear"), gru(3)])).output.isOpen).toBe(false);
  });

  it("counts the state: the window of the skip, then each GRU layer", () => {
    expect(networkOf(FULL).state).toEqual([18, 7, 4]);
    expect(networkOf(specOf(2, [gru(9), dense(1, "linear")])).state).toEqual([9]);
    expect(networkOf(specOf(2, [dense(3, "tanh")])).state).toEqual([]);
  });
});

describe("multiplications", () => {
  it("are rows times columns of every matrix of a stage", () => {
    const { stages } = networkOf(FULL);
    expect(stages.map((stage) => matricesOf(stage).map(({ weight }) => weight))).toEqual([
      [],
      ["layers.0.W"],
      ["layers.1.W", "layers.1.U"],
      ["layers.2.W", "layers.2.U"],
      ["layers.3.W"],
      ["skip.W"],
      [],
    ]);
    expect(stages.map(multiplications)).toEqual([0, 15, 21 * (5 + 7), 12 * (7 + 4), 8, 36, 0]);
  });
});
