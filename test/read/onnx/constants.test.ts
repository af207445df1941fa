// What an exporter computes from weights and shapes.

import { describe, expect, it, vi } from "vitest";
import { fold } from "../../../tools/read/onnx/constants.ts";
import type { Constant, Value } from "../../../tools/read/onnx/values.ts";
import { constant, integers, type SiteInput, scalar, siteOf, sizes } from "../../support/onnx-site.ts";

const folded = (op: string, inputs: readonly (Value | undefined)[], of?: SiteInput) => fold(siteOf(op, inputs, of));

/** The only result, a constant. */
const single = (op: string, inputs: readonly (Value | undefined)[], of?: SiteInput): Constant => {
  const [value, ...others] = folded(op, inputs, of) ?? [];
  if (value?.kind !== "constant" || others.length > 0) throw new Error(`${op} gives no single constant`);
  return value;
};

/** Shape and numbers of every result. */
const results = (op: string, inputs: readonly (Value | undefined)[], of?: SiteInput) =>
  (folded(op, inputs, of) ?? []).map((value) => {
    const { dims, data } = value as Constant;
    return [dims, [...data]];
  });

const TABLE = constant([2, 3]);

describe("shapes of constants", () => {
  it("leaves them alone by Identity", () => {
    expect(folded("Identity", [TABLE])).toEqual([TABLE]);
  });

  it.each([
    ["all axes of size 1", [], {}, [3, 2]],
    ["axes by input", [integers(0)], {}, [3, 1, 2]],
    ["axes from the end", [integers(-2)], {}, [1, 3, 2]],
    ["axes by attribute, before opset 13", [], { opset: 11, attributes: { axes: [2] } }, [1, 3, 2]],
    ["all axes, before opset 13", [integers(0)], { opset: 12 }, [3, 2]],
  ] as const)("Squeeze: %s", (_, more, of, dims) => {
    const input = constant([1, 3, 1, 2]);
    expect(folded("Squeeze", [input, ...more], of)).toEqual([{ ...input, dims }]);
  });

  it.each([
    ["in front", [integers(0)], {}, [1, 2, 3]],
    ["at the end, from the end", [integers(-1)], {}, [2, 3, 1]],
    ["two", [integers(0, 2)], {}, [1, 2, 1, 3]],
    ["by attribute, before opset 13", [], { opset: 12, attributes: { axes: [1] } }, [2, 1, 3]],
    ["none", [], {}, [2, 3]],
  ] as const)("Unsqueeze: %s", (_, more, of, dims) => {
    expect(folded("Unsqueeze", [TABLE, ...more], of)).toEqual([{ ...TABLE, dims }]);
  });

  it("makes at most 16 axes", () => {
    const many = (count: number) => integers(...Array.from({ length: count }, (_, at) => at));
    expect(single("Unsqueeze", [scalar(1), many(16)]).dims.length).toBe(16);
    expect(() => folded("Unsqueeze", [scalar(1), many(17)])).toThrow(
      "Unsqueeze makes 17 axes; at most 16 are supported",
    );
    const ones = (count: number) => integers(...Array(count).fill(1));
    expect(single("Reshape", [scalar(1), ones(16)]).dims.length).toBe(16);
    expect(() => folded("Reshape", [scalar(1), ones(17)])).toThrow("Reshape makes 17 axes; at most 16 are supported");
  });

  it.each([
    [
      [3, 2],
      [3, 2],
    ],
    [[-1], [6]],
    [
      [-1, 2],
      [3, 2],
    ],
    [
      [0, -1, 1],
      [2, 3, 1],
    ],
  ] as const)("Reshape to %j", (shape, dims) => {
    expect(folded("Reshape", [TABLE, integers(...shape)])).toEqual([{ ...TABLE, dims }]);
  });

  it.each([
    [[3, 0], {}],
    [[4, 2], {}],
    [[-1, 4], {}],
    [[-2, -3], {}],
    [[0, 3], { attributes: { allowzero: 1 } }],
  ] as const)("refuses to Reshape to %j %j, which holds other elements", (shape, of) => {
    expect(() => folded("Reshape", [TABLE, integers(...shape)], of)).toThrow(
      `Reshape shape [${shape.join(", ")}] does not hold the elements of [2, 3]`,
    );
  });

  it("takes a zero of Reshape for an empty axis where it says so", () => {
    const empty = constant([2, 0], []);
    expect(folded("Reshape", [empty, integers(0, 5)], { attributes: { allowzero: 1 } })).toEqual([
      { ...empty, dims: [0, 5] },
    ]);
  });
});

