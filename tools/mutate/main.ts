// `npm run mutate -- FOLDER...`: puts small faults into sources, one at a time, and lists those that no test notices.

import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { CliError } from "../errors.ts";
import { mulberry32 } from "../random.ts";
import { endCommands } from "./commands.ts";
import { openCompiler } from "./compiler.ts";
import { copyCheckout } from "./copy.ts";
import { isEquivalent, readEquivalents, staleEntries } from "./equivalent.ts";
import { tryKernelMutants } from "./kernels.ts";
import { mutantsOf } from "./mutants.ts";
import { mutantLine, summary } from "./report.ts";
import { Runner } from "./runner.ts";
import { compiles, sampled } from "./sample.ts";
import { tryMutants } from "./try.ts";
import type { Mutant, Result } from "./types.ts";
import { serve } from "./worker.ts";

const EQUIVALENTS = "tools/mutate/equivalent.yaml";

interface Options {
  readonly count: number;
  readonly seed: number;
  readonly tests: readonly string[];
  readonly json?: string;
  readonly again?: string;
  readonly list?: boolean;
}

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError("Not a whole number.");
  return Number(text);
}

/** The TypeScript sources that paths name or contain. */
function sourcesOf(places: readonly string[]): string[] {
  return places
    .flatMap((place) => {
      if (!existsSync(place)) throw new CliError(`${place}: There is no such file or folder`);
      if (!statSync(place).isDirectory()) return [place];
      return readdirSync(place, { recursive: true, encoding: "utf8" }).map((file) => path.join(place, file));
    })
    .filter((file) => file.endsWith(".ts") && !file.endsWith(".d.ts"))
    .map((file) => path.relative(".", file))
    .sort();
}

/** What a survivor is found again by: its file, its line's text and what changes in it. */
const keyOf = ({ file, text, before, after }: Mutant): string => JSON.stringify([file, text, before, after]);

/** The mutants that survived in a report of `--json`. */
function survivorsIn(report: string): ReadonlySet<string> {
  const { results } = JSON.parse(readFileSync(report, "utf8")) as { results: readonly Result[] };
  const survivors = results.filter(({ outcome }) => outcome === "survived" || outcome === "unreached");
  return new Set(survivors.map(({ mutant }) => keyOf(mutant)));
}

async function mutate(places: readonly string[], options: Options): Promise<void> {
  const start = performance.now();
  const files = sourcesOf(places);
  if (files.length === 0) throw new CliError(`${places.join(", ")}: There are no TypeScript sources`);
  const ofAssembly = files.filter((file) => file.startsWith("assembly/"));
  if (ofAssembly.length > 0 && ofAssembly.length < files.length) {
    throw new CliError("Found sources of assembly/ and others, expected one kind: they are tried in different ways");
  }
  const compiler = openCompiler(ofAssembly.length > 0 ? "assembly/tsconfig.json" : "tsconfig.json");
  const all = files.flatMap((file) => mutantsOf(file, compiler.source(file), compiler.checker()));
  const equivalents = readEquivalents(EQUIVALENTS);
  const stale = staleEntries(equivalents, files, all);
  const told = all.filter((mutant) => !isEquivalent(equivalents, mutant));
  const again = options.again === undefined ? undefined : survivorsIn(options.again);
  const pool = again === undefined ? told : told.filter((mutant) => again.has(keyOf(mutant)));
  const chosen = sampled(pool, options.count, mulberry32(options.seed), (mutant) => compiles(compiler, mutant));
  console.log(`${chosen.length} of ${all.length} mutants in ${files.length} files, seed ${options.seed}`);
  if (options.list) return console.log(chosen.map(mutantLine).join("\n"));

  const results = await tryInCopy(chosen, options);
  const seconds = (performance.now() - start) / 1000;
  for (const entry of stale) console.log(`No longer there, take it out of ${EQUIVALENTS}: ${entry}`);
  console.log(summary(results, all.length - told.length, seconds));
  if (options.json !== undefined) {
    writeFileSync(options.json, `${JSON.stringify({ seed: options.seed, seconds, results }, null, 1)}\n`);
  }
}

async function tryInCopy(mutants: readonly Mutant[], { tests }: Options): Promise<Result[]> {
  const copy = copyCheckout();
  const runner = new Runner(copy.root);
  const clean = () => {
    runner.stop();
    endCommands();
    copy.remove();
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => {
      clean();
      process.exit(1);
    });
  }
  let noticed = 0;
  let tried = 0;
  const progress = {
    note: (line: string) => console.log(line),
    tried({ mutant, outcome }: Result) {
      tried++;
      if (outcome === "killed" || outcome === "hang") noticed++;
      else if (outcome !== "same" && outcome !== "invalid") console.log(`${outcome}  ${mutantLine(mutant)}`);
      const count = `${tried} of ${mutants.length}, ${noticed} killed`;
      if (process.stderr.isTTY) process.stderr.write(`\r${count} \r`);
      else if (tried % 10 === 0) process.stderr.write(`${count}\n`);
    },
  };
  try {
    const attempt = mutants[0]?.file.startsWith("assembly/") ? tryKernelMutants : tryMutants;
    return await attempt(mutants, { root: copy.root, runner, tests, progress });
  } finally {
    clean();
  }
}

if (process.argv[2] === "--worker") await serve(process.argv[3] as string);
else {
  const program = new Command("npm run mutate --")
    .description("Puts small faults into sources, one at a time in a copy, and lists those that no test notices.")
    .argument("<places...>", "folders and files, as in host/mqtt")
    .option("--count <n>", "how many mutants, drawn by chance", wholeNumber, 150)
    .option("--seed <n>", "equal seeds draw equal mutants", wholeNumber, 1)
    .option("--tests <prefixes...>", "only test files whose path begins so, as in test/mqtt", [])
    .option("--json <file>", "writes what became of every mutant")
    .option("--again <file>", "tries the survivors of that report again")
    .option("--list", "prints the mutants and tries none")
    .action(mutate);
  await program.parseAsync().catch((error: unknown) => {
    if (!(error instanceof CliError)) throw error;
    program.error(error.message);
  });
}
