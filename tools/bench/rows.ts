// `npm run bench:rows`: what `rivulet train` takes of memory and time for ten million rows. Linux only: the kernel tells the peak.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { finished } from "node:stream/promises";
import { mulberry32 } from "../../host/train/random.ts";

const ROWS = 10_000_000;
const MOST_MB = 200;
const POLL_MS = 100;

/** Two columns of numbers, a second apart. */
async function writeRows(file: string): Promise<void> {
  const random = mulberry32(1);
  const out = createWriteStream(file);
  out.write("time,flow,heat\n");
  let [flow, heat] = [0, 0];
  for (let row = 0; row < ROWS; ) {
    const lines: string[] = [];
    for (let i = 0; i < 10_000; i++, row++) {
      flow = 0.95 * flow + random() - 0.5;
      heat = 0.9 * heat + 0.3 * flow + 0.1 * (random() - 0.5);
      lines.push(`${1_600_000_000 + row},${flow.toFixed(4)},${heat.toFixed(4)}\n`);
    }
    if (!out.write(lines.join(""))) await once(out, "drain");
  }
  out.end();
  await finished(out);
}

/** Runs the command; answers the greatest memory that it held, MB. */
async function peakOf(argv: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, ["dist/cli.js", ...argv], { stdio: "inherit" });
  let peak = 0;
  const poll = setInterval(() => {
    try {
      const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
      peak = Math.max(peak, Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024);
    } catch {
      // It has just ended.
    }
  }, POLL_MS);
  const code = await new Promise((resolve) => child.once("exit", resolve));
  clearInterval(poll);
  if (code !== 0) throw new Error(`rivulet train ended with ${code}`);
  return peak;
}

const folder = await mkdtemp(path.join(tmpdir(), "rivulet-rows-"));
try {
  const data = path.join(folder, "rows.csv");
  await writeRows(data);
  const start = performance.now();
  const peak = await peakOf(["train", data, "-o", path.join(folder, "rows.safetensors"), "--budget", "20"]);
  const seconds = (performance.now() - start) / 1000;
  process.stdout.write(
    `${ROWS} rows: ${peak.toFixed(0)} MB at most, ${MOST_MB} allowed, ${seconds.toFixed(0)} s with 20 s for the search\n`,
  );
  if (peak > MOST_MB) process.exitCode = 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}
