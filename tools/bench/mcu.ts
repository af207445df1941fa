// `npm run bench:mcu`: executed operations, host instructions, size and memory of the modules for microcontrollers, beside a plain loop
// and the targets. With `--write` the tables take the place of those in docs/microcontrollers.md.

import { readFileSync, writeFileSync } from "node:fs";
import type { Model } from "../../host/model/types.ts";
import { createRuntime } from "../../host/runtime/runtime.ts";
import { limited, Unavailable } from "../../test/runtimes/jobs.ts";
import { driveHost } from "../../test/support/drive.ts";
import { fetchWasm3 } from "../firmware/wasm3.ts";
import { buildModule } from "../mcu/build.ts";
import type { Pack } from "../mcu/types.ts";
import { COUNTED, type Counted, countInstructions } from "./callgrind.ts";
import { type BoardRow, boardRows } from "./mcu-qemu.ts";
import { summaryRows } from "./mcu-summary.ts";
import { gruModel } from "./models.ts";
import { naiveModule } from "./naive.ts";
import { countOperations, type Operations } from "./trace.ts";
import { type Patch, withMemory } from "./variants.ts";

const INPUTS = 8;
const SIZES = [16, 32, 64] as const;
const KERNELS = ["naive", "wide", "bytes", "rows"] as const;
type Kernel = (typeof KERNELS)[number];

/** The run that every module is checked by before it is measured. */
const SEED = 3;
const STEPS = 1000;

const DOCUMENT = "docs/microcontrollers.md";
const MARK = "<!-- npm run bench:mcu -- --write: ";
/** Where the parts of the document begin and end. */
const SUMMARY = [`${MARK}summary -->`, `${MARK}end of summary -->`] as const;
const TABLES = [`${MARK}start -->`, `${MARK}end -->`] as const;

/** What was measured of a kernel at a size. */
interface Row {
  readonly H: number;
  readonly kernel: Kernel;
  readonly macs: number;
  readonly operations: Operations;
  /** Bytes; without the export `drive`. */
  readonly module: number;
  /** Bytes of linear memory in use. */
  readonly memory: number;
  /** Host instructions of a step by runtime. */
  readonly instructions: ReadonlyMap<string, number>;
}

/** A module of a kernel, with the bytes of linear memory that it uses. */
async function build(model: Model, kernel: Kernel, drive: boolean): Promise<Uint8Array> {
  if (kernel === "naive") return await naiveModule(model, { drive });
  const pack: Pack = kernel;
  return (await buildModule(model, { target: pack === "rows" ? "wasm2c" : "generic", pack, drive })).wasm;
}

/** A sample in the middle of a run, and the state that it meets: a step from zeros would be less work than others. */
function runningPatches(model: Model, wasm: Uint8Array): Patch[] {
  const exports = new WebAssembly.Instance(new WebAssembly.Module(wasm as BufferSource)).exports;
  const address = (name: string): number => (exports[name] as WebAssembly.Global).value;
  const session = createRuntime(model, { simd: false }).createSession();
  const steps = 20;
  const sample = (t: number) => model.spec.inputs.map((_, i) => Math.sin(0.3 * t + i));
  for (let t = 0; t < steps; t++) session.step(sample(t));
  const raw = Int32Array.from(sample(steps), (value, i) =>
    Math.floor(value * 2 ** (model.spec.inputs[i]?.fraction ?? 0) + 0.5),
  );
  return [
    { address: address("input"), bytes: new Uint8Array(raw.buffer) },
    { address: address("state"), bytes: session.snapshot().subarray(28, -4) },
  ];
}

/** Bytes of linear memory below __heap_base. */
function memoryOf(wasm: Uint8Array): number {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(wasm as BufferSource));
  return (exports.__heap_base as WebAssembly.Global).value;
}

