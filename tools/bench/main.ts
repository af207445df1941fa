// `npm run bench`: how near the cell comes to the streaming limit of one core, what the host adds to it, and what batching gives.
// All numbers of a table come from interleaved runs in one process; ratios are what to compare.

import { readFileSync } from "node:fs";
import type { Numeric } from "../../host/model/types.ts";
import { createRuntime, type KernelRuntime } from "../../host/runtime/runtime.ts";
import { gruModel } from "./models.ts";
import { benchPredict } from "./predict.ts";
import { type Case, timeCases } from "./timing.ts";

const SHAPES = [
  [1, 16],
  [8, 32],
  [16, 64],
  [64, 128],
  [64, 256],
] as const;

interface Limits {
  readonly memory: WebAssembly.Memory;
  stream_f32(w: number, x: number, t: number, bytes: number, passes: number): void;
  stream_i8(w: number, x: number, t: number, bytes: number, passes: number): void;
  stream_i16(w: number, x: number, t: number, bytes: number, passes: number): void;
}

const limits = new WebAssembly.Instance(new WebAssembly.Module(readFileSync("build/limits.wasm")))
  .exports as unknown as Limits;

/** Places in the limits module: weights, and below them the vector and the sums. */
const WEIGHTS = 65536;
const VECTOR = 4096;
const SUMS = 1024;

/** Steps in one call of the kernel's `run`. */
const STEPS = 20;

/** Passes of the limit loops over as many multiply-accumulates as the GRU layer of a step does. */
function limitCases(macs: number): Case[] {
  const f32 = Math.ceil((macs * 4) / 192) * 192;
  const i8 = Math.ceil(macs / 96) * 96;
  return [
    { name: "limit f32", run: (count) => limits.stream_f32(WEIGHTS, VECTOR, SUMS, f32, count) },
    { name: "limit i8", run: (count) => limits.stream_i8(WEIGHTS, VECTOR, SUMS, i8, count) },
    { name: "limit i16", run: (count) => limits.stream_i16(WEIGHTS, VECTOR, SUMS, 2 * i8, count) },
  ];
}

/** A step inside the module, a step called from JavaScript, and a step of a session, all of one model. */
function stepCases(numeric: Numeric, I: number, H: number): Case[] {
  const model = gruModel(numeric, I, H);
  const sample = Array.from({ length: I }, (_, i) => Math.sin(i));
  const simd = createRuntime(model, { simd: true });
  const session = simd.createSession();
  return [
    { name: `${numeric} run`, run: runOf(simd, sample) },
    { name: `${numeric} scalar run`, run: runOf(createRuntime(model, { simd: false }), sample) },
    { name: `${numeric} kernel`, run: kernelOf(simd) },
    {
      name: `${numeric} session`,
      run: (count) => {
        for (let i = 0; i < count; i++) session.step(sample);
      },
    },
  ];
}

/** Steps by `run` in the module: the kernel without any call from JavaScript. */
function runOf(runtime: KernelRuntime, sample: readonly number[]): Case["run"] {
  runtime.createSession().run(Array.from({ length: STEPS }, () => sample).flat());
  const { kernels, areas } = runtime.instance;
  const state = stateOf(runtime);
  return (count) => {
    for (let i = 0; i < count; i += STEPS) {
      kernels.run(areas.image, state, areas.samples, areas.predictions, STEPS);
    }
  };
}

/** Steps by one call from JavaScript each, with nothing around it. */
function kernelOf(runtime: KernelRuntime): Case["run"] {
  const { kernels, areas } = runtime.instance;
  const state = stateOf(runtime);
  return (count) => {
    for (let i = 0; i < count; i++) kernels.step(areas.image, state, areas.samples, areas.predictions);
  };
}

/** Address of a state block that no session uses: the end of the memory, which the arena reaches last. */
function stateOf(runtime: KernelRuntime): number {
  const { kernels, areas, stateBytes, memoryBytes } = runtime.instance;
  const address = memoryBytes - Math.ceil(stateBytes / 16) * 16;
  kernels.reset(areas.image, address);
  return address;
}

/** Prints columns aligned to the right. */
function printTable(title: string, table: readonly (readonly string[])[]): void {
  const [head = []] = table;
  const widths = head.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  console.log(`\n${title}`);
  for (const row of table) console.log(row.map((cell, column) => cell.padStart(widths[column] ?? 0)).join("  "));
}

const cells: string[][] = [
  [
    "I,H",
    "MACs",
    "limit f32",
    "f32",
    "fraction",
    "limit i8",
    "q15",
    "fraction",
    "limit i16",
    "fraction",
    "scalar f32",
    "q15",
  ],
];
const host: string[][] = [["I,H", "f32 kernel", "session", "host adds", "q15 kernel", "session", "host adds"]];
for (const [I, H] of SHAPES) {
  const macs = 3 * H * (I + H);
  const times = timeCases([...limitCases(macs), ...stepCases("f32", I, H), ...stepCases("q15", I, H)]);
  const at = (name: string) => times.get(name) as number;
  const ns = (name: string) => at(name).toFixed(0);
  const ratio = (limit: string, name: string) => (at(limit) / at(name)).toFixed(2);
  const added = (numeric: Numeric) => (at(`${numeric} session`) - at(`${numeric} kernel`)).toFixed(0);
  cells.push([
    `${I},${H}`,
    `${macs}`,
    ns("limit f32"),
    ns("f32 run"),
    ratio("limit f32", "f32 run"),
    ns("limit i8"),
    ns("q15 run"),
    ratio("limit i8", "q15 run"),
    ns("limit i16"),
    ratio("limit i16", "q15 run"),
    ns("f32 scalar run"),
    ns("q15 scalar run"),
  ]);
  host.push([
    `${I},${H}`,
    ns("f32 kernel"),
    ns("f32 session"),
    added("f32"),
    ns("q15 kernel"),
    ns("q15 session"),
    added("q15"),
  ]);
}
printTable(
  "One step of a GRU and one output, batch 1, ns (fastest of many interleaved runs). limit: the GRU's weights through 12 accumulators",
  cells,
);
printTable("What the host adds to one call of the kernel, ns", host);
printTable("rivulet predict, H = 32, in-process", await benchPredict());
