// The GRU operator, and what is known of the axis of the values.

import { describe, expect, it } from "vitest";
import type { GruLayer } from "../../../tools/read/network.ts";
import { asFeature, evaluateGru } from "../../../tools/read/onnx/gru.ts";
import type { Axis, Stream, Value } from "../../../tools/read/onnx/values.ts";
import { constant, type SiteInput, samplesOf, siteOf } from "../../support/onnx-site.ts";

const [TIME, BATCH, VALUES] = [{ size: 7 }, { size: 4 }, { size: 1 }];
const X: Stream = samplesOf(1, { axes: [[TIME], [BATCH], [VALUES]], feature: VALUES });
/** One unit over one value: gates z, r, n of the operator. */
const W = constant([1, 3, 1], [20, 10, 30]);
const R = constant([1, 3, 1], [5, 4, 6]);
const B = constant([1, 6], [2, 1, 3, 0.2, 0.1, 0.3]);
const f32 = (...values: number[]) => Float32Array.from(values);

type Gru = Stream & { readonly stage: { readonly layer: GruLayer } };

interface Given extends SiteInput {
  readonly inputs?: readonly (Value | undefined)[];
  readonly producer?: string;
  readonly assumeTorchGru?: boolean;
  readonly substitute?: (text: string) => boolean;
}

function gru({ inputs = [X, W, R, B], ...of }: Given = {}): Stream[] {
  const attributes = { hidden_size: 1, linear_before_reset: 1, ...of.attributes };
  const { producer = "test", assumeTorchGru = false, substitute = () => false } = of;
  const site = { ...siteOf("GRU", inputs, { ...of, attributes }), producer, assumeTorchGru, substitute };
  return evaluateGru(site) as Stream[];
}

const layerOf = (given?: Given): GruLayer => (gru(given)[0] as Gru).stage.layer;

