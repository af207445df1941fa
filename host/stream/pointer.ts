/** Reads one value out of a parsed JSON document; undefined when it is not there. */
export type FieldReader = (document: unknown) => unknown;

/**
 * Compiles a field: text that starts with `/` is a JSON Pointer (RFC 6901), the empty text is the whole document, any
 * other text is the plain name of a member. Only own members are found, so `__proto__` and `constructor` are just names.
 *
 * @throws {SyntaxError} when a pointer has a `~` that is followed by neither 0 nor 1
 */
export function compileField(field: string): FieldReader {
  if (field === "") return (document) => document;
  if (!field.startsWith("/")) return (document) => member(document, field);
  if (/~(?![01])/.test(field)) throw new SyntaxError(`"${field}" is not a JSON Pointer: ~ must be written ~0`);
  const tokens = field
    .slice(1)
    .split("/")
    .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
  return (document) => {
    let value = document;
    for (const token of tokens) value = member(value, token);
    return value;
  };
}

function member(value: unknown, token: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  if (Array.isArray(value)) return /^(0|[1-9][0-9]*)$/.test(token) ? value[Number(token)] : undefined;
  return Object.hasOwn(value, token) ? (value as Record<string, unknown>)[token] : undefined;
}
