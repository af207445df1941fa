// `npm run bench`: how near the cell comes to the streaming limit of one core, what the host adds to it, and what batching gives.
// All numbers of a table come from interleaved runs in one process; ratios are what to compare.

import { readFileSync } from "node:fs";
import { createRuntime } from "../../host/runtime/runtime.ts";
import type { Numeric } from "../../host/runtime/types.ts";
import { gruModel } from "./models.ts";
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
  stream_f32(w: number, x: number, bytes: number, passes: number): void;
  stream_i8(w: number, x: number, bytes: number, passes: number): void;
  stream_i16(w: number, x: number, bytes: number, passes: number): void;
}

const limits = new WebAssembly.Instance(new WebAssembly.Module(readFileSync("build/limits.wasm")))
  .exports as unknown as Limits;

/** Address of the weights in the limits module; x lies below. */
const WEIGHTS = 65536;

/** Passes of the limit loop over as many multiply-accumulates as a step does. */
function limitCases(macs: number): Case[] {
  const f32 = Math.ceil((macs * 4) / 192) * 192;
  const i8 = Math.ceil(macs / 96) * 96;
  return [
    { name: "limit f32", run: (count) => limits.stream_f32(WEIGHTS, 16, f32, count) },
    { name: "limit i8", run: (count) => limits.stream_i8(WEIGHTS, 16, i8, count) },
    { name: "limit i16", run: (count) => limits.stream_i16(WEIGHTS, 16, 2 * i8, count) },
  ];
}

function stepCases(numeric: Numeric, I: number, H: number): Case[] {
  const runtime = createRuntime(gruModel(numeric, I, H));
  const scalar = createRuntime(gruModel(numeric, I, H), { simd: false });
  const session = runtime.createSession();
  const sample = Array.from({ length: I }, (_, i) => Math.sin(i));
  session.step(sample);
  const kernel = (each: typeof runtime): Case["run"] => {
    const state = each.createSession();
    state.step(sample);
    const { kernels, places } = each;
    const address = each.memoryBytes - 4096; // any free block will do as a state
    return (count) => {
      for (let i = 0; i < count; i++) kernels.step(places.image, address, places.samples, places.predictions);
    };
  };
  return [
    { name: `${numeric} kernel`, run: kernel(runtime) },
    { name: `${numeric} scalar`, run: kernel(scalar) },
    {
      name: `${numeric} session`,
      run: (count) => {
        for (let i = 0; i < count; i++) session.step(sample);
      },
    },
  ];
}

const rows: string[][] = [
  ["I,H", "MACs", "limit f32", "f32 step", "fraction", "limit i8", "q15 step", "fraction", "of i16 limit", "scalar f32", "scalar q15"],
];
for (const [I, H] of SHAPES) {
  const macs = 3 * H * (I + H);
  const times = timeCases([...limitCases(macs), ...stepCases("f32", I, H), ...stepCases("q15", I, H)]);
  const at = (name: string) => times.get(name) as number;
  const ns = (name: string) => at(name).toFixed(0);
  const ratio = (limit: string, name: string) => (at(limit) / at(name)).toFixed(2);
  rows.push([
    `${I},${H}`,
    `${macs}`,
    ns("limit f32"),
    ns("f32 kernel"),
    ratio("limit f32", "f32 kernel"),
    ns("limit i8"),
    ns("q15 kernel"),
    ratio("limit i8", "q15 kernel"),
    ratio("limit i16", "q15 kernel"),
    ns("f32 scalar"),
    ns("q15 scalar"),
  ]);
}
console.log("One step, batch 1, ns (fastest of 40 interleaved runs); limit: the weights streamed once through 12 accumulators");
printTable(rows);

/** Prints columns aligned to the right. */
function printTable(table: readonly (readonly string[])[]): void {
  const widths = (table[0] as readonly string[]).map((_, column) => Math.max(...table.map((row) => (row[column] as string).length)));
  for (const row of table) console.log(row.map((cell, column) => cell.padStart(widths[column] as number)).join("  "));
}
