import { planAlarms } from "../../host/alarm/plan.ts";
import { type Bridge, startBridge } from "../../host/mqtt/bridge.ts";
import type { MessageOutcome, OutcomeListener } from "../../host/mqtt/outcomes.ts";
import { createMemoryStore } from "../../host/store/memory.ts";
import type { StateStore } from "../../host/store/store.ts";
import { keepLines } from "../../host/web/log-lines.ts";
import { Page } from "../../host/web/page.ts";
import { createTestDetector, healthy } from "./alarms.ts";
import { createLastingStore, createTestLog, createTestStream, until } from "./bridge.ts";
import { FakeBroker } from "./fake-broker.ts";

/** How a host with a page is started. */
export interface PageHostOptions {
  /** Default: the system chooses one. */
  readonly port?: number;
  readonly token?: string;
  /** State of the devices, and of the page; default: in memory. */
  readonly store?: StateStore;
  readonly history?: StateStore;
}

const INPUTS = ["speed", "pressure"];

/** Starts a host with a page, whose broker is in the test's hands. */
export async function startPageHost(options: PageHostOptions = {}) {
  const { port = 0, token, store = createLastingStore(), history = createMemoryStore() } = options;
  const broker = new FakeBroker();
  const clock = { now: Date.now() - 120_000 };
  const alarms = planAlarms({ file: createTestDetector(INPUTS), inputs: INPUTS, isTimed: false });
  const streams = [createTestStream({ alarms })];
  const log = keepLines(createTestLog());
  const bridge: Bridge = await startBridge({
    baseTopic: "rivulet",
    broker: { url: "mqtt://test", isClean: false, clientId: "rivulet-test" },
    connect: broker.connect,
    store,
    streams,
    log,
    now: () => clock.now,
  });
  broker.last.accept();
  await bridge.ready;
  const page = new Page({ listen: { host: "127.0.0.1", port }, token, log, store: history, keepMs: 3_600_000 });
  // Some tests have more devices than there is time to send readings of.
  let observe: OutcomeListener = () => {};
  const listening: Bridge = {
    ...bridge,
    ready: bridge.ready,
    counters: () => bridge.counters(),
    totals: () => bridge.totals(),
    status: () => bridge.status(),
    command: (...args) => bridge.command(...args),
    stop: (how) => bridge.stop(how),
    health: (stream) => bridge.health(stream),
    onHealth: (listener) => bridge.onHealth(listener),
    onOutcome: (listener) => {
      observe = listener;
      return bridge.onOutcome(listener);
    },
  };
  await page.start({ bridge: listening, streams, broker: "mqtt://test" });
  const address = page.server.address ?? "";
  let id = 0;
  const send = (device: string, speed: number, pressure: number) => {
    id++;
    broker.last.deliver(`plant/${device}/data`, JSON.stringify({ speed, pressure }), id);
  };
  return {
    broker,
    bridge,
    page,
    streams,
    log,
    clock,
    address,
    send,
    /** Tells the page that something has become of a message. */
    observe: (outcome: MessageOutcome) => observe(outcome),
    /** Readings that are healthy, then some in which the speed is too high, a second apart. */
    async run(device: string, healthyRows: number, faultyRows: number): Promise<void> {
      const first = broker.last.acks.length;
      for (let t = 0; t < healthyRows + faultyRows; t++) {
        clock.now += 1000;
        send(device, healthy(t) + (t >= healthyRows ? 100 : 0), healthy(t, 1));
        await until(() => broker.last.acks.length === first + t + 1);
      }
    },
    async stop(): Promise<void> {
      await page.stop();
      await bridge.stop();
    },
  };
}