describe("elements of constants", () => {
  it("Transpose", () => {
    expect(results("Transpose", [TABLE])).toEqual([
      [
        [3, 2],
        [0, 3, 1, 4, 2, 5],
      ],
    ]);
    expect(results("Transpose", [constant([2, 1, 3])], { attributes: { perm: [1, 2, 0] } })).toEqual([
      [
        [1, 3, 2],
        [0, 3, 1, 4, 2, 5],
      ],
    ]);
    expect(() => folded("Transpose", [TABLE], { attributes: { perm: [0, 2] } })).toThrow(
      "axis 2 is not one of the 2 axes of its input",
    );
  });

  it.each([
    [
      [1],
      [3],
      [1],
      undefined,
      [
        [2, 2],
        [1, 2, 4, 5],
      ],
    ],
    [
      [-2],
      [99],
      [1],
      undefined,
      [
        [2, 2],
        [1, 2, 4, 5],
      ],
    ],
    [
      [0],
      [-1],
      [-1],
      [1],
      [
        [2, 2],
        [0, 1, 3, 4],
      ],
    ],
    [[1, 2], [2, 3], undefined, undefined, [[1, 1], [5]]],
    [
      [1, 0],
      [2, 2],
      [0, 1],
      [1, 1],
      [
        [1, 2],
        [3, 4],
      ],
    ],
    [[2], [1], [1], undefined, [[2, 0], []]],
    [
      [-9],
      [1],
      [0],
      undefined,
      [
        [1, 3],
        [0, 1, 2],
      ],
    ],
  ] as const)("Slice %j to %j of axes %j", (starts, ends, axes, steps, expected) => {
    const inputs = [TABLE, integers(...starts), integers(...ends)];
    const optional = [axes && integers(...axes), steps && integers(...steps)];
    expect(results("Slice", [...inputs, ...optional])).toEqual([expected]);
    const attributes = { starts, ends, ...(axes && { axes }) };
    expect(results("Slice", [TABLE], { opset: 9, attributes })).toEqual([expected]);
  });

  it("Slice is refused with steps, and with lists that do not fit", () => {
    const slice =
      (...lists: readonly number[][]) =>
      () =>
        folded("Slice", [TABLE, ...lists.map((one) => integers(...one))]);
    expect(slice([0], [2], [1], [2])).toThrow("steps other than 1 over a constant are not supported");
    expect(slice([0], [2], [1], [-1])).toThrow("steps other than 1");
    expect(slice([0], [2, 3])).toThrow("starts and ends are not lists of the same length");
    expect(slice([0], [2], [0, 1])).toThrow("axes or steps are not as many as starts");
    expect(slice([0], [2], [0], [1, 1])).toThrow("axes or steps are not as many as starts");
  });

  it.each([
    [
      "rows",
      integers(1, 0, 1),
      0,
      [
        [3, 3],
        [3, 4, 5, 0, 1, 2, 3, 4, 5],
      ],
    ],
    [
      "columns, from the end",
      integers(-1, 0),
      1,
      [
        [2, 2],
        [2, 0, 5, 3],
      ],
    ],
    ["one row, its axis gone", scalar(1), 0, [[3], [3, 4, 5]]],
    ["one column, its axis gone", scalar(0), -1, [[2], [0, 3]]],
  ] as const)("Gather: %s", (_, at, axis, expected) => {
    expect(results("Gather", [TABLE, at], { attributes: { axis } })).toEqual([expected]);
  });

  it("Gather is left or refused where the indices are no list of constants", () => {
    expect(folded("Gather", [TABLE, undefined])).toBeUndefined();
    expect(() => folded("Gather", [TABLE, constant([2, 2], [0, 1, 0, 1], true)])).toThrow("takes a table of indices");
    expect(() => folded("Gather", [TABLE, integers(2)])).toThrow("axis 2 is not one of the 2 axes");
  });

  it("Concat", () => {
    const other = constant([1, 3], [7, 8, 9]);
    expect(results("Concat", [TABLE, other])).toEqual([
      [
        [3, 3],
        [0, 1, 2, 3, 4, 5, 7, 8, 9],
      ],
    ]);
    const column = constant([2, 1], [7, 8]);
    expect(results("Concat", [TABLE, column, TABLE], { attributes: { axis: -1 } })).toEqual([
      [
        [2, 7],
        [0, 1, 2, 7, 0, 1, 2, 3, 4, 5, 8, 3, 4, 5],
      ],
    ]);
    expect(results("Concat", [integers(1, 2), integers(3)])).toEqual([[[3], [1, 2, 3]]]);
    expect(folded("Concat", [TABLE, { kind: "fill", value: 0 }])).toBeUndefined();
    expect(() => folded("Concat", [TABLE, column])).toThrow("joins constants whose shapes do not fit");
    expect(() => folded("Concat", [TABLE, constant([3])])).toThrow("joins constants whose shapes do not fit");
  });

  it.each([
    [
      "even",
      {},
      undefined,
      [
        [2, 4],
        [2, 4],
      ],
    ],
    [
      "by input",
      {},
      integers(1, 2),
      [
        [2, 1],
        [2, 2],
      ],
    ],
    [
      "by attribute, before opset 13",
      { opset: 11, attributes: { axis: 1, split: [2, 1] } },
      undefined,
      [
        [2, 2],
        [2, 1],
      ],
    ],
  ] as const)("Split: %s", (_, of, split, dims) => {
    const width = dims[0][1] + dims[1][1];
    const input = constant([2, width]);
    const found = results("Split", [input, split], { attributes: { axis: 1 }, ...of, outputs: 2 });
    expect(found.map(([shape]) => shape)).toEqual(dims);
    const [first, second] = found.map(([, data]) => data) as [number[], number[]];
    const whole = [0, 1].flatMap((row) => [
      ...first.slice(row * dims[0][1], (row + 1) * dims[0][1]),
      ...second.slice(row * dims[1][1], (row + 1) * dims[1][1]),
    ]);
    expect(whole).toEqual([...input.data]);
  });

  it("Split makes the last piece smaller where it does not come out even", () => {
    expect(results("Split", [constant([5])], { outputs: 3 })?.map(([dims]) => dims)).toEqual([[2], [2], [1]]);
    expect(results("Split", [constant([2])], { outputs: 4 })?.map(([dims]) => dims)).toEqual([[1], [1], [0], [0]]);
  });

  it("Split is refused where the pieces do not add up", () => {
    for (const parts of [
      [1, 1],
      [4, -1],
      [1.5, 1.5],
    ])
      expect(() => folded("Split", [constant([3]), constant([2], parts)], { outputs: 2 })).toThrow(
        `Split splits 3 elements in pieces of ${parts.join(", ")}`,
      );
  });

  it.each([
    ["Add", [11, 22, 33]],
    ["Sub", [9, 18, 27]],
    ["Mul", [10, 40, 90]],
    ["Div", [10, 10, 10]],
  ] as const)("%s", (op, expected) => {
    expect(results(op, [constant([3], [10, 20, 30]), constant([3], [1, 2, 3])])).toEqual([[[3], expected]]);
  });

  it("spreads the smaller operand over the larger", () => {
    expect(results("Add", [TABLE, constant([3], [10, 20, 30])])).toEqual([
      [
        [2, 3],
        [10, 21, 32, 13, 24, 35],
      ],
    ]);
    expect(results("Mul", [constant([2, 1], [1, 10]), constant([1, 3], [1, 2, 3])])).toEqual([
      [
        [2, 3],
        [1, 2, 3, 10, 20, 30],
      ],
    ]);
    expect(results("Sub", [scalar(10), TABLE])).toEqual([
      [
        [2, 3],
        [10, 9, 8, 7, 6, 5],
      ],
    ]);
    expect(() => folded("Add", [TABLE, constant([2])])).toThrow("combines constants whose shapes do not fit");
    expect(folded("Add", [TABLE, { kind: "fill", value: 1 }])).toBeUndefined();
  });

  it("divides whole numbers towards zero, and others exactly", () => {
    expect(results("Div", [integers(7, -7), integers(2, 2)])).toEqual([[[2], [3, -3]]]);
    expect(results("Div", [constant([1], [7]), constant([1], [2])])).toEqual([[[1], [3.5]]]);
  });

  it("keeps single precision where both are single", () => {
    const sum = single("Add", [constant([1], [0.1]), constant([1], [0.2])]);
    expect(sum.data).toEqual(Float32Array.of(Math.fround(0.1) + Math.fround(0.2)));
    const double = { ...constant([1]), data: Float64Array.of(0.1) };
    const [mixed] = folded("Add", [constant([1], [0]), double]) as [Constant];
    expect(mixed.data).toEqual(Float64Array.of(0.1));
    for (const op of ["Transpose", "Neg"]) expect(single(op, [double]).data).toBeInstanceOf(Float64Array);
    expect(results("Neg", [constant([2], [1, -2])])).toEqual([[[2], [-1, 2]]]);
  });

  it.each([
    [1, Float32Array, [Math.fround(1.7), Math.fround(-1.7)], false],
    ...[2, 3, 4, 5, 6, 7, 9, 12, 13].map((to) => [to, Float64Array, [1, -1], true] as const),
    [11, Float64Array, [1.7, -1.7], false],
    [10, Float64Array, [1.7, -1.7], false],
    [8, Float64Array, [1.7, -1.7], false],
  ] as const)("Cast to element type %i", (to, array, values, isInteger) => {
    const input = { ...constant([2]), data: Float64Array.of(1.7, -1.7) };
    const [found] = folded("Cast", [input], { attributes: { to } }) as [Constant];
    expect(found).toEqual({ ...input, integer: isInteger, data: array.from(values) });
  });

  it("counts the elements of every new constant", () => {
    const spend = vi.fn();
    folded("Transpose", [TABLE], { spend });
    expect(spend.mock.calls).toEqual([[6]]);
    spend.mockClear();
    folded("Concat", [TABLE, TABLE], { spend });
    expect(spend.mock.calls).toEqual([[12]]);
    spend.mockClear();
    folded("Mul", [constant([100, 1]), constant([1, 200])], { spend });
    expect(spend.mock.calls).toEqual([[20_000], [20_000]]);
  });
});

