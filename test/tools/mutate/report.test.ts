import { describe, expect, it } from "vitest";
import { mutantLine, summary } from "../../../tools/mutate/report.ts";
import type { Mutant, Outcome, Result } from "../../../tools/mutate/types.ts";

const MUTANT: Mutant = {
  ...{ file: "host/run.ts", start: 16, end: 17, before: "3", after: "", line: 12, text: "const LIMIT = 3;" },
  ...{ kind: "number", mark: { form: "before", start: 0, end: 18 } },
};

const results = (outcomes: readonly Outcome[], file = "host/run.ts"): Result[] =>
  outcomes.map((outcome) => ({ mutant: { ...MUTANT, file }, outcome, seconds: 1 }));

describe("mutantLine", () => {
  it("tells place, kind, change and line", () => {
    expect(mutantLine(MUTANT)).toBe("host/run.ts:12  number  3 → (nothing)  in: const LIMIT = 3;");
  });

  it("is one short line of long texts", () => {
    const line = mutantLine({ ...MUTANT, before: `a\n  ${"b".repeat(100)}`, after: "c" });
    expect(line).toBe(`host/run.ts:12  number  a ${"b".repeat(75)}... → c  in: const LIMIT = 3;`);
  });
});

describe("summary", () => {
  it("counts hangs as killed, and what no test comes by as unnoticed", () => {
    expect(summary(results(["killed", "hang", "survived", "unreached"]), 5, 8)).toBe(
      "Kill rate 50 % (2 of 4); 1 survived, 1 that no test comes by, 1 killed by hanging; " +
        "5 listed as equivalent and 0 that change no module or do not compile left out; 2.0 s a mutant",
    );
  });

  it("leaves out of the rate what changes nothing", () => {
    expect(summary(results(["killed", "same", "invalid"]), 0, 3)).toMatch(/^Kill rate 100 % \(1 of 1\); .* and 2 that/);
  });

  it("has a line for each folder when there are several", () => {
    const both = [...results(["killed"]), ...results(["killed", "survived"], "host/mqtt/link.ts")];
    expect(summary(both, 0, 0).split("\n").slice(0, 2)).toEqual([
      "  host: 100 % (1 of 1)",
      "  host/mqtt: 50 % (1 of 2)",
    ]);
  });
});
