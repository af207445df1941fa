import { readFileSync } from "node:fs";
import { zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { CliError } from "../../tools/errors.ts";
import { readNpy, readNpz, writeNpz } from "../../tools/read/npz.ts";
import { readZip } from "../../tools/read/zip.ts";
import { mulberry32 } from "../support/random.ts";

const vector = (name: string) => new Uint8Array(readFileSync(`test/vectors/numpy/${name}.npz`));

/** A file of a version 1 header, in place of what NumPy would write, and data. */
function npy(header: string, data: Uint8Array = new Uint8Array(), version = 1): Uint8Array {
  const text = new TextEncoder().encode(header);
  return Uint8Array.of(
    0x93,
    ...Buffer.from("NUMPY"),
    version,
    0,
    text.length & 255,
    text.length >> 8,
    ...text,
    ...data,
  );
}

describe("readNpz", () => {
  // Written by NumPy: tools/training/conformance/numpy_arrays.py.
  describe.each(["stored", "deflated"])("on an archive with %s members", (name) => {
    const arrays = readNpz(vector(name), name);
    const grid = [0, 1, 2, 3, 4, 5];

    it.each([
      ["f4", "Float32Array", grid.map((value) => value / 4)],
      ["f8", "Float64Array", grid.map((value) => value / 3)],
      ["i4", "Int32Array", grid.map((value) => value - 3)],
      ["i8", "Float64Array", grid.map((value) => value * 2 ** 40)],
      ["big", "Float32Array", grid.map((value) => value / 4)],
    ])("reads elements of %s into a %s", (key, type, values) => {
      const { shape, data } = arrays.get(key) ?? { shape: [], data: [] };
      expect({ shape, type: data.constructor.name, values: [...data] }).toEqual({ shape: [2, 3], type, values });
    });

    it("turns an array in Fortran order into C order", () => {
      const { shape, data } = arrays.get("fortran") ?? { shape: [], data: [] };
      expect({ shape, data: [...data] }).toEqual({ shape: [2, 3, 4], data: Array.from({ length: 24 }, (_, i) => i) });
    });

    it("reads a scalar, a row, an empty array and numbers that are not finite", () => {
      const flat = (key: string) => [arrays.get(key)?.shape, [...(arrays.get(key)?.data ?? [])]];
      expect(flat("scalar")).toEqual([[], [1.5]]);
      expect(flat("row")).toEqual([[3], [1, 2, 3]]);
      expect(flat("empty")).toEqual([[0, 3], []]);
      expect(flat("special")).toEqual([[4], [Number.NaN, Infinity, -Infinity, -0]]);
    });
  });

  it.each([
    ["refused", 'refused: half: Elements are "<f2", expected f4, f8, i4 or i8; convert with .astype'],
    ["objects", "expected one array of numbers"],
  ])("refuses what it does not know in %s", (name, message) => {
    expect(() => readNpz(vector(name), name)).toThrow(message);
  });

  it("refuses a member whose checksum is wrong", () => {
    const bytes = vector("stored");
    const at = Buffer.from(bytes).indexOf("NUMPY") + 130;
    bytes[at] = (bytes[at] as number) ^ 1;
    expect(() => readNpz(bytes, "x.npz")).toThrow('x.npz: Member "f4.npy" has a wrong checksum; the file is damaged');
  });

  it("refuses a member that says it is larger than its bytes can hold, before taking memory", () => {
    const bytes = zipSync({ "a.npy": new Uint8Array(100) });
    const directory = Buffer.from(bytes).lastIndexOf("PK\x01\x02", undefined, "latin1");
    new DataView(bytes.buffer, bytes.byteOffset).setUint32(directory + 24, 2 ** 28, true);
    expect(() => readZip(bytes, "x.npz")).toThrow("bytes for a content of 268435456; the file is damaged");
    new DataView(bytes.buffer, bytes.byteOffset).setUint32(directory + 24, 2 ** 30, true);
    expect(() => readZip(bytes, "x.npz")).toThrow("Members have more than 536870912 bytes together");
  });

  it("reads arrays of eight axes at most", () => {
    const archive = (axes: number) =>
      writeNpz(new Map([["x", { shape: new Array(axes).fill(1), data: Float64Array.of(5) }]]));
    expect(readNpz(archive(8), "x.npz").get("x")?.shape).toHaveLength(8);
    expect(() => readNpz(archive(9), "x.npz")).toThrow("Has 9 axes, at most 8 are read");
  });

  it.each([
    [new Uint8Array(0), "Zip directory is missing; the file is cut off or no zip file"],
    [vector("stored").subarray(0, 500), "Zip directory is missing"],
  ])("refuses a file that is cut off (%#)", (bytes, message) => {
    expect(() => readNpz(bytes, "x.npz")).toThrow(`x.npz: ${message}`);
  });

  it("ends in a value or in one line of error for 10,000 damaged archives", () => {
    const random = mulberry32(7);
    const originals = [vector("stored"), vector("deflated")];
    const outcomes = { read: 0, refused: 0 };
    for (let round = 0; round < 10_000; round++) {
      const original = originals[round % 2] as Uint8Array;
      const cut = random() < 0.1 ? Math.floor(random() * original.length) : original.length;
      const bytes = original.slice(0, cut);
      for (let change = 0; change < 1 + random() * 4; change++) bytes[Math.floor(random() * cut)] = random() * 256;
      try {
        readNpz(bytes, "x.npz");
        outcomes.read++;
      } catch (error) {
        if (!(error instanceof CliError) || !/^x\.npz: .{5,500}$/.test(error.message)) throw error;
        outcomes.refused++;
      }
    }
    expect(outcomes.refused).toBeGreaterThan(5000);
    expect(outcomes.read).toBeGreaterThan(100);
  });
});

describe("readNpy", () => {
  const HEADER = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n";

  it("reads the least that NumPy writes", () => {
    expect(readNpy(npy(HEADER, new Uint8Array(8)), "x")).toEqual({ shape: [2], data: new Float32Array(2) });
  });

  it.each([
    [npy(HEADER, new Uint8Array(7)), "x: Array [2] needs 8 bytes, found 7"],
    [npy(HEADER.replace("2", "99999999999999"), new Uint8Array(8)), "x: Array [99999999999999] needs"],
    [npy(HEADER.replace("(2,)", "(1 2)"), new Uint8Array(8)), "x: Array [NaN] needs NaN bytes, found 8"],
    [npy(HEADER, new Uint8Array(8), 4), "x: Version 4 of .npy, expected 1 to 3"],
    [npy(HEADER, new Uint8Array(8), 2), "Header ends at byte"],
    [npy("{'descr': '|O', 'fortran_order': False, 'shape': (2,), }"), 'x: Elements are "|O"'],
    [npy("__import__('os')"), "x: Header is \"__import__('os')\", expected one array of numbers"],
    [new TextEncoder().encode("PK"), "x: Is no NumPy array"],
  ])("refuses what breaks the format (%#)", (bytes, message) => {
    expect(() => readNpy(bytes, "x")).toThrow(message);
  });

  it("ends in a value or in one line of error for 10,000 damaged arrays", () => {
    const random = mulberry32(8);
    const original = npy(HEADER, new Uint8Array(8));
    const outcomes = { read: 0, refused: 0 };
    for (let round = 0; round < 10_000; round++) {
      const bytes = original.slice();
      for (let change = 0; change < 1 + random() * 3; change++) {
        bytes[Math.floor(random() * bytes.length)] = random() * 256;
      }
      try {
        readNpy(bytes, "x");
        outcomes.read++;
      } catch (error) {
        if (!(error instanceof CliError) || error.message.includes("\n")) throw error;
        outcomes.refused++;
      }
    }
    expect(outcomes.refused).toBeGreaterThan(5000);
    expect(outcomes.read).toBeGreaterThan(50);
  });
});

describe("writeNpz", () => {
  it("is read back as it was", () => {
    const arrays = new Map([
      ["a/kernel", { shape: [2, 2], data: Float32Array.of(1, -0, Number.NaN, 3e-40) }],
      ["b", { shape: [3], data: Int32Array.of(-1, 0, 2 ** 31 - 1) }],
      ["c", { shape: [], data: Float64Array.of(0.1) }],
    ]);
    expect(readNpz(writeNpz(arrays), "x")).toEqual(arrays);
  });

  it("gives equal bytes for equal arrays", () => {
    const arrays = new Map([["a", { shape: [1], data: Float32Array.of(1) }]]);
    expect(writeNpz(arrays)).toEqual(writeNpz(arrays));
  });
});
