import type { Runtime } from "../runtime/session-types.ts";
import type { StateStore } from "../store/store.ts";
import { type Subscription, separateSubscriptions } from "../stream/filters.ts";
import { formatAnswer } from "../stream/format.ts";
import { type Decoder, PayloadError, type Reason } from "../stream/payload.ts";
import { createRouter } from "../stream/router.ts";
import type { DeviceTemplate, TopicTemplate } from "../stream/topic.ts";
import { Committer, type Ticket } from "./committer.ts";
import type { BrokerOptions, Connection, Message } from "./connection.ts";
import { type BridgeCounters, createCounters, describeCounters, type StreamCounters } from "./counters.ts";
import { Devices } from "./devices.ts";
import { Link, type RetryOptions } from "./link.ts";
import { createLimitedLog, type LimitedLog, type Logger } from "./log.ts";
import { Outbox } from "./outbox.ts";
import { applySubscriptions, resolveClientId } from "./subscriptions.ts";
import { settledWithin } from "./timeout.ts";

/** One stream: messages of some topics, stepped through one model. */
export interface StreamOptions {
  /** A level of the topics that are published, and part of the keys of the state store. */
  readonly name: string;
  readonly runtime: Runtime;
  readonly topic: TopicTemplate;
  /** Key of the device, made of what `topic` captures. */
  readonly device: DeviceTemplate;
  readonly decode: Decoder;
  /** Most devices in memory; the least recently used ones rest in the state store. */
  readonly maxDevices: number;
  /** Quality of service of the subscription; at 0 the broker keeps nothing while the bridge is away. */
  readonly qos: 0 | 1;
}

/** What a bridge is made of. */
export interface BridgeOptions {
  /** Without a client id, one is made and kept in the state store. */
  readonly broker: Omit<BrokerOptions, "clientId" | "lastWill"> & { readonly clientId?: string };
  /** First levels of all topics that are published. */
  readonly baseTopic: string;
  readonly streams: readonly StreamOptions[];
  /** Closed by `stop`. */
  readonly store: StateStore;
  readonly log: Logger;
  /** Clock, Unix milliseconds; default: the system's. */
  readonly now?: () => number;
  readonly retry?: Partial<RetryOptions>;
}

/** Streams between a broker and their models. */
export interface Bridge {
  /** Resolves when the bridge is first connected and subscribed. */
  readonly ready: Promise<void>;
  /** Answers a copy of the counters. */
  counters(): BridgeCounters;
  /** Ends gracefully: what was received is stepped, committed and published, then the connection and the store are closed. */
  stop(): Promise<void>;
}

/** Messages that may be received and not yet committed; beyond, the broker has to wait. */
const MAX_PENDING = 8192;
const STOP_TIMEOUT_MS = 5000;
const REPORT_MS = 60_000;

/** Starts a bridge; it connects to the broker in the background, for as long as it takes. Rejects when the state store fails. */
export async function startBridge(options: BridgeOptions): Promise<Bridge> {
  const clientId = options.broker.clientId ?? (await resolveClientId(options.store));
  const bridge = new MqttBridge(options, clientId);
  bridge.start();
  return bridge;
}

interface Stream extends StreamOptions {
  readonly devices: Devices;
  readonly counters: StreamCounters;
}

class MqttBridge implements Bridge {
  readonly ready: Promise<void>;
  readonly #options: BridgeOptions;
  readonly #counters: BridgeCounters;
  readonly #limited: LimitedLog;
  readonly #now: () => number;
  readonly #committer: Committer;
  readonly #link: Link;
  readonly #outbox: Outbox;
  readonly #streams: readonly Stream[];
  readonly #subscriptions: readonly Subscription[];
  readonly #route: ReturnType<typeof createRouter<Stream>>;
  readonly #clientId: string;
  #held: (() => void)[] = [];
  #becomeReady: () => void = () => {};
  #reports: NodeJS.Timeout | undefined;
  #reported = "";
  #stopped: Promise<void> | undefined;

