// Every layer of Keras on weights that are small whole numbers, without a file.

import { describe, expect, it } from "vitest";
import { CliError } from "../../../tools/errors.ts";
import { Builder } from "../../../tools/read/builder.ts";
import { readConfig } from "../../../tools/read/keras/config.ts";
import type { Context } from "../../../tools/read/keras/context.ts";
import type { Hdf5Content, Hdf5Dataset } from "../../../tools/read/keras/hdf5.ts";
import { addLayers } from "../../../tools/read/keras/layers.ts";
import { openWeights } from "../../../tools/read/keras/weights.ts";
import type { DenseLayer, GruLayer, Network } from "../../../tools/read/network.ts";

type Json = Readonly<Record<string, unknown>>;
type LayerJson = readonly [className: string, config: Json];

const dataset = (shape: readonly number[], values: readonly number[]): Hdf5Dataset => ({
  shape,
  values: Float32Array.from(values),
});
/** first, first + 1, … */
const from = (first: number, count: number) => Array.from({ length: count }, (_, i) => first + i);

interface ReadOptions {
  readonly allowApproximate?: boolean;
  /** Inputs; default 2. Null: not known. */
  readonly size?: number | null;
  readonly rank?: number;
}

/** Reads a chain of layers; the datasets stand below `layers/`. */
function read(
  layers: readonly LayerJson[],
  datasets: Readonly<Record<string, Hdf5Dataset>>,
  { allowApproximate = false, size = 2, rank = 3 }: ReadOptions = {},
): { network: Network; context: Context; unused: string[] } {
  const json = {
    class_name: "Sequential",
    config: { name: "m", layers: layers.map(([class_name, config]) => ({ class_name, config })) },
  };
  const content: Hdf5Content = {
    attributes: new Map(),
    datasets: new Map(Object.entries(datasets).map(([name, value]) => [`layers/${name}`, value])),
  };
  const weights = openWeights(content, "m.keras");
  const builder = new Builder(size ?? undefined);
  const lists = { substitutions: [], notes: [], stateful: [], policies: new Set<string>() };
  const context: Context = { weights, builder, allowApproximate, hardSlope: 0.25, rank, ...lists };
  addLayers(readConfig(JSON.stringify(json), "m.keras"), context);
  return { network: builder.finish(context.rank === 2, context.substitutions), context, unused: weights.unused() };
}

const refusal = (...args: Parameters<typeof read>): string => {
  try {
    read(...args);
  } catch (error) {
    if (error instanceof CliError) return error.message;
    throw error;
  }
  return "nothing refused";
};

/** GRU of one unit with two inputs: columns z, r, n. */
const GRU = {
  "gru/cell/vars/0": dataset([2, 3], [1, 2, 3, 4, 5, 6]),
  "gru/cell/vars/1": dataset([1, 3], [7, 8, 9]),
  "gru/cell/vars/2": dataset([2, 3], [10, 20, 30, 40, 50, 60]),
};
const gru = (config: Json = {}): LayerJson => [
  "GRU",
  {
    name: "g",
    units: 1,
    return_sequences: true,
    recurrent_activation: "sigmoid",
    activation: "tanh",
    reset_after: true,
    ...config,
  },
];
const DENSE = { "dense/vars/0": dataset([2, 1], [3, 4]), "dense/vars/1": dataset([1], [5]) };
const dense = (config: Json = {}): LayerJson => ["Dense", { name: "d", units: 1, ...config }];

