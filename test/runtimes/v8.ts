// The runner for the engine that runs the tests.

import { readFileSync } from "node:fs";
import { fold } from "../support/drive.ts";
import type { Answer, Job, Run } from "./jobs.ts";

/** What a module for a microcontroller exports, as far as runners use it. */
interface McuExports {
  readonly memory: WebAssembly.Memory;
  readonly abi_version: WebAssembly.Global;
  readonly input: WebAssembly.Global;
  readonly input_count: WebAssembly.Global;
  readonly output: WebAssembly.Global;
  readonly output_count: WebAssembly.Global;
  readonly state: WebAssembly.Global;
  readonly state_size: WebAssembly.Global;
  step(): number;
  reset(): void;
  selftest(): number;
  drive(seed: number, steps: number): number;
}

/** Feeds samples through memory and `step`, as an embedder does. Returns the hash, u32. */
function stepAll(mcu: McuExports, samples: Int32Array, steps: number): number {
  if (mcu.abi_version.value !== 1) throw new Error(`ABI version ${mcu.abi_version.value}, expected 1`);
  const words = new Int32Array(mcu.memory.buffer);
  const size: number = mcu.input_count.value;
  const view = (at: WebAssembly.Global, count: number) => words.subarray(at.value / 4, at.value / 4 + count);
  const input = view(mcu.input, size);
  const output = view(mcu.output, mcu.output_count.value);
  let hash = 0x811c9dc5;
  mcu.reset();
  for (let t = 0; t < steps; t++) {
    input.set(samples.subarray(t * size, (t + 1) * size));
    hash = fold(hash, mcu.step());
    hash = output.reduce(fold, hash);
  }
  return view(mcu.state, mcu.state_size.value / 4).reduce(fold, hash) >>> 0;
}

function runJob({ kind, module, source, steps }: Job): Answer {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(module)));
  const mcu = exports as unknown as McuExports;
  const selftest = mcu.selftest();
  if (kind === "drive") return { hash: mcu.drive(Number(source), steps) >>> 0, selftest };
  const samples = new Int32Array(Uint8Array.from(readFileSync(source)).buffer);
  return { hash: stepAll(mcu, samples, steps), selftest };
}

/** Runs jobs in V8, each in a fresh instance. */
export const runInV8: Run = async (jobs) =>
  new Map(
    jobs.map((job): [string, Answer] => {
      try {
        return [job.name, runJob(job)];
      } catch (error) {
        return [job.name, { error: String(error) }];
      }
    }),
  );
