// The demo's plant: a broker, pumps that publish their readings, the bridge that answers, and a subscriber that listens.

import type { Socket } from "node:net";
import mqtt, { type MqttClient } from "mqtt";
import { planAlarms } from "../../host/alarm/plan.ts";
import type { DetectorFile } from "../../host/detect/file.ts";
import type { Model } from "../../host/model/types.ts";
import { startBridge } from "../../host/mqtt/bridge.ts";
import type { Logger } from "../../host/mqtt/log.ts";
import type { StreamOptions } from "../../host/mqtt/stream.ts";
import { createRuntime } from "../../host/runtime/index.ts";
import { createMemoryStore } from "../../host/store/memory.ts";
import { createDecoder } from "../../host/stream/payload.ts";
import { parseDeviceTemplate, parseTopicTemplate } from "../../host/stream/topic.ts";
import type { Shown } from "../../host/web/page.ts";
import { startBroker } from "./broker.ts";
import { createPump, PUMP_INPUTS, type Pump } from "./pump.ts";
import { type PumpAlarm, type PumpAnswer, PumpWatch } from "./watch.ts";

/** Readings of each pump in a second; every one stands for ten seconds of the plant. */
export const RATE_HZ = 20;

/** Latest latencies that are kept for the percentiles. */
const DAY_MS = 86_400_000;
const LATENCIES = 4096;
/** How often readings that are due are published. */
const TICK_MS = 4;
const MAX_CATCH_UP_MS = 250;

export interface PlantOptions {
  readonly model: Model;
  /** What is usual for a healthy pump. */
  readonly detector: DetectorFile;
  readonly pumps: number;
  readonly seed: number;
  /** Step at which a bearing begins to fail. */
  readonly failAt: number;
  readonly log: Logger;
}

/** What the subscriber has seen so far. */
export interface PlantStats {
  readonly published: number;
  readonly answered: number;
  /** Reading published to prediction received, ms, latest last. */
  readonly latencies: readonly number[];
}

/** A running plant. */
export interface Plant {
  readonly watches: readonly PumpWatch[];
  /** The pump whose bearing fails. */
  readonly failing: PumpWatch;
  readonly stats: PlantStats;
  /** What a page shows of it. */
  readonly shown: Shown;
  /** Closes every connection and the broker. */
  stop(): Promise<void>;
}

/** Starts everything; the first readings are published when it resolves. */
export async function startPlant(options: PlantOptions): Promise<Plant> {
  const { log } = options;
  const broker = await startBroker();
  const streams = [describeStream(options)];
  const bridge = await startDemoBridge(broker.url, streams, log);
  await bridge.ready;
  const [sensors, observer] = await Promise.all([connect(broker.url), connect(broker.url)]);
  const exchange = new Exchange(options);
  await exchange.listen(observer);
  const timer = exchange.publishTo(sensors);
  return {
    watches: exchange.watches,
    failing: exchange.watches[exchange.failing] as PumpWatch,
    get stats() {
      return exchange;
    },
    shown: { bridge, streams, broker: broker.url },
    async stop() {
      clearInterval(timer);
      await sensors.endAsync();
      await bridge.stop();
      await observer.endAsync();
      await broker.stop();
    },
  };
}

async function connect(url: string): Promise<MqttClient> {
  const client = await mqtt.connectAsync(url, { reconnectPeriod: 0 });
  // mqtt.js leaves Nagle's algorithm on, which holds small packets back.
  if ("setNoDelay" in client.stream) (client.stream as Socket).setNoDelay(true);
  return client;
}

function describeStream({ model, detector }: PlantOptions): StreamOptions {
  const topic = parseTopicTemplate("plant/{pump}/data");
  const names = model.spec.inputs.map(({ name }) => name);
  const inputs = names.map((name) => ({ name }));
  return {
    name: "pumps",
    runtime: createRuntime(model),
    sources: [
      {
        topic,
        device: parseDeviceTemplate("{pump}", topic.names),
        decode: createDecoder({ payload: "json", inputs, modelInputs: names, maxBytes: 4096 }),
      },
    ],
    // A reading stands for ten seconds of the plant, whenever it comes: rows are counted.
    alarms: planAlarms({ file: detector, inputs: names, isTimed: false, settings: { whileUnusualMs: DAY_MS } }),
    maxDevices: 1000,
    qos: 1,
  };
}