/** Throws unless a module computes what the host computes: a wrong kernel would be measured in vain. */
function checkBits(model: Model, wasm: Uint8Array): void {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(wasm as BufferSource));
  const hash = (exports.drive as (seed: number, steps: number) => number)(SEED, STEPS) >>> 0;
  const expected = driveHost(model, false, SEED, STEPS);
  if (hash !== expected) throw new Error(`The module answers ${hash}, expected ${expected}`);
}

const missing = new Map<string, string>();

async function countInto(instructions: Map<string, number>, runtime: Counted, wasm: Uint8Array): Promise<void> {
  if (missing.has(runtime.name)) return;
  try {
    instructions.set(runtime.name, await countInstructions(runtime, wasm));
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    missing.set(runtime.name, error.message);
  }
}

async function measure(H: number, kernel: Kernel): Promise<Row> {
  const model = gruModel("q15", INPUTS, H);
  const wasm = await build(model, kernel, false);
  checkBits(model, await build(model, kernel, true));
  const running = withMemory(wasm, runningPatches(model, wasm));
  const instructions = new Map<string, number>();
  const atOnce = limited(2);
  const counts = COUNTED.map((runtime) => atOnce(() => countInto(instructions, runtime, running)));
  await Promise.all(counts);
  return {
    H,
    kernel,
    macs: 3 * H * (INPUTS + H),
    operations: countOperations(running),
    module: wasm.length,
    memory: memoryOf(wasm),
    instructions,
  };
}

const count = (value: number): string => value.toLocaleString("en-US");

