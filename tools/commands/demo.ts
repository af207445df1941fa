import { existsSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseDetector } from "../../host/detect/file.ts";
import type { Page } from "../../host/web/page.ts";
import { openPage } from "../demo/page.ts";
import { type Plant, RATE_HZ, startPlant } from "../demo/plant.ts";
import { describeFailure, describeStats, secondsOf, summarise } from "../demo/summary.ts";
import { renderFrame } from "../demo/table.ts";
import { CliError } from "../errors.ts";
import { readModel } from "../files.ts";
import { hasColors, type Io } from "../io.ts";
import { openScreen } from "../screen.ts";

export interface DemoArgs {
  /** Absent: until the user stops it. */
  readonly seconds?: number;
  readonly pumps: number;
  readonly seed: number;
  /** Address and port of the page; false: none. */
  readonly web: string | false;
}

const FRAME_MS = 125;
const LINE_MS = 1000;
const FAIL_AFTER_SECONDS = 20;

/** Shows the simulated plant until the time is over or the user stops it, then a summary. */
export async function runDemo(args: DemoArgs, io: Io): Promise<void> {
  const model = await readModel(findFile("pump.safetensors"), { verify: true });
  const detector = parseDetector(readFileSync(findFile("pump-detector.safetensors")));
  const failAfter = Math.min(FAIL_AFTER_SECONDS, (args.seconds ?? Infinity) * 0.4);
  const failAt = Math.round(failAfter * RATE_HZ);
  const problems: string[] = [];
  const keep = (scope: string, text: string) => void problems.push(`${scope}: ${text}`);
  const log = { info: () => {}, warn: keep, error: keep };
  const plant = await startPlant({ model, detector, pumps: args.pumps, seed: args.seed, failAt, log });
  const start = performance.now();
  let page: Page | undefined;
  try {
    page = args.web === false ? undefined : await openPage(plant.shown, args.web, log);
    const address = page?.server.address;
    if (io.isTty) await showTable(plant, start, failAt, address, args, io);
    else await printLines(plant, start, address, args, io);
  } finally {
    await page?.stop();
    await plant.stop();
  }
  io.stdout.write(summarise(plant, failAt));
  for (const problem of problems) io.stderr.write(`${problem}\n`);
}

/** The demo's files lie beside the bundle, or in the repository when run from source. */
function findFile(name: string): string {
  const places = [`./${name}`, `../../models/${name}`];
  const found = places.map((place) => fileURLToPath(new URL(place, import.meta.url))).find(existsSync);
  if (found === undefined) throw new CliError(`A file of the demo, ${name}, is missing; run npm run build`);
  return found;
}

/** Calls `onTick` every `periodMs` until the time is over or the user stops. */
async function tick(periodMs: number, { seconds = Infinity }: DemoArgs, io: Io, onTick: () => void): Promise<void> {
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end && !io.signal?.aborted) {
    const wait = Math.min(periodMs, Math.max(0, end - performance.now()));
    await sleep(wait, undefined, io.signal && { signal: io.signal }).catch(() => {});
    onTick();
  }
}

async function showTable(
  plant: Plant,
  start: number,
  failAt: number,
  address: string | undefined,
  args: DemoArgs,
  io: Io,
): Promise<void> {
  const screen = openScreen(io.stdout);
  try {
    await tick(FRAME_MS, args, io, () => {
      const hasFailed = performance.now() - start >= secondsOf(failAt) * 1000;
      const event = hasFailed
        ? describeFailure(plant, failAt)
        : `at ${secondsOf(failAt)} s, one bearing begins to fail`;
      const { rows = 24, columns = 80 } = io.stdout as { rows?: number; columns?: number };
      const stats = describeStats(plant, performance.now() - start);
      const parts = { stats, pumps: plant.watches, news: [event, ...describePage(address)] };
      screen.draw(renderFrame(parts, { columns, rows, hasColors: hasColors(io) }));
    });
  } finally {
    screen.close();
  }
}

const describePage = (address: string | undefined): string[] => (address === undefined ? [] : [`page: ${address}`]);

async function printLines(
  plant: Plant,
  start: number,
  address: string | undefined,
  args: DemoArgs,
  io: Io,
): Promise<void> {
  for (const line of describePage(address)) io.stdout.write(`${line}\n`);
  await tick(LINE_MS, args, io, () => {
    const suspects = plant.watches.filter((watch) => watch.isAlarm);
    const alarms = suspects.map(({ name, score, cause }) => `  ${name} score ${score.toFixed(1)}: ${cause}?`);
    io.stdout.write(`${describeStats(plant, performance.now() - start)}${alarms.join("")}\n`);
  });
}
