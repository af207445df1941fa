// The process in which one reader is fuzzed: it reports what it does, so that a hang or a crash of it is found from outside.

import { readFileSync } from "node:fs";
import { mulberry32 } from "../random.ts";
import { mutate } from "./mutate.ts";
import type { Target } from "./target.ts";

/** What the worker is asked for. */
export interface Task {
  readonly reader: string;
  /** Input `n` of the task is made of the numbers of seed `seed + n`. */
  readonly seed: number;
  readonly seconds: number;
  /** Reads this file alone. */
  readonly file?: string;
}

/** What the worker reports, at least every second and before an input that may take long. */
export interface Report {
  /** Inputs that are done. */
  readonly done: number;
  readonly refused: number;
  /** Greatest resident memory of the process so far, bytes. */
  readonly peakBytes: number;
  readonly finding?: string;
  readonly isOver?: boolean;
}

/** Inputs that a process takes on before it is begun anew: the HDF5 library loses a little stack with every failure. */
const MOST = 20_000;
const REPORT_MS = 500;

/** Fuzzes until time or inputs are over, or something is found. */
export async function work(target: Target, task: Task, report: (report: Report) => void): Promise<void> {
  const [end, counts] = [performance.now() + 1000 * task.seconds, { done: 0, refused: 0 }];
  const tell = (more: Partial<Report> = {}) =>
    report({ ...counts, peakBytes: 1024 * process.resourceUsage().maxRSS, ...more });
  let told = performance.now();
  while (counts.done < MOST && performance.now() < end) {
    const input = task.file ? readFileSync(task.file) : inputOf(target, task.seed + counts.done);
    try {
      await target.read(input);
    } catch (error) {
      if (!isRefusal(target, error)) {
        tell({ finding: error instanceof Error ? (error.stack ?? error.message) : String(error) });
        return;
      }
      counts.refused++;
    }
    counts.done++;
    if (task.file) break;
    if (performance.now() - told < REPORT_MS) continue;
    tell();
    told = performance.now();
    // Lets the report leave this process before the next input.
    await new Promise((resolve) => setImmediate(resolve));
  }
  tell({ isOver: performance.now() >= end || task.file !== undefined });
}

/** The input of a seed. */
export function inputOf(target: Target, seed: number): Uint8Array {
  const random = mulberry32(seed);
  const input = mutate(target, random);
  return target.seal && random() < 0.5 ? target.seal(input) : input;
}

/** Whether an error is one of the reader's own; of some, in one line without control characters. */
function isRefusal({ refusals, isOneLine = false }: Target, error: unknown): boolean {
  if (!refusals.some((type) => error instanceof type)) return false;
  return !isOneLine || !/\p{Cc}/u.test((error as Error).message);
}
