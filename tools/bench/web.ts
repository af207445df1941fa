// `npm run bench:web`: what the page costs: bytes, the time to its first paint, and the share of the host's processor time that the page
// and one viewer take at a thousand readings a second. Processor times are those of the host's process alone, as Linux counts them.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import mqtt from "mqtt";
import { chromium } from "playwright-core";
import { type Broker, startBroker } from "../demo/broker.ts";
import { createPump, PUMP_INPUTS } from "../demo/pump.ts";

const DEVICES = 1000;
/** Short and many, one kind after the other: whatever else the machine does falls on all kinds alike. */
const WINDOW_MS = 3000;
const ROUNDS = 9;
/** Until just-in-time compilers and caches are settled. */
const WARM_MS = 15_000;
const TICKS_PER_S = 100; // of /proc, on every Linux
const FILES = ["index.html", "page.js", "page.css", "icon.svg"];

function printSizes(): void {
  const sizes = FILES.map((name) => gzipSync(readFileSync(`dist/web/${name}`), { level: 9 }).length);
  const parts = FILES.map((name, k) => `${name} ${((sizes[k] as number) / 1000).toFixed(1)}`);
  const sum = sizes.reduce((all, each) => all + each, 0);
  console.log(`packed: ${(sum / 1000).toFixed(1)} KB (${parts.join(", ")})`);
}

/** A host in a process of its own. */
interface Host {
  readonly process: ChildProcess;
  /** Of the page; undefined without one. */
  readonly address: string | undefined;
}

async function startHost(folder: string, broker: Broker, hasPage: boolean): Promise<Host> {
  const file = join(folder, "config.yaml");
  const text = {
    broker: { url: broker.url },
    state: { directory: join(folder, hasPage ? "state" : "state-without") },
    ...(hasPage && { web: { listen: "127.0.0.1:0" } }),
    streams: {
      pumps: {
        model: resolve("models/pump.safetensors"),
        detector: resolve("models/pump-detector.safetensors"),
        topic: "plant/{pump}/data",
        max_devices: 2 * DEVICES,
      },
    },
  };
  writeFileSync(file, JSON.stringify(text));
  const child = spawn(process.execPath, ["dist/cli.js", "run", file]);
  let log = "";
  const ready = /connected|subscribed/;
  const listening = /the page is at (\S+)/;
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (part) => (log += String(part)));
  while (!ready.test(log) || (hasPage && !listening.test(log))) {
    if (child.exitCode !== null) throw new Error(`The host ended: ${log}`);
    await sleep(50);
  }
  return { process: child, address: listening.exec(log)?.[1]?.replace(/,$/, "") };
}

/** Publishes a reading of each device a second, spread evenly; answers what ends it. */
async function publish(url: string): Promise<() => Promise<void>> {
  const client = await mqtt.connectAsync(url);
  const pumps = Array.from({ length: DEVICES }, (_, k) => createPump(k + 1));
  let [last, due, next] = [performance.now(), 0, 0];
  const timer = setInterval(() => {
    const now = performance.now();
    due += ((now - last) * DEVICES) / 1000;
    last = now;
    for (; due >= 1; due--, next = (next + 1) % DEVICES) {
      const sample = pumps[next]?.next() ?? [];
      const reading = Object.fromEntries(PUMP_INPUTS.map(({ name }, k) => [name, sample[k]]));
      client.publish(`plant/pump-${next}/data`, JSON.stringify(reading), { qos: 1 });
    }
  }, 4);
  return async () => {
    clearInterval(timer);
    await client.endAsync(true);
  };
}

/** Processor time of a process so far, ms. */
function processorMs({ pid }: ChildProcess): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  return (1000 * (Number(fields[11]) + Number(fields[12]))) / TICKS_PER_S;
}

/** Processor time that a host takes in a window, as a share of one core. */
async function measure({ process: child }: Host): Promise<number> {
  const [start, from] = [performance.now(), processorMs(child)];
  await sleep(WINDOW_MS);
  return (processorMs(child) - from) / (performance.now() - start);
}

/** Measures while somebody looks at a place of the page. */
async function measureViewed(host: Host, path: string): Promise<number> {
  const stop = new AbortController();
  const answer = await fetch(new URL(path, host.address), { signal: stop.signal });
  const reading = (async () => {
    for await (const _ of answer.body as unknown as AsyncIterable<Uint8Array>);
  })().catch(() => {}); // ended below
  const share = await measure(host);
  stop.abort();
  await reading;
  return share;
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] as number;
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

async function measureHost(folder: string): Promise<void> {
  const broker = await startBroker();
  const hosts = [await startHost(folder, broker, false)];
  const stop = await publish(broker.url);
  await sleep(WARM_MS);
  const without: number[] = [];
  for (let round = 0; round < ROUNDS; round++) without.push(await measure(hosts[0] as Host));
  hosts[0]?.process.kill();
  await once(hosts[0]?.process as ChildProcess, "exit");
  const host = await startHost(folder, broker, true);
  await sleep(WARM_MS);
  const [idle, list, device]: number[][] = [[], [], []];
  for (let round = 0; round < ROUNDS; round++) {
    idle?.push(await measure(host));
    list?.push(await measureViewed(host, "api/events/devices?count=80"));
    device?.push(await measureViewed(host, "api/events/device?stream=pumps&device=pump-7"));
  }
  const base = median(idle as number[]);
  console.log(
    `${DEVICES} devices at a reading a second, share of a core that the host takes, medians of ${ROUNDS} × ${WINDOW_MS / 1000} s:`,
  );
  console.log(`  without a page ${percent(median(without))}`);
  console.log(`  with one, and nobody who looks ${percent(base)}`);
  for (const [name, shares] of [
    ["the list", list],
    ["a device", device],
  ] as const) {
    const share = median(shares as number[]);
    console.log(`  somebody looks at ${name} ${percent(share)}: ${((share / base - 1) * 100).toFixed(1)} % more`);
  }
  if (existsSync(CHROMIUM)) await printPaint(host.address as string);
  else console.log("first paint: not measured, Chromium is missing (CHROMIUM says where it is)");
  host.process.kill();
  await once(host.process, "exit");
  await stop();
  await broker.stop();
}

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** From the navigation to the first paint with something in it, in pages that were never open before. */
async function printPaint(address: string): Promise<void> {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
  const paints: number[] = [];
  const lists: number[] = [];
  for (let run = 0; run < 7; run++) {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(address);
    await page.waitForSelector(".device a");
    lists.push(await page.evaluate(() => performance.now()));
    paints.push(
      await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? Number.NaN),
    );
    await context.close();
  }
  await browser.close();
  const of = (times: readonly number[]) =>
    `median ${median(times).toFixed(0)} ms of ${times.map((ms) => ms.toFixed(0)).join(", ")}`;
  console.log(`first paint in headless Chromium: ${of(paints)}`);
  console.log(`devices are shown after at most: ${of(lists)}`);
}

printSizes();
if (process.platform === "linux") {
  const folder = mkdtempSync(join(tmpdir(), "rivulet-bench-web-"));
  try {
    await measureHost(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
} else console.log("Processor times are read from /proc, which this system has not");
