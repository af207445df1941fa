// Layers of Keras on weights that are small whole numbers, without a file.

import { describe, expect, it } from "vitest";
import type { GruLayer } from "../../../tools/read/network.ts";
import { dataset, from, GRU, gru, type Json, type LayerJson, read, refusal } from "./layers-model.ts";

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
