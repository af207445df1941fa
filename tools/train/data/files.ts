// DATA of the command line → files: names, folders, and patterns that no shell has expanded.

import { existsSync, readdirSync, statSync } from "node:fs";
import path from "node:path";
import { CliError } from "../../errors.ts";

/** Ends of the names of files in a folder that are read. */
const ENDS = [".csv", ".tsv", ".ndjson", ".jsonl"];

/**
 * Lists the files that are meant, each once, those of a folder or a pattern in the order of their names.
 *
 * @param names  files, folders, or patterns with `*` and `?` in their last part
 * @throws {CliError} when one of them names nothing
 */
export function findDataFiles(names: readonly string[]): string[] {
  return [...new Set(names.flatMap(filesOf))];
}

function filesOf(name: string): string[] {
  if (name === "-") throw new CliError("Standard input is read once only; training reads its data twice: give a file");
  if (existsSync(name)) return statSync(name).isDirectory() ? filesBelow(name) : [name];
  const base = path.basename(name);
  if (!/[*?]/.test(base)) throw new CliError(`${name}: There is no such file or folder`);
  const folder = path.dirname(name);
  const pattern = patternOf(base);
  const found = existsSync(folder) ? readdirSync(folder).filter((file) => pattern.test(file)) : [];
  if (found.length === 0) throw new CliError(`${name}: No file is named like this`);
  return found.sort().map((file) => path.join(folder, file));
}

function filesBelow(folder: string): string[] {
  const found = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => ENDS.some((end) => file.endsWith(end)))
    .sort()
    .map((file) => path.join(folder, file));
  if (found.length > 0) return found;
  throw new CliError(`${folder}: The folder holds no file that ends with ${ENDS.join(", ")}`);
}

/** A pattern of file names as a regular expression. */
function patternOf(glob: string): RegExp {
  const source = glob
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source}$`);
}