describe("GRU", () => {
  it("is turned from columns z, r, n to rows r, z, n", () => {
    const { network, context, unused } = read([gru()], GRU);
    const [layer] = network.layers as [GruLayer];
    expect(layer).toMatchObject({ kind: "gru", name: "g", size: 1, reset: "after" });
    expect([...layer.W]).toEqual([2, 5, 1, 4, 3, 6]);
    expect([...layer.U]).toEqual([8, 7, 9]);
    expect([...layer.b]).toEqual([20, 10, 30]);
    expect([...layer.c]).toEqual([50, 40, 60]);
    expect({ inputs: network.inputs, lastOnly: network.lastOnly, rank: context.rank, unused }).toEqual({
      inputs: 2,
      lastOnly: false,
      rank: 3,
      unused: [],
    });
  });

  it("turns several units the same way", () => {
    const weights = {
      "gru/cell/vars/0": dataset([1, 6], from(1, 6)),
      "gru/cell/vars/1": dataset([2, 6], from(1, 12)),
    };
    const [layer] = read([gru({ units: 2, use_bias: false })], weights, { size: 1 }).network.layers as [GruLayer];
    expect([...layer.W]).toEqual([3, 4, 1, 2, 5, 6]);
    expect([...layer.U]).toEqual([3, 9, 4, 10, 1, 7, 2, 8, 5, 11, 6, 12]);
    expect([...layer.b, ...layer.c]).toEqual(Array(12).fill(0));
  });

  it("has one bias with reset_after=False, which is what older versions mean", () => {
    const before = { ...GRU, "gru/cell/vars/2": dataset([3], [10, 20, 30]) };
    for (const config of [{ reset_after: false }, { reset_after: undefined }]) {
      const [layer] = read([gru(config)], before).network.layers as [GruLayer];
      expect(layer.reset).toBe("before");
      expect([...layer.b]).toEqual([20, 10, 30]);
      expect([...layer.c]).toEqual([0, 0, 0]);
    }
    expect(refusal([gru({ reset_after: false })], GRU)).toBe(
      'm.keras: layer "g" (GRU): bias with reset_after=False has the shape [2, 3], expected [3]; the weights belong to another model',
    );
    expect(refusal([gru()], before)).toContain("bias with reset_after=True has the shape [3], expected [2, 3]");
  });

  it("answers at the last step unless it returns sequences", () => {
    expect(read([gru({ return_sequences: false })], GRU)).toMatchObject({
      context: { rank: 2 },
      network: { lastOnly: true },
    });
    expect(read([gru({ return_sequences: undefined })], GRU).context.rank).toBe(2);
    expect(refusal([gru({ return_sequences: false }), gru()], GRU)).toBe(
      'm.keras: layer "g" (GRU): Reads the last output of a layer before it; set return_sequences=True there',
    );
  });

  it("takes its inputs from the kernel where nothing else tells", () => {
    expect(read([gru()], GRU, { size: null }).network.inputs).toBe(2);
    expect(refusal([gru()], GRU, { size: 3 })).toContain("kernel has the shape [2, 3], expected [3, 3]");
    expect(refusal([gru({ units: 2 })], GRU)).toContain("kernel has the shape [2, 3], expected [2, 6]");
    const wide = { ...GRU, "gru/cell/vars/1": dataset([2, 3], from(1, 6)) };
    expect(refusal([gru()], wide)).toContain("recurrent_kernel has the shape [2, 3], expected [1, 3]");
    const flat = { ...GRU, "gru/cell/vars/1": dataset([3], [7, 8, 9]) };
    expect(refusal([gru()], flat)).toContain("recurrent_kernel has the shape [3], expected [1, 3]");
  });

  it("is read as the cell of an RNN, too", () => {
    const [, { name: _, return_sequences: __, ...cell }] = gru();
    const rnn: LayerJson = [
      "RNN",
      { name: "r", return_sequences: true, cell: { class_name: "GRUCell", config: cell } },
    ];
    const weights = Object.fromEntries(Object.entries(GRU).map(([key, value]) => [key.replace("gru/", "rnn/"), value]));
    const [layer] = read([rnn], weights).network.layers as [GruLayer];
    expect([layer.name, [...layer.W]]).toEqual(["r", [2, 5, 1, 4, 3, 6]]);
    const other: LayerJson = ["RNN", { name: "r", cell: { class_name: "LSTMCell", config: {} } }];
    expect(refusal([other], weights)).toBe(
      'm.keras: layer "r" (RNN): cell is LSTMCell; only GRUCell, StackedRNNCells of Keras is read in a RNN',
    );
    const strange = { class_name: "GRUCell", config: cell, module: "mine.cells" };
    expect(refusal([["RNN", { name: "r", cell: strange }]], weights)).toContain(
      "Is a class of module mine.cells; only layers of Keras itself are known",
    );
    expect(refusal([["RNN", { name: "r", cell: { class_name: "GRUCell" } }]], weights)).toContain("cell has no config");
    expect(refusal([["RNN", { name: "r" }]], weights)).toContain("cell is undefined; only GRUCell,");
  });

  it("has dropout, which acts in training only, and states, which sessions keep", () => {
    expect(read([gru({ dropout: 0.5, recurrent_dropout: 0.5, return_state: true })], GRU).network.layers).toHaveLength(
      1,
    );
  });

  it.each([
    [{ go_backwards: true }, "go_backwards is true; a reversed layer needs the future"],
    [{ time_major: true }, "time_major is true; load the model with time_major=False"],
    [{ activation: "relu" }, 'activation is "relu"; only "tanh" is supported; train with the default'],
    [{ activation: undefined }, 'activation is missing; only "tanh" is supported'],
    [
      { recurrent_activation: "tanh" },
      'recurrent_activation is "tanh"; only "sigmoid" and "hard_sigmoid" are supported',
    ],
    [
      { recurrent_activation: { a: 1 } },
      'recurrent_activation is {"a":1}; expected the name of an activation of Keras',
    ],
    [{ units: 0 }, "units is 0; expected a whole number of 1 to 65535"],
    [{ units: 65536 }, "units is 65536; expected a whole number"],
    [{ units: 1.5 }, "units is 1.5; expected a whole number"],
    [{ units: "1" }, 'units is "1"; expected a whole number'],
    [{ use_bias: 1 }, "use_bias is 1; expected true or false"],
    [{ clip: 3 }, "clip is 3; this attribute is not known; rebuild the layer without it"],
    [{ dtype: "int8" }, 'dtype is "int8"; convert the model before it is quantized'],
    [
      { dtype: { config: { name: "int8_from_float32" } } },
      'dtype is {"config":{"name":"int8_from_float32"}}; convert the model before it is quantized',
    ],
  ])("is refused with %j", (config, message) => {
    expect(refusal([gru(config)], GRU)).toContain(`m.keras: layer "g" (GRU): ${message}`);
  });

  it.each([
    { dtype: "float32" },
    { dtype: "mixed_float16" },
    { dtype: "bfloat16" },
    { dtype: "mixed_bfloat16" },
    { dtype: { class_name: "DTypePolicy", config: { name: "float64" } } },
    { dtype: null },
    { unknown: null },
    { unknown: false },
    { kernel_initializer: "zeros", trainable: true, stateful: true, unroll: true, implementation: 2, seed: 5 },
  ])("is taken with %j", (config) => {
    expect(read([gru(config)], GRU).network.layers).toHaveLength(1);
  });

  it("tells of states that run on, and of policies of 16 bits", () => {
    const told = (config: Json) => {
      const { stateful, policies } = read([gru(config)], GRU).context;
      return [stateful, [...policies]];
    };
    expect(told({})).toEqual([[], []]);
    expect(told({ stateful: true, dtype: "float64" })).toEqual([["g"], []]);
    expect(told({ stateful: false, dtype: "mixed_bfloat16" })).toEqual([[], ["mixed_bfloat16"]]);
    expect(told({ dtype: { config: { name: "float16" } } })).toEqual([[], ["float16"]]);
    expect(refusal([gru({ dtype: "float16" })], { "gru/cell/vars/0": GRU["gru/cell/vars/0"] })).toContain(
      "recurrent_kernel, bias of this float16 layer are not in the file: Keras saved it half built",
    );
  });

  it("has the slope of hard_sigmoid in the rows of its gates, and sigmoid where approximations are allowed", () => {
    const hard = [gru({ recurrent_activation: "hard_sigmoid" })];
    const [plain] = read([gru()], GRU).network.layers as [GruLayer];
    const { network } = read(hard, GRU);
    const scaled = (values: Float32Array) => values.map((value, i) => (3 * i < 2 * values.length ? value / 4 : value));
    expect(network.substitutions).toEqual([]);
    expect(network.layers).toEqual([
      {
        ...plain,
        gates: "hard",
        W: scaled(plain.W),
        U: scaled(plain.U),
        b: scaled(plain.b).map((value, row) => (row < 2 ? value + 0.5 : value)),
        c: scaled(plain.c),
      },
    ]);
    expect(read(hard, GRU, { allowApproximate: true }).network.substitutions).toEqual([
      'layer "g" (GRU): sigmoid in place of recurrent_activation hard_sigmoid',
    ]);
  });

  it("is refused with weights that are missing or not finite", () => {
    expect(refusal([gru()], { "gru/cell/vars/0": GRU["gru/cell/vars/0"] })).toBe(
      'm.keras: layer "g" (GRU): recurrent_kernel, bias are missing from the weights (no dataset layers/gru/cell/vars/1, layers/gru/cell/vars/2); save the weights of this very model again',
    );
    const two = { "gru/cell/vars/0": GRU["gru/cell/vars/0"], "gru/cell/vars/1": GRU["gru/cell/vars/1"] };
    expect(refusal([gru()], two)).toContain("bias is missing from the weights (no dataset layers/gru/cell/vars/2)");
    const bad = { ...GRU, "gru/cell/vars/1": dataset([1, 3], [7, Number.NaN, 9]) };
    expect(refusal([gru()], bad)).toContain("recurrent_kernel holds NaN at element 1; the training diverged");
  });

  it("leaves what it does not take", () => {
    const more = { ...GRU, "gru/cell/vars/3": dataset([1], [1]), "gru/seed_generator/vars/0": dataset([1], [1]) };
    expect(read([gru()], more).unused).toEqual(["layers/gru/cell/vars/3"]);
  });
});

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

