// Complete updates of training, here and in PyTorch, alternately in one run: batch 32, 64 steps, one GRU layer with a head of one output.
// Python with torch is `python3`, or PYTHON; without it, PyTorch is left out, and that is said.

import { spawn } from "node:child_process";
import os from "node:os";
import { createInterface } from "node:readline";
import { mulberry32 } from "../../host/train/random.ts";
import { createTrainer } from "../../host/train/trainer.ts";

const [ROWS, STEPS, ROUNDS, UPDATES] = [32, 64, 10, 8];
const SHAPES = [
  [2, 16],
  [8, 32],
  [16, 64],
] as const;

/** Answers milliseconds of updates. */
type Runner = (inputs: number, size: number, threads: number) => Promise<number[]>;

/** PyTorch in a process of its own; undefined where there is none. */
async function startTorch(): Promise<{ run: Runner; stop(): void } | undefined> {
  const child = spawn(process.env.PYTHON ?? "python3", ["tools/bench/train.py"], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  child.on("error", () => undefined);
  child.stdin.on("error", () => undefined);
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const run: Runner = async (...request) => {
    child.stdin.write(`${[...request, UPDATES].join(" ")}\n`);
    const { done, value } = await lines.next();
    return done ? [] : (JSON.parse(value) as { times: number[] }).times;
  };
  const first = await run(2, 16, 1);
  return first.length > 0 ? { run, stop: () => child.stdin.end() } : undefined;
}

/** A trainer of this shape, and its batch. */
function ownRunner(inputs: number, size: number): () => number[] {
  const random = mulberry32(size);
  const numbers = (count: number) => Float32Array.from({ length: count }, () => 2 * random() - 1);
  const trainer = createTrainer({
    network: {
      inputs: Array.from({ length: inputs }, (_, i) => ({ name: `x${i}` })),
      outputs: [{ name: "y" }],
      layers: [
        { kind: "gru", size, reset: "after" },
        { kind: "dense", size: 1, activation: "linear" },
      ],
    },
    loss: "mse",
    batch: ROWS,
    steps: STEPS,
  });
  const batch = {
    rows: ROWS,
    steps: STEPS,
    inputs: numbers(ROWS * STEPS * inputs),
    targets: numbers(ROWS * STEPS),
  };
  return () =>
    Array.from({ length: UPDATES }, () => {
      const start = performance.now();
      trainer.step(batch);
      return performance.now() - start;
    });
}

/** Least and middle of times, ms. */
function shown(times: readonly number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  return `${(sorted[0] as number).toFixed(3)} / ${(sorted[sorted.length >> 1] as number).toFixed(3)}`;
}

const torch = await startTorch();
if (!torch) console.log("PyTorch is left out: python3 (or PYTHON) has no torch");
console.log(
  `updates of ${ROWS} rows of ${STEPS} steps, ms, least / middle of ${ROUNDS * UPDATES}; ratios of the least`,
);
for (const [inputs, size] of SHAPES) {
  const own = ownRunner(inputs, size);
  const threads = os.availableParallelism();
  const times: [number[], number[], number[]] = [[], [], []];
  for (let round = 0; round < ROUNDS; round++) {
    times[0].push(...own());
    times[1].push(...((await torch?.run(inputs, size, 1)) ?? []));
    times[2].push(...((await torch?.run(inputs, size, threads)) ?? []));
  }
  const least = Math.min(...times[0]);
  // Forward, gradient of h, gradients of W and U; the head is left out.
  const products = ROWS * STEPS * 3 * size * (2 * (inputs + size) + size);
  const line = [`(${inputs}, ${size})`, shown(times[0]), `${(products / least / 1e6).toFixed(1)} GMAC/s`];
  if (torch) {
    const ratio = (other: readonly number[]) => `${(Math.min(...other) / least).toFixed(2)} x`;
    line.push(`PyTorch, 1 thread ${shown(times[1])}: ${ratio(times[1])}`);
    line.push(`${threads} threads ${shown(times[2])}: ${ratio(times[2])}`);
  }
  console.log(line.join("   "));
}
torch?.stop();
