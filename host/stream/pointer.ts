import { PayloadError } from "./payload-error.ts";

/** Reads one value out of a parsed JSON document; undefined when it is not there. */
export type FieldReader = (document: unknown) => unknown;

/** Finds elements of a document, in its order, each with what the captures of the pointer matched. */
export type ElementFinder = (document: unknown) => readonly Found[];

/** An element of a document. */
export interface Found {
  readonly element: unknown;
  /** Names of members, by capture. */
  readonly captures: ReadonlyMap<string, string>;
}

/** The step of a pointer: from a value to one below it. */
type Step = (value: unknown) => unknown;

const CAPTURE = /^\{([A-Za-z_][A-Za-z0-9_]*)\}$/;
/** `e[n=temperature]`: of the array `e`, the element whose member `n` is `temperature`. */
const SELECTOR = /^([^[\]]*)\[([^[\]=]+)=([^\]]*)\]$/;
const NO_CAPTURES: Found["captures"] = new Map();

/**
 * Compiles a field: text that starts with `/` is a JSON Pointer (RFC 6901), the empty text is the whole document, any
 * other text is the plain name of a member. Only own members are found, so `__proto__` and `constructor` are just names.
 * Beyond the RFC, `/e[n=temperature]/v` chooses the element of an array by the value of a member, and `*` stands for the one
 * member below which the rest of the pointer leads to something; where several do, the reader throws a {@link PayloadError}.
 *
 * @throws {SyntaxError} when a pointer has a `~` that is followed by neither 0 nor 1, or more than one `*`
 */
export function compileField(field: string): FieldReader {
  if (field === "") return (document) => document;
  if (!field.startsWith("/")) return (document) => member(document, field);
  const tokens = tokensOf(field);
  const any = tokens.indexOf("*");
  if (any >= 0) return compileAny(field, tokens.slice(0, any), tokens.slice(any + 1));
  return compileSteps(tokens);
}

function compileSteps(tokens: readonly string[]): FieldReader {
  const steps = tokens.map(compileStep);
  return (document) => {
    let value = document;
    for (const step of steps) value = step(value);
    return value;
  };
}

/** A member of any name, which must be the only one: two sensors of a kind are two inputs. */
function compileAny(field: string, before: readonly string[], after: readonly string[]): FieldReader {
  if (after.includes("*")) throw new SyntaxError(`"${field}" has more than one *`);
  const [find, read] = [compileSteps(before), compileSteps(after)];
  return (document) => {
    const parent = find(document);
    if (typeof parent !== "object" || parent === null) return undefined;
    const found = Object.entries(parent)
      .map(([name, value]) => ({ name, value: read(value) }))
      .filter(({ value }) => value !== undefined);
    if (found.length < 2) return found[0]?.value;
    const names = found.map(({ name }) => [...before, name, ...after].map((token) => `/${token}`).join(""));
    throw new PayloadError("ambiguous", `Field "${field}" may be ${names.slice(0, 3).join(" or ")}; name one of them`);
  };
}

/**
 * Compiles a pointer to several elements: those of the array that it points to, or the one thing that is no array. A
 * token such as `{device}` stands for every member of an object and captures its name.
 *
 * @throws {SyntaxError} when the pointer is malformed
 */
export function compileElements(pointer: string): ElementFinder & { readonly names: readonly string[] } {
  const text = pointer === "" || pointer.startsWith("/") ? pointer : `/${pointer}`;
  const tokens = text === "" ? [] : tokensOf(text);
  const steps = tokens.map((token) => CAPTURE.exec(token)?.[1] ?? compileStep(token));
  const names = steps.filter((step) => typeof step === "string");
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (repeated !== undefined) throw new SyntaxError(`capture {${repeated}} occurs twice`);
  const find = (document: unknown): Found[] => {
    let found: Found[] = [{ element: document, captures: NO_CAPTURES }];
    for (const step of steps) found = found.flatMap((one) => advance(one, step));
    return found.flatMap(({ element, captures }) => {
      if (element === undefined || element === null) return [];
      return Array.isArray(element)
        ? element.map((one: unknown) => ({ element: one, captures }))
        : [{ element, captures }];
    });
  };
  return Object.assign(find, { names });
}

/** Tells whether a field chooses an element of an array by its position alone, which no sender promises to keep. */
export function isPositional(field: string): boolean {
  return field.startsWith("/") && tokensOf(field).some((token) => INDEX.test(token));
}

function advance({ element, captures }: Found, step: Step | string): Found[] {
  if (typeof step !== "string") return [{ element: step(element), captures }];
  if (typeof element !== "object" || element === null || Array.isArray(element)) return [];
  return Object.entries(element).map(([name, one]) => ({ element: one, captures: new Map(captures).set(step, name) }));
}

function tokensOf(pointer: string): string[] {
  if (/~(?![01])/.test(pointer)) throw new SyntaxError(`"${pointer}" is not a JSON Pointer: ~ must be written ~0`);
  return pointer
    .slice(1)
    .split("/")
    .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function compileStep(token: string): Step {
  const selector = SELECTOR.exec(token);
  if (selector === null) return (value) => member(value, token);
  const [, array = "", key = "", wanted = ""] = selector;
  return (value) => {
    const elements = array === "" ? value : member(value, array);
    if (!Array.isArray(elements)) return undefined;
    return elements.find((element) => isNamed(member(element, key), wanted));
  };
}

function isNamed(value: unknown, wanted: string): boolean {
  return typeof value !== "object" && value !== undefined && String(value) === wanted;
}

const INDEX = /^(0|[1-9][0-9]*)$/;

function member(value: unknown, token: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  if (Array.isArray(value)) return INDEX.test(token) ? value[Number(token)] : undefined;
  return Object.hasOwn(value, token) ? (value as Record<string, unknown>)[token] : undefined;
}
