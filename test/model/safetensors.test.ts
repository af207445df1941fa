import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ModelFormatError } from "../../host/model/errors.ts";
import { parseJson } from "../../host/model/json.ts";
import { readContainer, writeContainer } from "../../host/model/safetensors.ts";
import type { Dtype, Tensor } from "../../host/model/types.ts";
import { headerOf, rawContainer } from "../support/containers.ts";

const entry = (dtype: string, shape: unknown, begin: number, end: number) => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

/** The message with which a file of this header is refused. */
function refusal(header: unknown, dataBytes = 0): string {
  return refusalOf(rawContainer(header, dataBytes));
}

function refusalOf(bytes: Uint8Array, maxBytes?: number): string {
  try {
    readContainer(bytes, maxBytes);
  } catch (error) {
    expect(error).toBeInstanceOf(ModelFormatError);
    return (error as Error).message;
  }
  throw new Error("The file is not refused");
}

const TENSORS: ReadonlyMap<string, Tensor> = new Map<string, Tensor>([
  ["a", { dtype: "I8", shape: [3], data: Int8Array.of(-128, 0, 127) }],
  ["b", { dtype: "F32", shape: [1, 2], data: Float32Array.of(-0, 1e-45) }],
  ["c", { dtype: "I16", shape: [2], data: Int16Array.of(-32768, 32767) }],
  ["d", { dtype: "I32", shape: [], data: Int32Array.of(-(2 ** 31)) }],
]);

describe("readContainer", () => {
  it("reads tensors byte by byte as little-endian numbers", () => {
    const bytes = rawContainer({ t: entry("I16", [2], 0, 4) }, 4);
    bytes.set([0x01, 0x02, 0xff, 0xff], bytes.length - 4);
    expect(readContainer(bytes).tensors.get("t")).toEqual({
      dtype: "I16",
      shape: [2],
      data: Int16Array.of(0x0201, -1),
    });
  });

  it("reads what writeContainer writes", () => {
    const metadata = new Map([["rivulet", "{}"]]);
    const read = readContainer(writeContainer({ metadata, tensors: TENSORS }));
    expect(read.metadata).toEqual(metadata);
    expect(Object.fromEntries(read.tensors)).toEqual(Object.fromEntries(TENSORS));
  });

  it("reads a file at an odd offset of a larger buffer, and copies its tensors", () => {
    const file = writeContainer({ metadata: new Map(), tensors: TENSORS });
    const buffer = new Uint8Array(file.length + 3);
    buffer.set(file, 3);
    const { tensors } = readContainer(buffer.subarray(3));
    buffer.fill(0);
    expect(tensors.get("c")?.data).toEqual(Int16Array.of(-32768, 32767));
  });

  it("reads a header that is padded with spaces", () => {
    expect(readContainer(rawContainer(`${JSON.stringify({ t: entry("I8", [1], 0, 1) })}   `, 1)).tensors.size).toBe(1);
  });

  it("reads tensors whose header order is not their data order", () => {
    const header = { t: entry("I8", [1], 1, 2), s: entry("I8", [1], 0, 1) };
    const bytes = rawContainer(header, 2);
    bytes.set([5, 6], bytes.length - 2);
    expect(readContainer(bytes).tensors.get("s")?.data).toEqual(Int8Array.of(5));
  });

  it("reads a tensor that is named __proto__ as any other", () => {
    const bytes = rawContainer(`{"__proto__": {"dtype": "I8", "shape": [1], "data_offsets": [0, 1]}}`, 1);
    expect([...readContainer(bytes).tensors.keys()]).toEqual(["__proto__"]);
  });
});

describe("readContainer on the file", () => {
  it("refuses an empty file", () => {
    expect(refusalOf(new Uint8Array(0))).toBe("file: 0 bytes, too short for a model file; it is empty or cut off");
  });

  it("refuses a file that ends inside the header length", () => {
    expect(refusalOf(new Uint8Array(7))).toBe("file: 7 bytes, too short for a model file; it is empty or cut off");
  });

  it("refuses a file above the given size", () => {
    expect(refusalOf(new Uint8Array(101), 100)).toBe("file: 101 bytes, at most 100 are allowed");
  });

  it("refuses bytes after the last tensor", () => {
    expect(refusal({ t: entry("I8", [1], 0, 1) }, 3)).toBe("file: 2 bytes after the last tensor, expected none");
  });

  it("refuses data without a tensor", () => {
    expect(refusal({}, 1)).toBe("file: 1 bytes after the last tensor, expected none");
  });
});

