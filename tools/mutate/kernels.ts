// Tries mutants of the assembly: the specs that reach the file, nearest first, in both builds; then, if the modules that are published
// change at all, the tests of what they compute.

import { readdirSync } from "node:fs";
import path from "node:path";
import { runScript } from "./commands.ts";
import { distancesFrom, importGraph } from "./imports.ts";
import { mutated } from "./mutants.ts";
import type { TestFile, Trial } from "./trial.ts";
import { isChosen } from "./try.ts";
import type { Mutant, Result } from "./types.ts";

/** Tests of what the modules compute: those of the host's kernels, and of the library for microcontrollers. */
const MODULE_TESTS = ["test/oracle/", "test/runtime/", "test/tools/mcu/build", "test/tools/mcu/proven"];

/** What is written when the assembly is compiled. */
const BUILT = ["build/kernels.ts", "build/mcu.ts"];

/** The two builds of as-pect. */
const CONFIGS = ["as-pect.asconfig.json", "as-pect.scalar.asconfig.json"];

/** Settings of as-pect that run the specs of RIVULET_SPECS until one fails, and name the test. */
const SETTINGS = "build/as-pect-mutate.js";
const REPORTER = "build/as-pect-mutate-reporter.js";
const FAILED = "failed: ";
const SOURCES: readonly (readonly [string, string])[] = [
  [
    SETTINGS,
    `import config from "${path.posix.join("..", "as-pect.config.js")}";
export default { ...config, entries: process.env.RIVULET_SPECS.split(" "), reporter: "${REPORTER}" };
`,
  ],
  [
    REPORTER,
    `const failed = (node) => node.pass ? undefined : node.children.map(failed).find(Boolean) ?? node.name;
export default {
  onEnter() {},
  onExit() {},
  onFinish({ rootNode, fileName }) {
    if (rootNode.pass) return;
    console.log("${FAILED}" + fileName + ": " + failed(rootNode));
    process.exit(1);
  },
};
`,
  ],
];

/** Time for anything when nothing is known of how long it takes. */
const AMPLE_MS = 600_000;

const isCompileError = (text: string): boolean => /^ERROR (TS|AS)?\d+|compile error|does not compile/m.test(text);

/** Tries mutants of the assembly one after the other. */
export async function tryKernelMutants(mutants: readonly Mutant[], trial: Trial): Promise<Result[]> {
  const { runner, progress } = trial;
  for (const [file, text] of SOURCES) runner.write(file, text);
  const specs = specsBelow("test/assembly").filter((file) => isChosen(file, trial.tests));
  const start = performance.now();
  for (const config of CONFIGS) {
    const { code, text } = await runSpecs(specs, config, trial, AMPLE_MS);
    if (code !== 0) throw new Error(`The specs fail without a mutant:\n${text.slice(-2000)}`);
  }
  const limitMs = 10_000 + 5 * (performance.now() - start);
  const watched = await watch(trial);
  progress.note(`${specs.length} specs, ${watched.length} test files of what they compute`);
  const results: Result[] = [];
  for (const mutant of mutants) {
    const result = await tryMutant(mutant, { ...trial, specs, watched, limitMs });
    progress.tried(result);
    results.push(result);
  }
  return results;
}

const specsBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".spec.ts"))
    .map((file) => path.posix.join(folder, file));

/** The tests of the modules, as they run without a mutant; quickest first. */
async function watch({ runner, tests, progress }: Trial): Promise<TestFile[]> {
  const files = (await runner.testFiles()).filter(
    (file) => MODULE_TESTS.some((prefix) => file.startsWith(prefix)) && isChosen(file, tests),
  );
  const watched: TestFile[] = [];
  for (const file of files) {
    const { passed, seconds, failure } = await runner.run(file, { bail: false, limitMs: AMPLE_MS });
    if (passed) watched.push({ file, seconds });
    else progress.note(`${file} fails without a mutant and is not used: ${failure}`);
  }
  return watched.sort((a, b) => a.seconds - b.seconds);
}

const runSpecs = (specs: readonly string[], config: string, { root }: Trial, limitMs: number) =>
  runScript(["node_modules/@as-pect/cli/bin/asp.js", "--no-logo", "-c", SETTINGS, "-a", config], {
    cwd: root,
    limitMs,
    env: { RIVULET_SPECS: specs.join(" ") },
  });

/** A trial with what is known from the run without a mutant. */
interface KernelTrial extends Trial {
  readonly specs: readonly string[];
  /** How long the specs may take, ms. */
  readonly limitMs: number;
  readonly watched: readonly TestFile[];
}

async function tryMutant(mutant: Mutant, trial: KernelTrial): Promise<Result> {
  const { file } = mutant;
  const start = performance.now();
  const original = trial.runner.read(file);
  trial.runner.write(file, mutated(original, mutant));
  try {
    const found = (await trySpecs(file, trial)) ?? (await tryModules(file, trial));
    return { mutant, ...found, seconds: (performance.now() - start) / 1000 };
  } finally {
    trial.runner.write(file, original);
  }
}

type Finding = Pick<Result, "outcome" | "by">;

/** Runs the specs that reach the file. Answers nothing when they pass. */
async function trySpecs(file: string, trial: KernelTrial): Promise<Finding | undefined> {
  const graph = importGraph(trial.root, trial.specs);
  const distance = new Map(trial.specs.map((spec) => [spec, distancesFrom(graph, spec).get(file)]));
  const near = trial.specs
    .filter((spec) => distance.get(spec) !== undefined)
    .sort((a, b) => (distance.get(a) as number) - (distance.get(b) as number));
  if (near.length === 0) return undefined;
  for (const config of CONFIGS) {
    const { code, text } = await runSpecs(near, config, trial, trial.limitMs);
    if (code === 0) continue;
    if (code === null) return { outcome: "hang", by: "specs" };
    if (isCompileError(text)) return { outcome: "invalid", by: "asc" };
    const failure = text.split("\n").find((line) => line.includes(FAILED));
    return {
      outcome: "killed",
      by: failure?.slice(failure.indexOf(FAILED) + FAILED.length) ?? `${config}: ${text.slice(-200)}`,
    };
  }
  return undefined;
}

/** Compiles the modules and, when one has changed, runs the tests of what they compute. */
async function tryModules(file: string, { root, runner, watched }: KernelTrial): Promise<Finding> {
  const original = BUILT.map((name) => runner.read(name));
  try {
    const { code, text } = await runScript(["tools/build/wasm.mjs"], { cwd: root, limitMs: AMPLE_MS });
    if (code !== 0) return { outcome: isCompileError(text) ? "invalid" : "killed", by: "tools/build/wasm.mjs" };
    const built = BUILT.map((name) => runner.read(name));
    // The benchmarks' modules are not among those.
    const isPublished = !file.startsWith("assembly/bench/");
    if (isPublished && built.every((bytes, i) => bytes === original[i])) return { outcome: "same" };
    BUILT.forEach((name, i) => void runner.write(name, built[i] as string));
    for (const test of watched) {
      const limitMs = 10_000 + 5000 * test.seconds;
      const { passed, hung, failure } = await runner.run(test.file, { bail: true, limitMs });
      if (!passed) return { outcome: hung ? "hang" : "killed", by: `${test.file}: ${failure}` };
    }
    return { outcome: "survived" };
  } finally {
    BUILT.forEach((name, i) => void runner.write(name, original[i] as string));
  }
}
