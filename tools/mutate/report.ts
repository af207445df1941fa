import type { Mutant, Result } from "./types.ts";

const oneLine = (text: string): string => {
  const short = text.replace(/\s+/g, " ");
  return short.length > 80 ? `${short.slice(0, 77)}...` : short;
};

/** A mutant in a line: `host/run.ts:12  number  "3" → "4"  in: const LIMIT = 3;`. */
export function mutantLine({ file, line, kind, before, after, text }: Mutant): string {
  return `${file}:${line}  ${kind}  ${oneLine(before)} → ${oneLine(after) || "(nothing)"}  in: ${oneLine(text)}`;
}

const isNoticed = ({ outcome }: Result): boolean => outcome === "killed" || outcome === "hang";

/** Whether a mutant says something about the tests. */
const counts = ({ outcome }: Result): boolean => outcome !== "same" && outcome !== "invalid";

/** Share of the mutants that a test noticed; 1 when there are none. */
const killRate = (results: readonly Result[]): number =>
  results.length === 0 ? 1 : results.filter(isNoticed).length / results.length;

/** The kill rates of every folder and of all. */
export function summary(all: readonly Result[], equivalents: number, seconds: number): string {
  const results = all.filter(counts);
  const folderOf = ({ mutant }: Result) => mutant.file.slice(0, mutant.file.lastIndexOf("/"));
  const folders = [...new Set(results.map(folderOf))].sort();
  const lines = folders.map((folder) => `  ${folder}: ${rate(results.filter((one) => folderOf(one) === folder))}`);
  const number = (outcome: Result["outcome"]) => all.filter((result) => result.outcome === outcome).length;
  const each = all.length === 0 ? 0 : seconds / all.length;
  const idle = all.length - results.length;
  return [
    ...(lines.length > 1 ? lines : []),
    `Kill rate ${rate(results)}; ${number("survived")} survived, ${number("unreached")} that no test comes by, ` +
      `${number("hang")} killed by hanging; ${equivalents} listed as equivalent and ${idle} that change no module or do not compile left out; ${each.toFixed(1)} s a mutant`,
  ].join("\n");
}

const rate = (results: readonly Result[]): string =>
  `${(100 * killRate(results)).toFixed(0)} % (${results.filter(isNoticed).length} of ${results.length})`;
