import { describe, expect, it } from "vitest";
import type { GruLayer } from "../../tools/read/network.ts";
import { readOnnx } from "../../tools/read/onnx/index.ts";
import { gruNode, type NodeInput, onnxFile, type WeightInput } from "./onnx-models.ts";
import { gru, read, refusal } from "./onnx-refused.ts";

describe("GRU attributes", () => {
  it("reads a plain GRU as reset-before, in the order rzn", async () => {
    const { layers, inputs, lastOnly } = await read(gru({}));
    expect([inputs, lastOnly, layers.length]).toEqual([3, false, 1]);
    const W = Float32Array.from({ length: 18 }, (_, i) => Math.sin(i + 3) / 2);
    const [layer] = layers;
    expect(layer).toMatchObject({ kind: "gru", name: "gru_Y", size: 2, reset: "before" });
    expect(layer?.W).toEqual(Float32Array.of(...W.slice(6, 12), ...W.slice(0, 6), ...W.slice(12)));
  });

  it("reads linear_before_reset as reset-after", async () => {
    expect((await read(gru({ linear_before_reset: 1 }))).layers[0]).toMatchObject({ reset: "after" });
  });

  it("names the known fault of the PyTorch exporter and takes the option that mends it", async () => {
    const model = { ...gru({}), producer: "pytorch" };
    expect(await refusal(model)).toMatch(
      /"gru_Y" \(GRU\): linear_before_reset is 0 .* exporter; pass --assume-torch-gru/,
    );
    expect((await read(model, { assumeTorchGru: true })).layers[0]).toMatchObject({ reset: "after" });
  });

  for (const direction of ["reverse", "bidirectional"]) {
    it(`refuses direction ${direction}`, async () => {
      expect(await refusal(gru({ direction }))).toMatch(
        /node "gru_Y" \(GRU\): direction is \S+al|direction is reverse/,
      );
    });
  }

  it("refuses clip", async () => {
    expect(await refusal(gru({ clip: { f: 3 } }))).toContain('node "gru_Y" (GRU): clip is set');
  });

  it("refuses other activations", async () => {
    expect(await refusal(gru({ activations: ["Sigmoid", "Relu"] }))).toContain(
      "activations are Sigmoid, Relu; only Sigmoid or HardSigmoid, then Tanh",
    );
    expect(await refusal(gru({ activations: ["Sigmoid", "Tanh", "Sigmoid", "Tanh"] }))).toContain(
      "only Sigmoid or HardSigmoid, then Tanh",
    );
  });

  it("accepts the default activations by name", async () => {
    expect(
      (await read(gru({ activations: ["Sigmoid", "Tanh"], direction: "forward", layout: 0 }))).layers,
    ).toHaveLength(1);
  });

  it("has slope and offset of hard gates in their rows, or Sigmoid where approximation is allowed", async () => {
    const model = gru({ activations: ["HardSigmoid", "Tanh"] });
    const [plain] = (await read(gru({}))).layers as [GruLayer];
    const scaled = (values: Float32Array, slope: number) =>
      values.map((value, i) => (3 * i < 2 * values.length ? value * slope : value));
    const hard = (slope: number, offset: number) => ({
      ...plain,
      gates: "hard",
      W: scaled(plain.W, slope),
      U: scaled(plain.U, slope),
      b: scaled(plain.b, slope).map((value, row) => (3 * row < 2 * plain.b.length ? value + offset : value)),
      c: scaled(plain.c, slope),
    });
    expect((await read(model)).layers).toEqual([hard(0.2, 0.5)]);
    const given = {
      activations: ["HardSigmoid", "Tanh"],
      activation_alpha: { floats: [0.25] },
      activation_beta: { floats: [0.75] },
    };
    expect((await read(gru(given))).layers).toEqual([hard(0.25, 0.75)]);
    expect(await refusal(gru({ ...given, activation_beta: { floats: [0.5, 0.75] } }))).toContain(
      "expected one, for HardSigmoid",
    );
    expect((await read(model, { allowApproximate: true })).substitutions).toEqual([
      'Node "gru_Y": HardSigmoid gates (activations HardSigmoid, Tanh) by Sigmoid',
    ]);
  });

  it("refuses sequence_lens", async () => {
    const model = gru({});
    const nodes = [gruNode({}, ["lengths"]), ...model.nodes.slice(1)];
    expect(await refusal({ ...model, nodes, inputs: { x: [0, 0, 3], lengths: [0] } })).toContain(
      "sequence_lens is given",
    );
  });

  it("accepts an initial state of zeros or one that is an input, and refuses another", async () => {
    const model = gru({});
    const withState = (state: WeightInput) => ({
      ...model,
      weights: { ...model.weights, h0: state },
      nodes: [gruNode({}, ["", "h0"]), ...model.nodes.slice(1)],
    });
    expect((await read(withState({ dims: [1, 1, 2], values: [0, 0] }))).layers).toHaveLength(1);
    expect(await refusal(withState({ dims: [1, 1, 2], values: [0, 1] }))).toContain("initial_h is not zero");
    const nodes = [gruNode({}, ["", "h0"]), ...model.nodes.slice(1)];
    const carried = { ...model, nodes, inputs: { x: [0, 0, 3], h0: [1, 0, 2] }, outputs: ["y", "Yh"] };
    expect(await read(carried)).toMatchObject({ lastOnly: false });
  });

  it("refuses an unknown layout, and shapes that do not fit", async () => {
    expect(await refusal(gru({ layout: 2 }))).toContain("layout is 2");
    expect(await refusal(gru({ hidden_size: 3 }))).toContain('W ("W") has shape [1, 6, 3], expected [1, 9, 3]');
    expect(await refusal(gru({}, undefined, { B: { dims: [1, 6] } }))).toContain(
      'B ("B") has shape [1, 6], expected [1, 12]',
    );
    expect(await refusal({ ...gru({}), inputs: { x: [0, 0, 4] } })).toContain(
      "needs 3 values in a sample, its input has 4",
    );
    expect(await refusal({ ...gru({}), inputs: { x: [0, 3] } })).toContain("input X has 2 axes");
  });

  it("refuses weights that are not finite, by name", async () => {
    const values = Array.from({ length: 12 }, (_, i) => (i === 5 ? Number.NaN : 0));
    expect(await refusal(gru({}, undefined, { B: { dims: [1, 12], values } }))).toContain('"B" holds NaN at index 5');
  });
});