describe("evaluateGru", () => {
  it("reads gates zrn as rzn", () => {
    expect(layerOf()).toEqual({
      kind: "gru",
      name: "gru",
      size: 1,
      reset: "after",
      W: f32(10, 20, 30),
      U: f32(4, 5, 6),
      b: f32(1, 2, 3),
      c: f32(0.1, 0.2, 0.3),
    });
  });

  it("has zeros where no bias is given, and repeats one of a single value", () => {
    expect(layerOf({ inputs: [X, W, R] })).toMatchObject({ b: f32(0, 0, 0), c: f32(0, 0, 0) });
    const fill = { kind: "fill", value: 2 } as const;
    expect(layerOf({ inputs: [X, W, R, fill] })).toMatchObject({ b: f32(2, 2, 2), c: f32(2, 2, 2) });
  });

  it("takes the size from R where no attribute gives it", () => {
    const attributes = { linear_before_reset: 1 };
    const site = siteOf("GRU", [X, W, R, B], { attributes });
    expect((evaluateGru(site)[0] as Gru).stage.layer.size).toBe(1);
  });

  it("answers with every step and with the last one", () => {
    const [all, final] = gru();
    expect(all).toMatchObject({ axes: [[TIME], [], [BATCH], [{ size: 1 }]], time: TIME, last: false });
    expect(final).toMatchObject({ axes: [[], [BATCH], [{ size: 1 }]], last: true });
    expect(all?.axes[3]?.[0]).toBe(all?.feature);
  });

  it("puts the batch first in layout 1", () => {
    const batchFirst = { ...X, axes: [[BATCH], [TIME], [VALUES]] };
    const [all, final] = gru({ inputs: [batchFirst, W, R, B], attributes: { layout: 1 } });
    expect(all).toMatchObject({ axes: [[BATCH], [TIME], [], [{ size: 1 }]], time: TIME });
    expect(final?.axes).toEqual([[BATCH], [], [{ size: 1 }]]);
    expect(() => gru({ attributes: { layout: 2 } })).toThrow("layout is 2; it is 0 or 1");
  });

  it("is a single step, with a state that is all there is, where time has size 1", () => {
    const [all, final] = gru({ inputs: [{ ...X, axes: [[{ size: 1 }], [BATCH], [VALUES]] }, W, R, B] });
    expect(all).toMatchObject({ time: null, last: false });
    expect(final?.last).toBe(false);
  });

  it("resets after or before the product, and asks about PyTorch's old exporter", () => {
    const before = { attributes: { linear_before_reset: 0 } };
    expect(layerOf(before).reset).toBe("before");
    expect(() => layerOf({ ...before, producer: "pytorch" })).toThrow("a known fault of its exporter");
    expect(layerOf({ ...before, producer: "pytorch", assumeTorchGru: true }).reset).toBe("after");
    expect(layerOf({ producer: "pytorch" }).reset).toBe("after");
  });

  it("has hard gates with slope and offset, of the operator where none are given", () => {
    const activations = ["HardSigmoid", "Tanh"];
    expect(layerOf({ attributes: { activations } })).toMatchObject({
      gates: "hard",
      W: f32(10 * 0.2, 20 * 0.2, 30),
      b: f32(1 * 0.2 + 0.5, 2 * 0.2 + 0.5, 3),
    });
    const given = { activations, activation_alpha: [0.5], activation_beta: [0.25] };
    expect(layerOf({ attributes: given })).toMatchObject({ W: f32(5, 10, 30), b: f32(0.75, 1.25, 3) });
    for (const name of ["activation_alpha", "activation_beta"])
      expect(() => layerOf({ attributes: { activations, [name]: [0.2, 0.5] } })).toThrow("has several values");
  });

  it("has soft gates in their place where the user allows it", () => {
    const told: string[] = [];
    const substitute = (text: string) => told.push(text) > 0;
    expect(layerOf({ attributes: { activations: ["HardSigmoid", "Tanh"] }, substitute }).gates).toBeUndefined();
    expect(told).toEqual(["HardSigmoid gates (activations HardSigmoid, Tanh) by Sigmoid"]);
  });

  it("knows activations in any case of letters", () => {
    expect(layerOf({ attributes: { activations: ["sigmoid", "tanh"] } }).gates).toBeUndefined();
  });

  it("counts the elements of both matrices", () => {
    const spent: number[] = [];
    gru({ spend: (elements) => spent.push(elements) });
    expect(spent).toEqual([6]);
  });

  it.each<[string, Given["attributes"]]>([
    ["direction is reverse", { direction: "reverse" }],
    ["direction is bidirectional", { direction: "bidirectional" }],
    ["clip is set", { clip: 3 }],
    ["activations are Sigmoid, Relu", { activations: ["Sigmoid", "Relu"] }],
    ["activations are Tanh, Tanh", { activations: ["Tanh", "Tanh"] }],
    ["activations are Sigmoid, Tanh, Tanh", { activations: ["Sigmoid", "Tanh", "Tanh"] }],
    ["activation_alpha or activation_beta is set", { activation_alpha: [1] }],
    ["activation_alpha or activation_beta is set", { activation_beta: [1] }],
    ['W ("c") has shape [1, 3, 1], expected [1, 6, 1]', { hidden_size: 2 }],
    ["hidden_size 0 over 1 values is empty", { hidden_size: 0 }],
  ])("refuses: %s", (text, attributes = {}) => {
    const empty = attributes.hidden_size === 0;
    const inputs = empty ? [X, constant([1, 0, 1]), constant([1, 0, 0])] : [X, W, R, B];
    expect(() => gru({ inputs, attributes })).toThrow(text);
  });

  it.each<[string, readonly (Value | undefined)[]]>([
    ["input X has 2 axes; it needs 3", [samplesOf(1), W, R]],
    ["W is missing", [X, undefined, R]],
    ["R is computed while the model runs", [X, W, X]],
    ['R ("c") has shape [1, 2, 1], expected [1, 3, 1]', [X, W, constant([1, 2, 1])]],
    ['R ("c") has shape [3, 1], expected [1, 3, 1]', [X, W, constant([3, 1])]],
    ['B ("c") has shape [1, 3], expected [1, 6]', [X, W, R, constant([1, 3])]],
    ["sequence_lens is given", [X, W, R, B, constant([4], undefined, true)]],
    ["initial_h is not zero", [X, W, R, B, undefined, constant([1, 1, 1], [0.5])]],
    ["initial_h is not zero", [X, W, R, B, undefined, { kind: "fill", value: 1 }]],
    ["initial_h is not zero", [X, W, R, B, undefined, X]],
    [
      "needs 1 values in a sample, its input has 3",
      [{ ...samplesOf(3), axes: [[TIME], [BATCH], [{ size: 3 }]], feature: undefined }, W, R],
    ],
  ])("refuses: %s", (text, inputs) => {
    expect(() => gru({ inputs })).toThrow(text);
  });

  it("takes an initial state of zeros", () => {
    expect(gru({ inputs: [X, W, R, B, undefined, constant([1, 1, 1], [0])] })).toHaveLength(2);
    expect(gru({ inputs: [X, W, R, B, undefined, { kind: "fill", value: 0 }] })).toHaveLength(2);
  });

  it("runs over one axis, that of the GRU before it, at every step", () => {
    const run = (of: Partial<Stream>) => gru({ inputs: [{ ...X, ...of }, W, R, B] });
    expect(run({ time: TIME })).toHaveLength(2);
    expect(() => run({ axes: [[TIME, BATCH], [], [VALUES]] })).toThrow("runs over several axes merged");
    expect(() => run({ axes: [[TIME], [BATCH], []], feature: TIME })).toThrow("runs over the axis of the values");
    expect(() => run({ time: BATCH })).toThrow("does not run over the same time axis");
    expect(() => run({ time: null })).toThrow("does not run over the same time axis");
    expect(() => run({ time: TIME, last: true })).toThrow("does not run over the same time axis");
  });
});

