import { describe, expect, it } from "vitest";
import { CliError } from "../../../tools/errors.ts";
import { readSafetensors } from "../../../tools/read/pytorch/safetensors.ts";
import { listNames, Weights } from "../../../tools/read/pytorch/weights.ts";

/** A file with a header, given as text or JSON, and data. */
function file(header: unknown, data: Uint8Array = new Uint8Array(0), length?: number): Uint8Array {
  const text = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length ?? text.length), true);
  bytes.set(text, 8);
  bytes.set(data, 8 + text.length);
  return bytes;
}

const little = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);
const entry = (shape: unknown, data_offsets: unknown, dtype: unknown = "F32") => ({ dtype, shape, data_offsets });
const read = (bytes: Uint8Array) => readSafetensors(bytes, "m.safetensors");

describe("readSafetensors", () => {
  it("reads tensors wherever their data lies, in the order of the header", () => {
    const tensors = read(file({ b: entry([2], [4, 12]), a: entry([], [0, 4]) }, little(1, 2, 3)));
    expect([...tensors].map(([name, tensor]) => [name, tensor.dtype, tensor.shape, [...tensor.read()]])).toEqual([
      ["b", "F32", [2], [2, 3]],
      ["a", "F32", [], [1]],
    ]);
  });

  it("reads a view of a larger buffer", () => {
    const bytes = file({ a: entry([1], [0, 4]) }, little(5));
    const larger = new Uint8Array(bytes.length + 7);
    larger.set(bytes, 3);
    expect([
      ...(read(larger.subarray(3, 3 + bytes.length))
        .get("a")
        ?.read() ?? []),
    ]).toEqual([5]);
  });

  it("gives tied tensors both of their names", () => {
    const metadata = { tied: "a", format: "pt", a: "b", gone: "nothing", odd: 5 };
    const tensors = read(file({ __metadata__: metadata, a: entry([1], [0, 4]), b: entry([1], [4, 8]) }, little(1, 2)));
    expect([...tensors].map(([name, tensor]) => [name, [...tensor.read()]])).toEqual([
      ["a", [1]],
      ["b", [2]],
      ["tied", [1]],
    ]);
    expect([...read(file({ __metadata__: null, a: entry([1], [0, 4]) }, little(1))).keys()]).toEqual(["a"]);
  });

  it.each([
    ["F64", 8],
    ["I64", 8],
    ["U64", 8],
    ["F32", 4],
    ["I32", 4],
    ["U32", 4],
    ["F16", 2],
    ["BF16", 2],
    ["I16", 2],
    ["U16", 2],
    ["I8", 1],
    ["U8", 1],
    ["BOOL", 1],
  ])("knows that an element of %s has %i bytes", (dtype, size) => {
    const good = file({ a: entry([3], [0, 3 * size], dtype) }, new Uint8Array(3 * size));
    expect(read(good).get("a")).toMatchObject({ dtype, shape: [3] });
    expect(() => read(file({ a: entry([3], [0, 3 * size + 1], dtype) }, new Uint8Array(99)))).toThrow(
      new CliError(`m.safetensors: a: Needs ${3 * size} bytes, data_offsets span ${3 * size + 1}`),
    );
  });

  it.each([
    [new Uint8Array(0), "header of 0 bytes in 0"],
    [new Uint8Array(7), "header of 0 bytes in 7"],
    [file("", undefined, 1), "header of 1 bytes in 8"],
    [file("{}", undefined, 3), "header of 3 bytes in 10"],
    [file("{}", undefined, 2 ** 24 + 1), "header of 16777217 bytes in 10"],
  ])("refuses what is no such file, or cut off: %#", (bytes, message) => {
    expect(() => read(bytes)).toThrow(new CliError(`m.safetensors: Not a safetensors file, or cut off: ${message}`));
  });

  it("takes an empty header", () => {
    expect(read(file("{}")).size).toBe(0);
  });

  it.each(["[]", "5", "{", '"a"'])("refuses the header %s", (header) => {
    expect(() => read(file(header.padEnd(2, " ")))).toThrow(/^m\.safetensors: .*(JSON|header)/);
  });

  it("refuses a header that is not UTF-8, and keys that stand twice", () => {
    const bytes = file('{"é":1}');
    bytes[10] = 0xff;
    expect(() => read(bytes)).toThrow(
      new CliError("m.safetensors: The header of the safetensors file is no JSON object in UTF-8"),
    );
    expect(() => read(file('{"a":{},"a":{}}'))).toThrow(CliError);
  });

  it.each([
    [5, "Unknown dtype, expected one of F64, I64, U64, F32, I32, U32, F16, BF16, I16, U16, I8, U8, BOOL"],
    [entry([1], [0, 4], "C64"), "Unknown dtype, expected one of"],
    [entry([1], [0, 4], "constructor"), "Unknown dtype, expected one of"],
    [entry(1, [0, 4]), "shape and data_offsets are not arrays of whole numbers"],
    [entry([1.5], [0, 6]), "shape and data_offsets are not arrays of whole numbers"],
    [entry([-1], [0, 4]), "shape and data_offsets are not arrays of whole numbers"],
    [entry([1], [0]), "shape and data_offsets are not arrays of whole numbers"],
    [entry([1], [0, 4, 8]), "shape and data_offsets are not arrays of whole numbers"],
    [entry([1], "04"), "shape and data_offsets are not arrays of whole numbers"],
    [entry([2], [0, 4]), "Needs 8 bytes, data_offsets span 4"],
    [entry([1], [4, 8]), "Ends at byte 8 of the data, which has 4; cut off"],
  ])("refuses the entry %j", (value, message) => {
    expect(() => read(file({ a: value }, little(1)))).toThrow(`m.safetensors: a: ${message}`);
  });
});