describe("file", () => {
  it("refuses opsets that it does not know", async () => {
    expect(await refusal({ ...gru({}), opset: 6 })).toBe(
      "m.onnx has opset 6; opsets 7 to 22 are read: export it with opset_version=20",
    );
    expect(await refusal({ ...gru({}), opset: 23 })).toContain("has opset 23");
  });

  it("refuses an input without a shape", async () => {
    const { weights, nodes } = gru({});
    expect(await refusal({ weights: weights!, nodes, inputs: { z: [1] } })).toContain(
      'takes "x", which nothing before it makes',
    );
  });

  it("reads external data through the given function, and refuses to leave the folder", async () => {
    const { Model } = await import("../../tools/read/onnx/proto.ts");
    const stored = (location: string) => {
      const model = Model.toObject(Model.decode(onnxFile(gru({}))));
      const [W] = model.graph.initializer;
      const values = Float32Array.from(W.floatData);
      Object.assign(W, {
        floatData: [],
        dataLocation: 1,
        externalData: [
          { key: "location", value: location },
          { key: "offset", value: "4" },
        ],
      });
      const file = new Uint8Array([9, 9, 9, 9, ...new Uint8Array(values.buffer)]);
      return { bytes: Model.encode(Model.fromObject(model)).finish(), file };
    };
    const { bytes, file } = stored("w.data");
    const { network } = await readOnnx(bytes, { path: "m.onnx", readExternal: () => file });
    expect(network.layers[0]?.W).toEqual((await read(gru({}))).layers[0]?.W);
    expect(await refusal(bytes, { readExternal: () => file.subarray(8) })).toContain(
      "needs bytes 4 to 76 of w.data, which has 68",
    );
    for (const location of ["../w.data", "/etc/w", "a/../../w", "c:\\w"]) {
      expect(await refusal(stored(location).bytes, { readExternal: () => file })).toContain(
        "not a file beside the model",
      );
    }
    const missing = readOnnx(bytes, { path: "nowhere/m.onnx" });
    await expect(missing).rejects.toThrow(
      /^nowhere.w\.data, which holds weights of nowhere.m\.onnx, cannot be read; copy it beside the model$/,
    );
  });
});

describe("nn.GRUCell", () => {
  const weights = { Wx: { dims: [6, 3] }, Wh: { dims: [6, 2] } };
  const nodes = (state: string): NodeInput[] => [
    ["Gemm", ["x", "Wx"], ["gx"], { transB: 1 }],
    ["Gemm", [state, "Wh"], ["gh"], { transB: 1 }],
    ["Split", ["gx"], ["xr", "xz", "xn"], { axis: 1 }],
    ["Split", ["gh"], ["hr", "hz", "hn"], { axis: 1 }],
    ["Add", ["xr", "hr"], ["ar"]],
    ["Sigmoid", ["ar"], ["r"]],
    ["Add", ["xz", "hz"], ["az"]],
    ["Sigmoid", ["az"], ["z"]],
    ["Mul", ["hn", "r"], ["m"]],
    ["Add", ["xn", "m"], ["an"]],
    ["Tanh", ["an"], ["n"]],
    ["Sub", [state, "n"], ["d"]],
    ["Mul", ["d", "z"], ["zd"]],
    ["Add", ["zd", "n"], ["y"]],
  ];

  it("is found in its parts", async () => {
    const { layers } = await read({ weights, nodes: nodes("h"), inputs: { x: [1, 3], h: [1, 2] } });
    expect(layers).toMatchObject([{ kind: "gru", size: 2, reset: "after" }]);
  });

  it("is refused with a state that the caller does not carry", async () => {
    const model = {
      weights: { ...weights, h: { dims: [1, 2], values: [0, 0] } },
      nodes: nodes("h"),
      inputs: { x: [1, 3] },
    };
    expect(await refusal(model)).toContain("the state of the cell is not an input of the graph");
  });

  it("is refused when the blend is another one", async () => {
    const other = nodes("h").map((node): NodeInput => (node[0] === "Sub" ? ["Sub", ["n", "h"], ["d"]] : node));
    expect(await refusal({ weights, nodes: other, inputs: { x: [1, 3], h: [1, 2] } })).toContain(
      "(Split): operator Split is not supported here; gates that are computed apart",
    );
  });
});