describe("asFeature", () => {
  const site = siteOf("MatMul", []);
  const of = (axis: Axis, more: Partial<Stream> = {}): Stream => ({ ...X, axes: [[BATCH], axis], ...more });
  const three = { size: 3 };

  it("finds the axis of the values, and where they stand in the input", () => {
    expect(asFeature(site, of([three], { feature: undefined }), 3)).toMatchObject({ feature: three, entry: three });
    expect(asFeature(site, of([three], { feature: three, entry: VALUES }), 3).entry).toBe(VALUES);
    expect(asFeature(site, of([], { feature: undefined }), 1)).toMatchObject({
      feature: { size: 1 },
      entry: undefined,
    });
    expect(asFeature(site, of([three, { size: 1 }], { feature: three }), undefined).axes[1]).toEqual([three]);
  });

  it("takes the size of the weights where the graph leaves it open", () => {
    const open = { size: null };
    expect(asFeature(site, of([open], { feature: open }), 5)).toMatchObject({ feature: { size: 5 } });
    expect(asFeature(site, of([open], { feature: open }), undefined).feature).toBe(open);
  });

  it.each<[string, Stream]>([
    ["cast to whole numbers", of([three], { feature: three, truncated: true })],
    ["its input has no axis of values", { ...X, axes: [] }],
    ["mixes values with time or batch in one axis", of([three, BATCH], { feature: three })],
    ["works along the axis of time", of([TIME], { feature: undefined, time: TIME })],
    ["works along another axis", of([BATCH], { feature: three })],
    ["works along another axis", of([], { feature: three })],
    ["needs 2 values in a sample, its input has 3", of([three], { feature: three })],
  ])("refuses what %s", (text, stream) => {
    expect(() => asFeature(site, stream, 2)).toThrow(text);
  });
});
