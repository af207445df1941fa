// `npm run bench:bridge`: what a message costs `rivulet run` beside subscribers that do less, in one run: all of them hear the same
// messages of the same Mosquitto at the same time, and the processor time of each process is its own, as Linux counts it.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import mqtt, { type MqttClient } from "mqtt";
import { serializeModel } from "../../host/model/model.ts";
import { startMosquitto } from "../../test/support/mosquitto.ts";
import { createPump, PUMP_INPUTS } from "../demo/pump.ts";
import { gruModel } from "./models.ts";
import { SUBSCRIBERS, subscribe } from "./subscribers.ts";

const DEVICES = 50;
const RATE = 2000; // messages a second
const WINDOW_MS = 3000;
const ROUNDS = 9;
/** Until just-in-time compilers and caches are settled. */
const WARM_MS = 12_000;
const TICKS_PER_S = 100; // of /proc, on every Linux
const QUANTITIES = ["a", "b", "c", "d", "e", "f"];
const MANY = 10_000;

interface Contestant {
  readonly name: string;
  readonly process: ChildProcess;
}

/** None outlives the benchmark, however that ends. */
const children = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of children) child.kill("SIGKILL");
});
process.once("SIGINT", () => process.exit(130));

/** Starts a program and waits for a line that says that it is subscribed. */
async function start(name: string, args: readonly string[], ready: RegExp): Promise<Contestant> {
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  children.add(child);
  let log = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (part) => {
      if (log.length < 10_000) log += String(part);
    });
  }
  while (!ready.test(log)) {
    if (child.exitCode !== null) throw new Error(`${name} ended: ${log}`);
    await sleep(20);
  }
  return { name, process: child };
}

const startSubscriber = (kind: string, url: string) =>
  start(kind, [process.argv[1] as string, "subscriber", kind, url], /subscribed/);

/** Starts `rivulet run` with one stream. */
async function startHost(
  name: string,
  { folder, url, stream }: { readonly folder: string; readonly url: string; readonly stream: object },
): Promise<Contestant> {
  const slug = name.replaceAll(/\W+/g, "-");
  const file = join(folder, `${slug}.yaml`);
  const state = { directory: join(folder, `state-${slug}`) };
  writeFileSync(
    file,
    JSON.stringify({ broker: { url }, base_topic: `own-${slug}`, state, streams: { pumps: stream } }),
  );
  return await start(name, ["dist/cli.js", "run", file], /connected to/);
}

/** Processor time of a process so far, ms. */
function processorMs({ process: { pid } }: Contestant): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  return (1000 * (Number(fields[11]) + Number(fields[12]))) / TICKS_PER_S;
}

/** Resident memory, MB. */
const memoryMb = ({ process: { pid } }: Contestant): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1000;

/** Publishes messages at an even rate; `count` is how many so far. */
function publishEvenly(client: MqttClient, messages: Iterator<readonly [topic: string, payload: string]>) {
  const sent = { count: 0 };
  let [last, due] = [performance.now(), 0];
  const timer = setInterval(() => {
    const now = performance.now();
    due += ((now - last) * RATE) / 1000;
    last = now;
    for (; due >= 1; due--, sent.count++) {
      const [topic, payload] = messages.next().value as readonly [string, string];
      client.publish(topic, payload, { qos: 1 });
    }
  }, 4);
  return { sent, stop: () => clearInterval(timer) };
}

function* readings(): Generator<readonly [string, string]> {
  const pumps = Array.from({ length: DEVICES }, (_, k) => createPump(k + 1));
  for (let at = 0; ; at = (at + 1) % DEVICES) {
    const sample = pumps[at]?.next() ?? [];
    yield [
      `plant/pump-${at}/data`,
      JSON.stringify(Object.fromEntries(PUMP_INPUTS.map(({ name }, k) => [name, sample[k]]))),
    ];
  }
}

/** Six topics a device, one after the other. */
function* quantities(): Generator<readonly [string, string]> {
  for (let at = 0; ; at++) {
    yield [`parts/room-${Math.floor(at / 6) % DEVICES}/${QUANTITIES[at % 6]}`, (20 + (at % 97) / 10).toFixed(1)];
  }
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] as number;

