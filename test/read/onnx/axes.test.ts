// What becomes of the axes of the stream.

import { describe, expect, it } from "vitest";
import { plumb } from "../../../tools/read/onnx/axes.ts";
import type { Axis, Part, Sizes, Stream, Value } from "../../../tools/read/onnx/values.ts";
import { constant, integers, type SiteInput, scalar, siteOf, sizes } from "../../support/onnx-site.ts";

const [BATCH, TIME, FEATURE, OPEN] = [{ size: 2 }, { size: 7 }, { size: 3 }, { size: null }] as const satisfies Part[];
const ONE = { size: 1 };

/** A stream behind a GRU, with these axes. */
function stream(axes: readonly Axis[], of: Partial<Stream> = {}): Stream {
  const gru = { op: "scale", by: Float32Array.of(1), node: "n", previous: null } as const;
  return { kind: "stream", input: "x", axes, feature: FEATURE, time: TIME, last: false, stage: gru, ...of };
}

const BTI = stream([[BATCH], [TIME], [FEATURE]]);
const plumbed = (op: string, inputs: readonly (Value | undefined)[], of?: SiteInput) =>
  plumb(siteOf(op, inputs, of)) as Stream;
const axesOf = (op: string, inputs: readonly (Value | undefined)[], of?: SiteInput) => plumbed(op, inputs, of).axes;

