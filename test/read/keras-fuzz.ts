import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Worker } from "node:worker_threads";
import { build } from "esbuild";
import type { Fuzzing, Outcome } from "./keras-fuzz-worker.ts";

/** Rounds of a thread at most, of which two run at a time. */
const ROUNDS = 2500;

/** Counts the refusals of mutated files of Keras; anything but a CliError of one line fails. */
export async function countRefusals(fuzzing: Fuzzing): Promise<number> {
  const folder = mkdtempSync(path.join(tmpdir(), "keras-fuzz-"));
  const outfile = path.join(folder, "worker.mjs");
  try {
    const entryPoints = [path.join(import.meta.dirname, "keras-fuzz-worker.ts")];
    await build({ entryPoints, bundle: true, platform: "node", format: "esm", outfile });
    let [refused, left, seed] = [0, fuzzing.rounds, fuzzing.seed];
    const runAll = async () => {
      while (left > 0) {
        const rounds = Math.min(ROUNDS, left);
        left -= rounds;
        seed += 100;
        const outcome = await runWorker(outfile, { ...fuzzing, rounds, seed });
        refused += outcome.refused;
        left += rounds - outcome.rounds;
      }
    };
    await Promise.all([runAll(), runAll()]);
    return refused;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function runWorker(file: string, workerData: Fuzzing): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    // The library writes about its own failures, which are many here.
    const worker = new Worker(file, { workerData, stderr: true });
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", (code) => reject(new Error(`Worker ended with ${code}`)));
  });
}
