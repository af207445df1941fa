// The runtimes under test: how each is had, and how it runs jobs.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type CompileOptions, compileModule } from "./c.ts";
import { installPython, installWasmi, installWazero, needProgram, RUNNERS } from "./install.ts";
import { type Answer, type Answers, type Job, limited, parseAnswers, type Run, runnerOf, runProgram } from "./jobs.ts";
import { runInV8 } from "./v8.ts";

/** A runtime under test. */
export interface TestedRuntime {
  readonly name: string;
  /** Steps of each model that it has time for. */
  readonly steps: number;
  /** Whether its runner reaches the memory of an instance, so that it takes `step` jobs. */
  readonly hasMemory: boolean;
  /** Gets it ready. @throws {Unavailable} when this machine cannot have it */
  prepare(): Promise<Run>;
}

const FAST = 10_000;
const SLOW = 1000;

/** Modules of npm's wabt run as programs of Node. */
const wabt = (name: string) => path.resolve("node_modules/wabt/bin", name);

/** No .pyc files beside the sources. */
const PYTHON_ENV = { PYTHONDONTWRITEBYTECODE: "1" };

const pythonRunner = async (name: string, script: string, ...args: string[]): Promise<Run> =>
  runnerOf(await installPython(name), [path.join(RUNNERS, script), ...args], PYTHON_ENV);

/** Runs jobs that take a process each, two at a time. */
async function runEach(jobs: readonly Job[], run: (job: Job) => Promise<Answer>): Promise<Answers> {
  const atOnce = limited(2);
  const answer = (job: Job) => atOnce(() => run(job)).catch((error: Error): Answer => ({ error: error.message }));
  return new Map(await Promise.all(jobs.map(async (job) => [job.name, await answer(job)] as const)));
}

/** The i32 that wasm-interp prints behind a call, as a u32. */
async function interpret(job: Job, name: string, ...values: number[]): Promise<number> {
  const args = values.flatMap((value) => ["-a", `i32:${value}`]);
  const output = await runProgram(process.execPath, [wabt("wasm-interp"), job.module, "-r", name, ...args]);
  const answer = output.match(/=> i32:(\d+)/)?.[1];
  if (answer === undefined) throw new Error(output.trim().slice(0, 300));
  return Number(answer);
}

const runInWasmInterp: Run = (jobs) =>
  runEach(jobs, async (job) => ({
    hash: await interpret(job, "drive", Number(job.source), job.steps),
    selftest: await interpret(job, "selftest"),
  }));

/** Compiles each module through C, and runs it. */
async function runThroughC(job: Job, options: CompileOptions): Promise<Answer> {
  const folder = await mkdtemp(path.join(tmpdir(), "rivulet-c-"));
  try {
    const program = await compileModule(job.module, folder, options);
    const output = await runProgram(program, [job.name, job.source, `${job.steps}`]);
    return parseAnswers(output).get(job.name) ?? { error: output };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The way through C. */
async function prepareC(options: CompileOptions): Promise<Run> {
  needProgram("gcc");
  return (jobs) => runEach(jobs, (job) => runThroughC(job, options));
}

/** All of them. */
export const RUNTIMES: readonly TestedRuntime[] = [
  { name: "V8", steps: FAST, hasMemory: true, prepare: async () => runInV8 },
  {
    name: "wasmtime-cranelift",
    steps: FAST,
    hasMemory: true,
    prepare: () => pythonRunner("wasmtime", "run_wasmtime.py", "cranelift"),
  },
  {
    name: "wasmtime-pulley",
    steps: FAST,
    hasMemory: true,
    prepare: () => pythonRunner("wasmtime", "run_wasmtime.py", "pulley64"),
  },
  { name: "wasm3", steps: FAST, hasMemory: true, prepare: () => pythonRunner("pywasm3", "run_wasm3.py") },
  { name: "wasm-interp", steps: SLOW, hasMemory: false, prepare: async () => runInWasmInterp },
  { name: "wasm2c-gcc", steps: FAST, hasMemory: false, prepare: () => prepareC({ bounds: false }) },
  { name: "wasm2c-gcc-bounds", steps: FAST, hasMemory: false, prepare: () => prepareC({ bounds: true }) },
  {
    name: "wazero-compiler",
    steps: FAST,
    hasMemory: true,
    prepare: async () => runnerOf(await buildWazero(), ["compiler"]),
  },
  {
    name: "wazero-interpreter",
    steps: SLOW,
    hasMemory: true,
    prepare: async () => runnerOf(await buildWazero(), ["interpreter"]),
  },
  { name: "wasmi", steps: FAST, hasMemory: true, prepare: async () => runnerOf(await installWasmi(), []) },
];

let wazero: Promise<string> | undefined;

function buildWazero(): Promise<string> {
  wazero ??= installWazero();
  return wazero;
}
