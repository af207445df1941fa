import { ModelFormatError } from "./errors.ts";

const MAX_DEPTH = 64;
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\]:]/g;

/**
 * Parses JSON that is nested at most 64 deep and names no key of an object twice, so that every reader sees the same document.
 *
 * @throws {ModelFormatError} with `field` when the text is anything else
 */
export function parseJson(text: string, field: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ModelFormatError(field, `not JSON: ${printable((cause as Error).message)}`, { cause });
  }
  checkObjects(text, field);
  return value;
}

/** Walks over the brackets and keys of `text`, which is valid JSON. */
function checkObjects(text: string, field: string): void {
  const open: Set<string>[] = [];
  let last = "";
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === "{" || token === "[") {
      open.push(new Set());
      if (open.length > MAX_DEPTH) throw new ModelFormatError(field, `nested deeper than ${MAX_DEPTH} levels`);
    } else if (token === "}" || token === "]") {
      open.pop();
    } else if (token === ":") {
      const keys = open.at(-1);
      const key = JSON.parse(last) as string;
      if (keys?.has(key)) throw new ModelFormatError(field, `the key ${show(key)} stands twice in an object`);
      keys?.add(key);
    }
    last = token;
  }
}

/** True for a JSON object: not null, not an array. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Escapes what would upset a terminal: control characters and halves of surrogate pairs. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cs}]/gu, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Shows a key of a file in an error message: shortened, and safe for a terminal. */
export function showKey(key: string): string {
  return printable(key.length > 64 ? `${key.slice(0, 64)}…` : key);
}

/** Shows a JSON value in an error message: shortened, and safe for a terminal. */
export function show(value: unknown): string {
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (isObject(value)) return "an object";
  if (typeof value !== "string") return String(value);
  return printable(JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value));
}
