// Where a trained model comes from, as the model file tells it.

import path from "node:path";
import { version } from "../../package.json";
import type { Data } from "./data/read.ts";

/** Most characters of the list of files. */
const MOST_CHARACTERS = 200;

/** Data, options and version: what it takes to make the same model again. */
export function provenanceOf(
  files: readonly string[],
  data: Data,
  options: Readonly<Record<string, string | number | boolean | undefined>>,
): Record<string, string> {
  const given = Object.entries(options).filter(([, value]) => value !== undefined && value !== false);
  return {
    data: namesOf(files),
    data_sha256: data.hash,
    rows: String(data.rows),
    ...(given.length > 0 && {
      options: given.map(([name, value]) => (value === true ? name : `${name} ${value}`)).join(", "),
    }),
    trained_by: `rivulet ${version}`,
  };
}

/** What data are called: the names of their files, of many the first and their number. */
export function namesOf(files: readonly string[]): string {
  const names = files.map((file) => path.basename(file)).join(", ");
  if (names.length <= MOST_CHARACTERS) return names;
  return `${path.basename(files[0] as string).slice(0, MOST_CHARACTERS)} and ${files.length - 1} more`;
}
