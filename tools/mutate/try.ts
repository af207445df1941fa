// Tries mutants of TypeScript: one run of the tests notes which test files come by which mutant, then each mutant meets its own, quickest first.

import { rmSync } from "node:fs";
import path from "node:path";
import { distancesFrom, importGraph } from "./imports.ts";
import { withMarks } from "./marks.ts";
import { mutated } from "./mutants.ts";
import type { TestFile, Trial } from "./trial.ts";
import type { Mutant, Result } from "./types.ts";
import { HITS } from "./worker.ts";

/** A test file that runs longer than this many times its time without a mutant, plus ten seconds, hangs. */
const PATIENCE = 5;
const GRACE_MS = 10_000;

/** A test file, with the numbers of the mutants that it comes by. */
interface WatchedFile extends TestFile {
  readonly hits: ReadonlySet<number>;
}

/** Tries mutants one after the other. */
export async function tryMutants(mutants: readonly Mutant[], trial: Trial): Promise<Result[]> {
  const tests = await watchTests(mutants, trial);
  const results: Result[] = [];
  for (const [id, mutant] of mutants.entries()) {
    const own = tests.filter(({ hits }) => hits.has(id));
    const result = await tryMutant(mutant, own, trial);
    trial.progress.tried(result);
    results.push(result);
  }
  return results;
}

/** Runs the test files that may come by the mutants, with marks in the sources. Quickest first. */
async function watchTests(
  mutants: readonly Mutant[],
  { root, runner, tests, progress }: Trial,
): Promise<WatchedFile[]> {
  const sources = [...new Set(mutants.map(({ file }) => file))];
  const all = await runner.testFiles();
  const graph = importGraph(root, all);
  const related = all.filter((file) => {
    const reached = distancesFrom(graph, file);
    return sources.some((source) => reached.has(source)) && isChosen(file, tests);
  });
  progress.note(
    `${related.length} of ${all.length} test files import what is mutated; they run once without a mutant.`,
  );

  const originals = new Map<string, string>();
  for (const file of sources) {
    const ids = [...mutants.keys()].filter((id) => mutants[id]?.file === file);
    const own = ids.map((id) => mutants[id] as Mutant);
    originals.set(file, runner.read(file));
    runner.write(file, withMarks(runner.read(file), own, ids));
  }
  const watched: WatchedFile[] = [];
  for (const file of related) {
    rmSync(path.join(root, HITS), { recursive: true, force: true });
    const { passed, hits, seconds, failure } = await runner.run(file, { bail: false, limitMs: 600_000 });
    if (passed) watched.push({ file, seconds, hits: new Set(hits) });
    else progress.note(`${file} fails without a mutant and is not used: ${failure}`);
  }
  for (const [file, text] of originals) runner.write(file, text);
  return watched.sort((a, b) => a.seconds - b.seconds);
}

/** Whether a test file is among those that were asked for. */
export const isChosen = (file: string, chosen: readonly string[]): boolean =>
  chosen.length === 0 || chosen.some((prefix) => file.startsWith(prefix));

async function tryMutant(mutant: Mutant, tests: readonly TestFile[], { runner }: Trial): Promise<Result> {
  if (tests.length === 0) return { mutant, outcome: "unreached", seconds: 0 };
  const { file } = mutant;
  const original = runner.read(file);
  const start = performance.now();
  const elapsed = () => (performance.now() - start) / 1000;
  runner.write(file, mutated(original, mutant));
  try {
    for (const test of tests) {
      const limitMs = GRACE_MS + PATIENCE * 1000 * test.seconds;
      const { passed, hung, failure } = await runner.run(test.file, { bail: true, limitMs });
      const by = `${test.file}${failure && `: ${failure}`}`;
      if (!passed) return { mutant, outcome: hung ? "hang" : "killed", by, seconds: elapsed() };
    }
    return { mutant, outcome: "survived", seconds: elapsed() };
  } finally {
    runner.write(file, original);
  }
}
