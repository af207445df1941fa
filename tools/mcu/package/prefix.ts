// Two packages in one firmware: all names of the second have a prefix of their own.

import type { PackageFile } from "./types.ts";

/** What names begin with unless somebody wants otherwise. */
export const DEFAULT_PREFIX = "rivulet";

/** Whether a text can stand in front of names in C and CMake, and of files. */
export const isPrefix = (text: string): boolean => /^[a-z][a-z0-9]{0,30}(_[a-z0-9]+)*$/.test(text);

/** The files with `prefix` in place of `rivulet` in names of files, functions, types, macros and targets. */
export function withPrefix(files: readonly PackageFile[], prefix: string): readonly PackageFile[] {
  if (prefix === DEFAULT_PREFIX) return files;
  return files.map(({ path, text }) => ({ path: renamed(path, prefix), text: renamed(text, prefix) }));
}

/** Names, and no words of prose such as "`rivulet build` wrote it". */
const renamed = (text: string, prefix: string): string =>
  text
    .replace(/RIVULET(?![a-z])/g, prefix.toUpperCase())
    .replace(/\brivulet(?=_|\.[ch]\b|::|-targets|-config)|(?<=::)rivulet\b/g, prefix)
    .replace(
      /\b(project|find_package|add_library|target_\w+|install\(TARGETS|rivulet::\w+ ALIAS)(\(| )rivulet\b/g,
      (_, word, between) => `${word}${between}${prefix}`,
    )
    .replace(/(?<=\/cmake\/|ALIAS )rivulet\b/g, prefix);
