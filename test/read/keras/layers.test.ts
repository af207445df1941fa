// Layers of Keras on weights that are small whole numbers, without a file.

import { describe, expect, it } from "vitest";
import type { Hdf5Dataset } from "../../../tools/read/keras/hdf5.ts";
import type { DenseLayer } from "../../../tools/read/network.ts";
import { DENSE, dataset, dense, from, GRU, gru, type Json, type LayerJson, read, refusal } from "./layers-model.ts";

describe("Dense", () => {
  it("is turned from columns to rows", () => {
    const weights = { "dense/vars/0": dataset([2, 3], from(1, 6)), "dense/vars/1": dataset([3], [7, 8, 9]) };
    const [layer] = read([dense({ units: 3, activation: "tanh" })], weights).network.layers as [DenseLayer];
    expect(layer).toMatchObject({ kind: "dense", name: "d", size: 3, activation: "tanh" });
    expect([...layer.W]).toEqual([1, 4, 2, 5, 3, 6]);
    expect([...layer.b]).toEqual([7, 8, 9]);
  });

  it("may have no bias, and is linear unless it says otherwise", () => {
    const weights = { "dense/vars/0": DENSE["dense/vars/0"] };
    for (const activation of [undefined, null, "linear"]) {
      const [layer] = read([dense({ use_bias: false, activation })], weights).network.layers as [DenseLayer];
      expect([layer.activation, [...layer.b]]).toEqual(["linear", [0]]);
    }
  });

  it.each(["sigmoid", "tanh", "relu", "softmax"])("computes %s", (activation) => {
    expect(read([dense({ activation })], DENSE).network.layers).toMatchObject([{ activation }]);
  });

  it("is refused with other activations or shapes", () => {
    expect(refusal([dense({ activation: "mish" })], DENSE)).toContain('activation is "mish"; ');
    expect(refusal([dense()], DENSE, { size: 3 })).toContain("kernel has the shape [2, 1], expected [3, 1]");
    expect(refusal([dense({ units: 2 })], DENSE)).toContain("kernel has the shape [2, 1], expected [2, 2]");
    const long = { ...DENSE, "dense/vars/1": dataset([2], [5, 6]) };
    expect(refusal([dense()], long)).toContain("bias has the shape [2], expected [1]");
    expect(read([dense()], DENSE, { size: null }).network.inputs).toBe(2);
  });

  it("is read inside of TimeDistributed, by the name of that", () => {
    const weights = {
      "time_distributed/layer/vars/0": DENSE["dense/vars/0"],
      "time_distributed/layer/vars/1": DENSE["dense/vars/1"],
    };
    const [, config] = dense({ activation: "sigmoid" });
    const wrapped = (layer: Json): LayerJson => ["TimeDistributed", { name: "t", layer }];
    const inside = wrapped({ class_name: "Dense", config });
    const [layer] = read([inside], weights).network.layers as [DenseLayer];
    expect([layer.name, layer.activation, [...layer.W], [...layer.b]]).toEqual(["t", "sigmoid", [3, 4], [5]]);
    expect(refusal([inside], weights, { rank: 2 })).toContain("Reads no sequence; use the layer inside of it directly");
    expect(refusal([wrapped({ class_name: "GRU", config: {} })], weights)).toContain(
      "layer is GRU; only Dense, Activation, Dropout of Keras is read in a TimeDistributed",
    );
    const strange = wrapped({ class_name: "Dense", config: { ...config, clip: 1 } });
    expect(refusal([strange], weights)).toContain("clip is 1; this attribute is not known");
    const relu = wrapped({ class_name: "Activation", config: { name: "a", activation: "relu" } });
    expect(read([dense(), relu], DENSE).network.layers).toMatchObject([{ activation: "relu" }]);
    const dropout = wrapped({ class_name: "Dropout", config: { name: "o", rate: 0.5 } });
    expect(read([dense(), dropout], DENSE).network.layers).toMatchObject([{ activation: "linear" }]);
  });
});

