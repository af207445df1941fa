import { describe, expect, it } from "vitest";
import { CliError } from "../../../tools/errors.ts";
import type { DenseLayer, GruLayer } from "../../../tools/read/network.ts";
import type { SourceTensor } from "../../../tools/read/pytorch/elements.ts";
import { mappedNetwork } from "../../../tools/read/pytorch/map.ts";
import { parseMap } from "../../../tools/read/pytorch/map-schema.ts";
import { Weights } from "../../../tools/read/pytorch/weights.ts";

const tensor = (shape: readonly number[], values: readonly number[]): SourceTensor => ({
  dtype: "F32",
  shape,
  read: () => Float32Array.from(values),
});
/** first, first + 1, … */
const from = (first: number, count: number) => Array.from({ length: count }, (_, i) => first + i);
const ordered = (first: number, ...shape: number[]) =>
  tensor(
    shape,
    from(
      first,
      shape.reduce((a, b) => a * b),
    ),
  );

/** Weights of gates of one unit and two inputs, and of other layers. */
const TENSORS: Readonly<Record<string, SourceTensor>> = {
  Wr: ordered(1, 1, 2),
  Wz: ordered(3, 1, 2),
  Wn: ordered(5, 1, 2),
  Ur: ordered(7, 1, 1),
  Uz: ordered(8, 1, 1),
  Un: ordered(9, 1, 1),
  br: ordered(10, 1),
  bz: ordered(11, 1),
  bn: ordered(12, 1),
  cn: ordered(13, 1),
};

function build(yaml: string, tensors: Readonly<Record<string, SourceTensor>>) {
  const weights = new Weights(new Map(Object.entries(tensors)), "m.pt");
  return mappedNetwork(parseMap(yaml, "map.yaml"), weights, "map.yaml");
}

const refusal = (yaml: string, tensors: Readonly<Record<string, SourceTensor>> = TENSORS): string => {
  try {
    build(yaml, tensors);
  } catch (error) {
    if (error instanceof CliError) return error.message;
    throw error;
  }
  return "nothing refused";
};

const GATES = "r: { W: Wr, U: Ur, b: br }, z: { W: Wz, U: Uz, b: bz }, n: { W: Wn, U: Un, b: bn, c: cn }";
const pick = (...names: string[]) => Object.fromEntries(names.map((name) => [name, TENSORS[name] as SourceTensor]));
const numbers = (values: ArrayLike<number> | undefined) => Array.from(values ?? []);

describe("parseMap", () => {
  it("lets the library write nothing of a map to the terminal by itself", async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => warnings.push(warning);
    process.on("warning", onWarning);
    expect(refusal("layers:\n  - gru:\n      ? [\u202e]\n      : 1\n")).toMatch(/^map.yaml: layers.0.gru.reset: /);
    await new Promise((resolve) => setImmediate(resolve));
    process.off("warning", onWarning);
    expect(warnings).toEqual([]);
  });
});

describe("a map and tied weights", () => {
  const table = ordered(1, 2, 2);
  const cell = {
    Wr: ordered(1, 1, 2),
    Wz: ordered(3, 1, 2),
    Wn: ordered(5, 1, 2),
    ...pick("Ur", "Uz", "Un", "br", "bz", "bn", "cn"),
  };
  const yaml = `layers: [{ embedding: emb }, { gru: { reset: after, update: state, ${GATES} } }]`;

  it("takes a tensor by one of its names for both", () => {
    expect(build(yaml, { ...cell, emb: table, out: table }).embedding?.vocabulary).toBe(2);
  });

  it("refuses another tensor with the same values", () => {
    expect(refusal(yaml, { ...cell, emb: table, out: ordered(1, 2, 2) })).toContain("Weights that no layer uses: out");
  });
});

