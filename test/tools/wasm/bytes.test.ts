import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteReader, WasmError } from "../../../tools/wasm/bytes.ts";
import { signed, sized, unsigned } from "../../support/leb.ts";

const reader = (...bytes: number[]) => new ByteReader(Uint8Array.from(bytes));

describe("u32", () => {
  it("reads seven bits of each byte, the lowest first", () => {
    expect(reader(0x7f).u32("n")).toBe(127);
    expect(reader(0xe5, 0x8e, 0x26).u32("n")).toBe(624485);
  });

  it("reads up to 2^32 - 1", () => {
    expect(reader(0xff, 0xff, 0xff, 0xff, 0x0f).u32("n")).toBe(2 ** 32 - 1);
  });

  it("takes numbers that are padded to five bytes", () => {
    expect(reader(0x83, 0x80, 0x80, 0x80, 0x00).u32("n")).toBe(3);
  });

  it.each([
    ["bits beyond 32", [0xff, 0xff, 0xff, 0xff, 0x10]],
    ["a sixth byte", [0x80, 0x80, 0x80, 0x80, 0x80, 0x00]],
  ])("refuses %s", (_, bytes) => {
    expect(() => reader(...bytes).u32("the count")).toThrow("The count is no LEB128 number of 32 bits, at byte 0");
  });

  it("refuses a number that the module cuts off", () => {
    expect(() => reader(0x80).u32("the count")).toThrow("Module ends inside the count, at byte 1");
  });
});

describe("signed", () => {
  it("extends the sign of the last byte", () => {
    expect(reader(0x7f).signed(32, "n")).toBe(-1n);
    expect(reader(0xc0, 0xbb, 0x78).signed(32, "n")).toBe(-123456n);
    expect(reader(0xff, 0x00).signed(32, "n")).toBe(127n);
  });

  it("reads the limits of 32, 33 and 64 bits", () => {
    expect(reader(0x80, 0x80, 0x80, 0x80, 0x78).signed(32, "n")).toBe(-(2n ** 31n));
    expect(reader(0xff, 0xff, 0xff, 0xff, 0x07).signed(32, "n")).toBe(2n ** 31n - 1n);
    expect(reader(0xff, 0xff, 0xff, 0xff, 0x0f).signed(33, "n")).toBe(2n ** 32n - 1n);
    expect(reader(...Array(9).fill(0x80), 0x7f).signed(64, "n")).toBe(-(2n ** 63n));
    expect(reader(...Array(9).fill(0xff), 0x00).signed(64, "n")).toBe(2n ** 63n - 1n);
  });

  it.each([
    [32, "unused bits that are no copies of the sign", [0xff, 0xff, 0xff, 0xff, 0x0f]],
    [32, "unused bits that are no copies of the sign", [0x80, 0x80, 0x80, 0x80, 0x70]],
    [32, "a sixth byte", [0x80, 0x80, 0x80, 0x80, 0x80, 0x00]],
    [33, "unused bits that are no copies of the sign", [0xff, 0xff, 0xff, 0xff, 0x1f]],
    [64, "unused bits that are no copies of the sign", [...Array(9).fill(0xff), 0x01]],
    [64, "an eleventh byte", [...Array(10).fill(0x80), 0x00]],
  ] as const)("of %i bits refuses %s", (bits, _, bytes) => {
    expect(() => reader(...bytes).signed(bits, "a constant")).toThrow(
      `A constant is no signed LEB128 number of ${bits} bits, at byte 0`,
    );
  });
});

describe("every number", () => {
  it("of 32 bits is read", () => {
    fc.assert(
      fc.property(fc.nat(2 ** 32 - 1), (value) => {
        expect(reader(...unsigned(value)).u32("n")).toBe(value);
      }),
    );
  });

  it("with a sign is read, as far as its bits go", () => {
    fc.assert(
      fc.property(fc.constantFrom(32, 33, 64), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (bits, wide) => {
        const value = BigInt.asIntN(bits, wide);
        expect(reader(...signed(value)).signed(bits as 32 | 33 | 64, "n")).toBe(value);
      }),
    );
  });
});

describe("list", () => {
  it("refuses a count beyond the bytes that are left before it reads an item", () => {
    let reads = 0;
    const refused = () => reader(0xff, 0xff, 0xff, 0xff, 0x0f, 1, 2).list("items", () => reads++);
    expect(refused).toThrow("Found a count of 4294967295 items with 2 bytes left, at byte 0");
    expect(reads).toBe(0);
  });
});

describe("text", () => {
  it("keeps every character, a byte order mark included", () => {
    const bytes = sized(...Buffer.from("\ufeffmemoria é"));
    expect(reader(...bytes).text("a name")).toBe("\ufeffmemoria é");
  });

  it("refuses bytes that are not UTF-8", () => {
    expect(() => reader(2, 0xc3, 0x28).text("a name")).toThrow("A name is not UTF-8, at byte 0");
  });
});

describe("WasmError", () => {
  it("tells the offset in the file", () => {
    const part = reader(1, 2, 3, 4).part(2, "a part");
    part.take(2, "bytes");
    expect(() => part.byte("a number")).toThrow(new WasmError("Module ends inside a number", 2));
  });
});