  constructor(options: BridgeOptions, clientId: string) {
    const { broker, baseTopic, store, log, retry, now = Date.now } = options;
    this.#options = options;
    this.#clientId = clientId;
    this.#now = now;
    this.#limited = createLimitedLog(log, now);
    this.#counters = createCounters(options.streams.map(({ name }) => name));
    this.#committer = new Committer({
      store,
      onError: (error) => {
        this.#counters.failed_commits++;
        this.#limited.note("state", "commit failed", `nothing is acknowledged until it works: ${error}`);
      },
      onCommitted: (changes) => {
        if (changes > 0) this.#counters.commits++;
        this.#resume();
      },
    });
    this.#link = new Link({
      broker: { ...broker, clientId, lastWill: { topic: `${baseTopic}/bridge/state`, payload: "offline" } },
      log,
      now,
      ...(retry === undefined ? {} : { retry }),
      onOpen: (connection, hasSession) => this.#open(connection, hasSession),
      onMessage: (connection, message, next) => this.#receive(connection, message, next),
      onDrain: () => this.#drain(),
    });
    this.#outbox = new Outbox(() => this.#link.connection, this.#counters);
    this.#streams = options.streams.map((stream) => this.#createStream(stream));
    this.#route = createRouter(
      this.#streams.map((stream) => ({ stream, template: stream.topic, device: stream.device })),
    );
    this.#subscriptions = separateSubscriptions(
      options.streams.map(({ topic, qos }) => ({ filter: topic.filter, qos })),
    );
    this.ready = new Promise((resolve) => {
      this.#becomeReady = resolve;
    });
  }

  start(): void {
    this.#reports = setInterval(() => this.#report(), REPORT_MS);
    this.#link.start();
  }

  counters(): BridgeCounters {
    return structuredClone(this.#counters);
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  #createStream(options: StreamOptions): Stream {
    const { name, runtime, maxDevices } = options;
    const { numeric, model } = runtime;
    const counters = this.#counters.streams[name] as StreamCounters;
    const devices = new Devices({
      stream: name,
      runtime,
      maxAges: options.decode.maxAges,
      maxDevices,
      store: this.#options.store,
      committer: this.#committer,
      counters,
      log: this.#limited,
      onOutcome: (device, outcome, { time }) => {
        const answer = formatAnswer({ ...outcome, ts: time, model: model.id }, numeric);
        this.#outbox.push(`${this.#options.baseTopic}/${name}/${device}`, answer);
      },
      onRefused: (device, error) => {
        const reason = error instanceof PayloadError ? error.reason : "bad_sample";
        this.#reject(stream, reason, `${error.message} (device ${device})`);
      },
    });
    const stream: Stream = { ...options, devices, counters };
    return stream;
  }

  async #open(connection: Connection, hasSession: boolean): Promise<void> {
    this.#counters.connections++;
    await applySubscriptions(connection, this.#options.store, this.#clientId, this.#subscriptions, hasSession);
    await connection.publish(`${this.#options.baseTopic}/bridge/state`, "online", { retain: true });
    this.#outbox.drain();
    this.#becomeReady();
  }

  #receive(connection: Connection, message: Message, next: () => void): void {
    // What is not stepped and not acknowledged stays with the broker: after `stop`, and when the connection is gone, of
    // which a few messages may have been read ahead.
    if (this.#stopped !== undefined || !connection.isOpen) {
      next();
      return;
    }
    const routes = this.#route(message.topic);
    const ticket: Ticket = {
      open: routes.length + 1,
      acknowledge: () => {
        if (message.id !== 0) connection.acknowledge(message.id);
      },
    };
    this.#committer.admit(ticket);
    if (routes.length === 0) this.#counters.unmatched++;
    for (const { stream, device } of routes) this.#accept(stream, device, message, ticket);
    this.#committer.settle(ticket);
    if (this.#isCrowded()) this.#held.push(next);
    else next();
  }

  #accept(stream: Stream, device: string | undefined, message: Message, ticket: Ticket): void {
    const { counters } = stream;
    counters.received++;
    if (message.isRetained) {
      counters.retained++;
      this.#committer.settle(ticket);
      return;
    }
    try {
      if (device === undefined) throw new PayloadError("bad_topic", "The topic gives no usable device key");
      const { sample, time = this.#now() } = stream.decode(message.payload);
      stream.devices.accept(device, { sample, time, ticket });
    } catch (error) {
      if (!(error instanceof PayloadError)) throw error;
      this.#reject(stream, error.reason, `${error.message} (topic ${message.topic})`);
      this.#committer.settle(ticket);
    }
  }

  #reject({ name, counters }: Stream, reason: Reason, text: string): void {
    counters.rejected[reason] = (counters.rejected[reason] ?? 0) + 1;
    this.#limited.note(name, reason, text);
  }

  #isCrowded(): boolean {
    return this.#committer.pending >= MAX_PENDING || (this.#outbox.isCrowded && this.#link.connection !== undefined);
  }

  #drain(): void {
    this.#outbox.drain();
    this.#resume();
  }

  #resume(): void {
    if (this.#held.length === 0 || this.#isCrowded()) return;
    for (const next of this.#held.splice(0)) next();
  }

  #report(): void {
    this.#limited.flush();
    const { streams, ...bridge } = this.#counters;
    const text = JSON.stringify({ streams, bridge });
    if (text === this.#reported) return;
    this.#reported = text;
    const { log } = this.#options;
    for (const [name, counters] of Object.entries(streams)) log.info(name, describeCounters(counters));
    log.info("bridge", describeBridge(bridge));
  }

  async #stop(): Promise<void> {
    const { log, store, baseTopic } = this.#options;
    clearInterval(this.#reports);
    const isCommitted = await this.#committer.idle(STOP_TIMEOUT_MS);
    if (!isCommitted) log.error("state", "not everything could be committed; the broker keeps the messages");
    this.#committer.stop();
    await this.#outboxEmpty();
    const goodbye = this.#link.connection?.publish(`${baseTopic}/bridge/state`, "offline", { retain: true });
    if (goodbye !== undefined) await settledWithin(goodbye, STOP_TIMEOUT_MS);
    await this.#link.stop(STOP_TIMEOUT_MS);
    for (const { devices } of this.#streams) devices.close();
    await store.close();
    this.#report();
  }

  async #outboxEmpty(): Promise<void> {
    for (let waited = 0; waited < STOP_TIMEOUT_MS && this.#outbox.length > 0 && this.#link.connection; waited += 10) {
      await delay(10);
    }
  }
}

function describeBridge(counters: Omit<BridgeCounters, "streams">): string {
  return Object.entries(counters)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${count} ${name.replaceAll("_", " ")}`)
    .join(", ");
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
