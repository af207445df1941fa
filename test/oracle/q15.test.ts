import { describe, expect, it } from "vitest";
import type { Activation, LayerSpec, Model, Tensor } from "../../host/model/types.ts";
import { buildModel, randomQ15Model, tensorOf } from "../support/models.ts";
import { Q15Oracle, softmax, tableTanh, toRaw } from "./q15.ts";

const column = (dtype: "I8" | "I16" | "I32", ...values: number[]): Tensor => tensorOf(dtype, [values.length], values);

/** A q15 model of one layer that is given by its tensors; behind a GRU, the outputs are the layer's own integers. */
function oneLayer(
  layer: LayerSpec,
  tensors: Readonly<Record<string, Tensor>>,
  more: { skip?: number; inputs?: number } = {},
) {
  const { skip, inputs = 1 } = more;
  const fractions = (name: string, count: number) =>
    Array.from({ length: count }, (_, i) => ({ name: `${name}${i}`, fraction: 0 }));
  const all = {
    "input.offset": column("I32", ...new Array(inputs).fill(0)),
    "output.multiplier": column("I16", ...new Array(layer.size).fill(256)),
    "output.offset": column("I32", ...new Array(layer.size).fill(0)),
    ...Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name.replace("~", "layers.0."), tensor])),
  };
  return buildModel(
    {
      format: 1,
      name: "hand",
      numeric: "q15",
      inputs: fractions("x", inputs),
      outputs: fractions("y", layer.size),
      horizon: 1,
      layers: [layer],
      ...(skip && { skip: { length: skip } }),
      warmup: 0,
    },
    new Map(Object.entries(all)),
  ).model;
}

/** I = H = 1, with numbers that reach both halves of the table, the saturation of ah and floors of negative sums. */
function tinyGru(reset: "after" | "before", W: readonly number[], U: readonly number[]): Model {
  return oneLayer(
    { kind: "gru", size: 1, reset, shift_x: 0, shift_h: 4 },
    {
      "input.offset": column("I32", 100),
      "~W": tensorOf("I8", [3, 1], W),
      "~b": column("I32", 0, 0, 0),
      "~W.multiplier": column("I16", 8192, 8192, 16384),
      "~U": tensorOf("I8", [3, 1], U),
      "~c": column("I32", 0, 0, 80),
      "~U.multiplier": column("I16", 8192, 4096, 16384),
      "output.offset": column("I32", 7),
    },
  );
}

/** I = M = 1: `v = raw`, unless the layer is the last one and linear or relu, when it has no multiplier. */
function tinyDense(activation: Activation): Model {
  const isOpen = activation === "linear" || activation === "relu";
  return oneLayer(
    { kind: "dense", size: 1, activation, ...(!isOpen && { shift_x: 0 }) },
    {
      "~W": tensorOf("I8", [1, 1], [1]),
      "~b": column("I32", 0),
      ...(!isOpen && { "~W.multiplier": column("I16", 16384) }),
      ...(isOpen && { "output.multiplier": column("I16", 16384) }),
    },
  );
}

describe("tableTanh", () => {
  it("reads the table at its corners", () => {
    expect([0, 1, 255, 256, 32767].map(tableTanh)).toEqual([0, 7, 2039, 2047, 32766]);
    expect([-1, -256, -257, -32768].map(tableTanh)).toEqual([-9, -2045, -2054, -32766]);
  });
});

describe("softmax", () => {
  it("gives equal logits equal shares", () => {
    expect(softmax([5, 5])).toEqual([16384, 16384]);
  });

  it("gives a logit that is an octave lower half the share, floored", () => {
    expect(softmax([1024, 0])).toEqual([21845, 10922]);
  });

  it("interpolates within an octave", () => {
    expect(softmax([512, 0])).toEqual([
      Math.floor(2 ** 30 / (32768 + 23169)),
      Math.floor((23169 * 32768) / (32768 + 23169)),
    ]);
  });

  it("gives a logit at the other end nothing", () => {
    expect(softmax([32767, -32768])).toEqual([32768, 0]);
  });
});

