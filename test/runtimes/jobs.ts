// Jobs for the runners and their answers (runners/PROTOCOL.md).

import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";

const execute = promisify(execFile);
const LONGEST_MS = 8 * 60_000;

/** A module to run. */
export interface Job {
  /** `drive`: SEED is the seed of the module's own samples; `step`: the samples are in a file, and go through memory. */
  readonly kind: "drive" | "step";
  /** Without white space. */
  readonly name: string;
  /** Path of the module. */
  readonly module: string;
  /** The seed, or the path of the samples. */
  readonly source: string;
  readonly steps: number;
}

/** What became of a job. */
export type Answer = { readonly hash: number; readonly selftest: number } | { readonly error: string };

/** Answers by the name of the job. */
export type Answers = ReadonlyMap<string, Answer>;

/** Runs all jobs in one runtime. */
export type Run = (jobs: readonly Job[]) => Promise<Answers>;

/** A runtime that this machine cannot have; the message is the reason. */
export class Unavailable extends Error {}

/**
 * Runs a program to its end.
 *
 * @returns its standard output
 * @throws {Error} with the last lines of what it said when it fails, or is killed after eight minutes
 */
export async function runProgram(
  file: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<string> {
  const env = { ...process.env, ...options.env };
  try {
    const { stdout } = await execute(file, [...args], {
      ...(options.cwd !== undefined && { cwd: options.cwd }),
      env,
      timeout: LONGEST_MS,
      killSignal: "SIGKILL",
      maxBuffer: 64 * 2 ** 20,
    });
    return stdout;
  } catch (cause) {
    const { stderr = "", message, killed } = cause as { stderr?: string; message: string; killed?: boolean };
    const said = stderr.trim() || message;
    throw new Error(`${path.basename(file)}${killed ? " was killed" : ""}: ${said.slice(-600)}`, { cause });
  }
}

/** Reads the lines of a runner. */
export function parseAnswers(output: string): Answers {
  const lines = output.split("\n").filter((line) => line !== "");
  return new Map(lines.map(parseLine));
}

function parseLine(line: string): [string, Answer] {
  const [name = "", first, ...rest] = line.split(" ");
  if (first === "error:") return [name, { error: rest.join(" ") }];
  return [name, { hash: Number(first), selftest: Number(rest[0]) }];
}

/** Runs jobs by a runner: a program and its arguments, to which the file of jobs is added. */
export function runnerOf(file: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Run {
  return async (jobs) => {
    const folder = await mkdtemp(path.join(tmpdir(), "rivulet-jobs-"));
    const list = path.join(folder, "jobs");
    await writeFile(list, jobs.map(lineOf).join(""));
    try {
      return parseAnswers(await runProgram(file, [...args, list], { env }));
    } finally {
      await rm(folder, { recursive: true });
    }
  };
}

const lineOf = ({ kind, name, module, source, steps }: Job) => `${[kind, name, module, source, steps].join("\t")}\n`;

/** Makes a function that runs tasks, at most `most` of them at once, the others in their order. */
export function limited(most: number): <T>(task: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let free = most;
  return async (task) => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await task();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free++;
    }
  };
}
