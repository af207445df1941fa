// Finds tests that could pass without having looked at anything: no `expect`, or none but under a condition.

import ts from "typescript";

/** Functions that fail a test by themselves: of vitest and as-pect, of fast-check. */
const ASSERTIONS = /^(expect(\.unreachable)?|fc\.assert|throws|doesNotThrow)$/;

/** `it`, `it.each(…)`, `it.skipIf(…)`, `test`: what begins a test. */
const TESTS = /^(it|test)\b/;

/** Bodies of functions by name, from all files of tests. */
type Helpers = ReadonlyMap<string, ts.Node>;

/** A test that may look at nothing. */
export interface WeakTest {
  /** As in `test/stream/topic.test.ts:12`. */
  readonly place: string;
  readonly reason: "no expect" | "expect only under a condition";
}

const isFunction = (node: ts.Node): node is ts.ArrowFunction | ts.FunctionExpression =>
  ts.isArrowFunction(node) || ts.isFunctionExpression(node);

/** Parses test files, by path and text. */
const parsed = (files: ReadonlyMap<string, string>): ts.SourceFile[] =>
  [...files].map(([file, text]) => ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true));

/** Lists the tests in some files that may look at nothing; `files` has their texts, and those of their helpers. */
export function weakTests(files: ReadonlyMap<string, string>): WeakTest[] {
  const sources = parsed(files);
  const helpers = sources.flatMap(functionsOf);
  // Of two helpers of one name a file means its own.
  return sources.flatMap((source) => weakTestsOf(source, new Map([...helpers, ...functionsOf(source)])));
}

/** The functions that stand at the top of a file, by name. */
function functionsOf(source: ts.SourceFile): [string, ts.Node][] {
  const found: [string, ts.Node][] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionDeclaration(node) && node.name && node.body) found.push([node.name.text, node.body]);
    else if (ts.isVariableDeclaration(node) && ts.isIdentifier(node.name) && node.initializer) {
      if (isFunction(node.initializer)) found.push([node.name.text, node.initializer.body]);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function weakTestsOf(source: ts.SourceFile, helpers: Helpers): WeakTest[] {
  const found: WeakTest[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && TESTS.test(node.expression.getText(source)) && !isCalled(node)) {
      const body = bodyOf(node.arguments, helpers);
      if (body !== undefined && !asserts(body, helpers, new Set())) {
        const line = source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
        const reason = mentions(body, helpers, new Set()) ? "expect only under a condition" : "no expect";
        found.push({ place: `${source.fileName}:${line}`, reason });
        return;
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** Whether a call answers what is called next, as the first in `it.each(cases)("does", …)`. */
const isCalled = (node: ts.CallExpression): boolean =>
  ts.isCallExpression(node.parent) && node.parent.expression === node;

/** What a test does: a function among its arguments, or one by name at their end. */
function bodyOf(given: readonly ts.Expression[], helpers: Helpers): ts.Node | undefined {
  const last = given.at(-1);
  if (last && ts.isIdentifier(last)) return helpers.get(last.text);
  return given.find(isFunction)?.body;
}

/** What a node does in any case: the parts of it that stand under no condition. */
function certainParts(node: ts.Node): readonly ts.Node[] {
  if (ts.isIfStatement(node)) return [node.expression];
  if (ts.isConditionalExpression(node)) return [node.condition];
  if (ts.isSwitchStatement(node)) return [node.expression];
  if (ts.isCatchClause(node)) return [];
  if (ts.isBinaryExpression(node)) {
    const { kind } = node.operatorToken;
    const { AmpersandAmpersandToken, BarBarToken, QuestionQuestionToken } = ts.SyntaxKind;
    if ([AmpersandAmpersandToken, BarBarToken, QuestionQuestionToken].includes(kind)) return [node.left];
  }
  // A function that is only defined does nothing.
  if (ts.isFunctionDeclaration(node)) return [];
  if (ts.isVariableDeclaration(node) && node.initializer && isFunction(node.initializer)) return [];
  return childrenOf(node);
}

function childrenOf(node: ts.Node): ts.Node[] {
  const children: ts.Node[] = [];
  ts.forEachChild(node, (child) => void children.push(child));
  return children;
}

/** Whether a statement may leave the test before what follows it, unless the run tells that the test was skipped. */
function mayLeave(node: ts.Node): boolean {
  if (isFunction(node) || ts.isFunctionDeclaration(node)) return false;
  if (ts.isReturnStatement(node)) return !/^(\w+\.)?skip\(/.test(node.expression?.getText() ?? "");
  return ts.forEachChild(node, mayLeave) === true;
}

/** Whether a body calls an assertion in any case, by itself or through helpers. */
function asserts(node: ts.Node, helpers: Helpers, open: ReadonlySet<string>): boolean {
  if (calls(node, helpers, open, asserts)) return true;
  if (!ts.isBlock(node)) return certainParts(node).some((part) => asserts(part, helpers, open));
  for (const statement of node.statements) {
    if (asserts(statement, helpers, open)) return true;
    if (ts.isIfStatement(statement) && mayLeave(statement)) return false;
  }
  return false;
}

/** Whether a body has an assertion anywhere. */
function mentions(node: ts.Node, helpers: Helpers, open: ReadonlySet<string>): boolean {
  return calls(node, helpers, open, mentions) || childrenOf(node).some((part) => mentions(part, helpers, open));
}

/** Whether a node is the call of an assertion, or of a helper of which `holds` is true. */
function calls(node: ts.Node, helpers: Helpers, open: ReadonlySet<string>, holds: typeof asserts): boolean {
  if (!ts.isCallExpression(node)) return false;
  const name = node.expression.getText();
  if (ASSERTIONS.test(name)) return true;
  const helper = open.has(name) ? undefined : helpers.get(name);
  return helper !== undefined && holds(helper, helpers, new Set([...open, name]));
}