describe("plumb", () => {
  it("lets the stream through where nothing is done to it", () => {
    expect(plumbed("Identity", [BTI])).toBe(BTI);
    expect(plumbed("Dropout", [BTI])).toBe(BTI);
    expect(plumbed("Dropout", [BTI, undefined, constant([], [0])])).toBe(BTI);
    expect(plumbed("Dropout", [BTI, undefined, constant([], [1])], { opset: 11 })).toBe(BTI);
    expect(() => plumbed("Dropout", [BTI, undefined, constant([], [1])])).toThrow("training_mode is set");
    expect(() => plumbed("Dropout", [BTI, undefined, sizes(1)])).toThrow("training_mode is set");
    expect(plumbed("Gelu", [BTI])).toBeUndefined();
  });

  it.each([1, 10, 11, 16])("lets floats become element type %i", (to) => {
    expect(plumbed("Cast", [BTI], { attributes: { to } })).toBe(BTI);
  });

  it("lets samples become whole numbers, and says so unless they are", () => {
    const samples = stream(BTI.axes, { stage: null });
    const cast = (of: Partial<Stream>) => plumbed("Cast", [{ ...samples, ...of }], { attributes: { to: 7 } }).truncated;
    expect([cast({}), cast({ whole: true }), cast({ whole: true, truncated: true })]).toEqual([true, false, true]);
    expect(() => plumbed("Cast", [BTI], { attributes: { to: 7 } })).toThrow("casts predictions to element type 7");
  });

  it("Transpose", () => {
    expect(axesOf("Transpose", [BTI])).toEqual([[FEATURE], [TIME], [BATCH]]);
    expect(axesOf("Transpose", [BTI], { attributes: { perm: [1, 0, 2] } })).toEqual([[TIME], [BATCH], [FEATURE]]);
    for (const perm of [
      [0, 1],
      [0, 0, 1],
    ])
      expect(() => axesOf("Transpose", [BTI], { attributes: { perm } })).toThrow(
        `perm [${perm.join(", ")}] does not order 3 axes`,
      );
  });

  it("Squeeze", () => {
    const wide = stream([[ONE], [TIME], [], [FEATURE]]);
    expect(axesOf("Squeeze", [wide])).toEqual([[TIME], [FEATURE]]);
    expect(axesOf("Squeeze", [wide, integers(-2)])).toEqual([[ONE], [TIME], [FEATURE]]);
    expect(axesOf("Squeeze", [wide], { opset: 11, attributes: { axes: [0] } })).toEqual([[TIME], [], [FEATURE]]);
    expect(() => axesOf("Squeeze", [wide, integers(1)])).toThrow("drops axis 1, which has size 7");
  });

  it("Unsqueeze", () => {
    expect(axesOf("Unsqueeze", [BTI, integers(0, -1)])).toEqual([[], [BATCH], [TIME], [FEATURE], []]);
    expect(axesOf("Unsqueeze", [BTI], { opset: 9, attributes: { axes: [2] } })).toEqual([
      [BATCH],
      [TIME],
      [],
      [FEATURE],
    ]);
    const many = (count: number) => integers(...Array.from({ length: count }, (_, at) => at));
    expect(axesOf("Unsqueeze", [BTI, many(13)]).length).toBe(16);
    expect(() => axesOf("Unsqueeze", [BTI, many(14)])).toThrow("makes 17 axes; at most 16 are supported");
  });

  it.each([
    ["merges axes", [-1, 3], [[BATCH, TIME], [FEATURE]]],
    ["merges axes at the end", [2, -1], [[BATCH], [TIME, FEATURE]]],
    ["keeps those that it copies", [0, 0, -1], [[BATCH], [TIME], [FEATURE]]],
    ["merges by known sizes", [14, 3], [[BATCH, TIME], [FEATURE]]],
    ["adds axes of size 1", [2, 1, 7, 3], [[BATCH], [], [TIME], [FEATURE]]],
    ["merges all", [-1], [[BATCH, TIME, FEATURE]]],
    ["finds what is in the middle", [2, -1, 1, 3], [[BATCH], [TIME], [], [FEATURE]]],
    ["merges from the end in order", [-1, 21], [[BATCH], [TIME, FEATURE]]],
  ] as const)("Reshape %s: %j", (_, shape, axes) => {
    expect(axesOf("Reshape", [BTI, integers(...shape)])).toEqual(axes);
  });

  it("Reshape drops axes of size 1", () => {
    expect(axesOf("Reshape", [stream([[ONE], [TIME], [FEATURE], [ONE]]), integers(7, 3)])).toEqual([[TIME], [FEATURE]]);
    expect(axesOf("Reshape", [stream([[ONE], [TIME], [FEATURE]]), integers(-1, 3)])).toEqual([[ONE, TIME], [FEATURE]]);
  });

  it("Reshape matches sizes that only the run tells", () => {
    const open = stream([[OPEN], [TIME], [FEATURE]]);
    const shape: Sizes = {
      kind: "sizes",
      scalar: false,
      items: [
        { factor: 7, parts: [OPEN] },
        { factor: 3, parts: [] },
      ],
    };
    expect(axesOf("Reshape", [open, shape])).toEqual([[OPEN, TIME], [FEATURE]]);
    const second = { size: null };
    const two = stream([[OPEN], [second], [FEATURE]]);
    const swapped: Sizes = {
      ...shape,
      items: [
        { factor: 1, parts: [second, OPEN] },
        { factor: 3, parts: [] },
      ],
    };
    expect(axesOf("Reshape", [two, swapped])).toEqual([[OPEN, second], [FEATURE]]);
    expect(() =>
      axesOf("Reshape", [
        open,
        {
          ...shape,
          items: [
            { factor: 1, parts: [second] },
            { factor: -1, parts: [] },
          ],
        },
      ]),
    ).toThrow("shape [?, -1] cuts the input's axes apart");
  });

  it.each([[[7, 6]], [[2, 7]], [[2, 7, 4]], [[2, 7, 3, 2]], [[6, -1]], [[-1, 6]]])(
    "Reshape to %j is refused: it cuts axes apart",
    (shape) => {
      expect(() => axesOf("Reshape", [BTI, integers(...shape)])).toThrow(
        `shape [${shape.join(", ")}] cuts the input's axes apart; only moving, merging and splitting whole axes (time, batch, values) can be streamed`,
      );
    },
  );

  it("Reshape takes a zero for itself where it says so, and makes at most 16 axes", () => {
    expect(() => axesOf("Reshape", [BTI, integers(0, -1, 3)], { attributes: { allowzero: 1 } })).toThrow(
      "cuts the input's",
    );
    const ones = (count: number) => integers(-1, ...Array(count).fill(1));
    expect(axesOf("Reshape", [BTI, ones(15)]).length).toBe(16);
    expect(() => axesOf("Reshape", [BTI, ones(16)])).toThrow("makes 17 axes; at most 16 are supported");
  });

  it("Flatten", () => {
    expect(axesOf("Flatten", [BTI])).toEqual([[BATCH], [TIME, FEATURE]]);
    expect(axesOf("Flatten", [BTI], { attributes: { axis: 2 } })).toEqual([[BATCH, TIME], [FEATURE]]);
    expect(axesOf("Flatten", [BTI], { attributes: { axis: -1 } })).toEqual([[BATCH, TIME], [FEATURE]]);
    expect(axesOf("Flatten", [BTI], { attributes: { axis: 3 } })).toEqual([[BATCH, TIME, FEATURE], []]);
    expect(() => axesOf("Flatten", [BTI], { attributes: { axis: 4 } })).toThrow("axis 4 is not one of the 3 axes");
  });

  it("Shape", () => {
    const of = (attributes = {}) =>
      plumb(siteOf("Shape", [stream([[OPEN], [BATCH, TIME], [ONE], []])], { attributes }));
    expect(of()).toEqual({
      kind: "sizes",
      scalar: false,
      items: [
        { factor: 1, parts: [OPEN] },
        { factor: 14, parts: [] },
        { factor: 1, parts: [] },
        { factor: 1, parts: [] },
      ],
    });
    expect((of({ start: 1, end: 2 }) as Sizes).items).toEqual([{ factor: 14, parts: [] }]);
    expect((of({ start: -1 }) as Sizes).items).toEqual([{ factor: 1, parts: [] }]);
  });
});