describe("Q15Oracle", () => {
  it("keeps a zero state when every weight is zero", () => {
    const model = oneLayer(
      { kind: "gru", size: 2, reset: "after", shift_x: 3, shift_h: 0 },
      {
        "~W": tensorOf("I8", [6, 1], new Array(6).fill(0)),
        "~b": column("I32", 0, 0, 0, 0, 0, 0),
        "~W.multiplier": column("I16", 1, 1, 1, 1, 1, 1),
        "~U": tensorOf("I8", [6, 2], new Array(12).fill(0)),
        "~c": column("I32", 0, 0, 0, 0, 0, 0),
        "~U.multiplier": column("I16", 1, 1, 1, 1, 1, 1),
      },
    );
    const oracle = new Q15Oracle(model);
    for (const raw of [5, -30000, 2 ** 30]) expect([...oracle.step([raw])]).toEqual([0, 0]);
    expect(oracle.state()).toEqual(new Uint8Array(16));
  });

  // By hand: r = 28865, z = 3904, n = 32745, then r = 32714, z = 28865, n = -13117.
  it("computes two steps of a reset-after GRU as by hand", () => {
    const oracle = new Q15Oracle(tinyGru("after", [64, -64, 127], [10, 20, -10]));
    expect([...oracle.step([228])]).toEqual([28844 + 7]);
    expect([...oracle.step([228])]).toEqual([23846 + 7]);
  });

  // By hand: r = 28865, z = 12370, n = 9959, then r = 162, z = 21283, q = 31, n = -23708.
  it("computes two steps of a reset-before GRU as by hand", () => {
    const oracle = new Q15Oracle(tinyGru("before", [64, -16, 10], [10, -20, 127]));
    expect([...oracle.step([228])]).toEqual([6199 + 7]);
    expect([...oracle.step([-300])]).toEqual([-4283 + 7]);
  });

  it("starts again after reset", () => {
    const oracle = new Q15Oracle(tinyGru("after", [64, -64, 127], [10, 20, -10]));
    const first = oracle.step([228]);
    oracle.reset();
    expect(oracle.state()).toEqual(new Uint8Array(16));
    expect(oracle.step([228])).toEqual(first);
  });

  it.each<[Activation, number, number]>([
    ["linear", -401, -101],
    ["linear", 401, 100],
    ["relu", -401, 0],
    ["relu", 401, 100],
    ["tanh", 4096, 24961],
    ["sigmoid", -4096, 3904],
    ["softmax", -4096, 32768],
  ])("computes a last layer with %s of %d as by hand", (activation, raw, expected) => {
    expect([...new Q15Oracle(tinyDense(activation)).step([raw])]).toEqual([expected]);
  });

  it("saturates the input after the offset", () => {
    const oracle = new Q15Oracle(tinyDense("linear"));
    expect([...oracle.step([2 ** 30])]).toEqual([8191]);
    expect([...oracle.step([-(2 ** 30)])]).toEqual([-8192]);
  });

  it("weighs the window with the oldest input first, this step's last", () => {
    const model = oneLayer(
      { kind: "dense", size: 1, activation: "linear" },
      {
        "~W": tensorOf("I8", [1, 2], [0, 0]),
        "~b": column("I32", 0),
        "skip.W": tensorOf("I16", [1, 4], [4, 40, 400, 4000]),
        "skip.multiplier": column("I16", 16384),
      },
      { inputs: 2, skip: 2 },
    );
    const oracle = new Q15Oracle(model);
    expect([...oracle.step([1, 2])]).toEqual([2100]);
    expect([...oracle.step([3, 4])]).toEqual([4321]);
    expect([...new Int16Array(oracle.state().buffer)]).toEqual([1, 2, 3, 4, 0, 0, 0, 0]);
  });

  it("pads each part of the state to 16 bytes", () => {
    const { model } = randomQ15Model({ inputs: 3, layers: [9, 8], skip: 3 });
    const oracle = new Q15Oracle(model);
    oracle.step([1000, 2000, 3000]);
    const state = new Int16Array(oracle.state().buffer);
    expect(state.length).toBe(16 + 16 + 8);
    expect([...state.subarray(9, 16), ...state.subarray(16 + 9, 32)]).toEqual(new Array(14).fill(0));
    expect([...state.subarray(16, 25), ...state.subarray(32)].filter((value) => value === 0)).toEqual([]);
  });

  it("refuses a token beyond the vocabulary", () => {
    const { model } = randomQ15Model({ embedding: { vocabulary: 4, size: 2 }, layers: [2] });
    expect(() => new Q15Oracle(model).step([4])).toThrow("Token 4, expected 0 to 3");
  });

  it("throws when a sum leaves i32, which the bounds of a reader rule out", () => {
    const { model } = randomQ15Model({ inputs: 1, layers: [2] });
    const bias = tensorOf("I32", [6], new Array(6).fill(2 ** 31 - 1));
    const tensors = new Map([...model.tensors, ["layers.0.b", bias] as const]);
    expect(() => {
      const oracle = new Q15Oracle({ ...model, tensors });
      for (const raw of [2 ** 30, -(2 ** 30)]) oracle.step([raw]);
    }).toThrow("does not fit an i32");
  });
});

describe("toRaw", () => {
  it("rounds halves up and clamps to 2^30", () => {
    const { spec } = tinyDense("linear");
    const [input] = spec.inputs;
    const quarter = { ...spec, inputs: [{ ...input, name: "x", fraction: 2 }] };
    expect([0.125, -0.125, 1e12, -1e12].map((value) => toRaw(quarter, [value])[0])).toEqual([
      1,
      0,
      2 ** 30,
      -(2 ** 30),
    ]);
  });
});
