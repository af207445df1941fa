import { describe, expect, it } from "vitest";
import { parseBytes } from "../../../tools/mcu/bytes.ts";

describe("parseBytes", () => {
  it.each([
    ["20000", 20000],
    ["20K", 20480],
    ["20k", 20480],
    ["20KB", 20480],
    ["20KiB", 20480],
    ["1.5M", 1572864],
    ["2m", 2097152],
    [" 7 b ", 7],
    ["1.0009K", 1024],
    ["1", 1],
  ])("reads %j as %i", (text, bytes) => {
    expect(parseBytes(text)).toBe(bytes);
  });

  it.each(["", "K", "0", "0.5", "-1", "1G", "1,5K", "1.K", "20K of RAM", "x20"])("refuses %j", (text) => {
    expect(parseBytes(text)).toBeUndefined();
  });
});
