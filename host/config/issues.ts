import { distance } from "fastest-levenshtein";
import type * as z from "zod";
import type { Problem } from "./document.ts";
import { knownKeys } from "./schema.ts";

type Issue = z.core.$ZodIssue;

/** Whether what was found at a path must not be shown. */
export type IsHidden = (path: Problem["path"]) => boolean;

/** Turns an issue of the schema into problems in words; where `isHidden` says so, without what was found. */
export function describeIssue(issue: Issue, isHidden: IsHidden = () => false): Problem[] {
  const { path } = issue;
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => describeUnknownKey(path, key, isHidden([...path, key])));
    case "invalid_union":
      return describeUnion(issue.errors, path, isHidden);
    case "invalid_type":
      // An absent key: the schema sees undefined, and the place to look at is its parent.
      if (issue.input === undefined && path.length > 0) {
        return [{ path: path.slice(0, -1), message: `"${String(path.at(-1))}" is missing` }];
      }
      return [
        {
          path,
          message: `found ${describeInput(issue, isHidden(path))}, expected ${typeName(issue.expected)}${suggestBeside(issue)}`,
        },
      ];
    case "invalid_value": {
      const values = issue.values.map((value) => JSON.stringify(value));
      const hint =
        typeof issue.input === "string" && !isHidden(path) ? suggest(issue.input, issue.values.map(String)) : "";
      return [
        { path, message: `found ${describeInput(issue, isHidden(path))}, expected one of ${values.join(", ")}${hint}` },
      ];
    }
    case "invalid_key":
      return [
        {
          path: path.slice(0, -1),
          key: String(path.at(-1)),
          message: `"${String(path.at(-1))}" is not a name: letters, digits, _ . and - are allowed, 64 at most`,
        },
      ];
    case "too_small":
      if (issue.origin === "string") return [{ path, message: "the text is empty" }];
      if (issue.origin === "array") return [{ path, message: "the list is empty" }];
      return [
        {
          path,
          message: `found ${String(issue.input)}, expected ${issue.inclusive === false ? "more than" : "at least"} ${issue.minimum}`,
        },
      ];
    case "too_big":
      return [{ path, message: `found ${String(issue.input)}, expected at most ${issue.maximum}` }];
    default:
      return [{ path, message: issue.message }];
  }
}

/** A key that is hidden is shown only where a known one is near: then it is a slip of the pen and no secret. */
function describeUnknownKey(path: Problem["path"], key: string, isHidden: boolean): Problem {
  const keys = knownKeys(path);
  if (isHidden && suggest(key, keys) === "") {
    return { path, key, message: `unknown key, expected one of ${keys.join(", ")}` };
  }
  const above = path.slice(0, -1);
  const isOfAbove = path.length > 0 && knownKeys(above).includes(key);
  const where = isOfAbove ? `, it belongs beside "${String(path.at(-1))}"` : suggest(key, keys);
  return { path, key, message: `unknown key "${key}"${where || `, expected one of ${keys.join(", ")}`}` };
}

/** Answers which keys of a mapping, found where it has no place, belong beside it. */
function suggestBeside({ path, input }: Issue): string {
  if (typeof input !== "object" || input === null || path.length === 0) return "";
  const known = knownKeys(path.slice(0, -1));
  const keys = Object.keys(input).filter((key) => known.includes(key));
  if (keys.length === 0) return "";
  return `; ${keys.map((key) => `"${key}"`).join(", ")} ${keys.length === 1 ? "belongs" : "belong"} beside it`;
}

/** Answers `, did you mean "…"?` when one of the names is close to the text, else nothing. */
function suggest(text: string, names: readonly string[]): string {
  const close = names
    .map((name) => ({ name, edits: distance(text.toLowerCase(), name.toLowerCase()) }))
    .filter(({ name, edits }) => edits <= Math.max(1, Math.round(0.4 * Math.min(text.length, name.length))))
    .sort((a, b) => a.edits - b.edits);
  return close[0] === undefined ? "" : `, did you mean "${close[0].name}"?`;
}

/** The alternative that fits best is the one whose value has the right type. */
function describeUnion(alternatives: readonly Issue[][], path: readonly PropertyKey[], isHidden: IsHidden): Problem[] {
  const isWrongType = ({ code, path: inner }: Issue) => code === "invalid_type" && inner.length === 0;
  const best = alternatives.find((issues) => !issues.some(isWrongType)) ?? [];
  if (best.length > 0)
    return best.flatMap((issue) => describeIssue({ ...issue, path: [...path, ...issue.path] }, isHidden));
  const types = alternatives.flatMap(([issue]) => (issue?.code === "invalid_type" ? [typeName(issue.expected)] : []));
  return [{ path, message: `expected ${types.join(" or ")}` }];
}

function typeName(type: string): string {
  const names: Record<string, string> = {
    object: "a mapping",
    record: "a mapping",
    array: "a list",
    string: "text",
    boolean: "true or false",
    int: "a whole number",
  };
  return names[type] ?? `a ${type}`;
}

/** A value may be a secret, such as a password that is all digits. */
function describeInput({ path, input }: Issue, isHidden: boolean): string {
  if (isHidden && typeof input === "string") return "a text";
  const isText = path[0] === "broker" || (path[0] === "web" && path[1] === "token");
  return isText && typeof input === "number" ? "a number (write it in quotes)" : describeValue(input);
}

function describeValue(value: unknown): string {
  if (value === null) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a mapping";
  if (typeof value === "string") return value.length <= 40 ? `"${value}"` : "a long text";
  return typeof value === "number" ? `the number ${value}` : String(value);
}
