// One run: readings are published while the host is killed, the broker restarted and the connection damaged.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import mqtt, { type MqttClient } from "mqtt";
import { loadModel } from "../../host/load-file.ts";
import type { KillPoint } from "../../host/mqtt/kill-points.ts";
import { createRuntime } from "../../host/runtime/index.ts";
import { type Mosquitto, startMosquitto } from "../support/mosquitto.ts";
import { integer, mulberry32, type Random } from "../support/random.ts";
import { check, type Verdict } from "./checker.ts";
import { type DamagingProxy, startProxy } from "./proxy.ts";
import { expectStates, makeReadings, type Published } from "./readings.ts";

/** A fault, by what is done. */
export type Fault = KillPoint | "kill -9" | "broker restart" | "cut" | "cut within a packet" | "stall" | "split";

const KILLS: readonly Fault[] = ["after_compute", "after_write", "after_commit", "before_ack", "after_ack", "kill -9"];
const OTHERS: readonly Fault[] = ["broker restart", "cut", "cut within a packet", "stall", "split"];

export interface ScenarioOptions {
  readonly protocol: 4 | 5;
  readonly readings: number;
  /** Least number of kills and restarts of the broker. */
  readonly kills: number;
  readonly seed: number;
  /** The host, or one that must fail. */
  readonly variant: "rivulet" | "acknowledges on receipt" | "recognizes nothing";
}

export interface ScenarioResult extends Verdict {
  readonly faults: Readonly<Partial<Record<Fault, number>>>;
  readonly seconds: number;
}

const MODEL = resolve("models/pump.safetensors");
/** Readings that are published and not answered yet, at most: the broker has a backlog, and does not run full. */
const MOST_AHEAD = 3000;

/** Runs a scenario and compares what it came to. */
export async function runScenario(options: ScenarioOptions): Promise<ScenarioResult> {
  const started = Date.now();
  const folder = await mkdtemp(join(tmpdir(), "rivulet-faults-"));
  const broker = await startMosquitto({ persistence: true, config: ["max_inflight_messages 1000"] });
  const proxy = await startProxy(broker.port);
  try {
    const run = new Run(options, folder, broker, proxy);
    await run.start();
    const answers = await run.play();
    const runtime = createRuntime(await loadModel(MODEL));
    const expected = expectStates(runtime, run.readings);
    const verdict = await check(runtime, join(folder, "state"), expected, answers, run.readings);
    return { ...verdict, faults: run.faults, seconds: Math.round((Date.now() - started) / 1000) };
  } finally {
    await proxy.close();
    await broker.close();
    await rm(folder, { recursive: true, force: true });
  }
}

let bundled: Promise<string> | undefined;

