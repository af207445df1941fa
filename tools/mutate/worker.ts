// The process that runs test files: one vitest that stays warm. It has a process group of its own, so that a mutant that hangs can be ended
// with everything it started.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { createVitest, type TestModule, type Vitest } from "vitest/node";
import { HIT } from "./marks.ts";

/** A request to the worker: which test files there are, or run one after these sources have changed. */
export type Request =
  | { readonly list: true }
  | { readonly run: string; readonly changed: readonly string[]; readonly bail: boolean };

/** What it answers. */
export type Answer =
  | { readonly files: readonly string[] }
  | { readonly passed: boolean; readonly failure: string; readonly hits: readonly number[] };

/** The folder in the copy where test files leave which marks they came by. */
export const HITS = "build/mutate";

/** The set-up file in the copy. */
export const SETUP_FILE = "build/mutate-setup.ts";

/** Source of the set-up file that notes the calls of the marks. */
export const SETUP = `import { mkdirSync, writeFileSync } from "node:fs";
import { afterAll } from "vitest";
const hits = new Set();
globalThis.${HIT} = (...ids) => { for (const id of ids) hits.add(id); };
afterAll(() => {
  mkdirSync("${HITS}", { recursive: true });
  writeFileSync(\`${HITS}/\${process.pid}-\${performance.now()}.json\`, JSON.stringify([...hits]));
});
`;

/** Serves requests of the parent process until it goes. */
export async function serve(root: string): Promise<void> {
  process.chdir(root);
  // The tests of a mutant that hangs would outlive the parent.
  process.on("disconnect", () => process.kill(-process.pid, "SIGKILL"));
  const vitest = await createVitest("test", {
    root,
    watch: false,
    cache: false,
    bail: 1,
    reporters: [{}],
    fileParallelism: false,
    setupFiles: [path.join(root, SETUP_FILE)],
  });
  process.on("message", async (request: Request) => {
    process.send?.("list" in request ? await list(vitest) : await run(vitest, request));
  });
  process.send?.({ files: [] } satisfies Answer);
}

async function list(vitest: Vitest): Promise<Answer> {
  const specifications = await vitest.globTestSpecifications();
  return { files: specifications.map(({ moduleId }) => path.relative(vitest.config.root, moduleId)) };
}

async function run(vitest: Vitest, request: Extract<Request, { run: string }>): Promise<Answer> {
  const { root } = vitest.config;
  for (const file of request.changed) vitest.invalidateFile(path.join(root, file));
  vitest.config.bail = request.bail ? 1 : 0;
  const moduleId = path.join(root, request.run);
  const specification = vitest.getRootProject().createSpecification(moduleId);
  const answer = await vitest.runTestSpecifications([specification]);
  // It answers every test file that ever ran, as it ended then.
  const testModules = answer.testModules.filter((module) => module.moduleId === moduleId);
  const { unhandledErrors } = answer;
  const passed = testModules.every((module) => module.ok()) && unhandledErrors.length === 0;
  return { passed, failure: passed ? "" : firstFailure(testModules, unhandledErrors), hits: readHits() };
}

function firstFailure(modules: readonly TestModule[], errors: readonly unknown[]): string {
  for (const module of modules) {
    for (const test of module.children.allTests("failed")) return test.fullName;
  }
  const [error] = [...modules.flatMap((module) => module.errors()), ...errors];
  return error instanceof Error || (typeof error === "object" && error !== null && "message" in error)
    ? String(error.message)
    : "a failure outside of tests";
}

/** Numbers of the marks that were come by since the process began. */
function readHits(): number[] {
  if (!existsSync(HITS)) return [];
  return readdirSync(HITS).flatMap((file) => JSON.parse(readFileSync(path.join(HITS, file), "utf8")) as number[]);
}
