import { describe, expect, it } from "vitest";
import { CliError } from "../../tools/errors.ts";
import type { GruLayer, Network } from "../../tools/read/network.ts";
import { type OnnxOptions, readOnnx } from "../../tools/read/onnx/index.ts";
import { GRU_WEIGHTS, gruNode, type ModelInput, type NodeInput, onnxFile, type WeightInput } from "./onnx-models.ts";

const read = async (model: ModelInput, options: Partial<OnnxOptions> = {}): Promise<Network> =>
  (await readOnnx(onnxFile(model), { path: "m.onnx", ...options })).network;

/** A model of the GRU and nodes after it, from Y[T][1][B][2] or Yh to y. */
const gru = (
  attributes: Parameters<typeof gruNode>[0],
  tail: readonly NodeInput[] = [["Squeeze", ["Y", "one"], ["y"]]],
  weights: Readonly<Record<string, WeightInput>> = {},
): ModelInput => ({
  weights: { ...GRU_WEIGHTS, one: { dims: [1], values: [1], integer: true }, ...weights },
  nodes: [gruNode(attributes), ...tail],
});

/** The message of the refusal. */
async function refusal(model: ModelInput | Uint8Array, options: Partial<OnnxOptions> = {}): Promise<string> {
  const bytes = model instanceof Uint8Array ? model : onnxFile(model);
  const error = await readOnnx(bytes, { path: "m.onnx", ...options }).then(
    () => new Error("was accepted"),
    (reason: unknown) => reason as Error,
  );
  expect(error).toBeInstanceOf(CliError);
  expect(error.message).toMatch(/^m\.onnx\b.*$/);
  return error.message;
}

const index = (value: number, dims: readonly number[] = []): WeightInput => ({ dims, values: [value], integer: true });

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

