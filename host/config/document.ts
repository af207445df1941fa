import { isAlias, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument } from "yaml";
import { isNestedTooDeeply } from "./nesting.ts";

/** A path into a configuration, e.g. `["streams", "pump", "inputs", 0]`. */
export type Path = readonly PropertyKey[];

/** Something wrong in a configuration. */
export interface Problem {
  /** Where; empty for the whole file. */
  readonly path: Path;
  readonly message: string;
  /** The key at fault, when it is not the value. */
  readonly key?: string;
  /** Character offset in the text, when there is no path. */
  readonly offset?: number;
}

/** A configuration that cannot be used; the message has a line for each problem. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** A parsed YAML file that can tell where a value stands. */
export interface ConfigDocument {
  /** Name of the file as the user gave it. */
  readonly file: string;
  /** Its value, as plain data. */
  readonly value: unknown;
  /** Makes the error that tells all problems, in the order of the file. */
  error(problems: readonly Problem[]): ConfigError;
}

/**
 * Parses YAML (JSON is YAML too).
 *
 * @throws {ConfigError} when it is malformed
 */
export function parseConfigDocument(text: string, file: string): ConfigDocument {
  const lines = new LineCounter();
  const document = parse(text, file, lines);
  const error = (problems: readonly Problem[]) => {
    const located = problems.map((problem) => ({ problem, offset: problem.offset ?? findOffset(document, problem) }));
    located.sort((a, b) => a.offset - b.offset);
    return new ConfigError(
      located.map(({ problem, offset }) => describeProblem(file, lines.linePos(offset), problem)).join("\n"),
    );
  };
  if (document.errors.some(({ message }) => message.includes("call stack"))) {
    throw new ConfigError(`${file}: ${TOO_DEEP}`);
  }
  if (document.errors.length > 0) {
    throw error(document.errors.map((found) => ({ path: [], message: describeYaml(found), offset: found.pos[0] })));
  }
  try {
    return { file, value: document.toJS(), error };
  } catch (cause) {
    throw new ConfigError(`${file}: ${describeValueError(cause)}`, { cause });
  }
}

/** Prints a path as `streams.pump.inputs[0]`. */
export function formatPath(path: Path): string {
  return path
    .map((step, index) => (typeof step === "number" ? `[${step}]` : `${index > 0 ? "." : ""}${String(step)}`))
    .join("");
}

function describeProblem(file: string, { line, col }: { line: number; col: number }, problem: Problem): string {
  const path = formatPath(problem.path);
  return `${file}:${line}:${col} ${path === "" ? "" : `${path}: `}${problem.message}`;
}

/** The start of the deepest node of the path that exists, or of the key at fault. */
function findOffset(document: ReturnType<typeof parseDocument>, { path, key }: Problem): number {
  let node: unknown = document.contents;
  let offset = isNode(node) ? (node.range?.[0] ?? 0) : 0;
  const steps = key === undefined ? path : [...path, key];
  for (const [index, step] of steps.entries()) {
    if (isAlias(node)) node = node.resolve(document);
    if (isSeq(node)) {
      node = node.items[Number(step)];
    } else if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(step));
      if (pair === undefined) break;
      const isKey = key !== undefined && index === steps.length - 1;
      // A value may be missing ("model:"); its key stands for it then.
      node = isKey || !isNode(pair.value) || isMap(pair.value) ? pair.key : pair.value;
      if (isNode(node)) offset = node.range?.[0] ?? offset;
      node = isKey ? undefined : pair.value;
      continue;
    }
    if (!isNode(node)) break;
    offset = node.range?.[0] ?? offset;
  }
  return offset;
}

const TOO_DEEP = "the file is nested too deeply";

/** `logLevel`: a warning of the library would show keys. */
function parse(text: string, file: string, lineCounter: LineCounter): ReturnType<typeof parseDocument> {
  if (isNestedTooDeeply(text)) throw new ConfigError(`${file}: ${TOO_DEEP}`);
  try {
    return parseDocument(text, { lineCounter, prettyErrors: false, logLevel: "error" });
  } catch (cause) {
    throw new ConfigError(`${file}: ${cause instanceof RangeError ? TOO_DEEP : "this is not YAML"}`, { cause });
  }
}

/** Messages of the library that quote the file, which may hold secrets at that place; by its code. */
const QUOTING: Readonly<Record<string, string>> = {
  BAD_ALIAS: "malformed alias (a text that begins with * needs quotes)",
  BAD_COLLECTION_TYPE: "unresolved tag (a text that begins with ! needs quotes)",
  BAD_DIRECTIVE: "malformed directive (a line that begins with %)",
  BAD_DQ_ESCAPE: "malformed escape in a text in double quotes (a backslash is written as \\\\ there)",
  BAD_SCALAR_START: "a text cannot begin with this character; put it in quotes",
  IMPOSSIBLE: "this is not YAML",
  TAG_RESOLVE_FAILED: "unresolved tag (a text that begins with ! needs quotes)",
  UNEXPECTED_TOKEN: "unexpected text; is a quote, a comma or a colon missing?",
};

/** What is wrong with YAML, in words that hold nothing of the file. */
function describeYaml({ code, message }: { readonly code: string; readonly message: string }): string {
  if (/call stack/.test(message)) return TOO_DEEP;
  return QUOTING[code] ?? (message.split("\n", 1)[0] as string).replace(/["'`].*/, "…");
}

function describeValueError(cause: unknown): string {
  if (cause instanceof RangeError) return TOO_DEEP;
  const message = cause instanceof Error ? cause.message : String(cause);
  if (/^Unresolved alias/.test(message)) return "an alias (*name) has no anchor (&name) before it";
  return /^Excessive alias count/.test(message) ? message : "a value cannot be read";
}
