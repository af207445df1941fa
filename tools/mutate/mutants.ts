// Every small fault that can be put into a source: comparisons, constants, conditions, statements, fields.

import ts from "typescript";
import { CliError } from "../errors.ts";
import { constantsOf, isText } from "./constants.ts";
import { markOf } from "./marks.ts";
import type { Kind, Mutant } from "./types.ts";

const K = ts.SyntaxKind;

/** What takes the place of an operator, by kind of fault. */
const OPERATORS: ReadonlyMap<ts.SyntaxKind, readonly [Kind, ...string[]]> = new Map([
  [K.LessThanToken, ["comparison", "<=", ">="]],
  [K.LessThanEqualsToken, ["comparison", "<", ">"]],
  [K.GreaterThanToken, ["comparison", ">=", "<="]],
  [K.GreaterThanEqualsToken, ["comparison", ">", "<"]],
  [K.EqualsEqualsToken, ["comparison", "!="]],
  [K.ExclamationEqualsToken, ["comparison", "=="]],
  [K.EqualsEqualsEqualsToken, ["comparison", "!=="]],
  [K.ExclamationEqualsEqualsToken, ["comparison", "==="]],
  [K.PlusToken, ["arithmetic", "-"]],
  [K.MinusToken, ["arithmetic", "+"]],
  [K.AsteriskToken, ["arithmetic", "/"]],
  [K.SlashToken, ["arithmetic", "*"]],
  [K.PercentToken, ["arithmetic", "*"]],
  [K.AsteriskAsteriskToken, ["arithmetic", "*"]],
  [K.LessThanLessThanToken, ["arithmetic", ">>"]],
  [K.GreaterThanGreaterThanToken, ["arithmetic", "<<", ">>>"]],
  [K.GreaterThanGreaterThanGreaterThanToken, ["arithmetic", ">>", "<<"]],
  [K.AmpersandToken, ["arithmetic", "|"]],
  [K.BarToken, ["arithmetic", "&"]],
  [K.CaretToken, ["arithmetic", "&"]],
  [K.PlusEqualsToken, ["arithmetic", "-="]],
  [K.MinusEqualsToken, ["arithmetic", "+="]],
  [K.AsteriskEqualsToken, ["arithmetic", "/="]],
  [K.SlashEqualsToken, ["arithmetic", "*="]],
  [K.AmpersandAmpersandToken, ["logic", "||"]],
  [K.BarBarToken, ["logic", "&&"]],
] as const);

const HALVED: ReadonlySet<ts.SyntaxKind> = new Set([K.AmpersandAmpersandToken, K.BarBarToken, K.QuestionQuestionToken]);

/** Methods that are called for their order or extent: `a.sort()` becomes `a`. */
const SHAPING = new Set([
  "sort",
  "reverse",
  "trim",
  "filter",
  "slice",
  "subarray",
  "toLowerCase",
  "flat",
  "toReversed",
]);

const TWINS: ReadonlyMap<string, string> = new Map(
  [
    ["min", "max"],
    ["floor", "ceil"],
    ["round", "floor"],
    ["every", "some"],
    ["indexOf", "lastIndexOf"],
  ].flatMap(([a, b]) => [[a, b] as [string, string], [b, a] as [string, string]]),
);

/**
 * Lists the faults of a source. Some do not compile: the types tell only what to expect, not what is allowed.
 *
 * @param file  path from the root of the repository
 */