describe("chain", () => {
  const last = (value: number, axis = 0): NodeInput[] => [
    ["Squeeze", ["Y", "one"], ["s"]],
    ["Gather", ["s", "at"], ["y"], { axis, value }],
  ];

  it("takes the last step, and refuses another one", async () => {
    expect((await read(gru({}, last(-1), { at: index(-1) }))).lastOnly).toBe(true);
    expect(await refusal(gru({}, last(0), { at: index(0) }))).toContain("takes step 0 of the sequence");
    expect(await refusal(gru({}, last(-1, 1), { at: index(-1) }))).toContain("not the time axis");
  });

  it("takes the state after the last step", async () => {
    expect((await read(gru({}, [["Identity", ["Yh"], ["y"]]]))).lastOnly).toBe(true);
  });

  it("refuses a residual connection", async () => {
    const tail: NodeInput[] = [
      ["Squeeze", ["Y", "one"], ["s"]],
      ["Tanh", ["s"], ["t"]],
      ["Add", ["s", "t"], ["y"]],
    ];
    expect(await refusal(gru({}, tail))).toContain('node "add_y" (Add): joins two branches');
  });

  it("refuses a GRU that runs over the batch of the one before", async () => {
    const tail: NodeInput[] = [
      ["Squeeze", ["Y", "one"], ["s"]],
      ["Transpose", ["s"], ["t"], { perm: [1, 0, 2] }],
      ["GRU", ["t", "W2", "R"], ["y"], { hidden_size: 2 }],
    ];
    expect(await refusal(gru({}, tail, { W2: { dims: [1, 6, 2] } }))).toContain("does not run over the same time axis");
  });

  it("refuses a layer over time, and a reshape that cuts axes apart", async () => {
    const over: NodeInput[] = [
      ["Squeeze", ["Y", "one"], ["s"]],
      ["Transpose", ["s"], ["t"], { perm: [1, 2, 0] }],
      ["MatMul", ["t", "M"], ["y"]],
    ];
    expect(await refusal(gru({}, over, { M: { dims: [2, 2] } }))).toContain("works along the axis of time");
    const cut: NodeInput[] = [["Reshape", ["Y", "to"], ["y"]]];
    const to: WeightInput = { dims: [2], values: [-1, 3], integer: true };
    expect(await refusal(gru({}, cut, { to }))).toContain("shape [-1, 3] cuts the input's axes apart");
  });

  it("refuses unknown operators by name, with a remedy", async () => {
    expect(await refusal(gru({}, [["Sin", ["Y"], ["y"]]]))).toContain(
      'node "sin_y" (Sin): operator Sin is not supported here; rewrite',
    );
    expect(await refusal(gru({}, [["ReduceMean", ["Y"], ["y"]]]))).toContain(
      "a mean over the sequence cannot be streamed",
    );
    expect(await refusal({ nodes: [["LSTM", ["x"], ["y"]]] })).toContain("only GRU networks can be converted");
  });

  it("says what a loop over steps is, and the way out", async () => {
    const loop = (...body: string[]) => refusal({ nodes: [["Loop", ["trips", "", "x"], ["y"], { body: { body } }]] });
    const gruBody = ["MatMul", "Sigmoid", "Split", "MatMul", "Tanh", "Mul", "Add"];
    expect(await loop(...gruBody)).toContain(
      'node "loop_y" (Loop): is a GRU that the exporter left as a loop over steps, and loops are not read; convert the source model itself: save the Keras model as .keras',
    );
    expect(await loop(...gruBody, "Tanh")).toContain("is a loop over steps with an LSTM in it; only GRU networks");
    expect(await loop("Add")).toContain(
      "is a loop over steps, and loops are not read; convert the source model itself",
    );
    expect(await refusal({ nodes: [["Scan", ["x"], ["y"]]] })).toContain("(Scan): is a loop over steps, and loops");
  });

  it("ignores an unknown operator that the output does not need", async () => {
    const tail: NodeInput[] = [
      ["Erf", ["Y"], ["unused"]],
      ["Squeeze", ["Y", "one"], ["y"]],
    ];
    expect((await read(gru({}, tail))).layers).toHaveLength(1);
  });

  it("leaves out weights that cutting the graph has left over, and says so", async () => {
    const model = gru({}, undefined, { extra: { dims: [2] }, more: { dims: [1] } });
    const { layers, notes } = await read(model);
    expect(layers).toHaveLength(1);
    expect(notes).toEqual(['Left out: "extra", "more", which the output of the source does not need']);
    const many = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`w${i}`, { dims: [1] }]));
    expect((await read(gru({}, undefined, many))).notes).toEqual([
      'Left out: "w0", "w1", "w2", "w3", "w4", "w5", "w6", "w7", 2 more, which the output of the source does not need',
    ]);
  });

  it("says what becomes of a state that is given and returned", async () => {
    const model: ModelInput = {
      inputs: { x: [0, 0, 3], h0: [1, 0, 2] },
      outputs: ["y", "Yh"],
      weights: { ...GRU_WEIGHTS, one: index(1, [1]) },
      nodes: [gruNode({ linear_before_reset: 1 }, ["", "h0"]), ["Squeeze", ["Y", "one"], ["y"]]],
    };
    const keeps = "each session keeps";
    expect((await read(model)).notes).toEqual([
      `Input "h0" of the source is left out: it is an initial state. The model starts from zeros, and ${keeps} its state from sample to sample`,
      `Output "Yh" of the source is left out: it is a state, which ${keeps} from sample to sample`,
    ]);
    expect((await read(gru({}))).notes).toEqual([]);
  });

  it("names a weight that is missing", async () => {
    expect(await refusal({ ...gru({}), weights: { W: GRU_WEIGHTS.W!, R: GRU_WEIGHTS.R! } })).toContain(
      'takes "B", which nothing before it makes',
    );
  });

  it("refuses outputs of two branches", async () => {
    const tail: NodeInput[] = [
      ["Tanh", ["Y"], ["y"]],
      ["Relu", ["Y"], ["z"]],
    ];
    expect(await refusal({ ...gru({}, tail), outputs: ["y", "z"] })).toContain(
      'has outputs "y" and "z" of different branches',
    );
  });

  it("refuses a model without a GRU", async () => {
    expect(await refusal({ nodes: [["Tanh", ["x"], ["y"]]] })).toContain("holds no GRU");
  });

  it("refuses numbers that were cast to whole ones", async () => {
    const model = gru({});
    const nodes: NodeInput[] = [
      ["Cast", ["x"], ["i"], { to: 7 }],
      ["Cast", ["i"], ["f"], { to: 1 }],
    ];
    const [, ...rest] = model.nodes;
    const node: NodeInput = ["GRU", ["f", "W", "R", "B"], ["Y"], { hidden_size: 2 }];
    expect(await refusal({ ...model, nodes: [...nodes, node, ...rest] })).toContain("cast to whole numbers");
  });

  it("refuses a softmax over another axis than the values", async () => {
    expect(await refusal(gru({}, [["Softmax", ["Y"], ["y"], { axis: 0 }]]))).toContain("axis is 0 of 4 axes");
    expect(await refusal({ ...gru({}, [["Softmax", ["Y"], ["y"]]]), opset: 11 })).toContain("axis is 1 of 4 axes");
  });

  it("refuses transA of Gemm, and a batch normalisation over time", async () => {
    const tail = (op: NodeInput): NodeInput[] => [["Squeeze", ["Yh", "zero"], ["s"]], op];
    const weights = { zero: index(0, [1]), K: { dims: [2, 2] }, k: { dims: [2] } };
    expect(await refusal(gru({}, tail(["Gemm", ["s", "K"], ["y"], { transA: 1 }]), weights))).toContain(
      "transA is set",
    );
    const bn: NodeInput = ["BatchNormalization", ["Y", "k", "k", "k", "k"], ["y"]];
    expect(await refusal(gru({}, [bn], { k: { dims: [2] } }))).toContain("normalises axis 1 of a sequence");
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
