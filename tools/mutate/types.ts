/** A small fault: a stretch of a source's text, and what takes its place. */
export interface Mutant {
  /** Path from the root of the repository, as in `host/model/spec.ts`. */
  readonly file: string;
  /** Offset of the first character that is replaced, and of the first after. */
  readonly start: number;
  readonly end: number;
  /** The text there, and what takes its place. */
  readonly before: string;
  readonly after: string;
  /** From 1. */
  readonly line: number;
  /** The line, without the blanks around it. */
  readonly text: string;
  readonly kind: Kind;
  /** Where a call can stand that tells whether a test comes here. */
  readonly mark: Mark;
}

export type Kind =
  | "comparison"
  | "arithmetic"
  | "logic"
  | "condition"
  | "boolean"
  | "number"
  | "string"
  | "statement"
  | "result"
  | "field"
  | "call";

/** A place for a call: before a statement, or around a statement or an expression that stands alone. */
export interface Mark {
  readonly form: "before" | "statement" | "expression";
  readonly start: number;
  readonly end: number;
}

/**
 * What became of a mutant. `unreached`: no test comes by it. `same`: the compiler makes the same modules of it;
 * `invalid`: it does not compile: neither counts.
 */
export type Outcome = "killed" | "hang" | "survived" | "unreached" | "same" | "invalid";

export interface Result {
  readonly mutant: Mutant;
  readonly outcome: Outcome;
  /** The test file, or the compiler, that noticed. */
  readonly by?: string;
  readonly seconds: number;
}
