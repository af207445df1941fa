import ts from "typescript";

const is = (type: ts.Type, flags: ts.TypeFlags): boolean => (type.flags & flags) !== 0;

const parts = (type: ts.Type): readonly ts.Type[] => (type.isUnion() ? type.types : [type]);

/** Whether every value of a type is a text. */
export function isText(type: ts.Type): boolean {
  return parts(type).every((part) => is(part, ts.TypeFlags.StringLike));
}

/** Constants that a function may return in place of a value of this type, as source text. */
export function constantsOf(type: ts.Type, checker: ts.TypeChecker): string[] {
  const all = parts(type);
  if (all.every((part) => is(part, ts.TypeFlags.BooleanLike))) return ["true", "false"];
  if (all.every((part) => is(part, ts.TypeFlags.NumberLike))) return ["0", "1"];
  if (isText(type)) return ['""'];
  if (all.some((part) => is(part, ts.TypeFlags.Undefined | ts.TypeFlags.Void))) return ["undefined"];
  if (all.some((part) => is(part, ts.TypeFlags.Null))) return ["null"];
  if (all.every((part) => checker.isArrayType(part))) return ["[]"];
  return [];
}
