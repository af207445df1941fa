import { describe, expect, it } from "vitest";
import { printable } from "../host/printable.ts";
import { joinLines, printableJson } from "../tools/print.ts";

const ESC = "\u001b";

describe("printable", () => {
  it("leaves text of any language alone", () => {
    const text = "bearing_temperature 71,3 °C – Kühlschrank 冷蔵庫 🧊 Zażółć µ²";
    expect(printable(text)).toBe(text);
  });

  it.each([
    ["a line feed", "a\nb", "a\\u000ab"],
    ["an escape sequence", `${ESC}]0;title\u0007`, "\\u001b]0;title\\u0007"],
    ["a control character of eight bits", "\u009b31m", "\\u009b31m"],
    ["a bidi override", "a\u202eb", "a\\u202eb"],
    ["a zero-width space and joiner", "a\u200b\u200db", "a\\u200b\\u200db"],
    ["a byte order mark", "\ufeffa", "\\ufeffa"],
    ["separators of lines and paragraphs", "\u2028\u2029", "\\u2028\\u2029"],
    ["an invisible tag", "\u{e0041}", "\\u{e0041}"],
    ["half a surrogate pair", "\ud800a", "\\ud800a"],
  ])("escapes %s", (_, text, expected) => {
    expect(printable(text)).toBe(expected);
  });
});

describe("joinLines", () => {
  it("ends every line, and keeps styles where there are colours only", () => {
    expect(joinLines(["a", `${ESC}[1mb${ESC}[22m`], true)).toBe(`a\n${ESC}[1mb${ESC}[22m\n`);
    expect(joinLines([`${ESC}[1mb`])).toBe("\\u001b[1mb\n");
    expect(joinLines([])).toBe("");
  });

  it("lets no other sequence through, coloured or not", () => {
    expect(joinLines([`${ESC}[2Jx${ESC}]0;t\u0007`, "a\nself-test"], true)).toBe(
      "\\u001b[2Jx\\u001b]0;t\\u0007\na\\u000aself-test\n",
    );
  });
});

describe("printableJson", () => {
  it("is JSON of the same value, without what a terminal obeys", () => {
    const value = { "k\u009b": ["\u202e\u{e0041}\ud800", `${ESC}\n`] };
    const text = printableJson(value);
    expect(JSON.parse(text)).toEqual(value);
    expect(text).toMatch(/^[\x20-\x7e\n]*$/);
    expect(printableJson({ a: 1 })).toBe('{\n  "a": 1\n}\n');
  });
});
