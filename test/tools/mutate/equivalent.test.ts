import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { isEquivalent, readEquivalents, staleEntries } from "../../../tools/mutate/equivalent.ts";
import type { Mutant } from "../../../tools/mutate/types.ts";

const folder = mkdtempSync(path.join(tmpdir(), "rivulet-equivalent-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** The list in a file of this text. */
function listOf(text: string) {
  const file = path.join(folder, "equivalent.yaml");
  writeFileSync(file, text);
  return readEquivalents(file);
}

const LIST = `
a.ts:
  - line: if (a < b) return;
    before: "<"
    after: "<="
    reason: a is never b
`;

const mutant = (changes: Partial<Mutant> = {}): Mutant => ({
  ...{
    file: "a.ts",
    start: 6,
    end: 7,
    before: "<",
    after: "<=",
    line: 9,
    text: "if (a < b) return;",
    kind: "comparison",
  },
  mark: { form: "before", start: 0, end: 18 },
  ...changes,
});

describe("isEquivalent", () => {
  it("finds an entry by the text of its line, wherever the line stands", () => {
    const list = listOf(LIST);
    expect(isEquivalent(list, mutant())).toBe(true);
    expect(isEquivalent(list, mutant({ line: 100, start: 1000, end: 1001 }))).toBe(true);
  });

  it.each([{ file: "b.ts" }, { text: "if (a < c) return;" }, { after: ">=" }, { before: "<=" }])(
    "finds none for another mutant: %j",
    (changes) => {
      expect(isEquivalent(listOf(LIST), mutant(changes))).toBe(false);
    },
  );
});

describe("readEquivalents", () => {
  it("reads a list without entries, and none where there is no file", () => {
    expect(listOf("# nothing yet\n").size).toBe(0);
    expect(readEquivalents(path.join(folder, "none.yaml")).size).toBe(0);
  });

  it.each(["a.ts: []\nb.ts: 1", "a.ts:\n  - line: a\n    before: b\n    after: c", "a.ts:\n  - 1"])(
    "refuses an entry without a reason, or that is none: %j",
    (text) => {
      expect(() => listOf(text)).toThrow(/is no list of \{line, before, after, reason\}, all texts$/);
    },
  );
});

describe("staleEntries", () => {
  it("tells entries of the files at hand that no mutant answers to", () => {
    const list = listOf(LIST);
    expect(staleEntries(list, ["a.ts"], [mutant()])).toEqual([]);
    expect(staleEntries(list, ["a.ts"], [mutant({ text: "if (a < c) return;" })])).toEqual([
      'a.ts: < → <= in "if (a < b) return;"',
    ]);
    expect(staleEntries(list, ["b.ts"], [])).toEqual([]);
  });
});
