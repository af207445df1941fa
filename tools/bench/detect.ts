// `npm run bench:detect`: rows per second of detectors, in TypeScript and in the kernels, alternately in one process; then those of the
// whole command `rivulet detect`.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Writable } from "node:stream";
import { calibrate } from "../../host/detect/calibrate.ts";
import { Detector } from "../../host/detect/detector.ts";
import { serializeDetector } from "../../host/detect/file.ts";
import { KernelDetector } from "../../host/detect/kernel-detector.ts";
import type { DetectorParameters } from "../../host/detect/parameters.ts";
import { alignColumns } from "../columns.ts";
import { runDetect } from "../commands/detect.ts";
import { mulberry32 } from "../random.ts";
import { timeCases } from "./timing.ts";

const PERIOD = 288;
const ROWS = 20_160;
/** Fractional bits of the readings. */
const FRACTION = 8;
const RUNS = 5;

/** Readings with a daily course and noise, raw. */
function readings(channels: number): Float64Array[] {
  const random = mulberry32(channels);
  return Array.from({ length: channels }, (_, c) =>
    Float64Array.from({ length: ROWS }, (__, row) => {
      const wave = Math.sin((2 * Math.PI * (row + 20 * c)) / PERIOD);
      return Math.round(2 ** FRACTION * (20 + 5 * wave + random() + random() - 1));
    }),
  );
}

const firstWeeks = (columns: readonly Float64Array[]): Float64Array[] =>
  columns.map((column) => column.subarray(0, 2016));

/** Nanoseconds of a row: in TypeScript, in the scalar kernel, in that with SIMD. */
function timeRows(parameters: DetectorParameters, columns: readonly Float64Array[]): readonly number[] {
  const rows = Array.from({ length: ROWS }, (_, row) => columns.map((column) => column[row] as number));
  const detectors = [
    { name: "TypeScript", detector: new Detector(parameters) },
    { name: "scalar", detector: new KernelDetector(parameters, false) },
    { name: "SIMD", detector: new KernelDetector(parameters, true) },
  ];
  const times = timeCases(
    detectors.map(({ name, detector }) => {
      let row = 0;
      const run = (count: number) => {
        for (let i = 0; i < count; i++, row++) detector.step(rows[row % ROWS] as number[], row);
      };
      return { name, run };
    }),
  );
  return detectors.map(({ name }) => times.get(name) as number);
}

/** Rows per second of `rivulet detect` over a CSV file, the fastest of five runs. */
async function timeCommand(parameters: DetectorParameters, columns: readonly Float64Array[]): Promise<number> {
  const folder = await mkdtemp(path.join(tmpdir(), "rivulet-bench-"));
  try {
    const [detector, file] = [path.join(folder, "d.safetensors"), path.join(folder, "rows.csv")];
    const inputs = columns.map((_, c) => ({ name: `x${c}`, fraction: FRACTION }));
    await writeFile(detector, serializeDetector({ name: "bench", inputs, alarmsPerWeek: 1, rows: 2016 }, parameters));
    const lines = Array.from({ length: ROWS }, (_, row) =>
      columns.map((column) => (column[row] as number) / 2 ** FRACTION).join(),
    );
    await writeFile(file, [inputs.map(({ name }) => name).join(), ...lines, ""].join("\n"));
    const nowhere = () => new Writable({ write: (_chunk, _encoding, done) => done() });
    let best = 0;
    for (let run = 0; run < RUNS; run++) {
      const start = performance.now();
      const io = { stdin: process.stdin, stdout: nowhere(), stderr: nowhere(), isTty: false, env: {} };
      await runDetect({ detector, file }, io);
      best = Math.max(best, ROWS / ((performance.now() - start) / 1000));
    }
    return best;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const table = [["channels", "period", "TypeScript", "scalar kernel", "SIMD kernel", "ratio", "rivulet detect"]];
for (const channels of [1, 4, 8]) {
  const columns = readings(channels);
  for (const period of [undefined, PERIOD]) {
    const parameters = calibrate(firstWeeks(columns), { rate: 1 / 2016, ...(period !== undefined && { period }) });
    const times = timeRows(parameters, columns);
    const [ours, , simd] = times as [number, number, number];
    table.push([
      String(channels),
      period === undefined ? "none" : String(period),
      ...times.map((time) => (1e9 / time).toFixed(0)),
      (ours / simd).toFixed(1),
      (await timeCommand(parameters, columns)).toFixed(0),
    ]);
  }
}
process.stdout.write("Rows per second; ratio: TypeScript's time by that of the SIMD kernel\n");
for (const line of alignColumns(table)) process.stdout.write(`${line}\n`);
