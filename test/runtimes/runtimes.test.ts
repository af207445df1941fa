// One model, one hash, in every WebAssembly runtime: the modules for microcontrollers against the host's builds and the plain reading of
// FORMAT.md 5. One differing bit fails.

import { mkdtempSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { driveHost, driveOracle, driveSamples } from "../support/drive.ts";
import { type Answers, type Job, limited, type Run, Unavailable } from "./jobs.ts";
import { type Column, drawMatrix } from "./matrix.ts";
import { MODELS } from "./models.ts";
import { type MatrixModule, modulesOf, writeModule } from "./modules.ts";
import { RUNTIMES, type TestedRuntime } from "./runtimes.ts";

const SEED = 20_261;
const SLOW_STEPS = 1000;
const FAST_STEPS = 10_000;
/** Steps of the jobs that go through memory. */
const STEP_STEPS = 500;

const MODULES = MODELS.flatMap(modulesOf);
/** Modules that go through memory as well: one of each numeric form, and tokens. */
const STEPPED = MODULES.filter(({ name }) => /^(q15-h16-h7-skip3|q15-embedding-softmax|f32-h16)(\.|$)/.test(name));

const folder = mkdtempSync(path.join(tmpdir(), "rivulet-runtimes-"));
const paths = new Map<string, string>();
const columns: Column[] = [];
const hashes = new Map<string, number>();

/** The hash that a model must have, from the host's scalar build. */
function expected({ model: { name, built } }: MatrixModule, steps: number): number {
  const key = `${name} ${steps}`;
  const hash = hashes.get(key) ?? driveHost(built.model, false, SEED, steps);
  hashes.set(key, hash);
  return hash;
}

const samplesOf = ({ name }: MatrixModule) => path.join(folder, `${name}.samples`);

/** What came of a runtime. */
interface Outcome {
  readonly answers: Answers;
  readonly seconds: number;
}

/** Every runtime on its way. */
let outcomes: ReadonlyMap<string, Promise<Outcome>> = new Map();

const job = (module: MatrixModule, kind: Job["kind"], steps: number): Job => ({
  kind,
  name: kind === "step" ? `${module.name}:step` : module.name,
  module: paths.get(module.name) as string,
  source: kind === "step" ? samplesOf(module) : `${SEED}`,
  steps,
});

/** Runs all modules in a runtime. */
async function runAll(run: Run, { steps, hasMemory }: TestedRuntime): Promise<Outcome> {
  const start = performance.now();
  const answers = await run([
    ...MODULES.map((module) => job(module, "drive", steps)),
    ...(hasMemory ? STEPPED : []).map((module) => job(module, "step", STEP_STEPS)),
  ]);
  return { answers, seconds: (performance.now() - start) / 1000 };
}

/** Fetches and compiles all runtimes side by side, and lets two at a time run. */
function startAll(): ReadonlyMap<string, Promise<Outcome>> {
  const atOnce = limited(2);
  return new Map(
    RUNTIMES.map((runtime) => {
      const outcome = runtime.prepare().then((run) => atOnce(() => runAll(run, runtime)));
      // A rejection is told by the tests of the runtime.
      outcome.catch(() => {});
      return [runtime.name, outcome];
    }),
  );
}

beforeAll(async () => {
  for (const module of MODULES) paths.set(module.name, await writeModule(module, folder));
  for (const module of STEPPED) {
    await writeFile(samplesOf(module), driveSamples(module.model.built.spec, SEED, STEP_STEPS));
  }
  outcomes = startAll();
});

afterAll(async () => {
  await Promise.allSettled(outcomes.values());
  rmSync(folder, { recursive: true });
  const byName = new Map(MODULES.map((module) => [module.name, module]));
  console.log(
    drawMatrix([...byName.keys()], columns, (name, steps) => expected(byName.get(name) as MatrixModule, steps)),
  );
});

describe("host", () => {
  it.each(MODELS)("SIMD answers the scalar hash: $name", ({ name, built }) => {
    for (const steps of [SLOW_STEPS, FAST_STEPS]) {
      const [module] = modulesOf({ name, built });
      expect(driveHost(built.model, true, SEED, steps)).toBe(expected(module as MatrixModule, steps));
    }
  });

  it.each(MODELS.filter(({ built }) => built.spec.numeric === "q15"))(
    "is FORMAT.md 5 for 1,000 steps: $name",
    ({ name, built }) => {
      const [module] = modulesOf({ name, built });
      expect(driveOracle(built.model, SEED, SLOW_STEPS)).toBe(expected(module as MatrixModule, SLOW_STEPS));
    },
  );
});

describe.each(RUNTIMES)("$name", ({ name: runtime, steps, hasMemory }) => {
  let answers: Answers = new Map();
  let unavailable: Unavailable | undefined;

  beforeAll(async () => {
    try {
      const outcome = await (outcomes.get(runtime) as Promise<Outcome>);
      answers = outcome.answers;
      console.log(`${runtime}: ${answers.size} runs in ${outcome.seconds.toFixed(1)} s`);
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      unavailable = error;
    }
    const cells = [...answers].map(([name, answer]) => [name, "error" in answer ? answer.error : answer.hash] as const);
    columns.push({
      runtime,
      steps,
      cells: new Map(cells),
      ...(unavailable && { skipped: unavailable.message.replaceAll("\n", " ") }),
    });
  });

  it.for(MODULES)("answers the hash of the host: $name", (module, { skip }) => {
    if (unavailable) skip(unavailable.message);
    expect(answers.get(module.name)).toEqual({ hash: expected(module, steps), selftest: 0 });
  });

  if (!hasMemory) return;
  it.for(STEPPED)("gives the same bits through memory and step(): $name", (module, { skip }) => {
    if (unavailable) skip(unavailable.message);
    const hash = driveHost(module.model.built.model, false, SEED, STEP_STEPS);
    expect(answers.get(`${module.name}:step`)).toEqual({ hash, selftest: 0 });
  });
});
