// Every test looks at something: a lint that no linter of the project has, over the tests of vitest and the specs of as-pect.

import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { type WeakTest, weakTests } from "./support/assertions.ts";

/** The texts of all sources below test/, by path. */
const SOURCES = new Map(
  readdirSync("test", { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => path.posix.join("test", file))
    .map((file) => [file, readFileSync(file, "utf8")]),
);

/** What is wrong with a test that has this body. */
const reasonOf = (body: string, others = ""): WeakTest["reason"] | undefined =>
  weakTests(new Map([["a.test.ts", `${others}\nit("does", async () => { ${body} });`]]))[0]?.reason;

describe("tests", () => {
  it("all look at something, in any case", () => {
    expect(weakTests(SOURCES)).toEqual([]);
  });

  it("are skipped with a reason only: by needs(), or context.skip with words", () => {
    const wordless = /\b(skipIf|runIf)\(|\b(it|test|describe)\.(skip|todo)\b|\bskip\(\)/;
    const files = [...SOURCES].filter(([file, text]) => file.endsWith(".test.ts") && wordless.test(text));
    // Both try what a run without reasons looks like.
    expect(files.map(([file]) => file)).toEqual(["test/lint.test.ts", "test/support/skip-reporter.test.ts"]);
  });
});

describe("weakTests", () => {
  it("wants an expect", () => {
    expect(reasonOf("expect(1).toBe(1);")).toBeUndefined();
    expect(reasonOf("await expect(f()).rejects.toThrow();")).toBeUndefined();
    expect(reasonOf("for (const a of b) expect(a).toBe(1);")).toBeUndefined();
    expect(reasonOf("if (a) return context.skip(); expect(1).toBe(1);")).toBeUndefined();
    expect(reasonOf("f();")).toBe("no expect");
    expect(reasonOf("")).toBe("no expect");
  });

  it.each([
    "if (a) expect(1).toBe(1);",
    "if (a) f(); else { expect(1).toBe(1); }",
    "a && expect(1).toBe(1);",
    "a ? expect(1).toBe(1) : f();",
    "try { f(); } catch { expect(1).toBe(1); }",
    "if (a) return; expect(1).toBe(1);",
    "switch (a) { case 1: expect(1).toBe(1); }",
    "const check = () => expect(1).toBe(1);",
  ])("tells an expect that may not be come to: %s", (body) => {
    expect(reasonOf(body)).toBe("expect only under a condition");
  });

  it("looks into callbacks and helpers, even those that call themselves", () => {
    expect(reasonOf("await withBroker((b) => { expect(b).toBe(1); });")).toBeUndefined();
    expect(reasonOf("check(1);", "function check(a) { check(0); expect(a).toBe(1); }")).toBeUndefined();
    expect(reasonOf("check(1);", "const check = (a) => { if (a) expect(a).toBe(1); };")).toBe(
      "expect only under a condition",
    );
    expect(reasonOf("loop();", "const loop = () => { loop(); };")).toBe("no expect");
  });

  it("takes options for no body, whatever helpers are called so", () => {
    const text = "const options = () => { f(); };\nit('does', options, () => { expect(1).toBe(1); });";
    expect(weakTests(new Map([["a.test.ts", text]]))).toEqual([]);
  });

  it("looks into tests over lists, and says where a weak one stands", () => {
    const text = 'describe("a", () => {\n  it.each([1, 2])("does %s", (n) => { f(n); });\n});';
    expect(weakTests(new Map([["a.test.ts", text]]))).toEqual([{ place: "a.test.ts:2", reason: "no expect" }]);
  });
});
