// Which tests come by a mutant: a call is put before its statement, and one run of the tests notes the calls.

import ts from "typescript";
import type { Mark, Mutant } from "./types.ts";

/** Name of the global function that the marks call. */
export const HIT = "__mutateHit";

const hasStatements = (node: ts.Node): boolean =>
  ts.isSourceFile(node) || ts.isBlock(node) || ts.isModuleBlock(node) || ts.isCaseOrDefaultClause(node);

/** Whether a node is the body of its parent, without braces. */
function isBareBody(node: ts.Node, parent: ts.Node): boolean {
  if (ts.isIfStatement(parent)) return node === parent.thenStatement || node === parent.elseStatement;
  return ts.isIterationStatement(parent, false) && node === parent.statement;
}

/** Where a call can stand that is made whenever this node is come to: its statement, or the arrow function it is in. */
export function markOf(node: ts.Node, source: ts.SourceFile): Mark {
  for (let here = node; ; here = here.parent) {
    const { parent } = here;
    if (parent === undefined) return { form: "before", start: 0, end: 0 };
    const [start, end] = [here.getStart(source), here.getEnd()];
    // The expression of a `case` stands beside its statements.
    if (hasStatements(parent) && ts.isStatement(here)) return { form: "before", start, end };
    if (isBareBody(here, parent) && !ts.isBlock(here)) return { form: "statement", start, end };
    if (ts.isArrowFunction(parent) && here === parent.body && !ts.isBlock(here))
      return { form: "expression", start, end };
  }
}

/**
 * Puts a call at the mark of every mutant of a file. The line breaks stay where they are.
 *
 * @param ids  the number that the call of each mutant hands on; as long as `mutants`
 */
export function withMarks(text: string, mutants: readonly Mutant[], ids: readonly number[]): string {
  const calls = new Map<string, { readonly mark: Mark; readonly ids: number[] }>();
  mutants.forEach(({ mark }, i) => {
    const key = `${mark.form} ${mark.start}`;
    const call = calls.get(key) ?? { mark, ids: [] };
    calls.set(key, call);
    call.ids.push(ids[i] as number);
  });
  const inserts = [...calls.values()].flatMap(({ mark: { form, start, end }, ids }) => {
    const call = `globalThis.${HIT}?.(${ids.join(", ")})`;
    if (form === "before") return [{ at: start, text: `${call};` }];
    if (form === "statement")
      return [
        { at: start, text: `{${call};` },
        { at: end, text: "}" },
      ];
    return [
      { at: start, text: `(${call}, ` },
      { at: end, text: ")" },
    ];
  });
  return inserts
    .sort((a, b) => b.at - a.at)
    .reduce((result, { at, text }) => result.slice(0, at) + text + result.slice(at), text);
}
