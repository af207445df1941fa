// What an exporter computes from the shapes of the stream.

import { describe, expect, it } from "vitest";
import { fold } from "../../../tools/read/onnx/constants.ts";
import { foldSizes } from "../../../tools/read/onnx/sizes.ts";
import type { Sizes, Value } from "../../../tools/read/onnx/values.ts";
import { constant, integers, type SiteInput, scalar, siteOf, sizes } from "../../support/onnx-site.ts";

const folded = (op: string, inputs: readonly (Value | undefined)[], of?: SiteInput) =>
  foldSizes(siteOf(op, inputs, of))?.[0] as Sizes | undefined;
const SHAPE = sizes(null, 7, 3);
const [BATCH] = SHAPE.items;

describe("foldSizes", () => {
  it("leaves sizes alone", () => {
    expect(folded("Identity", [SHAPE])).toBe(SHAPE);
    expect(folded("Cast", [SHAPE], { attributes: { to: 7 } })).toBe(SHAPE);
  });

  it("takes some by their place", () => {
    expect(folded("Gather", [SHAPE, scalar(0)])).toEqual({ kind: "sizes", scalar: true, items: [BATCH] });
    expect(folded("Gather", [SHAPE, integers(-1, 1)])).toEqual(sizes(3, 7));
    expect(folded("Gather", [SHAPE, SHAPE])).toBeUndefined();
    expect(folded("Gather", [SHAPE, constant([1, 1], [0], true)])).toBeUndefined();
    expect(() => folded("Gather", [SHAPE, scalar(3)])).toThrow("axis 3 is not one of the 3 axes");
  });

  it("cuts a part out", () => {
    const slice = (...lists: readonly number[][]) => folded("Slice", [SHAPE, ...lists.map((one) => integers(...one))]);
    expect(slice([1], [3])).toEqual(sizes(7, 3));
    expect(slice([-1], [99])).toEqual(sizes(3));
    expect(slice([0], [-1], [0], [1])?.items).toEqual(SHAPE.items.slice(0, 2));
    expect(slice([0], [3], [0], [2])).toBeUndefined();
    expect(slice([0, 0], [1, 1])).toBeUndefined();
  });

  it("joins sizes and constants, up to 64", () => {
    expect(folded("Concat", [SHAPE, integers(5)])?.items).toEqual([...SHAPE.items, { factor: 5, parts: [] }]);
    expect(folded("Concat", [integers(5), sizes(2)])).toEqual(sizes(5, 2));
    expect(folded("Concat", [SHAPE, { kind: "fill", value: 0 }])).toBeUndefined();
    expect(folded("Concat", [SHAPE, constant([1, 1])])).toBeUndefined();
    const many = (count: number) => integers(...Array(count).fill(1));
    expect(folded("Concat", [sizes(1), many(64)])?.items.length).toBe(65);
    expect(folded("Concat", [sizes(1), many(65)])).toBeUndefined();
    expect(folded("Concat", [sizes(1), many(64), many(1)])).toBeUndefined();
  });

  it("multiplies sizes one by one", () => {
    const twice = folded("Mul", [sizes(null, 7), integers(2, 3)]);
    expect(twice?.items).toEqual([
      { factor: 2, parts: [expect.anything()] },
      { factor: 21, parts: [] },
    ]);
    expect(twice?.scalar).toBe(false);
    const single = { ...sizes(4), scalar: true };
    expect(folded("Mul", [single, scalar(5)])).toEqual({ ...sizes(20), scalar: true });
    expect(folded("Mul", [single, integers(5)])?.scalar).toBe(false);
    const [a, b] = [sizes(null), sizes(null)];
    expect(folded("Mul", [a, b])?.items[0]?.parts).toEqual([
      ...(a.items[0]?.parts ?? []),
      ...(b.items[0]?.parts ?? []),
    ]);
    expect(folded("Mul", [SHAPE, integers(2)])).toBeUndefined();
    expect(folded("Mul", [SHAPE, undefined])).toBeUndefined();
  });

  it("multiplies at most 64 unknown ones", () => {
    const part = { size: null };
    const of = (count: number): Sizes => ({ ...sizes(1), items: [{ factor: 1, parts: Array(count).fill(part) }] });
    expect(folded("Mul", [of(64), sizes(1)])?.items[0]?.parts.length).toBe(64);
    expect(folded("Mul", [of(65), sizes(1)])).toBeUndefined();
    expect(folded("Mul", [sizes(1), of(65)])).toBeUndefined();
  });

  it("multiplies all by ReduceProd", () => {
    expect(folded("ReduceProd", [SHAPE])).toEqual({
      kind: "sizes",
      scalar: false,
      items: [{ factor: 21, parts: BATCH?.parts }],
    });
    expect(folded("ReduceProd", [SHAPE], { attributes: { keepdims: 0 } })?.scalar).toBe(true);
  });

  it("goes between a number and a list of one", () => {
    const one = sizes(7);
    const single = { ...one, scalar: true };
    expect(folded("Unsqueeze", [single, integers(0)])).toEqual(one);
    expect(folded("Squeeze", [one])).toEqual(single);
    expect(folded("Reshape", [single, integers(1)])).toEqual(one);
    expect(folded("Reshape", [one, integers()])).toEqual(single);
    expect(folded("Reshape", [SHAPE, integers(-1)])).toEqual(SHAPE);
    expect(folded("Squeeze", [SHAPE])).toBeUndefined();
    expect(folded("Unsqueeze", [SHAPE, integers(0)])).toBeUndefined();
  });

  it("knows no other nodes, and no other values", () => {
    expect(folded("Sqrt", [SHAPE])).toBeUndefined();
    expect(folded("Identity", [undefined])).toBeUndefined();
    expect(folded("Identity", [{ kind: "fill", value: 0 }])).toBeUndefined();
  });

  it("is asked where either input is sizes", () => {
    expect(fold(siteOf("Mul", [integers(2), sizes(3)]))).toEqual([sizes(6)]);
    expect(fold(siteOf("Gather", [SHAPE, scalar(1)]))).toEqual([{ ...sizes(7), scalar: true }]);
    expect(fold(siteOf("Concat", [constant([1], [2], true), sizes(3)]))).toEqual([sizes(2, 3)]);
  });
});
