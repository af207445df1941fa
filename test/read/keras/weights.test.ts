// Where the weights of a layer stand, in the three layouts of files.

import { describe, expect, it } from "vitest";
import type { Hdf5Content, Hdf5Dataset } from "../../../tools/read/keras/hdf5.ts";
import type { LayerConfig } from "../../../tools/read/keras/layer-config.ts";
import { openWeights } from "../../../tools/read/keras/weights.ts";

const dataset = (...values: number[]): Hdf5Dataset => ({
  shape: [values.length],
  values: Float32Array.from(values),
});

const layer = (of: Partial<LayerConfig> = {}): LayerConfig => ({
  where: "m.keras: layer g",
  name: "g",
  className: "GRU",
  attributes: {},
  group: "gru",
  holder: "",
  readsState: false,
  ...of,
});

type Attributes = Readonly<Record<string, string | readonly string[]>>;

/** A file with a dataset of one number for each path: 0, 1, 2, … */
function open(paths: readonly string[], attributes: Attributes = {}, where = "m.keras") {
  const content: Hdf5Content = {
    attributes: new Map(Object.entries(attributes)),
    datasets: new Map(paths.map((path, index) => [path, dataset(index)])),
  };
  return openWeights(content, where);
}

const numbers = (found: readonly Hdf5Dataset[]) => found.map(({ values }) => values[0]);

describe("weights numbered by layer", () => {
  const PATHS = ["layers/gru/cell/vars/0", "layers/gru/cell/vars/1", "layers/dense/vars/0"];

  it("are taken in the order of creation, below the holder of the layer and that asked for", () => {
    const weights = open(PATHS);
    expect(numbers(weights.take(layer(), "cell/", ["kernel", "recurrent_kernel"]))).toEqual([0, 1]);
    const wrapped = open(["layers/bidirectional/layer/cell/vars/0"]);
    expect(numbers(wrapped.take(layer({ group: "bidirectional", holder: "layer/" }), "cell/", ["kernel"]))).toEqual([
      0,
    ]);
  });

  it("that nobody took are listed, but for what generators of random numbers keep", () => {
    const weights = open([...PATHS, "layers/dropout/seed_generator/vars/0"]);
    weights.take(layer(), "cell/", ["kernel"]);
    expect(weights.unused()).toEqual(["layers/gru/cell/vars/1", "layers/dense/vars/0"]);
    weights.ignore(layer(), "cell/", ["kernel", "recurrent_kernel", "bias"]);
    expect(weights.unused()).toEqual(["layers/dense/vars/0"]);
    weights.ignoreRest(layer({ group: "dense", name: "d" }));
    expect(weights.unused()).toEqual([]);
  });

  it("of a layer inside of the one that is left out are left out with it, and no other's", () => {
    const weights = open(["layers/gru/a/vars/0", "model_weights/g/b", "g/c", "layers/gru_1/vars/0", "gh/d"]);
    weights.ignoreRest(layer());
    expect(weights.unused()).toEqual(["layers/gru_1/vars/0", "gh/d"]);
  });

  it("belong to the layer that the file names", () => {
    const named = (name: string) => open(PATHS, { "layers/gru/vars@name": name });
    expect(named("g").take(layer(), "cell/", ["kernel"])).toHaveLength(1);
    expect(() => named("other").take(layer(), "cell/", ["kernel"])).toThrow(
      'm.keras: layer g: Its weights layers/gru belong to a layer "other"; give the configuration of this very model',
    );
  });

  it.each<[string, readonly string[], readonly string[]]>([
    [
      "bias is missing from the weights (no dataset layers/gru/cell/vars/2)",
      PATHS,
      ["kernel", "recurrent_kernel", "bias"],
    ],
    [
      "kernel, bias are missing from the weights (no dataset layers/gru/cell/vars/0, layers/gru/cell/vars/1)",
      ["layers/dense/vars/0"],
      ["kernel", "bias"],
    ],
  ])("that are not there are all named: %s", (text, paths, names) => {
    expect(() => open(paths).take(layer(), "cell/", names)).toThrow(`m.keras: layer g: ${text}; save the weights`);
  });

  it.each(["float16", "bfloat16"])("that Keras leaves out of a layer of %s are named as that", (dtype) => {
    const take = (names: string[]) => () => open(PATHS).take(layer({ attributes: { dtype } }), "cell/", names);
    expect(take(["kernel", "recurrent_kernel", "bias"])).toThrow(
      `m.keras: layer g: bias of this ${dtype} layer is not in the file: Keras saved it half built`,
    );
    expect(take(["kernel", "recurrent_kernel", "bias", "more"])).toThrow(`bias, more of this ${dtype} layer are not`);
  });

  it("are finite", () => {
    const content: Hdf5Content = {
      attributes: new Map(),
      datasets: new Map([["layers/gru/vars/0", dataset(1, Number.NaN)]]),
    };
    expect(() => openWeights(content, "m.keras").take(layer(), "", ["kernel"])).toThrow(
      "m.keras: layer g: kernel holds NaN at element 1; the training diverged",
    );
  });

  it("are none in a file without layers", () => {
    expect(() => open(["optimizer/vars/0"])).toThrow(
      "m.keras: Holds no weights of layers; save them with model.save()",
    );
  });
});