describe("Normalization", () => {
  const given = (config: Json): LayerJson => ["Normalization", { name: "n", axis: [-1], ...config }];

  it("divides by the deviation, and by no less than 1e-7 where values never vary", () => {
    const { network } = read([given({ mean: [10, 20], variance: [4, 0] }), gru()], GRU);
    expect([...(network.normalisation?.offset ?? [])]).toEqual([10, 20]);
    expect([...(network.normalisation?.scale ?? [])]).toEqual([0.5, Math.fround(1e7)]);
  });

  it("takes its statistics from the weights, one for all or one for each", () => {
    const weights = {
      ...GRU,
      "normalization/vars/0": dataset([2], [10, 20]),
      "normalization/vars/1": dataset([2], [4, 16]),
      "normalization/vars/2": dataset([], [99]),
    };
    const { network, unused } = read([given({}), gru()], weights);
    expect([...(network.normalisation?.offset ?? []), ...(network.normalisation?.scale ?? [])]).toEqual([
      10, 20, 0.5, 0.25,
    ]);
    expect(unused).toEqual([]);
    const one = read([given({ mean: 10, variance: [[4]], axis: null }), gru()], GRU).network.normalisation;
    expect([...(one?.offset ?? []), ...(one?.scale ?? [])]).toEqual([10, 10, 0.5, 0.5]);
  });

  it("is undone where it is inverted", () => {
    const { network } = read([dense(), given({ mean: [10], variance: [4], invert: true })], DENSE);
    expect([...(network.output?.offset ?? []), ...(network.output?.scale ?? [])]).toEqual([10, 2]);
  });

  it.each([
    [{ mean: [1], variance: [-1] }, "variance has 1 values, expected 2 finite ones; the file is damaged"],
    [{ mean: [1, 2, 3], variance: [1] }, "mean has 3 values, expected 2 finite ones"],
    [{ mean: ["x"], variance: [1] }, "mean has 0 values"],
    [{ mean: [1], variance: [1], axis: 1 }, "axis is 1; only the last axis, the values of a sample, is supported"],
    [{ mean: [1], variance: [1], axis: [1, 2] }, "axis is [1,2]; only the last axis"],
  ])("is refused with %j", (config, message) => {
    expect(refusal([given(config), gru()], GRU)).toContain(message);
  });

  it("takes the size of a sample from its statistics where nothing else tells", () => {
    expect(read([given({ mean: [1, 2], variance: [1, 1] }), gru()], GRU, { size: null }).network.inputs).toBe(2);
    const stored = { ...GRU, "normalization/vars/0": dataset([1], [1]), "normalization/vars/1": dataset([1], [1]) };
    expect(refusal([given({}), gru()], stored, { size: null })).toContain(
      "The size of its input is not known; build the model with an Input first",
    );
  });
});