describe("fills", () => {
  const fill: Value = { kind: "fill", value: 0 };

  it.each(["Slice", "Reshape", "Unsqueeze", "Squeeze", "Transpose", "Expand", "Identity", "Cast", "Gather", "Concat"])(
    "%s leaves one value repeated",
    (op) => {
      expect(folded(op, [fill])).toEqual([fill]);
    },
  );

  it("Split gives one for each output, and arithmetic nothing", () => {
    expect(folded("Split", [fill], { outputs: 3 })).toEqual([fill, fill, fill]);
    expect(folded("Add", [fill, TABLE])).toBeUndefined();
  });

  it("Expand makes one of a constant whose numbers are all the same", () => {
    expect(folded("Expand", [constant([2], [3, 3]), sizes(null, 2)])).toEqual([{ kind: "fill", value: 3 }]);
    expect(folded("Expand", [constant([2], [3, 4]), sizes(null, 2)])).toBeUndefined();
    expect(folded("Expand", [constant([0], [])])).toEqual([{ kind: "fill", value: 0 }]);
  });
});

describe("what is none of these", () => {
  it("is not evaluated", () => {
    expect(folded("Sin", [TABLE])).toBeUndefined();
    expect(folded("Add", [undefined, TABLE])).toBeUndefined();
    expect(folded("Concat", [])).toBeUndefined();
  });
});
