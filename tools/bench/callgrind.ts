// Host instructions of one step in other WebAssembly runtimes, counted by callgrind.

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { compileModule } from "../../test/runtimes/c.ts";
import { installPython, installWasmi, installWazero, needProgram, RUNNERS } from "../../test/runtimes/install.ts";
import { runProgram, Unavailable } from "../../test/runtimes/jobs.ts";
import { withLoop, withRun } from "./variants.ts";

/** A runtime under callgrind. */
export interface Counted {
  readonly name: string;
  /** The program and arguments that run `drive(0, steps)` of a module. */
  command(module: string, steps: number): Promise<readonly string[]>;
}

/** The difference between runs of so many and of twice so many steps is what is counted: start-up cancels. */
const STEPS = 50;

/** A runner of test/runtimes/: its jobs are a file beside the module. */
function byRunner(name: string, install: () => Promise<readonly string[]>): Counted {
  return {
    name,
    command: async (module, steps) => {
      const jobs = `${module}.${steps}.jobs`;
      await writeFile(jobs, `drive\tmodule\t${module}\t0\t${steps}\n`);
      return [...(await install()), jobs];
    },
  };
}

const python = async (name: string, script: string, ...args: string[]) => [
  await installPython(name),
  path.join(RUNNERS, script),
  ...args,
];

/** The interpreters, and the way through C. */
export const COUNTED: readonly Counted[] = [
  byRunner("wasm3", () => python("pywasm3", "run_wasm3.py")),
  byRunner("wasmi", async () => [await installWasmi()]),
  byRunner("wazero interpreter", async () => [await installWazero(), "interpreter"]),
  byRunner("wasmtime Pulley", () => python("wasmtime", "run_wasmtime.py", "pulley64")),
  {
    // npm's wasm-interp runs in V8, whose instructions are not the interpreter's: this is Debian's package wabt.
    name: "wasm-interp",
    command: async (module, steps) => {
      const file = `${module}.${steps}.wasm`;
      await writeFile(file, withRun(await readFile(module), steps));
      return [needProgram("wasm-interp"), file, "--run-all-exports"];
    },
  },
  {
    name: "wasm2c, gcc -O2",
    command: async (module, steps) => {
      const program = await compileModule(module, path.dirname(module), { bounds: false });
      return [program, "module", "0", `${steps}`];
    },
  },
];

/**
 * Counts the instructions of one step.
 *
 * @param wasm  a module without the export `drive`; the samples are what its memory starts with
 * @throws {Unavailable} when this machine lacks the runtime or valgrind
 */
export async function countInstructions({ command }: Counted, wasm: Uint8Array): Promise<number> {
  const folder = await mkdtemp(path.join(tmpdir(), "rivulet-callgrind-"));
  try {
    const module = path.join(folder, "module.wasm");
    await writeFile(module, withLoop(wasm));
    const counts: number[] = [];
    for (const steps of [STEPS, 2 * STEPS]) counts.push(await collect(await command(module, steps), folder));
    const [once = 0, twice = 0] = counts;
    return Math.round((twice - once) / STEPS);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Go's scheduler and valgrind's now and then bring valgrind down; the count of a run that ends is sound. */
const ATTEMPTS = 8;

/** The same dictionaries, and the same garbage, in every run; one thread, not interrupted. */
const ENV = {
  PYTHONHASHSEED: "0",
  PYTHONDONTWRITEBYTECODE: "1",
  GOGC: "off",
  GOMAXPROCS: "1",
  GODEBUG: "asyncpreemptoff=1",
};

async function collect(command: readonly string[], folder: string): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await collectOnce(command, folder);
    } catch (error) {
      if (attempt === ATTEMPTS || error instanceof Unavailable) throw error;
    }
  }
}

/** Runs a command under callgrind. Answers the instructions of the whole process. */
async function collectOnce(command: readonly string[], folder: string): Promise<number> {
  const log = path.join(folder, "callgrind.log");
  const options = ["--tool=callgrind", "--callgrind-out-file=/dev/null", `--log-file=${log}`];
  await runProgram(needProgram("valgrind"), [...options, ...command], { env: ENV });
  const collected = (await readFile(log, "utf8")).match(/Collected : (\d+)/)?.[1];
  if (collected === undefined) throw new Error("callgrind tells no count");
  return Number(collected);
}
