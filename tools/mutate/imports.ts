import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import ts from "typescript";

/** Which files of the checkout each file imports, by paths from its root. */
export type ImportGraph = ReadonlyMap<string, readonly string[]>;

/** A file with its extension, for asc leaves it out. */
const resolve = (root: string, from: string, name: string): string | undefined =>
  [name, `${name}.ts`]
    .map((candidate) => path.posix.join(path.posix.dirname(from), candidate))
    .find((candidate) => /\.[cm]?[tj]s$/.test(candidate) && existsSync(path.join(root, candidate)));

/** Lists the files of the checkout that a file imports, at once or when it runs. */
function importsOf(root: string, file: string): string[] {
  const { importedFiles } = ts.preProcessFile(readFileSync(path.join(root, file), "utf8"), true, true);
  return importedFiles.flatMap(({ fileName }) =>
    fileName.startsWith(".") ? (resolve(root, file, fileName) ?? []) : [],
  );
}

/** Follows imports from some files of a checkout to everything that they reach. */
export function importGraph(root: string, entries: readonly string[]): ImportGraph {
  const graph = new Map<string, readonly string[]>();
  const open = [...entries];
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (graph.has(file)) continue;
    const imports = importsOf(root, file);
    graph.set(file, imports);
    open.push(...imports);
  }
  return graph;
}

/** How many imports lead from a file to each that it reaches; 0 to itself. */
export function distancesFrom(graph: ImportGraph, start: string): ReadonlyMap<string, number> {
  const distances = new Map([[start, 0]]);
  // A map goes on to what is added while it is walked.
  for (const [file, distance] of distances) {
    for (const next of graph.get(file) ?? []) if (!distances.has(next)) distances.set(next, distance + 1);
  }
  return distances;
}