export function mutantsOf(file: string, source: ts.SourceFile, checker: ts.TypeChecker): Mutant[] {
  const found: Mutant[] = [];
  const lines = source.text.split("\n");

  function put(kind: Kind, node: ts.Node, after: string, start = node.getStart(source), end = node.getEnd()): void {
    const line = source.getLineAndCharacterOfPosition(start).line;
    const before = source.text.slice(start, end);
    const text = (lines[line] as string).trim();
    found.push({ file, start, end, before, after, line: line + 1, text, kind, mark: markOf(node, source) });
  }

  const textOf = (node: ts.Node): string => node.getText(source);
  const inBrackets = (node: ts.Node): string =>
    ts.isObjectLiteralExpression(node) ? `(${textOf(node)})` : textOf(node);

  function mutateBinary(node: ts.BinaryExpression): void {
    const { operatorToken, left, right } = node;
    const operator = OPERATORS.get(operatorToken.kind);
    const joinsTexts = operatorToken.kind === K.PlusToken && isText(checker.getTypeAtLocation(node));
    if (operator !== undefined && !joinsTexts) {
      const [kind, ...others] = operator;
      for (const other of others) put(kind, operatorToken, other);
    }
    if (!HALVED.has(operatorToken.kind)) return;
    put("logic", node, textOf(left));
    put("logic", node, textOf(right));
  }

  function mutateUnary(node: ts.PrefixUnaryExpression | ts.PostfixUnaryExpression): void {
    const operand = textOf(node.operand);
    if (node.operator === K.ExclamationToken) put("boolean", node, operand);
    else if (node.operator === K.MinusToken) put("arithmetic", node, operand);
    else if (node.operator === K.PlusPlusToken || node.operator === K.MinusMinusToken) {
      const other = node.operator === K.PlusPlusToken ? "--" : "++";
      put("arithmetic", node, ts.isPrefixUnaryExpression(node) ? other + operand : operand + other);
    }
  }

  function mutateCondition(condition: ts.Expression, values: readonly string[]): void {
    if (condition.kind === K.TrueKeyword || condition.kind === K.FalseKeyword) return;
    for (const value of values) put("condition", condition, value);
  }

  function mutateResult(expression: ts.Expression): void {
    const type = checker.getTypeAtLocation(expression);
    for (const constant of constantsOf(type, checker)) {
      if (constant !== textOf(expression)) put("result", expression, constant);
    }
  }

  /** Takes an element, a field or an argument out of its list, with the comma that follows it. */
  function drop(list: ts.NodeArray<ts.Node>, node: ts.Node): void {
    const next = list[list.indexOf(node) + 1];
    const previous = list[list.indexOf(node) - 1];
    if (next !== undefined) put("field", node, "", node.getStart(source), next.getStart(source));
    else put("field", node, "", previous?.getEnd() ?? node.getStart(source));
  }

  function mutateCall(node: ts.CallExpression): void {
    if (node.arguments.length > 1) drop(node.arguments, node.arguments.at(-1) as ts.Expression);
    if (!ts.isPropertyAccessExpression(node.expression)) return;
    const { name, expression } = node.expression;
    const twin = TWINS.get(name.text);
    if (twin !== undefined) put("call", name, twin);
    if (SHAPING.has(name.text)) put("call", node, textOf(expression));
  }

  function mutateStatement(node: ts.Node): void {
    if (ts.isExpressionStatement(node)) {
      if (!ts.isStringLiteral(node.expression) && !textOf(node).startsWith("super(")) put("statement", node, ";");
    } else if (ts.isThrowStatement(node) || ts.isBreakOrContinueStatement(node)) put("statement", node, ";");
    else if (ts.isReturnStatement(node)) {
      if (node.expression === undefined) put("statement", node, ";");
      else mutateResult(node.expression);
    } else if (ts.isIfStatement(node)) mutateCondition(node.expression, ["true", "false"]);
    else if (ts.isWhileStatement(node) || ts.isDoStatement(node)) mutateCondition(node.expression, ["false"]);
  }

  function mutateExpression(node: ts.Node): void {
    if (ts.isBinaryExpression(node)) mutateBinary(node);
    else if (ts.isPrefixUnaryExpression(node) || ts.isPostfixUnaryExpression(node)) mutateUnary(node);
    else if (ts.isConditionalExpression(node)) {
      put("condition", node, inBrackets(node.whenTrue));
      put("condition", node, inBrackets(node.whenFalse));
    } else if (ts.isCallExpression(node)) mutateCall(node);
    else if (ts.isArrowFunction(node) && !ts.isBlock(node.body)) mutateResult(node.body);
    else if (ts.isObjectLiteralExpression(node)) for (const field of node.properties) drop(node.properties, field);
    else if (ts.isArrayLiteralExpression(node)) for (const element of node.elements) drop(node.elements, element);
    else mutateLiteral(node);
  }

  function mutateLiteral(node: ts.Node): void {
    if (node.kind === K.TrueKeyword) put("boolean", node, "false");
    else if (node.kind === K.FalseKeyword) put("boolean", node, "true");
    else if (ts.isNumericLiteral(node)) {
      for (const other of neighboursOf(textOf(node))) put("number", node, other);
    } else if (ts.isStringLiteral(node) && !/\s/.test(node.text)) {
      // Texts for people have blanks; how they are put is not the tests' business.
      put("string", node, node.text === "" ? '"mutated"' : '""');
    }
  }

  function visit(node: ts.Node): void {
    if (isInert(node)) return;
    mutateStatement(node);
    mutateExpression(node);
    ts.forEachChild(node, visit);
  }

  visit(source);
  return found;
}

/** The numbers one off. In the assembly `1.0` is no integer, and integers may be greater than a double can tell apart. */
function neighboursOf(literal: string): string[] {
  const value = Number(literal.replaceAll("_", ""));
  const others = (value === 0 ? [1] : [value + 1, value - 1]).filter((other) => Math.abs(other) <= 2 ** 53);
  return others.map((other) => (literal.includes(".") && Number.isInteger(other) ? `${other}.0` : String(other)));
}

/**
 * The text of a source with a mutant in it.
 *
 * @throws {CliError} when the text is not the one that the mutant was found in
 */
export function mutated(text: string, { file, start, end, before, after }: Mutant): string {
  if (text.slice(start, end) !== before) throw new CliError(`${file} has changed since its mutants were drawn`);
  return text.slice(0, start) + after + text.slice(end);
}

/** Whether a node is gone when the program runs, or says only where things come from. */
function isInert(node: ts.Node): boolean {
  return (
    ts.isTypeNode(node) ||
    ts.isImportDeclaration(node) ||
    ts.isExportDeclaration(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    ts.isDecorator(node)
  );
}