/** Has all hear the same messages; prints what each takes for one, and as a ratio to the first. */
async function compare(
  title: string,
  all: readonly Contestant[],
  client: MqttClient,
  messages: ReturnType<typeof readings>,
) {
  const { sent, stop } = publishEvenly(client, messages);
  await sleep(WARM_MS);
  const found = all.map((): number[] => []);
  for (let round = 0; round < ROUNDS; round++) {
    const [count, from] = [sent.count, all.map(processorMs)];
    await sleep(WINDOW_MS);
    for (const [k, one] of all.entries()) {
      found[k]?.push((1000 * (processorMs(one) - (from[k] as number))) / (sent.count - count));
    }
  }
  const memory = all.map(memoryMb);
  stop();
  console.log(`\n${title}, ${RATE} messages a second at QoS 1, medians of ${ROUNDS} windows of ${WINDOW_MS / 1000} s:`);
  const base = median(found[0] as number[]);
  for (const [k, { name }] of all.entries()) {
    const cost = median(found[k] as number[]);
    const ratio = `${(cost / base).toFixed(2)} ×`;
    console.log(
      `  ${name.padEnd(40)} ${cost.toFixed(1).padStart(6)} µs  ${ratio.padStart(7)}  ${memory[k]?.toFixed(0)} MB`,
    );
  }
}

async function end({ process: child }: Contestant): Promise<void> {
  child.kill();
  await once(child, "exit");
  children.delete(child);
}

async function compareMessages(folder: string, url: string, client: MqttClient): Promise<void> {
  const model = resolve("models/pump.safetensors");
  const stream = { model, topic: "plant/{pump}/data" };
  const all = [
    await startSubscriber("answers", url),
    await startSubscriber("parses", url),
    await startHost("rivulet run", { folder, url, stream }),
  ];
  await compare("One JSON object a reading", all, client, readings());
  for (const one of all) await end(one);
}

async function compareParts(folder: string, url: string, client: MqttClient): Promise<void> {
  const file = join(folder, "six.safetensors");
  const { spec, tensors } = gruModel("f32", 6, 16);
  const inputs = QUANTITIES.map((name) => ({ name }));
  writeFileSync(file, serializeModel({ ...spec, inputs }, tensors));
  const stream = {
    model: file,
    inputs: QUANTITIES.map((name) => ({ name, topic: `parts/{room}/${name}`, payload: "number" })),
    trigger: { on: "f" },
  };
  const all = [
    await startSubscriber("holds", url),
    await startHost("rivulet run, six topics", { folder, url, stream }),
  ];
  await compare("Six topics a sample", all, client, quantities());
  for (const one of all) await end(one);
}

/** Memory with many devices, and how long a start takes with their states stored. */
async function measureMany(folder: string, url: string, client: MqttClient): Promise<void> {
  const file = join(folder, "many.safetensors");
  const { spec, tensors } = gruModel("f32", 1, 32);
  writeFileSync(file, serializeModel(spec, tensors));
  const stream = { model: file, topic: "many/{device}", payload: "number", max_devices: 2 * MANY };
  const startTimes = async (name: string, runs: number): Promise<number> => {
    const times: number[] = [];
    for (let run = 0; run < runs; run++) {
      if (name === "empty") rmSync(join(folder, "state-empty"), { recursive: true, force: true });
      const began = performance.now();
      const host = await startHost(name, { folder, url, stream });
      times.push(performance.now() - began);
      await end(host);
    }
    return median(times);
  };
  const host = await startHost("many", { folder, url, stream });
  for (let k = 0; k < MANY; k++) {
    client.publish(`many/${k}`, "21.5", { qos: 1 });
    if (k % 200 === 0) await sleep(40);
  }
  await sleep(3000);
  console.log(`\n${MANY} devices of 32 units: ${memoryMb(host).toFixed(0)} MB resident`);
  await end(host);
  const [empty, full] = [await startTimes("empty", 7), await startTimes("many", 7)];
  console.log(
    `start until connected, medians of 7: ${empty.toFixed(0)} ms empty, ${full.toFixed(0)} ms with ${MANY} states: ${(full / empty).toFixed(2)} ×`,
  );
}

const [, , mode, kind = "", address = ""] = process.argv;
if (mode === "subscriber") await subscribe(SUBSCRIBERS[kind as keyof typeof SUBSCRIBERS], address);
else if (process.platform !== "linux") console.log("Processor times are read from /proc, which this system has not");
else {
  const folder = mkdtempSync(join(tmpdir(), "rivulet-bench-bridge-"));
  const config = ["set_tcp_nodelay true", "max_queued_messages 100000", "max_inflight_messages 1000"];
  const broker = await startMosquitto({ config });
  const client = await mqtt.connectAsync(broker.url);
  try {
    await compareMessages(folder, broker.url, client);
    await compareParts(folder, broker.url, client);
    await measureMany(folder, broker.url, client);
  } finally {
    await client.endAsync(true);
    await broker.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
