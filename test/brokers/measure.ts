// What becomes of readings on a broker: every one carries its number, and the bridge tells which it stepped, in which order.

import { setTimeout as sleep } from "node:timers/promises";
import mqtt, { type MqttClient } from "mqtt";
import type { Bridge } from "../../host/mqtt/bridge.ts";
import { type Connection, openConnection } from "../../host/mqtt/connection.ts";
import type { StateStore } from "../../host/store/store.ts";
import { createLastingStore, observe, startTestBridge } from "../support/bridge.ts";
import type { RunningBroker } from "./process.ts";

/** What a trial found, of the readings that the broker had acknowledged. */
export interface Trial {
  readonly lost: number;
  readonly doubled: number;
  /** Readings that were stepped after a later one. */
  readonly disordered: number;
}

/** Everything that is measured of a broker. */
export interface Findings {
  /** Published while the bridge was away. */
  readonly away: Trial;
  /** The same, with the broker ended in order, or killed, in between. */
  readonly restarted: Trial;
  readonly killed: Trial;
  /** Published while the bridge was there, with the broker ended in order in between. */
  readonly live: Trial;
  /** What a SUBSCRIBE brings of a retained message. */
  readonly retained: "nothing" | "with its flag" | "without its flag";
  /** What a resumed session has of a reading that was published with the retain flag while the bridge was away. */
  readonly resumedRetained: "stepped" | "not stepped";
  /** Seconds until the last will came; undefined when it did not within ten. */
  readonly willSeconds: number | undefined;
}

/** A broker with a bridge that comes and goes, and a publisher. */
class Bench {
  readonly #broker: RunningBroker;
  readonly #protocol: 4 | 5;
  readonly #patienceMs: number;
  readonly #store: StateStore = createLastingStore();
  readonly #clientId: string;
  readonly seen: number[] = [];
  #publisher: MqttClient | undefined;
  bridge: Bridge | undefined;

  constructor(broker: RunningBroker, protocol: 4 | 5, patienceMs: number, clientId: string) {
    this.#broker = broker;
    this.#protocol = protocol;
    this.#patienceMs = patienceMs;
    this.#clientId = clientId;
  }

  async connect(): Promise<void> {
    const url = this.#broker.url;
    const broker = { url, isClean: false, clientId: this.#clientId, protocol: this.#protocol };
    this.bridge = await startTestBridge(url, { store: this.#store, broker, now: Date.now });
    this.bridge.onOutcome((outcome) => {
      if (outcome.kind === "step") this.seen.push(outcome.sample[0] as number);
    });
    await this.bridge.ready;
  }

  /** Publishes numbered readings at QoS 1, and waits until the broker has them all. */
  async publish(from: number, count: number, retain = false): Promise<void> {
    this.#publisher ??= await mqtt.connectAsync(this.#broker.url, { clientId: `${this.#clientId}-publisher` });
    const client = this.#publisher;
    const publishOne = (number: number) =>
      client.publishAsync("plant/7/data", JSON.stringify({ speed: number, pressure: 1 }), { qos: 1, retain });
    for (let at = from; at < from + count; at += 50) {
      const numbers = Array.from({ length: Math.min(50, from + count - at) }, (_, i) => at + i);
      await Promise.all(numbers.map(publishOne));
    }
  }

  async forgetPublisher(): Promise<void> {
    await this.#publisher?.endAsync(true);
    this.#publisher = undefined;
  }

  /** Waits until all have come, or nothing has for a while; then a little longer for those that come twice. */
  async settle(count: number): Promise<Trial> {
    let last = Date.now();
    for (let known = 0; new Set(this.seen).size < count && Date.now() - last < this.#patienceMs; ) {
      await sleep(20);
      if (this.seen.length > known) last = Date.now();
      known = this.seen.length;
    }
    await sleep(1000);
    const unique = new Set(this.seen).size;
    let highest = -1;
    let disordered = 0;
    for (const number of this.seen) {
      if (number < highest) disordered++;
      highest = Math.max(highest, number);
    }
    return { lost: count - unique, doubled: this.seen.length - unique, disordered };
  }

  async close(): Promise<void> {
    await this.forgetPublisher();
    await this.bridge?.stop();
  }
}

/** Measures a broker in all trials, of `readings` readings; each begins with a new broker. */
export async function measureBroker(
  start: () => Promise<RunningBroker>,
  protocol: 4 | 5,
  { patienceMs, readings }: { readonly patienceMs: number; readonly readings: number },
): Promise<Findings> {
  const trial = async <T>(action: (bench: Bench, broker: RunningBroker) => Promise<T>): Promise<T> => {
    const broker = await start();
    const bench = new Bench(broker, protocol, patienceMs, "rivulet-7");
    try {
      return await action(bench, broker);
    } finally {
      await bench.close();
      await broker.close();
    }
  };
  const whileAway = (meanwhile: (broker: RunningBroker) => Promise<void>) =>
    trial(async (bench, broker) => {
      await bench.connect();
      await bench.bridge?.stop();
      await bench.publish(0, readings);
      await bench.forgetPublisher();
      await meanwhile(broker);
      await bench.connect();
      return bench.settle(readings);
    });
  return {
    away: await whileAway(async () => {}),
    restarted: await whileAway((broker) => broker.restart("SIGTERM")),
    killed: await whileAway(async (broker) => {
      await sleep(1500); // time for what saves itself every second
      await broker.restart("SIGKILL");
    }),
    live: await trial(async (bench, broker) => {
      await bench.connect();
      await bench.publish(0, readings);
      await bench.forgetPublisher();
      await broker.restart("SIGTERM");
      await bench.publish(readings, readings);
      return bench.settle(2 * readings);
    }),
    retained: await trial(measureRetained),
    resumedRetained: await trial(async (bench) => {
      await bench.connect();
      await bench.bridge?.stop();
      await bench.publish(0, 1, true);
      await bench.connect();
      return (await bench.settle(1)).lost === 0 ? "stepped" : "not stepped";
    }),
    willSeconds: await trial((_, broker) => measureWill(broker.url, protocol)),
  };
}

async function measureRetained(bench: Bench): Promise<Findings["retained"]> {
  await bench.publish(0, 1, true);
  await bench.connect();
  await sleep(1000);
  const { steps = 0, retained = 0 } = bench.bridge?.counters().streams.pump ?? {};
  if (steps > 0) return "without its flag";
  return retained > 0 ? "with its flag" : "nothing";
}

async function measureWill(url: string, protocol: 4 | 5): Promise<number | undefined> {
  const observer = await observe(url, "state");
  const options = { url, clientId: "rivulet-will", isClean: false, protocol };
  const connection = await new Promise<Connection>((resolve) =>
    openConnection(
      { ...options, lastWill: { topic: "state", payload: "offline" } },
      { onOpen: resolve, onMessage: (_, __, next) => next(), onDrain() {}, onClose() {} },
    ),
  );
  const cut = performance.now();
  connection.destroy();
  const came = await Promise.race([observer.waitFor(1).then(() => performance.now()), sleep(10_000, undefined)]);
  await observer.close();
  return came === undefined ? undefined : (came - cut) / 1000;
}
