import { describe, expect, it } from "vitest";
import { isNestedTooDeeply } from "../../host/config/nesting.ts";

const block = (levels: number) => Array.from({ length: levels }, (_, i) => `${" ".repeat(i)}a:`).join("\n");

describe("isNestedTooDeeply", () => {
  it.each([
    ["brackets", "[".repeat(257)],
    ["maps over many lines", "a: {\n".repeat(257)],
    ["brackets behind closed ones", `[]]]\n${"[".repeat(257)}`],
    ["sequences in a line", `x: 1\n${"- ".repeat(256)}a`],
    ["keys in a line", `${"? ".repeat(256)}a`],
    ["blocks", block(513)],
  ])("sees %s", (_, text) => expect(isNestedTooDeeply(text)).toBe(true));

  it.each([
    ["nothing", ""],
    ["brackets", "[".repeat(256)],
    ["many that are closed", "[1]\n".repeat(10_000)],
    ["many items", "- a\n".repeat(10_000)],
    ["blocks", block(512)],
    ["a line of strokes", `# ${"- ".repeat(1000)}`],
  ])("takes %s", (_, text) => expect(isNestedTooDeeply(text)).toBe(false));
});
