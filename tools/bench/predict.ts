// Lines per second of `rivulet predict`, from stream to stream in this process.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Readable, Writable } from "node:stream";
import { serializeModel } from "../../host/model/model.ts";
import type { Numeric } from "../../host/model/types.ts";
import { type PredictArgs, runPredict } from "../commands/predict.ts";
import { gruModel } from "./models.ts";

const I = 8;
const H = 32;
const LINES = 100_000;
/** What a pipe hands over at once. */
const CHUNK_BYTES = 65_536;
const RUNS = 5;

type Format = Exclude<PredictArgs["format"], "auto">;

/** Answers rows for a table: lines per second of I = 8, H = 32 and one output, for each numeric form and format; the fastest of five runs. */
export async function benchPredict(): Promise<string[][]> {
  const folder = await mkdtemp(path.join(tmpdir(), "rivulet-bench-"));
  try {
    const rows = [["I,H", "format", "f32 lines/s", "q15 lines/s"]];
    for (const format of ["ndjson", "csv"] as const) {
      const rates = [];
      for (const numeric of ["f32", "q15"] as const) rates.push(await measure(folder, numeric, format));
      rows.push([`${I},${H}`, format, ...rates.map((rate) => rate.toFixed(0))]);
    }
    return rows;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @returns lines per second */
async function measure(folder: string, numeric: Numeric, format: Format): Promise<number> {
  const { spec, tensors } = gruModel(numeric, I, H);
  const model = path.join(folder, `${numeric}.safetensors`);
  await writeFile(model, serializeModel(spec, tensors));
  const text = Buffer.from(samples(format));
  let best = 0;
  for (let run = 0; run < RUNS; run++) {
    const output = new LineCounter();
    const start = performance.now();
    const args = { model, file: "-", format, simd: true, verify: true };
    await runPredict(args, { stdin: chunks(text), stdout: output, stderr: output, isTty: false, env: {} });
    const seconds = (performance.now() - start) / 1000;
    if (output.lines !== LINES) throw new Error(`predict wrote ${output.lines} lines, expected ${LINES}`);
    best = Math.max(best, LINES / seconds);
  }
  return best;
}

/** Makes lines of numbers as sensors write them, four digits after the point. */
function samples(format: Format): string {
  const rows = Array.from({ length: LINES }, (_, t) =>
    Array.from({ length: I }, (_, i) => Math.sin(0.1 * t + i).toFixed(4)).join(),
  );
  if (format === "ndjson") return rows.map((row) => `[${row}]\n`).join("");
  const header = Array.from({ length: I }, (_, i) => `x${i}`).join();
  return [header, ...rows, ""].join("\n");
}

function chunks(bytes: Buffer): Readable {
  const count = Math.ceil(bytes.length / CHUNK_BYTES);
  return Readable.from(
    Array.from({ length: count }, (_, i) => bytes.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES)),
    { objectMode: false },
  );
}

/** Takes everything and counts the lines. */
class LineCounter extends Writable {
  lines = 0;

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) this.lines++;
    done();
  }
}