describe("activations", () => {
  it("go into the dense layer before them, else into a layer of their own", () => {
    const activation = (name: string): LayerJson => ["Activation", { name: "a", activation: name }];
    expect(read([dense(), activation("relu")], DENSE).network.layers).toMatchObject([{ activation: "relu" }]);
    const [first, own] = read([dense({ activation: "tanh" }), activation("sigmoid")], DENSE).network.layers;
    expect(first).toMatchObject({ name: "d", activation: "tanh" });
    expect(own).toMatchObject({ name: "a", size: 1, activation: "sigmoid" });
    expect([...(own as DenseLayer).W, ...(own as DenseLayer).b]).toEqual([1, 0]);
    expect(read([dense(), activation("linear")], DENSE).network.layers).toHaveLength(1);
    expect(refusal([activation("relu")], DENSE, { size: null })).toContain("The size of its input is not known");
  });

  /** What a layer behind a linear one makes of it. */
  const behind = (className: string, config: Json, weights: Readonly<Record<string, Hdf5Dataset>> = {}) => {
    const [layer] = read([dense(), [className, { name: "a", ...config }]], { ...DENSE, ...weights }).network.layers;
    const { activation, parameters } = layer as DenseLayer;
    return { activation, ...(parameters && { parameters: parameters.map((values) => Array.from(values)) }) };
  };

  it.each([
    ["ReLU", {}, { activation: "relu" }],
    ["ReLU", { max_value: null, threshold: 0, negative_slope: 0 }, { activation: "relu" }],
    ["ReLU", { negative_slope: 0.25 }, { activation: "prelu", parameters: [[0.25]] }],
    ["ReLU", { max_value: 6 }, { activation: "hardtanh", parameters: [[0], [6]] }],
    ["ReLU", { max_value: 0 }, { activation: "hardtanh", parameters: [[0], [0]] }],
    ["LeakyReLU", {}, { activation: "prelu", parameters: [[0.3]] }],
    ["LeakyReLU", { alpha: 0.125 }, { activation: "prelu", parameters: [[0.125]] }],
    ["LeakyReLU", { negative_slope: 0.5 }, { activation: "prelu", parameters: [[0.5]] }],
    ["ELU", {}, { activation: "elu", parameters: [[1]] }],
    ["ELU", { alpha: 0.5 }, { activation: "elu", parameters: [[0.5]] }],
    ["Activation", { activation: "swish" }, { activation: "silu" }],
    ["Activation", { activation: "silu" }, { activation: "silu" }],
    ["Activation", { activation: "gelu" }, { activation: "gelu" }],
    ["Activation", { activation: "softplus" }, { activation: "softplus" }],
    ["Activation", { activation: "elu" }, { activation: "elu", parameters: [[1]] }],
    ["Activation", { activation: "leaky_relu" }, { activation: "prelu", parameters: [[0.2]] }],
    ["Activation", { activation: "relu6" }, { activation: "hardtanh", parameters: [[0], [6]] }],
    ["Activation", { activation: "hard_sigmoid" }, { activation: "hardsigmoid", parameters: [[0.25], [0.5]] }],
    ["Activation", { activation: "hard_silu" }, { activation: "hardswish" }],
    ["Activation", { activation: "hard_swish" }, { activation: "hardswish" }],
    ["Activation", { activation: "hard_tanh" }, { activation: "hardtanh", parameters: [[-1], [1]] }],
  ])("know %s %j", (className, config, expected) => {
    expect(behind(className, config)).toEqual(expected);
  });

  it("know PReLU with a slope for each value, or one for all", () => {
    const alpha = (shape: readonly number[], values: readonly number[]) => ({
      "p_re_lu/vars/0": dataset(shape, values),
    });
    expect(behind("PReLU", { shared_axes: [1] }, alpha([1, 1], [0.25]))).toEqual({
      activation: "prelu",
      parameters: [[0.25]],
    });
    expect(refusal([dense(), ["PReLU", { name: "a" }]], { ...DENSE, ...alpha([5, 1], [1, 2, 3, 4, 5]) })).toContain(
      "alpha has the shape [5, 1], a slope for each step of a window; build it with shared_axes=[1]",
    );
  });

  it.each([
    [{ threshold: 1 }, "threshold is 1; only a threshold of 0 is supported"],
    [{ max_value: 6, negative_slope: 0.5 }, "max_value is 6; it is supported without negative_slope only"],
    [{ max_value: "6" }, 'max_value is "6"; it is supported without negative_slope only'],
  ])("refuse ReLU with %j", (config, message) => {
    expect(refusal([dense(), ["ReLU", { name: "a", ...config }]], DENSE)).toContain(message);
  });

  it("know Softmax over the values of a sample", () => {
    for (const axis of [undefined, -1, 2]) {
      const layers: LayerJson[] = [dense(), ["Softmax", { name: "s", axis }]];
      expect(read(layers, DENSE).network.layers).toMatchObject([{ activation: "softmax" }]);
    }
    expect(refusal([dense(), ["Softmax", { name: "s", axis: 1 }]], DENSE)).toContain(
      "axis is 1; only the last axis is supported",
    );
  });

  it.each([
    ["Dropout", { rate: 0.5, noise_shape: [1] }],
    ["SpatialDropout1D", { rate: 0.5 }],
    ["GaussianNoise", { stddev: 0.5 }],
    ["GaussianDropout", { rate: 0.5 }],
  ])("do not know %s, which acts in training only", (className, config) => {
    expect(read([dense(), [className, { name: "x", ...config }]], DENSE).network.layers).toHaveLength(1);
    expect(refusal([dense(), [className, { name: "x", extra: 1 }]], DENSE)).toContain("extra is 1");
  });

  it("name layers that are not read, and what to do", () => {
    expect(refusal([["LSTM", { name: "l" }]], GRU)).toBe(
      'm.keras: layer "l" (LSTM): layer LSTM is refused: only GRU layers are supported; train the model with GRU, which has the same place in a model',
    );
    expect(refusal([["Nothing", { name: "c" }]], GRU)).toMatch(/layer Nothing is refused: .*Embedding, .*GRU/);
  });
});

describe("Embedding", () => {
  const TABLE = { "embedding/vars/0": dataset([3, 2], from(1, 6)), ...GRU };
  const embedding = (config: Json = {}): LayerJson => [
    "Embedding",
    { name: "e", input_dim: 3, output_dim: 2, ...config },
  ];

  it("takes tokens in place of samples", () => {
    const { network, context } = read([embedding(), gru()], TABLE, { size: null, rank: 2 });
    expect(network).toMatchObject({ inputs: 1, embedding: { vocabulary: 3, size: 2 } });
    expect([...(network.embedding?.weight ?? [])]).toEqual(from(1, 6));
    expect(context.rank).toBe(3);
  });

  it("is refused elsewhere, with masks, and with a table of another shape", () => {
    const first = "An embedding must be the first layer and read one token for each step";
    expect(refusal([gru(), embedding()], TABLE)).toContain(first);
    expect(refusal([embedding()], TABLE, { size: null, rank: 3 })).toContain(first);
    const options = { size: null, rank: 2 };
    expect(refusal([embedding({ mask_zero: true })], TABLE, options)).toContain("mask_zero is true; masks are not");
    expect(refusal([embedding({ output_dim: 3 })], TABLE, options)).toContain(
      "embeddings has the shape [3, 2], expected [3, 3]",
    );
    expect(refusal([embedding({ input_dim: 4 })], TABLE, options)).toContain("expected [4, 2]");
  });
});
