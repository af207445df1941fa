import { describe, expect, it } from "vitest";
import { GRU_WEIGHTS, gruNode, type ModelInput, type NodeInput, type WeightInput } from "./onnx-models.ts";
import { gru, read, refusal } from "./onnx-refused.ts";

const index = (value: number, dims: readonly number[] = []): WeightInput => ({ dims, values: [value], integer: true });

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