function startDemoBridge(url: string, streams: readonly StreamOptions[], log: Logger) {
  return startBridge({
    broker: { url, isClean: true },
    baseTopic: "rivulet",
    streams,
    store: createMemoryStore(),
    log,
  });
}

/** Publishes the readings and matches the answers to them. */
export class Exchange implements PlantStats {
  readonly watches: readonly PumpWatch[];
  readonly failing: number;
  readonly latencies: number[] = [];
  published = 0;
  answered = 0;
  readonly #pumps: readonly Pump[];
  readonly #sent = new Map<string, { readonly sample: readonly number[]; readonly at: number }>();

  constructor({ model, pumps, seed, failAt }: PlantOptions) {
    const { warmup } = model.spec;
    this.#pumps = Array.from({ length: pumps }, (_, i) => createPump(seed + i));
    this.watches = this.#pumps.map((_, i) => {
      return new PumpWatch({ name: `pump-${String(i + 1).padStart(2, "0")}`, warmup });
    });
    this.failing = chooseFailing(pumps, seed, failAt);
    this.#pumps[this.failing]?.failBearing(failAt);
  }

  /** Publishes a reading of every pump RATE_HZ times a second, one pump after the other. */
  publishTo(client: MqttClient): NodeJS.Timeout {
    const perMs = (RATE_HZ * this.#pumps.length) / 1000;
    let last = performance.now();
    let due = 0;
    return setInterval(() => {
      const now = performance.now();
      // A machine that slept does not make up for it.
      due += Math.min(now - last, MAX_CATCH_UP_MS) * perMs;
      last = now;
      for (; due >= 1; due--) this.#publish(client, this.published % this.#pumps.length);
    }, TICK_MS);
  }

  #publish(client: MqttClient, index: number): void {
    const pump = this.#pumps[index] as Pump;
    const { name } = this.watches[index] as PumpWatch;
    const sample = pump.next();
    const reading = Object.fromEntries(PUMP_INPUTS.map((input, k) => [input.name, sample[k]]));
    this.#sent.set(`${name}/${pump.steps}`, { sample, at: performance.now() });
    client.publish(`plant/${name}/data`, JSON.stringify(reading), { qos: 1 });
    this.published++;
  }

  async listen(client: MqttClient): Promise<void> {
    const watches = new Map(this.watches.map((watch) => [watch.name, watch]));
    client.on("message", (topic, payload) => {
      const [, , name = "", kind] = topic.split("/");
      const watch = watches.get(name);
      if (watch === undefined) return;
      if (kind === "alarm") {
        watch.alarm(JSON.parse(payload.toString()) as PumpAlarm);
        return;
      }
      const answer = JSON.parse(payload.toString()) as PumpAnswer;
      const key = `${watch.name}/${answer.n}`;
      const sent = this.#sent.get(key);
      if (sent === undefined) return;
      this.#sent.delete(key);
      this.answered++;
      this.latencies.push(performance.now() - sent.at);
      if (this.latencies.length > LATENCIES) this.latencies.shift();
      watch.observe(answer, sent.sample);
    });
    await client.subscribeAsync(["rivulet/pumps/+", "rivulet/pumps/+/alarm"], { qos: 1 });
  }
}

/** Index of a pump that runs while its bearing fails; one that stands still does not heat up. */
function chooseFailing(pumps: number, seed: number, failAt: number): number {
  const speed = PUMP_INPUTS.findIndex(({ name }) => name === "speed");
  const middle = Math.floor(pumps / 2);
  const candidates = Array.from({ length: pumps }, (_, i) => (middle + i) % pumps);
  const runs = (index: number) => {
    const twin = createPump(seed + index);
    const speeds = Array.from({ length: failAt + 120 }, () => twin.next()[speed] as number);
    return speeds.slice(failAt).every((value) => value > 0);
  };
  return candidates.find(runs) ?? middle;
}