describe("readContainer on the header", () => {
  it("refuses a header above 1 MiB, as the first bytes of most other files look", () => {
    const bytes = new TextEncoder().encode("PK\u0003\u0004 not a safetensors file");
    expect(refusalOf(bytes)).toMatch(
      /^header: length \d+, at most 1048576 bytes are allowed; is this a safetensors file\?$/,
    );
  });

  it("refuses a header of 1 MiB and a byte", () => {
    const bytes = new Uint8Array(2 ** 20 + 100);
    bytes.set([1, 0, 16]);
    expect(refusalOf(bytes)).toMatch(/^header: length 1048577, at most 1048576 bytes/);
  });

  it("refuses a header that is longer than the file", () => {
    const bytes = rawContainer({ t: entry("I8", [1], 0, 1) }, 1);
    expect(refusalOf(bytes.subarray(0, 30))).toMatch(/^header: ends at byte \d+, the file at byte 30; it is cut off$/);
  });

  it("refuses an empty header", () => {
    expect(refusal("")).toBe('header: starts with "", expected "{"');
  });

  it("refuses a header that starts with a space", () => {
    expect(refusal(" {}")).toBe('header: starts with " ", expected "{"');
  });

  it("refuses a header that is not JSON", () => {
    expect(refusal("{oops")).toMatch(/^header: not JSON: /);
  });

  it("keeps control characters of the header out of its message", () => {
    const controls = [...refusal("{\u001b[2J")].filter((character) => character < " ");
    expect(controls).toEqual([]);
  });

  it("refuses a header that is not UTF-8", () => {
    const bytes = rawContainer('{"a": 1}');
    bytes[10] = 0xff;
    expect(refusalOf(bytes)).toBe("header: not UTF-8 text");
  });

  it("refuses a header that names a tensor twice", () => {
    const one = JSON.stringify(entry("I8", [1], 0, 1));
    expect(refusal(`{"t": ${one}, "\\u0074": ${one}}`, 1)).toBe('header: the key "t" stands twice in an object');
  });

  it("refuses a header that is nested deeply", () => {
    expect(refusal(`{"t": ${"[".repeat(64)}${"]".repeat(64)}}`)).toBe("header: nested deeper than 64 levels");
  });

  it("follows texts of any length", () => {
    const text = JSON.stringify({ a: "x".repeat(12_000_000), b: '\\"'.repeat(1_000_000) });
    expect(Object.keys(parseJson(text, "header") as object)).toEqual(["a", "b"]);
  });

  it("refuses metadata that are not an object", () => {
    expect(refusal({ __metadata__: [] })).toBe("__metadata__: found an array of 0, expected an object");
  });

  it("refuses metadata that are not a string", () => {
    expect(refusal({ __metadata__: { rivulet: 1 } })).toBe("__metadata__.rivulet: found 1, expected a string");
  });
});

