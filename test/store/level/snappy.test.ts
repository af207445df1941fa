// Blocks of Snappy made by hand after its format description (google/snappy, format_description.txt).

import { describe, expect, it } from "vitest";
import { unpackSnappy } from "../../../host/store/level/snappy.ts";

const text = (...bytes: readonly (number | string)[]): string =>
  Buffer.from(
    unpackSnappy(Buffer.concat(bytes.map((part) => Buffer.from(typeof part === "string" ? part : [part])))),
  ).toString("latin1");

describe("unpackSnappy", () => {
  it("reads a literal of up to 60 bytes, whose length stands in the tag", () => {
    expect(text(1, 0 << 2, "a")).toBe("a");
    expect(text(60, 59 << 2, "b".repeat(60))).toBe("b".repeat(60));
  });

  it("reads longer ones, whose length stands in one to four bytes behind it", () => {
    expect(text(61, 60 << 2, 60, "c".repeat(61))).toBe("c".repeat(61));
    // 300 is 0xac 0x02 as a varint; less one it is 0x012b.
    expect(text(0xac, 2, 61 << 2, 0x2b, 1, "d".repeat(300))).toBe("d".repeat(300));
    expect(text(0xac, 2, 62 << 2, 0x2b, 1, 0, "e".repeat(300))).toBe("e".repeat(300));
    expect(text(0xac, 2, 63 << 2, 0x2b, 1, 0, 0, "f".repeat(300))).toBe("f".repeat(300));
  });

  it("copies 4 to 11 bytes from an offset of 11 bits", () => {
    expect(text(8, 3 << 2, "abcd", 1 | (0 << 2), 4)).toBe("abcdabcd");
    expect(text(15, 3 << 2, "abcd", 1 | (7 << 2), 4)).toBe("abcdabcdabcdabc");
    // 0x123 bytes back: the upper three bits of the offset stand in the tag.
    const long = `start${"x".repeat(0x123 - 5)}`;
    expect(text(0xa7, 2, 61 << 2, 0x22, 1, long, 1 | (1 << 5), 0x23)).toBe(`${long}star`);
  });

  it("copies 1 to 64 bytes from an offset of 16 bits, or of 32", () => {
    expect(text(5, 3 << 2, "abcd", 2 | (0 << 2), 3, 0)).toBe("abcdb");
    expect(text(68, 3 << 2, "abcd", 2 | (63 << 2), 4, 0)).toBe("abcd".repeat(17));
    expect(text(6, 3 << 2, "abcd", 3 | (1 << 2), 2, 0, 0, 0)).toBe("abcdcd");
    const long = `start${"x".repeat(0x123 - 5)}`;
    expect(text(0xa5, 2, 61 << 2, 0x22, 1, long, 2 | (1 << 2), 0x23, 1)).toBe(`${long}st`);
  });

  it("copies what it is writing: one byte becomes many", () => {
    expect(text(20, 0 << 2, "z", 2 | (18 << 2), 1, 0)).toBe("z".repeat(20));
  });

  it("reads a block of nothing", () => {
    expect(text(0)).toBe("");
  });

  it.each<[string, (number | string)[], string]>([
    ["a literal beyond the length", [2, 2 << 2, "abc"], "A literal beyond the end"],
    ["a copy beyond the length", [7, 3 << 2, "abcd", 1, 4], "A copy from nowhere"],
    ["a copy from before the start", [8, 3 << 2, "abcd", 1, 5], "A copy from nowhere"],
    ["a copy from where it writes", [8, 3 << 2, "abcd", 1, 0], "A copy from nowhere"],
    ["less than the length", [5, 3 << 2, "abcd"], "4 bytes, expected 5"],
    ["a length that no block has", [0x81, 0x80, 0x80, 0x20], "A block of 67108865 bytes"],
  ])("refuses %s", (_, bytes, message) => {
    expect(() => text(...bytes)).toThrow(message);
  });

  it("refuses a literal that is cut off", () => {
    expect(() => text(4, 3 << 2, "abc")).toThrow(RangeError);
  });
});