describe("a map of gates", () => {
  it("puts rows r, z, n below each other", () => {
    const { layers, inputs } = build(`layers: [{ gru: { reset: after, update: state, ${GATES} } }]`, TENSORS);
    const [gru] = layers as [GruLayer];
    expect({ inputs, size: gru.size, reset: gru.reset }).toEqual({ inputs: 2, size: 1, reset: "after" });
    expect([numbers(gru.W), numbers(gru.U), numbers(gru.b), numbers(gru.c)]).toEqual([
      [1, 2, 3, 4, 5, 6],
      [7, 8, 9],
      [10, 11, 12],
      [0, 0, 13],
    ]);
  });

  it("negates the update gate where it weighs the candidate", () => {
    const { layers } = build(`layers: [{ gru: { reset: before, update: candidate, ${GATES} } }]`, TENSORS);
    const [gru] = layers as [GruLayer];
    expect([gru.reset, numbers(gru.W), numbers(gru.U), numbers(gru.b)]).toEqual([
      "before",
      [1, 2, -3, -4, 5, 6],
      [7, -8, 9],
      [10, -11, 12],
    ]);
  });

  it("holds gates that are none open or shut", () => {
    const only = "n: { W: Wn, U: Un }";
    const [gru] = build(`layers: [{ gru: { reset: none, update: none, ${only} } }]`, pick("Wn", "Un")).layers as [
      GruLayer,
    ];
    expect([gru.reset, numbers(gru.b), numbers(gru.W), numbers(gru.U)]).toEqual([
      "before",
      [100, -100, 0],
      [0, 0, 0, 0, 5, 6],
      [0, 0, 9],
    ]);
  });

  it.each([
    ["reset: none, update: none, r: { W: Wr, U: Ur }, n: { W: Wn, U: Un }", "Gate r is given, and said to be none"],
    ["reset: after, update: state, n: { W: Wn, U: Un }", "Gate r is missing"],
    ["reset: after, update: state, W: Wr, n: { W: Wn, U: Un }", 'W of all gates needs order, for example "order: rzn"'],
    ["reset: after, update: state, c: br, n: { W: Wn, U: Un }", "c of all gates needs order"],
    ["reset: none, update: none, n: { W: Wn }", "layers.0.gru.n: Expected W and U, or weight"],
    ["reset: none, update: none, n: { weight: Wn, W: Wn }", "layers.0.gru.n: weight stands beside W or U"],
    ["reset: none, update: none, n: { weight: Wn }", "weight needs concat: hx or xh, the order of the columns"],
    ["reset: none, update: none, n: { W: br, U: Un }", "br has 1 axes, expected a matrix"],
    [
      "reset: none, update: none, n: { W: Wn, U: Wr }",
      "layers.0.gru.n: W [1, 2], U [1, 2], expected 1 times H rows for H = 2",
    ],
    ["reset: none, update: none, n: { W: Wn, U: Un, b: Wr }", "Wr has shape [1, 2], expected [1]"],
  ])("refuses %s", (gru, message) => {
    expect(refusal(`layers: [{ gru: { ${gru} } }]`)).toContain(message);
  });

  it("refuses gates of other sizes", () => {
    const tensors = { ...TENSORS, W2: ordered(1, 2, 2), U2: ordered(1, 2, 2) };
    const gru = "reset: after, update: none, r: { W: W2, U: U2 }, n: { W: Wn, U: Un }";
    expect(refusal(`layers: [{ gru: { ${gru} } }]`, tensors)).toBe(
      "map.yaml: layers.0.gru: Gate r has W [2, 2], U [2, 2], expected W [1, 2], U [1, 1]",
    );
  });
});

describe("a map of concatenated columns", () => {
  const weight = ordered(1, 2, 5);

  it.each([
    ["hx", [3, 4, 5, 8, 9, 10], [1, 2, 6, 7]],
    ["xh", [1, 2, 3, 6, 7, 8], [4, 5, 9, 10]],
  ])("takes h and x from the order %s", (concat, W, U) => {
    const gru = `reset: none, update: none, concat: ${concat}, n: { weight: w }`;
    const [layer] = build(`layers: [{ gru: { ${gru} } }]`, { w: weight }).layers as [GruLayer];
    expect([numbers(layer.W).slice(12), numbers(layer.U).slice(8)]).toEqual([W, U]);
  });

  it("turns a matrix over first where it is transposed", () => {
    const gru = "reset: none, update: none, concat: hx, transpose: true, n: { weight: w }";
    const [layer] = build(`layers: [{ gru: { ${gru} } }]`, { w: ordered(1, 3, 2) }).layers as [GruLayer];
    // [1 2; 3 4; 5 6] turned: [1 3 5; 2 4 6].
    expect([numbers(layer.W).slice(4), numbers(layer.U).slice(8)]).toEqual([
      [5, 6],
      [1, 3, 2, 4],
    ]);
  });

  it("refuses a matrix without columns for x", () => {
    const gru = "reset: none, update: none, concat: hx, n: { weight: w }";
    expect(refusal(`layers: [{ gru: { ${gru} } }]`, { w: ordered(1, 2, 2) })).toBe(
      "map.yaml: layers.0.gru.n: weight is [2, 2], expected [1 H, H + I]; see transpose",
    );
  });
});

describe("a map of gates in one matrix", () => {
  const all = { W: ordered(1, 3, 2), U: ordered(7, 3, 1), b: ordered(10, 3), c: ordered(20, 3) };

  it("takes the gates in their order", () => {
    const gru = "order: zrn, reset: after, update: state, W: W, U: U, b: b, c: c";
    const [layer] = build(`layers: [{ gru: { ${gru} } }]`, all).layers as [GruLayer];
    expect([numbers(layer.W), numbers(layer.U), numbers(layer.b), numbers(layer.c)]).toEqual([
      [3, 4, 1, 2, 5, 6],
      [8, 7, 9],
      [11, 10, 12],
      [21, 20, 22],
    ]);
  });

  it("takes those that there are", () => {
    const gru = "order: nz, reset: none, update: state, W: W, U: U";
    const two = { W: ordered(1, 2, 2), U: ordered(7, 2, 1) };
    const [layer] = build(`layers: [{ gru: { ${gru} } }]`, two).layers as [GruLayer];
    expect([numbers(layer.W), numbers(layer.U), numbers(layer.b)]).toEqual([
      [0, 0, 3, 4, 1, 2],
      [0, 8, 7],
      [100, 0, 0],
    ]);
  });

  it.each([
    ["order: rz, reset: after, update: state, W: W, U: U", "order is rz, expected the letters r, z, n, each once"],
    ["order: rzn, reset: none, update: state, W: W, U: U", "order is rzn, expected the letters z, n, each once"],
    [
      "order: rzn, reset: after, update: state, W: W, U: U, z: { W: W }",
      "Gate z stands beside order; give one of them",
    ],
    ["order: rzn, reset: after, update: state, W: W, U: W", "W [3, 2], U [3, 2], expected 3 times H rows for H = 2"],
  ])("refuses %s", (gru, message) => {
    expect(refusal(`layers: [{ gru: { ${gru} } }]`, all)).toContain(message);
  });
});

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
