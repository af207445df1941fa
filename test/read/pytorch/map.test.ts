import { describe, expect, it } from "vitest";
import type { GruLayer } from "../../../tools/read/network.ts";
import { build, numbers, ordered, pick, refusal, TENSORS } from "./map-tensors.ts";

const GATES = "r: { W: Wr, U: Ur, b: br }, z: { W: Wz, U: Uz, b: bz }, n: { W: Wn, U: Un, b: bn, c: cn }";

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