describe("readContainer on a tensor", () => {
  it("refuses a name that would upset a terminal", () => {
    expect(refusal({ "\u001b[2J": 1 })).toBe('header: tensor name "\\u001b[2J", expected 1 to 64 ASCII characters');
  });

  it("refuses an entry that is not an object", () => {
    expect(refusal({ t: null })).toBe("t: found null, expected an object");
  });

  it("refuses an entry with an unknown field", () => {
    expect(refusal({ t: { ...entry("I8", [1], 0, 1), stride: 1 } }, 1)).toBe('t: unknown field "stride"');
  });

  it.each(["F16", "F64", "i8", 3, null, "toString"])("refuses dtype %j", (dtype) => {
    const found = JSON.stringify(dtype);
    expect(refusal({ t: entry(dtype as string, [1], 0, 1) }, 1)).toBe(
      `t: dtype ${found}, expected one of F32, I32, I16, I8`,
    );
  });

  it("refuses an entry without a dtype", () => {
    expect(refusal({ t: { shape: [1], data_offsets: [0, 1] } }, 1)).toMatch(/^t: dtype undefined, expected one of/);
  });

  it.each([[null], [3], [[1.5]], [[-1]], [["1"]], [[2 ** 53]]])("refuses shape %j", (shape) => {
    expect(refusal({ t: entry("I8", shape, 0, 1) }, 1)).toBe("t: shape is not an array of integers from 0");
  });

  it("refuses an empty tensor", () => {
    expect(refusal({ t: entry("I8", [3, 0], 0, 0) })).toBe("t: shape [3, 0] is empty");
  });

  it.each([[null], [[0]], [[0, 1, 2]], [[0.5, 1]], [[-1, 0]], [["0", "1"]]])("refuses data_offsets %j", (offsets) => {
    expect(refusal({ t: { dtype: "I8", shape: [1], data_offsets: offsets } }, 1)).toBe(
      "t: data_offsets is not a pair of integers from 0",
    );
  });

  it("refuses offsets that do not fit the shape", () => {
    expect(refusal({ t: entry("F32", [2, 3], 0, 20) }, 20)).toBe(
      "t: F32 [2, 3] needs 24 bytes, data_offsets [0, 20] span 20",
    );
  });

  it("refuses offsets in the wrong order", () => {
    expect(refusal({ t: entry("I8", [1], 1, 0) }, 1)).toBe("t: I8 [1] needs 1 bytes, data_offsets [1, 0] span -1");
  });

  it("refuses a shape whose product is beyond all numbers", () => {
    const shape = new Array(30).fill(2 ** 52);
    expect(refusal({ t: entry("I8", shape, 0, 1) }, 1)).toMatch(/needs Infinity bytes/);
  });

  it("refuses a tensor that is not aligned", () => {
    const header = { s: entry("I8", [1], 0, 1), t: entry("I16", [1], 1, 3) };
    expect(refusal(header, 3)).toBe("t: starts at 1, expected a multiple of 2");
  });

  it("refuses tensors that overlap", () => {
    const header = { s: entry("I8", [4], 0, 4), t: entry("I8", [4], 2, 6) };
    expect(refusal(header, 6)).toBe("t: starts at 2 and overlaps s, which ends at 4");
  });

  it("refuses two tensors at one place", () => {
    const header = { s: entry("I8", [4], 0, 4), t: entry("I8", [4], 0, 4) };
    expect(refusal(header, 4)).toBe("t: starts at 0 and overlaps s, which ends at 4");
  });

  it("refuses a hole before the first tensor", () => {
    expect(refusal({ t: entry("I8", [1], 1, 2) }, 2)).toBe(
      "t: starts at 1, the header ends at 0; holes are not allowed",
    );
  });

  it("refuses a hole between tensors", () => {
    const header = { s: entry("I8", [1], 0, 1), t: entry("I8", [1], 2, 3) };
    expect(refusal(header, 3)).toBe("t: starts at 2, s ends at 1; holes are not allowed");
  });

  it("refuses a tensor that ends after the file", () => {
    expect(refusal({ t: entry("F32", [2], 0, 8) }, 7)).toBe("t: ends at 8, the data at 7; the file is cut off");
  });
});

describe("writeContainer", () => {
  it("puts larger elements first and starts the data at a multiple of 8", () => {
    const bytes = writeContainer({ metadata: new Map(), tensors: TENSORS });
    const header = headerOf(bytes);
    expect(Object.keys(header)).toEqual(["__metadata__", "b", "d", "c", "a"]);
    expect(header.a?.data_offsets).toEqual([16, 19]);
    expect((bytes.length - 19) % 8).toBe(0);
  });

  it("gives the same bytes again", () => {
    const container = { metadata: new Map([["k", "ä"]]), tensors: TENSORS };
    expect(writeContainer(container)).toEqual(writeContainer(container));
  });

  it("writes any tensors so that they read back equal", () => {
    const arrays: Record<Dtype, fc.Arbitrary<Tensor["data"]>> = {
      F32: fc.float32Array({ minLength: 1, maxLength: 9 }),
      I8: fc.int8Array({ minLength: 1, maxLength: 9 }),
      I16: fc.int16Array({ minLength: 1, maxLength: 9 }),
      I32: fc.int32Array({ minLength: 1, maxLength: 9 }),
    };
    const tensor = fc
      .constantFrom<Dtype>("F32", "I8", "I16", "I32")
      .chain((dtype) => arrays[dtype].map((data): Tensor => ({ dtype, shape: [data.length], data })));
    const names = fc.string({ minLength: 1 }).filter((name) => name !== "__metadata__");
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(names, tensor), { selector: ([name]) => name }), (pairs) => {
        const { tensors } = readContainer(writeContainer({ metadata: new Map(), tensors: new Map(pairs) }));
        expect(tensors.size).toBe(pairs.length);
        for (const [name, expected] of pairs) expect(tensors.get(name)).toEqual(expected);
      }),
    );
  });
});