describe("Weights", () => {
  const weights = () =>
    new Weights(
      read(file({ a: entry([2, 1], [0, 8]), b: entry([1], [8, 12]), none: entry([0], [12, 12]) }, little(1, 2, 3))),
      "m.pt",
    );

  it("gives weights of the shape that is asked for, and knows what is left", () => {
    const found = weights();
    expect([found.source, found.names, found.has("a"), found.has("x")]).toEqual([
      "m.pt",
      ["a", "b", "none"],
      true,
      false,
    ]);
    expect([found.shapeOf("a"), found.shapeOf("x")]).toEqual([[2, 1], []]);
    expect([...found.take("a", [2, 1])]).toEqual([1, 2]);
    expect(found.unused).toEqual(["b", "none"]);
    found.ignore("none");
    expect(() => found.checkAllTaken()).toThrow(/^m\.pt: Weights that no layer uses: b; known are nn\.GRU, /);
    found.take("b", [1]);
    expect(() => found.checkAllTaken()).not.toThrow();
  });

  it("names what is missing, of another shape or empty", () => {
    expect(() => weights().take("x", [1])).toThrow(new CliError("m.pt: Missing weights: x"));
    expect(() => weights().ignore("x")).toThrow("m.pt: Missing weights: x");
    expect(() => weights().require(["a", "x", "y"])).toThrow("m.pt: Missing weights: x, y");
    expect(() => weights().take("a", [1, 2])).toThrow(new CliError("m.pt: a has shape [2, 1], expected [1, 2]"));
    expect(() => weights().take("none", [0])).toThrow(new CliError("m.pt: none is empty: shape [0]"));
  });
});

describe("listNames", () => {
  const names = (count: number) => Array.from({ length: count }, (_, i) => `w${i}`);

  it("shows twelve names and counts the others", () => {
    expect(listNames(names(2))).toBe("w0, w1");
    expect(listNames(names(12))).toBe(names(12).join(", "));
    expect(listNames(names(14))).toBe(`${names(12).join(", ")} and 2 more`);
  });
});