/** Answers the program of the host's process; made once. */
function hostProgram(): Promise<string> {
  bundled ??= (async () => {
    const outfile = resolve("build/faults/host-process.mjs");
    await build({
      entryPoints: [resolve("test/faults/host-process.ts")],
      outfile,
      bundle: true,
      platform: "node",
      format: "esm",
      external: ["classic-level"],
      banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
      logLevel: "warning",
    });
    return outfile;
  })();
  return bundled;
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

class Run {
  readonly readings: Published[];
  readonly faults: Partial<Record<Fault, number>> = {};
  readonly #options: ScenarioOptions;
  readonly #folder: string;
  readonly #broker: Mosquitto;
  readonly #proxy: DamagingProxy;
  readonly #random: Random;
  readonly #answers = new Map<string, string[]>();
  #answered = 0;
  #published = 0;
  #unconfirmed = 0;
  #isPaused = false;
  #client: MqttClient | undefined;

  constructor(options: ScenarioOptions, folder: string, broker: Mosquitto, proxy: DamagingProxy) {
    this.#options = options;
    this.#folder = folder;
    this.#broker = broker;
    this.#proxy = proxy;
    this.#random = mulberry32(options.seed);
    this.readings = makeReadings(options.readings, options.seed);
  }

  /** Makes the subscriptions, so that no reading is published before them. */
  async start(): Promise<void> {
    const broker = `url: "mqtt://127.0.0.1:${this.#proxy.port}", protocol: ${this.#options.protocol}, keepalive: 5`;
    const common = `model: ${MODEL}, collect: { for: 3650d, megabytes: 0.02 }`;
    const streams = [
      `  timed: { ${common}, topic: "timed/{device}", time: { field: t, format: unix } }`,
      `  plain: { ${common}, topic: "plain/{device}", payload: array }`,
    ];
    await writeFile(join(this.#folder, "config.yaml"), `broker: { ${broker} }\nstreams:\n${streams.join("\n")}\n`);
    const { child, connected } = await this.#spawn();
    await connected;
    await this.#end(child, "SIGTERM");
    await this.#connect();
  }

  /** Publishes all readings among faults, and lets the host come to rest; answers what it published. */
  async play(): Promise<ReadonlyMap<string, readonly string[]>> {
    const publishing = this.#publish();
    for (let kills = 0; kills < this.#options.kills || this.#published < this.readings.length; ) {
      kills += await this.#live(kills < this.#options.kills);
    }
    await publishing;
    await this.#rest();
    this.#client?.end(true);
    return this.#answers;
  }

  async #connect(): Promise<void> {
    const client = mqtt.connect(this.#broker.url, { reconnectPeriod: 50, clientId: "plant", clean: false });
    this.#client = client;
    client.on("message", (topic, payload) => {
      const key = topic.replace(/^rivulet\//, "");
      const known = this.#answers.get(key);
      this.#answered++;
      if (known === undefined) this.#answers.set(key, [payload.toString()]);
      else known.push(payload.toString());
    });
    await new Promise<void>((resolve) => client.once("connect", () => resolve()));
    await client.subscribeAsync(["rivulet/timed/+", "rivulet/plain/+"], { qos: 0 });
  }

  /** Paced by the faults, so that they meet traffic from the first reading to the last. */
  async #publish(): Promise<void> {
    const { kills } = this.#options;
    for (const { topic, payload } of this.readings) {
      const isAhead = () => {
        const done = this.#done();
        const share = kills === 0 ? 1 : (done + 1) / kills;
        return (
          this.#published > this.readings.length * share || this.#published > this.#answered + MOST_AHEAD + 20 * done
        );
      };
      while (this.#isPaused || this.#unconfirmed > 200 || isAhead()) await wait(2);
      this.#published++;
      this.#unconfirmed++;
      this.#client?.publish(topic, payload, { qos: 1 }, (error) => {
        if (error) throw error;
        this.#unconfirmed--;
      });
    }
    while (this.#unconfirmed > 0) await wait(2);
  }

  #done(): number {
    return [...KILLS, "broker restart" as const].reduce((sum, fault) => sum + (this.faults[fault] ?? 0), 0);
  }

  /** One life of the host, to its end by a kill; answers how many kills and restarts there were. */
  async #live(mayHarm: boolean): Promise<number> {
    const kill = KILLS[integer(this.#random, 0, KILLS.length - 1)] as Fault;
    const isArmed = kill !== "kill -9" && mayHarm;
    const { child, connected } = await this.#spawn(
      isArmed ? `${kill}:${integer(this.#random, 1, kill === "before_ack" ? 40 : 3)}` : undefined,
    );
    const ended = once(child, "exit");
    let count = 0;
    if (isArmed) {
      // Without traffic it would live for ever.
      const idle = connected.then(() => wait(500));
      if (await Promise.race([ended.then(() => true), idle.then(() => false)])) {
        this.#count(kill);
        return 1;
      }
    } else {
      await Promise.race([connected, ended]);
      for (let more = integer(this.#random, 0, 2); mayHarm && more > 0; more--) {
        const other = OTHERS[integer(this.#random, 0, OTHERS.length - 1)] as Fault;
        await this.#harm(other);
        this.#count(other);
        if (other === "broker restart") count++;
        await wait(integer(this.#random, 0, 200));
      }
      await wait(integer(this.#random, 0, 300));
    }
    await this.#end(child, "SIGKILL");
    this.#count("kill -9");
    return count + 1;
  }

  async #harm(fault: Fault): Promise<void> {
    if (fault === "cut") this.#proxy.cut();
    else if (fault === "cut within a packet") this.#proxy.cutAfter(integer(this.#random, 0, 20_000));
    else if (fault === "stall") await this.#proxy.stall(300);
    else if (fault === "split") await this.#proxy.split(100);
    else await this.#restartBroker();
  }

  /** The publisher waits, with all of its readings confirmed: what it would send again itself is not of the host's doing. */
  async #restartBroker(): Promise<void> {
    this.#isPaused = true;
    while (this.#unconfirmed > 0) await wait(2);
    await this.#broker.stop();
    await this.#broker.start();
    while (this.#client?.connected !== true) await wait(5);
    this.#isPaused = false;
  }

  /** Lets the host take what is left, and ends it. */
  async #rest(): Promise<void> {
    const { child, connected } = await this.#spawn();
    await connected;
    for (let quiet = 0, answered = -1; quiet < 20; quiet = this.#answered === answered ? quiet + 1 : 0) {
      answered = this.#answered;
      await wait(100);
    }
    await this.#end(child, "SIGTERM");
  }

  #count(fault: Fault): void {
    this.faults[fault] = (this.faults[fault] ?? 0) + 1;
  }

  async #spawn(killAt?: string): Promise<{ readonly child: ChildProcess; readonly connected: Promise<void> }> {
    const program = await hostProgram();
    const env = killAt === undefined ? process.env : { ...process.env, RIVULET_KILL_AT: killAt };
    const args = [program, join(this.#folder, "config.yaml"), this.#options.variant];
    const child = spawn(process.execPath, args, { env, stdio: ["ignore", "ignore", "pipe"] });
    let text = "";
    const connected = new Promise<void>((resolve, reject) => {
      child.stderr?.on("data", (data) => {
        text += data;
        if (text.includes("connected to")) resolve();
      });
      child.once("exit", (code) => {
        if (code !== null && code !== 0) reject(new Error(`The host ended with ${code}: ${text}`));
      });
    });
    connected.catch(() => {});
    return { child, connected };
  }

  async #end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill(signal);
    await exited;
  }
}