describe("weights numbered by Keras 2.12 to 2.15", () => {
  const old = (group: string) => `_layer_checkpoint_dependencies/${group}/cell/vars/0`;

  it("are those of the next group of the class, in the order of the numbers", () => {
    const weights = open([old("gru_10"), old("gru_2"), old("gru"), "optimizer/gru_1/vars/0"]);
    const kernel = (group: string) => numbers(weights.take(layer({ group }), "cell/", ["kernel"]));
    expect([kernel("gru"), kernel("gru_1"), kernel("gru_3"), kernel("gru_1")]).toEqual([[2], [1], [0], [1]]);
  });

  it("are missing where the groups of the class are used up", () => {
    const weights = open([old("gru"), old("dense")]);
    weights.take(layer({ group: "gru" }), "cell/", ["kernel"]);
    expect(() => weights.take(layer({ group: "gru_1" }), "cell/", ["kernel"])).toThrow("kernel is missing");
  });

  it("stand beside those of the new layout only in the new one", () => {
    const weights = open([old("gru"), "layers/gru/cell/vars/0"]);
    expect(numbers(weights.take(layer(), "cell/", ["kernel"]))).toEqual([1]);
  });
});

describe("weights of a legacy file", () => {
  const names = ["g/gru_cell/kernel:0", "g/gru_cell/bias:0"];

  it.each(["", "model_weights/"])("stand by their names below %j", (prefix) => {
    const weights = open(
      names.map((name) => `${prefix}g/${name}`),
      { [`${prefix}g@weight_names`]: names },
    );
    expect(numbers(weights.take(layer(), "cell/", ["bias", "kernel"]))).toEqual([1, 0]);
    expect(weights.unused()).toEqual([]);
  });

  it("of a layer inside of another stand below the outer one, by the name of the inner one", () => {
    const inside = ["outer/a/kernel:0", "outer/b/kernel:0"];
    const weights = open(
      inside.map((name) => `outer/${name}`),
      { "outer@weight_names": inside },
    );
    const kernel = (weightsOf: string) => weights.take(layer({ owner: "outer", weightsOf }), "", ["kernel"]);
    expect([numbers(kernel("a")), numbers(kernel("b"))]).toEqual([[0], [1]]);
  });

  it("are missing, without a path, where the name stands not or twice", () => {
    const twice = open([], { "g@weight_names": ["g/a/kernel:0", "g/b/kernel:0"] });
    for (const name of ["kernel", "bias"])
      expect(() => twice.take(layer(), "", [name])).toThrow(`${name} is missing from the weights; save the weights`);
    expect(() => twice.take(layer({ name: "h" }), "", ["kernel"])).toThrow("kernel is missing from the weights;");
    expect(() => twice.ignore(layer(), "", ["kernel"])).not.toThrow();
  });
});
