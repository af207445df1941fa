import type { Runner } from "./runner.ts";
import type { Result } from "./types.ts";

/** A test file, as it runs without a mutant. */
export interface TestFile {
  readonly file: string;
  readonly seconds: number;
}

/** What is told while it works. */
export interface Progress {
  note(line: string): void;
  tried(result: Result): void;
}

/** What mutants are tried with. */
export interface Trial {
  /** Root of the copy in which sources may be broken. */
  readonly root: string;
  readonly runner: Runner;
  /** Only test files whose path begins with one of these; all when empty. */
  readonly tests: readonly string[];
  readonly progress: Progress;
}
