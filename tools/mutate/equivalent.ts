import { existsSync, readFileSync } from "node:fs";
import { parse } from "yaml";
import { CliError } from "../errors.ts";
import type { Mutant } from "./types.ts";

/** A mutant that no test can notice, and why. Found by its line's text, so that it stays known when lines move. */
interface Entry {
  /** The text of the line, without the blanks around it. */
  readonly line: string;
  readonly before: string;
  readonly after: string;
  readonly reason: string;
}

/** The equivalent mutants, by source file. */
export type Equivalents = ReadonlyMap<string, readonly Entry[]>;

/**
 * Reads the list of equivalent mutants.
 *
 * @throws {CliError} when an entry lacks a part
 */
export function readEquivalents(file: string): Equivalents {
  const document: unknown = existsSync(file) ? parse(readFileSync(file, "utf8")) : {};
  const lists = Object.entries((document ?? {}) as Record<string, unknown>);
  for (const [source, entries] of lists) {
    const isGood = Array.isArray(entries) && entries.every(isEntry);
    if (!isGood) throw new CliError(`${file}: ${source} is no list of {line, before, after, reason}, all texts`);
  }
  return new Map(lists as [string, Entry[]][]);
}

function isEntry(entry: unknown): entry is Entry {
  const { line, before, after, reason } = entry as Record<string, unknown>;
  return [line, before, after, reason].every((part) => typeof part === "string");
}

const matches = (entry: Entry, mutant: Mutant): boolean =>
  entry.line === mutant.text && entry.before === mutant.before && entry.after === mutant.after;

/** Whether a mutant is listed. */
export function isEquivalent(equivalents: Equivalents, mutant: Mutant): boolean {
  return (equivalents.get(mutant.file) ?? []).some((entry) => matches(entry, mutant));
}

/** Lists, as text, the entries of some files that no mutant answers to any more. */
export function staleEntries(equivalents: Equivalents, files: readonly string[], mutants: readonly Mutant[]): string[] {
  return files.flatMap((file) => {
    const own = mutants.filter((mutant) => mutant.file === file);
    return (equivalents.get(file) ?? [])
      .filter((entry) => !own.some((mutant) => matches(entry, mutant)))
      .map(({ line, before, after }) => `${file}: ${before} → ${after} in "${line}"`);
  });
}
