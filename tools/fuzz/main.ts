// `npm run fuzz -- READER... --seconds N`: damaged inputs for the readers of everything that comes from outside. What a
// reader throws besides its refusals, a hang, a crash and too much memory are findings, each told with the way to repeat it.

import { type ChildProcess, fork } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { TARGETS } from "./targets.ts";
import { inputOf, type Report, type Task, work } from "./worker.ts";

/** An input may take this long; the readers of a loaded machine take milliseconds. */
const HANG_MS = 20_000;
/** Greatest resident memory of a worker: Node, the readers' libraries, and what inputs of 256 KiB are worth. */
const MAX_PEAK_BYTES = 700 * 2 ** 20;
const FOLDER = "build/fuzz";

interface Result {
  readonly reader: string;
  readonly inputs: number;
  readonly refused: number;
  readonly peakBytes: number;
  readonly finding?: string;
}

/** Runs one worker. Answers its last report; `finding` also tells hangs and crashes. */
function runWorker(task: Task): Promise<Report> {
  const child = fork(fileURLToPath(import.meta.url), ["--worker"], { stdio: ["ignore", "ignore", "pipe", "ipc"] });
  return new Promise((resolve) => {
    let last: Report = { done: 0, refused: 0, peakBytes: 0 };
    let stderr = "";
    const timer = setTimeout(() => finish(`took more than ${HANG_MS / 1000} s`), HANG_MS);
    const finish = (finding?: string) => {
      clearTimeout(timer);
      child.kill("SIGKILL");
      resolve({ ...last, ...(finding === undefined ? {} : { finding }) });
    };
    child.stderr?.on("data", (text: Buffer) => {
      stderr = (stderr + text.toString()).slice(-2000);
    });
    child.on("message", (report: Report) => {
      last = report;
      timer.refresh();
    });
    // Clean ends send their last report first.
    child.on("exit", (code, signal) => finish(code === 0 ? last.finding : `ended with ${signal ?? code}: ${stderr}`));
    send(child, task);
  });
}

const send = (child: ChildProcess, task: Task) => child.send(task);

/** Fuzzes a reader for some seconds, in one process after the other. */
async function fuzz(reader: string, { seconds, seed, file }: Omit<Task, "reader">): Promise<Result> {
  const end = performance.now() + 1000 * seconds;
  let [inputs, refused, peakBytes] = [0, 0, 0];
  for (let isOver = false; !isOver; ) {
    const left = Math.max(0.1, (end - performance.now()) / 1000);
    const start = seed + inputs;
    const report = await runWorker({ reader, seed: start, seconds: left, ...(file === undefined ? {} : { file }) });
    inputs += report.done;
    refused += report.refused;
    peakBytes = Math.max(peakBytes, report.peakBytes);
    const finding =
      report.finding ??
      (peakBytes > MAX_PEAK_BYTES ? `took ${mebibytes(peakBytes)}, at most ${mebibytes(MAX_PEAK_BYTES)}` : undefined);
    if (finding !== undefined)
      return { reader, inputs, refused, peakBytes, finding: `${finding}\n${keep(reader, seed + inputs, file)}` };
    isOver = report.isOver === true || performance.now() >= end;
  }
  return { reader, inputs, refused, peakBytes };
}

/** Writes the input of a seed for whoever mends the reader; what a hang or crash read is within half a second of it. */
function keep(reader: string, seed: number, file: string | undefined): string {
  if (file !== undefined) return file;
  const target = TARGETS[reader]?.();
  if (target === undefined) return "";
  mkdirSync(FOLDER, { recursive: true });
  const path = `${FOLDER}/${reader}-${seed}.bin`;
  writeFileSync(path, inputOf(target, seed));
  return `near seed ${seed}; its input: npm run fuzz -- ${reader} --file ${path}`;
}

const mebibytes = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`;

interface Options {
  readonly seconds: string;
  readonly parallel: string;
  readonly seed?: string;
  readonly file?: string;
}

async function main(readers: readonly string[], options: Options) {
  const names = readers.length > 0 ? readers : Object.keys(TARGETS);
  const unknown = names.filter((name) => !Object.hasOwn(TARGETS, name));
  if (unknown.length > 0) {
    console.error(`error: no reader ${unknown.join(", ")}; there are ${Object.keys(TARGETS).join(", ")}`);
    process.exitCode = 2;
    return;
  }
  const seed = Number(options.seed ?? Date.now() % 1e9);
  console.log(`seed ${seed}, ${options.seconds} s a reader`);
  const file = options.file === undefined ? {} : { file: options.file };
  const left = [...names];
  let found = 0;
  const next = async () => {
    for (let reader = left.shift(); reader !== undefined; reader = left.shift()) {
      const result = await fuzz(reader, { seconds: Number(options.seconds), seed, ...file });
      if (result.finding !== undefined) found++;
      console.log(describe(result));
    }
  };
  await Promise.all(Array.from({ length: Number(options.parallel) }, next));
  process.exitCode = found > 0 ? 1 : 0;
}

function describe({ reader, inputs, refused, peakBytes, finding }: Result): string {
  const share = inputs === 0 ? 0 : Math.round((100 * refused) / inputs);
  const line = `${reader.padEnd(9)} ${String(inputs).padStart(8)} inputs, ${share} % refused, ${mebibytes(peakBytes)} at most`;
  return finding === undefined ? line : `${line}\n  FOUND ${finding.replaceAll("\n", "\n  ")}`;
}

if (process.argv[2] === "--worker") {
  process.once("message", async (task: Task) => {
    const target = TARGETS[task.reader]?.();
    if (target === undefined) throw new Error(`There is no reader ${task.reader}`);
    await work(target, task, (report) => process.send?.(report));
    process.disconnect();
  });
} else {
  await new Command("fuzz")
    .argument("[readers...]", `among ${Object.keys(TARGETS).join(", ")}; all by default`)
    .option("--seconds <n>", "for each reader", "10")
    .option("--parallel <n>", "readers at a time", "1")
    .option("--seed <n>", "repeats a run")
    .option("--file <path>", "reads one input only")
    .action(main)
    .parseAsync();
}
