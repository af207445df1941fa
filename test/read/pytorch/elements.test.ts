import { describe, expect, it } from "vitest";
import { CliError } from "../../../tools/errors.ts";
import { type Strided, stridedTensor } from "../../../tools/read/pytorch/elements.ts";

function read(bytes: readonly number[], layout: Partial<Strided> = {}): number[] {
  const tensor = stridedTensor({
    where: "m.pt: w",
    dtype: "F32",
    shape: [1],
    offset: 0,
    little: true,
    bytes: () => Uint8Array.from(bytes),
    ...layout,
  });
  return [...tensor.read()];
}

/** Floats of 1, 2, … count, little-endian. */
const upTo = (count: number) => [...new Uint8Array(Float32Array.from({ length: count }, (_, i) => i + 1).buffer)];

describe("stridedTensor", () => {
  it("knows shape and type before it reads anything", () => {
    const bytes = () => {
      throw new Error("read");
    };
    expect(stridedTensor({ where: "w", dtype: "I8", shape: [2, 3], offset: 0, little: true, bytes })).toMatchObject({
      dtype: "I8",
      shape: [2, 3],
    });
  });

  it.each([
    ["F32", [0, 0, 0xc0, 0x3f], 1.5],
    ["F64", [0, 0, 0, 0, 0, 0, 0xf8, 0xbf], -1.5],
    // 0.1 as a double is rounded to single precision.
    ["F64", [0x9a, 0x99, 0x99, 0x99, 0x99, 0x99, 0xb9, 0x3f], Math.fround(0.1)],
    ["BF16", [0x49, 0xc0], -3.140625],
    ["F16", [0x00, 0x3e], 1.5],
    ["F16", [0x00, 0xbe], -1.5],
    ["F16", [0xff, 0x7b], 65504],
    ["F16", [0x00, 0x04], 2 ** -14],
    ["F16", [0x01, 0x00], 2 ** -24],
    ["F16", [0xff, 0x83], -1023 * 2 ** -24],
    ["F16", [0x00, 0x00], 0],
  ] as const)("reads %s %j as %d, in either byte order", (dtype, bytes, value) => {
    expect(read(bytes, { dtype })).toEqual([value]);
    expect(read([...bytes].reverse(), { dtype, little: false })).toEqual([value]);
  });

  it.each([
    ["F16", [0x00, 0x7c], "Infinity"],
    ["F16", [0x00, 0xfc], "-Infinity"],
    ["F16", [0x01, 0x7c], "NaN"],
    ["F32", [0, 0, 0x80, 0x7f], "Infinity"],
    // 1e300 is no single.
    ["F64", [0x9c, 0x75, 0x00, 0x88, 0x3c, 0xe4, 0x37, 0x7e], "Infinity"],
  ] as const)("refuses %s %j, %s", (dtype, bytes, text) => {
    const one = { F16: [0, 0x3c], F32: [0, 0, 0x80, 0x3f], F64: [0, 0, 0, 0, 0, 0, 0xf0, 0x3f] }[dtype];
    expect(() => read([...one, ...bytes], { dtype, shape: [2] })).toThrow(
      new CliError(`m.pt: w: Element 1 is ${text}, expected finite weights`),
    );
  });

  it("refuses elements that are no floats", () => {
    expect(() => read([1], { dtype: "I8" })).toThrow(
      new CliError("m.pt: w: Elements are I8, expected one of F64, F32, F16, BF16"),
    );
  });

  it("reads rows one after the other, from an offset", () => {
    expect(read(upTo(6), { shape: [2, 3] })).toEqual([1, 2, 3, 4, 5, 6]);
    expect(read(upTo(6), { shape: [2, 2], offset: 1 })).toEqual([2, 3, 4, 5]);
    expect(read(upTo(24), { shape: [2, 3, 4] })).toEqual(Array.from({ length: 24 }, (_, i) => i + 1));
    expect(read(upTo(1), { shape: [] })).toEqual([1]);
  });

  it("follows strides: transposed, sliced and repeated", () => {
    expect(read(upTo(6), { shape: [3, 2], stride: [1, 3] })).toEqual([1, 4, 2, 5, 3, 6]);
    expect(read(upTo(6), { shape: [2, 2], stride: [3, 2] })).toEqual([1, 3, 4, 6]);
    expect(read(upTo(8), { shape: [2, 2, 2], stride: [1, 4, 2] })).toEqual([1, 3, 5, 7, 2, 4, 6, 8]);
    expect(read(upTo(2), { shape: [2, 2], stride: [0, 1] })).toEqual([1, 2, 1, 2]);
  });

  it("reads a storage that is a part of a buffer", () => {
    const buffer = Uint8Array.from([9, 9, 9, ...upTo(2), 9]);
    expect(read([], { shape: [2], bytes: () => buffer.subarray(3, 11) })).toEqual([1, 2]);
  });

  it("refuses what reaches beyond the storage", () => {
    const message = (needed: number, has: number) =>
      new CliError(`m.pt: w: Needs ${needed} elements, its storage has ${has}; the file is damaged`);
    expect(() => read(upTo(3), { shape: [4] })).toThrow(message(4, 3));
    expect(() => read(upTo(3), { shape: [3], offset: 1 })).toThrow(message(4, 3));
    expect(() => read(upTo(6), { shape: [2, 3], stride: [4, 1] })).toThrow(message(7, 6));
    expect(() => read(upTo(1).slice(0, 3))).toThrow(message(1, 0));
    expect(read(upTo(3), { shape: [0], offset: 7 })).toEqual([]);
  });

  it("refuses shapes that repeat a small storage without end", () => {
    expect(() => read(upTo(1), { shape: [256, 257], stride: [0, 0] })).toThrow(
      new CliError("m.pt: w: Shape [256, 257] has more elements than its storage, 1"),
    );
    expect(read(upTo(1), { shape: [256, 256], stride: [0, 0] })).toHaveLength(65536);
  });
});