describe("the last step", () => {
  const open = stream([[BATCH], [OPEN], [FEATURE]], { time: OPEN });

  it("is taken by Gather", () => {
    expect(plumbed("Gather", [BTI, scalar(-1)], { attributes: { axis: 1 } })).toEqual({
      ...BTI,
      last: true,
      axes: [[BATCH], [FEATURE]],
    });
    expect(plumbed("Gather", [BTI, integers(6)], { attributes: { axis: 1 } })).toEqual({
      ...BTI,
      last: true,
      axes: [[BATCH], [], [FEATURE]],
    });
    expect(plumbed("Gather", [open, scalar(-1)], { attributes: { axis: -2 } }).last).toBe(true);
    const first = stream([[TIME], [FEATURE]]);
    expect(plumbed("Gather", [first, scalar(-1)]).axes).toEqual([[FEATURE]]);
  });

  it("is no other step, and of no other axis", () => {
    expect(() => plumbed("Gather", [BTI, scalar(5)], { attributes: { axis: 1 } })).toThrow(
      "takes step 5 of the sequence; a stream can give every step or the last one",
    );
    expect(() => plumbed("Gather", [open, scalar(0)], { attributes: { axis: 1 } })).toThrow(
      "takes step 0 of the sequence",
    );
    expect(() => plumbed("Gather", [BTI, scalar(-1)])).toThrow(
      "takes element -1 of axis 0, which is not the time axis of a GRU; only the last step can be taken",
    );
    expect(() => plumbed("Gather", [{ ...BTI, time: undefined }, scalar(-1)], { attributes: { axis: 1 } })).toThrow(
      "not the time axis",
    );
    const merged = stream([[BATCH, TIME], [FEATURE]]);
    expect(() => plumbed("Gather", [merged, scalar(-1)])).toThrow("not the time axis");
    for (const at of [integers(5, 6), constant([1, 1], [0], true), sizes(1), undefined])
      expect(() => plumbed("Gather", [BTI, at], { attributes: { axis: 1 } })).toThrow("takes more than one element");
  });

  it("is the only one of an axis of size 1, which changes nothing", () => {
    const single = stream([[ONE], [TIME], [FEATURE]]);
    for (const index of [0, -1])
      expect(plumbed("Gather", [single, scalar(index)])).toEqual({ ...single, axes: [[TIME], [FEATURE]] });
    expect(plumbed("Gather", [{ ...single, last: true }, scalar(0)]).last).toBe(true);
    expect(() => plumbed("Gather", [single, scalar(1)])).toThrow("takes element 1 of axis 0");
    expect(plumbed("Gather", [stream([[ONE, TIME], [FEATURE]]), scalar(-1)]).last).toBe(true);
  });

  it.each([
    [[-1], [2 ** 31]],
    [[6], [7]],
    [[-1], [7]],
    [[6], [2 ** 40]],
  ])("is taken by Slice from %j to %j", (starts, ends) => {
    const found = plumbed("Slice", [BTI, integers(...starts), integers(...ends), integers(1)]);
    expect(found).toEqual({ ...BTI, last: true, axes: [[BATCH], [], [FEATURE]] });
  });

  it.each([
    [[0], [7], [1]],
    [[-7], [2 ** 31 - 1], [1]],
    [
      [0, 0],
      [2, 99],
      [0, 2],
    ],
  ])("is not touched by Slice from %j to %j of axes %j", (starts, ends, axes) => {
    expect(plumbed("Slice", [BTI, integers(...starts), integers(...ends), integers(...axes)])).toEqual(BTI);
  });

  it.each([
    [[1], [7], 1, 1],
    [[0], [6], 1, 1],
    [[-1], [6], 1, 1],
    [[0], [7], 2, 1],
    [[-1], [7], -1, 1],
    [[-6], [7], 1, 1],
  ])("is all that Slice may take: %j to %j, step %i", (starts, ends, step) => {
    expect(() => plumbed("Slice", [BTI, integers(...starts), integers(...ends), integers(1), integers(step)])).toThrow(
      `takes ${starts[0]} to ${ends[0]} (step ${step}) of axis 1; a stream can give every step or the last one`,
    );
  });

  it("is found in a sequence of open length by Slice from the end alone", () => {
    const slice = (start: number, end: number) => () =>
      plumbed("Slice", [open, integers(start), integers(end), integers(1)]);
    expect(slice(-1, 2 ** 31 - 1)().last).toBe(true);
    expect(slice(0, 2 ** 31 - 1)()).toEqual(open);
    expect(slice(0, 99)).toThrow("takes 0 to 99");
    expect(slice(-1, 2 ** 31 - 2)).toThrow("takes -1 to");
    expect(() => plumbed("Slice", [BTI, integers(-1), integers(99), integers(0)])).toThrow("not the time axis");
  });
});
