import { readFileSync } from "node:fs";
import type { Compiler } from "./compiler.ts";
import { mutated } from "./mutants.ts";
import type { Mutant } from "./types.ts";

/** Some elements of a list in the order of a shuffle, as many as pass the test and no more than `count`. */
export function sampled<T>(
  all: readonly T[],
  count: number,
  random: () => number,
  passes: (element: T) => boolean,
): T[] {
  const pool = [...all];
  const chosen: T[] = [];
  while (chosen.length < count && pool.length > 0) {
    const [element] = pool.splice(Math.floor(random() * pool.length), 1) as [T];
    if (passes(element)) chosen.push(element);
  }
  return chosen;
}

/** Whether the source of a mutant compiles: what the compiler notices, no test has to. */
export const compiles = (compiler: Compiler, mutant: Mutant): boolean =>
  compiler.compiles(mutant.file, mutated(readFileSync(mutant.file, "utf8"), mutant));