/** A Markdown table; the first column to the left, the others to the right. */
function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const rule = head.map((_, column) => (column === 0 ? "---" : "---:"));
  return [head, rule, ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function operationsTable(rows: readonly Row[]): string {
  const head = ["kernel", "MACs", "operations", "without local.get, const", "per MAC", "module B", "linear memory B"];
  const cells = rows.map(({ H, kernel, macs, operations, module, memory }) => [
    `H = ${H}, ${kernel}`,
    count(macs),
    count(operations.total),
    count(operations.work),
    (operations.work / macs).toFixed(2),
    count(module),
    kernel === "naive" ? "" : count(memory),
  ]);
  return markdown(head, cells);
}

/** The row of plain loops of the same size. */
const naiveOf = (rows: readonly Row[], { H }: Row): Row =>
  rows.find((row) => row.H === H && row.kernel === "naive") as Row;

function ratio(rows: readonly Row[], row: Row, runtime: string): number {
  return (naiveOf(rows, row).instructions.get(runtime) ?? 0) / (row.instructions.get(runtime) ?? 1);
}

function instructionsTable(rows: readonly Row[]): string {
  const runtimes = COUNTED.map(({ name }) => name).filter((name) => !missing.has(name));
  const cells = rows.map((row) => [
    `H = ${row.H}, ${row.kernel}`,
    ...runtimes.map((name) => {
      const instructions = count(row.instructions.get(name) ?? 0);
      return row.kernel === "naive" ? instructions : `${instructions} (${ratio(rows, row, name).toFixed(1)}x)`;
    }),
  ]);
  return markdown(["kernel", ...runtimes], cells);
}

function boardsTable(rows: readonly BoardRow[]): string {
  const cells = rows.map(({ core, engine, H, instructions, flash, linear, heap, stack }) => [
    `H = ${H}, ${core}, ${engine}`,
    count(instructions),
    count(flash),
    count(linear),
    count(heap),
    count(stack),
  ]);
  const head = ["model, core, way", "instructions", "flash B", "linear memory B", "runtime's heap B", "native stack B"];
  return markdown(head, cells);
}

type Target = readonly [title: string, goal: string, measured: string, isMet: boolean];

function targetsTable(rows: readonly Row[], boards: readonly BoardRow[]): string {
  const cells = [...kernelTargets(rows), ...boardTargets(boards)].map(([title, goal, measured, isMet]) => [
    title,
    goal,
    measured,
    isMet ? "met" : "not met",
  ]);
  return markdown(["target", "goal", "measured", ""], cells);
}

function kernelTargets(rows: readonly Row[]): readonly Target[] {
  const at = (H: number, kernel: Kernel): Row => rows.find((row) => row.H === H && row.kernel === kernel) as Row;
  const wide = at(32, "wide");
  const small = at(16, "bytes");
  const interpreters = COUNTED.map(({ name }) => name).filter(
    (name) => wide.instructions.has(name) && !name.startsWith("wasm2c"),
  );
  const perMac = wide.operations.work / wide.macs;
  return [
    ["operations per MAC, H = 32, wide", "2.8", perMac.toFixed(2), perMac <= 2.8],
    ["module of H = 16, bytes, B", "4,096", count(small.module), small.module <= 4096],
    ...interpreters.map((name): Target => {
      const times = ratio(rows, wide, name);
      return [`fewer instructions than a plain loop, H = 32, wide: ${name}`, "4x", `${times.toFixed(2)}x`, times >= 4];
    }),
  ];
}

function boardTargets(boards: readonly BoardRow[]): readonly Target[] {
  const on = (engine: string, H: number) =>
    boards.find((row) => row.core === "Cortex-M4" && row.engine === engine && row.H === H);
  const compiled = on("wasm2c", 32);
  const ram = (H: number, goal: number): Target[] => {
    const row = on("wasm3, bytes", H);
    if (row === undefined) return [];
    const total = row.linear + row.heap;
    return [
      [`wasm3 on a Cortex-M4, H = ${H}, bytes: RAM without native stack, B`, count(goal), count(total), total <= goal],
    ];
  };
  return [
    ...(compiled === undefined
      ? []
      : ([
          [
            "wasm2c on a Cortex-M4, H = 32: instructions",
            "12,500",
            count(compiled.instructions),
            compiled.instructions <= 12500,
          ],
          ["wasm2c on a Cortex-M4, H = 32: flash, B", "8,192", count(compiled.flash), compiled.flash <= 8192],
        ] satisfies Target[])),
    ...ram(32, 12288),
    ...ram(16, 9216),
  ];
}

/** What the modules cost on emulated boards, where cross compilers and qemu are installed. */
async function measureBoards(): Promise<readonly BoardRow[]> {
  console.error("boards under qemu");
  const models = new Map(SIZES.map((H) => [H, gruModel("q15", INPUTS, H)]));
  const wasm3 = await fetchWasm3().catch((error: Error) => {
    missing.set("wasm3 under qemu", error.message);
    return undefined;
  });
  return boardRows({
    models,
    ...(wasm3 !== undefined && { wasm3 }),
    onMissing: (board, programs) => missing.set(board, `${programs.join(" and ")} not installed`),
  });
}

const rows: Row[] = [];
for (const H of SIZES) {
  for (const kernel of KERNELS) {
    console.error(`H = ${H}, ${kernel}`);
    rows.push(await measure(H, kernel));
  }
}
const boards = await measureBoards();
const text = [
  operationsTable(rows),
  "Instructions of the host's processor for one step, and how many times fewer than the plain loop takes:",
  instructionsTable(rows),
  "Emulated boards:",
  boardsTable(boards),
  "Targets:",
  targetsTable(rows, boards),
].join("\n\n");
console.log(text);
for (const [name, reason] of missing) console.log(`SKIPPED ${name}: ${reason}`);

/** A document with other text between two of its lines. */
function withPart(document: string, [first, last]: readonly [string, string], part: string): string {
  const [start, end] = [document.indexOf(first), document.indexOf(last)];
  if (start < 0 || end < start) throw new Error(`${DOCUMENT} has no lines "${first}" and "${last}"`);
  return `${document.slice(0, start + first.length)}\n${part}\n${document.slice(end)}`;
}

if (process.argv.includes("--write")) {
  const summary = summaryRows(boards);
  const document = withPart(readFileSync(DOCUMENT, "utf8"), TABLES, text);
  const isMeasured = summary.rows.length > 0;
  writeFileSync(DOCUMENT, isMeasured ? withPart(document, SUMMARY, markdown(summary.head, summary.rows)) : document);
}
