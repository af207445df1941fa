import ts from "typescript";
import { describe, expect, it } from "vitest";
import { HIT, withMarks } from "../../../tools/mutate/marks.ts";
import { mutantsOf, mutated } from "../../../tools/mutate/mutants.ts";
import { sampled } from "../../../tools/mutate/sample.ts";

const OPTIONS: ts.CompilerOptions = { strict: true, lib: ["lib.es5.d.ts"], types: [] };
const host = ts.createCompilerHost(OPTIONS);
const library = ts.createProgram(["a.ts"], OPTIONS, host).getSourceFiles();

/** The mutants of a source that imports nothing. */
function mutantsIn(text: string) {
  const source = ts.createSourceFile("a.ts", text, ts.ScriptTarget.Latest, true);
  const getSourceFile = (name: string) => [source, ...library].find(({ fileName }) => fileName === name);
  const program = ts.createProgram(["a.ts"], OPTIONS, { ...host, getSourceFile });
  return mutantsOf("a.ts", source, program.getTypeChecker());
}

/** The sources that the mutants make of a source. */
const mutatedSources = (text: string): string[] => mutantsIn(text).map((mutant) => mutated(text, mutant));

describe("mutantsOf", () => {
  it("shifts and turns comparisons", () => {
    expect(mutatedSources("const f = (a: number, b: number): boolean => a < b;")).toEqual([
      "const f = (a: number, b: number): boolean => true;",
      "const f = (a: number, b: number): boolean => false;",
      "const f = (a: number, b: number): boolean => a <= b;",
      "const f = (a: number, b: number): boolean => a >= b;",
    ]);
  });

  it("takes halves of conditions", () => {
    expect(mutatedSources("let a: boolean, b: boolean; if (a && !b) f();")).toEqual([
      "let a: boolean, b: boolean; if (true) f();",
      "let a: boolean, b: boolean; if (false) f();",
      "let a: boolean, b: boolean; if (a || !b) f();",
      "let a: boolean, b: boolean; if (a) f();",
      "let a: boolean, b: boolean; if (!b) f();",
      "let a: boolean, b: boolean; if (a && b) f();",
      "let a: boolean, b: boolean; if (a && !b) ;",
    ]);
  });

  it("puts numbers one off, and leaves prose alone", () => {
    expect(mutatedSources('const a = 8; const b = "two words", c = "one";')).toEqual([
      'const a = 9; const b = "two words", c = "one";',
      'const a = 7; const b = "two words", c = "one";',
      'const a = 8; const b = "two words", c = "";',
    ]);
  });

  it("leaves fields, elements and arguments out", () => {
    expect(mutatedSources("const o = { a, b }, l = [a, b], r = f(a, b);")).toEqual([
      "const o = { b }, l = [a, b], r = f(a, b);",
      "const o = { a }, l = [a, b], r = f(a, b);",
      "const o = { a, b }, l = [b], r = f(a, b);",
      "const o = { a, b }, l = [a], r = f(a, b);",
      "const o = { a, b }, l = [a, b], r = f(a);",
    ]);
  });

  it("subtracts numbers that are added, but not texts", () => {
    expect(mutatedSources("declare const a: number, s: string; const b = a + a, t = s + s;")).toEqual([
      "declare const a: number, s: string; const b = a - a, t = s + s;",
    ]);
  });

  it("answers constants of the type of a result", () => {
    const source = (result: string) => `function f(a: number, s: string[]): unknown { return ${result}; }`;
    expect(mutatedSources(source("a"))).toEqual([source("0"), source("1")]);
    expect(mutatedSources(source("s"))).toEqual([source("[]")]);
  });

  it("leaves types and imports alone", () => {
    expect(mutatedSources('import a from "b"; type T = 1 | "c"; interface I { readonly d: 2 }')).toEqual([]);
  });
});

describe("mutated", () => {
  it("refuses a text that the mutant was not found in", () => {
    const [mutant] = mutantsIn("const a = 8;");
    expect(mutant && mutated("const a = 8;", mutant)).toBe("const a = 9;");
    expect(() => mutant && mutated("const ab = 8;", mutant)).toThrow("a.ts has changed since its mutants were drawn");
  });
});

describe("withMarks", () => {
  it("tells which mutants a program comes by", () => {
    const text = `
      const double = (a) => a * 2;
      function sign(a) {
        if (a > 0) return 1;
        else if (a < 0) return -1;
        return 0;
      }
      double(3) + sign(4);`;
    const mutants = mutantsIn(text);
    const hits = new Set<number>();
    const marked = withMarks(text, mutants, [...mutants.keys()]);
    Object.assign(globalThis, { [HIT]: (...ids: number[]) => ids.forEach((id) => void hits.add(id)) });
    try {
      // biome-ignore lint/security/noGlobalEval: runs the text above
      expect(eval(marked)).toBe(7);
    } finally {
      Reflect.deleteProperty(globalThis, HIT);
    }
    const lines = [...new Set([...hits].map((id) => mutants[id]?.line))];
    expect(lines.sort()).toEqual([2, 4, 8]);
  });
});

describe("sampled", () => {
  it("draws as many as pass, each once", () => {
    const drawn = sampled(
      [1, 2, 3, 4, 5, 6],
      2,
      () => 0.5,
      (n) => n % 2 === 0,
    );
    expect(drawn).toEqual([4, 2]);
    expect(
      sampled(
        [1, 2, 3],
        9,
        () => 0,
        (n) => n > 1,
      ),
    ).toEqual([2, 3]);
  });
});