describe("BatchNormalization", () => {
  const norm = (config: Json = {}): LayerJson => ["BatchNormalization", { name: "b", axis: -1, ...config }];
  const all = (gamma: number, beta: number, mean: number, variance: number) => ({
    ...DENSE,
    "batch_normalization/vars/0": dataset([1], [gamma]),
    "batch_normalization/vars/1": dataset([1], [beta]),
    "batch_normalization/vars/2": dataset([1], [mean]),
    "batch_normalization/vars/3": dataset([1], [variance]),
  });
  const output = (config: Json, weights: Readonly<Record<string, Hdf5Dataset>>) => {
    const { scale, offset } = read([dense(), norm(config)], weights).network.output ?? {};
    return [scale?.[0], offset?.[0]];
  };

  it("scales by gamma / sqrt(variance + epsilon), and shifts by beta less the scaled mean", () => {
    expect(output({ epsilon: 0 }, all(6, 5, 2, 9))).toEqual([2, 1]);
    expect(output({ epsilon: 7 }, all(6, 5, 2, 9))).toEqual([1.5, 2]);
  });

  it("has an epsilon of 1e-3 unless it says otherwise, which is all there is beside a variance of 0", () => {
    expect(output({}, all(1, 0, 0, 0))).toEqual([Math.fround(1 / Math.sqrt(1e-3)), 0]);
    expect(output({ epsilon: null }, all(1, 0, 0, 3))).toEqual([Math.fround(1 / Math.sqrt(3.001)), 0]);
    expect(refusal([dense(), norm({ epsilon: 0 })], all(1, 0, 0, 0))).toContain(
      "moving_variance + epsilon is not positive; the weights are damaged",
    );
    expect(refusal([dense(), norm()], all(1, 0, 0, -1))).toContain("moving_variance + epsilon is not positive");
  });

  it("may have no gamma or no beta", () => {
    const bare = (first: number, ...rest: number[]) =>
      Object.fromEntries([first, ...rest].map((value, i) => [`batch_normalization/vars/${i}`, dataset([1], [value])]));
    expect(output({ epsilon: 0, scale: false }, { ...DENSE, ...bare(5, 2, 4) })).toEqual([0.5, 4]);
    expect(output({ epsilon: 0, center: false }, { ...DENSE, ...bare(6, 2, 9) })).toEqual([2, -4]);
    expect(output({ epsilon: 0, scale: false, center: false }, { ...DENSE, ...bare(2, 4) })).toEqual([0.5, -1]);
  });

  it("scales the last axis only", () => {
    for (const axis of [[-1], 2, [2]]) expect(output({ epsilon: 0, axis }, all(6, 5, 2, 9))).toEqual([2, 1]);
    for (const axis of [1, [1], [], [1, 2]]) {
      expect(refusal([dense(), norm({ axis })], all(6, 5, 2, 9))).toContain("only the last axis");
    }
  });

  it("is refused with statistics of another size, or that are none", () => {
    const two = { ...all(1, 1, 1, 1), "batch_normalization/vars/2": dataset([2], [1, 2]) };
    expect(refusal([dense(), norm()], two)).toContain("moving_mean has 2 values, expected 1 finite ones");
  });
});
