// Numbers of tensors, whichever field or file holds them.

import { describe, expect, it } from "vitest";
import { toHalf } from "../../../tools/read/half.ts";
import type { TensorProto } from "../../../tools/read/onnx/proto.ts";
import { isInteger, readTensor } from "../../../tools/read/onnx/tensors.ts";

const tensor = (part: Partial<TensorProto>): TensorProto =>
  ({
    name: "w",
    dims: [2],
    dataType: 1,
    floatData: [],
    doubleData: [],
    int32Data: [],
    int64Data: [],
    rawData: new Uint8Array(),
    externalData: [],
    dataLocation: 0,
    ...part,
  }) as unknown as TensorProto;

const none = () => {
  throw new Error("no file is asked for");
};
const read = (part: Partial<TensorProto>, external: (location: string) => Uint8Array = none) =>
  readTensor(tensor(part), "m.onnx", external);

/** Two numbers as little-endian bytes, behind one byte that is not theirs. */
function bytes(size: number, write: (view: DataView, at: number, index: number) => void): Uint8Array {
  const all = new Uint8Array(1 + 2 * size);
  const own = all.subarray(1);
  const view = new DataView(all.buffer, 1);
  for (const index of [0, 1]) write(view, index * size, index);
  return own;
}

describe("readTensor", () => {
  it.each([
    [1, bytes(4, (view, at, i) => view.setFloat32(at, i - 0.5, true)), [-0.5, 0.5], Float32Array, false],
    [2, bytes(1, (view, at, i) => view.setUint8(at, 200 + i)), [200, 201], Float64Array, true],
    [3, bytes(1, (view, at, i) => view.setInt8(at, -100 + i)), [-100, -99], Float64Array, true],
    [6, bytes(4, (view, at, i) => view.setInt32(at, -70000 + i, true)), [-70000, -69999], Float64Array, true],
    [
      7,
      bytes(8, (view, at, i) => view.setBigInt64(at, BigInt(-(2 ** 40) + i), true)),
      [-(2 ** 40), 1 - 2 ** 40],
      Float64Array,
      true,
    ],
    [9, bytes(1, (view, at, i) => view.setUint8(at, i)), [0, 1], Float64Array, true],
    [10, bytes(2, (view, at, i) => view.setUint16(at, toHalf(i + 0.25), true)), [0.25, 1.25], Float32Array, false],
    [11, bytes(8, (view, at, i) => view.setFloat64(at, 0.1 + i, true)), [0.1, 1.1], Float64Array, false],
    [16, bytes(2, (view, at, i) => view.setUint16(at, 0x3f80 + 0x80 * i, true)), [1, 2], Float32Array, false],
  ] as const)("reads element type %i from bytes", (dataType, rawData, values, array, integer) => {
    expect(read({ dataType, rawData })).toEqual({
      kind: "constant",
      name: "w",
      dims: [2],
      data: array.from(values),
      integer,
    });
    expect(isInteger({ dataType })).toBe(integer);
  });

  it.each([
    [1, { floatData: [0.5, 2] }, [0.5, 2], Float32Array],
    [2, { int32Data: [200, 3] }, [200, 3], Float64Array],
    [6, { int32Data: [-5, 3] }, [-5, 3], Float64Array],
    [7, { int64Data: [-5, 3] }, [-5, 3], Float64Array],
    [10, { int32Data: [toHalf(0.25), 0x1_0000 + toHalf(2)] }, [0.25, 2], Float32Array],
    [11, { doubleData: [0.1, 0.2] }, [0.1, 0.2], Float64Array],
    [16, { int32Data: [0x3f80, 0x7_4000] }, [1, 2], Float32Array],
  ] as const)("reads element type %i from its list", (dataType, list, values, array) => {
    expect(read({ dataType, ...(list as object) }).data).toEqual(array.from(values));
  });

  it("refuses a type that holds no weights", () => {
    expect(() => read({ dataType: 8 })).toThrow(
      'm.onnx: tensor "w" has element type 8; only float and integer tensors can be converted',
    );
    expect(isInteger({ dataType: 8 })).toBe(false);
  });

  it("refuses data that is not as much as the shape says", () => {
    expect(() => read({ rawData: new Uint8Array(7) })).toThrow(
      'tensor "w" needs 8 bytes of FLOAT, has 7; the file is damaged, export it again',
    );
    expect(() => read({ floatData: [1] })).toThrow('tensor "w" needs 2 elements, has 1');
    expect(() => read({})).toThrow('tensor "w" needs 2 elements, has 0');
  });

  it("refuses shapes that no weights have", () => {
    expect(() => read({ dims: Array(17).fill(1) })).toThrow("has 17 axes; at most 16 are read");
    expect(read({ dims: Array(16).fill(1), floatData: [3] }).dims.length).toBe(16);
    expect(() => read({ dims: [2 ** 14, 2 ** 14] })).toThrow("has shape [16384, 16384], more than 134217728 elements");
    expect(() => read({ dims: [-1, -2] })).toThrow("or less than none");
    expect(() => read({ segment: {} } as Partial<TensorProto>)).toThrow("is stored in segments");
  });
});

describe("tensors in a file of their own", () => {
  const file = bytes(4, (view, at, i) => view.setFloat32(at, i + 1, true));
  const external = (entries: Readonly<Record<string, string>>): Partial<TensorProto> => ({
    dataLocation: 1,
    externalData: Object.entries(entries).map(([key, value]) => ({ key, value })),
  });

  it("are read from their place", () => {
    const asked: string[] = [];
    const open = (location: string) => {
      asked.push(location);
      return Uint8Array.of(9, 9, 9, ...file, 9);
    };
    expect([...read(external({ location: "w.bin", offset: "3", length: "8" }), open).data]).toEqual([1, 2]);
    expect([...read(external({ location: "a/w.bin", offset: "3" }), open).data]).toEqual([1, 2]);
    expect([...read(external({ location: "w.bin" }), () => file).data]).toEqual([1, 2]);
    expect(asked).toEqual(["w.bin", "a/w.bin"]);
  });

  it.each(["", "/etc/w", "\\w", "c:w", "../w", "a/../../w", "a\\..\\w", "w\0"])(
    "are no file outside the folder: %j",
    (location) => {
      expect(() => read(external({ location }))).toThrow("which is not a file beside the model");
    },
  );

  it.each([
    [{ offset: "1" }, "needs bytes 1 to 9 of w.bin, which has 8"],
    [{ length: "9" }, "needs bytes 0 to 9 of w.bin, which has 8"],
    [{ offset: "-1", length: "8" }, "needs bytes -1 to 7"],
    [{ offset: "8", length: "-8" }, "needs bytes 8 to 0"],
    [{ offset: "0.5", length: "4" }, "needs bytes 0.5 to 4.5"],
    [{ length: "x" }, "needs bytes 0 to NaN"],
    [{ length: "4" }, "needs 8 bytes of FLOAT, has 4"],
  ])("are refused where the file does not hold them: %j", (place, text) => {
    expect(() => read(external({ location: "w.bin", ...place }), () => file)).toThrow(text);
  });
});
