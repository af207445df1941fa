import { formatAlarm } from "../alarm/format.ts";
import type { Health } from "../health/device-health.ts";
import type { StateStore } from "../store/store.ts";
import { commandSources } from "../stream/command-source.ts";
import { separateSubscriptions } from "../stream/filters.ts";
import { formatAnswer } from "../stream/format.ts";
import { Announcements } from "./announcements.ts";
import { Committer, type Contributor } from "./committer.ts";
import { Confirmations } from "./confirmations.ts";
import type { BrokerOptions, Connection, openConnection } from "./connection.ts";
import { type BridgeCounters, countOutcome, createCounters, type StreamCounters } from "./counters.ts";
import { Discovery, type HomeAssistantOptions } from "./discovery.ts";
import { PublishRefused } from "./failures.ts";
import { type HealthListener, HealthWatch } from "./health-watch.ts";
import { Intake } from "./intake.ts";
import { armKillPoint } from "./kill-points.ts";
import { lengthProblem } from "./lengths.ts";
import { Link, type RetryOptions } from "./link.ts";
import { LocalCommands } from "./local-commands.ts";
import { createLimitedLog, type LimitedLog, type Logger } from "./log.ts";
import { Outbox } from "./outbox.ts";
import { type Commanded, type MessageOutcome, type OutcomeListener, Outcomes } from "./outcomes.ts";
import { RecentDeliveries } from "./recent.ts";
import { Reports } from "./reports.ts";
import { createStream, type Stream, type StreamOptions } from "./stream.ts";
import { resolveClientId, Subscriptions } from "./subscriptions.ts";
import { SureOutbox } from "./sure-outbox.ts";
import { settledWithin } from "./timeout.ts";
import { type StreamTotals, Totals } from "./totals.ts";
import { Watchdog } from "./watchdog.ts";

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
  /** Keeps the readings of streams in files; closed by `stop`. Default: nothing does. */
  readonly collector?: Collecting | undefined;
  /** Clock, Unix milliseconds; default: the system's. */
  readonly now?: () => number;
  readonly retry?: Partial<RetryOptions>;
  /** Opens connections to the broker; default: over the network. */
  readonly connect?: typeof openConnection;
  /** Told the seconds from the arrival of each message to its acknowledgement. */
  readonly onAcknowledged?: (seconds: number) => void;
  /** Least time between two commits, ms; default 0. Readings are acknowledged after the commit. */
  readonly commitIntervalMs?: number;
  /** Shows the devices to Home Assistant; default: does not, and removes what was shown. */
  readonly homeAssistant?: HomeAssistantOptions | undefined;
  /** Of Rivulet, for those who are told it. */
  readonly version?: string | undefined;
  /** `point:count`, at which the process kills itself: test/faults. */
  readonly killAt?: string | undefined;
}

/** What keeps readings beside the state store, in the same commits. */
export interface Collecting extends Contributor {
  /** Takes the sample of a step, which is reused by the next one. */
  take(stream: string, device: string, time: number, sample: ArrayLike<number>): void;
  /** Called when there is something to commit that no reading has led to. */
  onDue: () => void;
  close(): Promise<void>;
}

/** Streams between a broker and their models. */
export interface Bridge {
  /** Resolves when the bridge is first connected and subscribed. */
  readonly ready: Promise<void>;
  /** Answers a copy of the counters. */
  counters(): BridgeCounters;
  /** Answers, per stream, what was counted since the state directory was made, through all restarts. */
  totals(): Readonly<Record<string, StreamTotals>>;
  /** Whether the broker is connected and subscribed to, and how many of its messages are not acknowledged yet. */
  status(): BridgeStatus;
  /**
   * Tells a device something, as by MQTT on its topic `set`: answers what is published on `result`, once it is committed; undefined when
   * there is no such stream.
   *
   * @param payload  JSON text of a command
   */
  command(stream: string, device: string, payload: Uint8Array): Promise<string | undefined>;
  /** What was told of the health of the devices of a stream, by device. */
  health(stream: string): ReadonlyMap<string, Health>;
  /** Has a listener told of every change of health; answers a function that ends this. */
  onHealth(listener: HealthListener): () => void;
  /** Has a listener told what becomes of every message, as it happens; answers a function that ends this. */
  onOutcome(listener: OutcomeListener): () => void;
  /** Ends gracefully: what was received is stepped, committed and published, then the connection and the store are closed. */
  stop(options?: StopOptions): Promise<void>;
}

/** How a bridge is now. */
export interface BridgeStatus {
  readonly isConnected: boolean;
  /** Messages received and not acknowledged yet. */
  readonly pending: number;
}

/** How a bridge ends. */
export interface StopOptions {
  /** Another bridge takes its place at once: it does not say that it is offline. */
  readonly isHandover?: boolean;
}

const STOP_TIMEOUT_MS = 5000;
const CONFIRM_TIMEOUT_MS = 1000;

/**
 * Starts a bridge; it connects to the broker in the background, for as long as it takes. Rejects when the state store fails.
 *
 * @throws {RangeError} when the client id, the user name or the password is longer than MQTT can carry
 */
export async function startBridge(options: BridgeOptions): Promise<Bridge> {
  const problem = lengthProblem(options.broker);
  if (problem !== undefined) throw new RangeError(problem);
  const clientId = options.broker.clientId ?? (await resolveClientId(options.store));
  const bridge = new MqttBridge(withCommands(options), clientId);
  await bridge.prepare();
  bridge.start();
  return bridge;
}

/** Commands come like readings, from sources of their own. */
function withCommands(options: BridgeOptions): BridgeOptions {
  const streams = options.streams.map((stream) => {
    if (stream.takesCommands !== true) return stream;
    return { ...stream, sources: [...stream.sources, ...commandSources(options.baseTopic, stream.name)] };
  });
  return { ...options, streams };
}

class MqttBridge implements Bridge {
  readonly ready: Promise<void>;
  readonly #options: BridgeOptions;
  readonly #counters: BridgeCounters;
  readonly #limited: LimitedLog;
  readonly #totals: Totals;
  readonly #outcomes = new Outcomes();
  readonly #committer: Committer;
  readonly #streams: ReadonlyMap<string, Stream>;
  readonly #intake: Intake;
  readonly #link: Link;
  readonly #outbox: Outbox;
  readonly #announcements: Announcements;
  readonly #discovery: Discovery;
  readonly #health: HealthWatch;
  readonly #sure: SureOutbox;
  readonly #reports: Reports;
  readonly #subscriptions: Subscriptions;
  readonly #recent: RecentDeliveries | undefined;
  readonly #confirmations: Confirmations | undefined;
  readonly #clientId: string;
  readonly #watchdog: Watchdog;
  readonly #commands: LocalCommands;
  #becomeReady: () => void = () => {};
  #stopped: Promise<void> | undefined;

  constructor(options: BridgeOptions, clientId: string) {
    const { log, now = Date.now } = options;
    this.#options = options;
    this.#clientId = clientId;
    const { protocol = 4, receiveMaximum = 65_535 } = options.broker;
    this.#watchdog = new Watchdog({ log, receiveMaximum: protocol === 5 ? receiveMaximum : undefined });
    this.#limited = createLimitedLog(log, now);
    this.#counters = createCounters(options.streams.map(({ name }) => name));
    this.#totals = new Totals(this.#counters.streams, now);
    this.#reports = new Reports({ counters: this.#counters, limited: this.#limited, log });
    // A broker that keeps no session delivers nothing again.
    this.#recent = options.broker.isClean ? undefined : new RecentDeliveries(capacityOf(options.broker));
    this.#committer = this.#createCommitter();
    if (options.collector !== undefined) options.collector.onDue = () => this.#committer.schedule();
    this.#confirmations = this.#recent && new Confirmations(this.#recent, this.#committer);
    this.#streams = this.#createStreams();
    this.#link = this.#createLink(now);
    this.#outbox = new Outbox(() => this.#link.connection, this.#counters);
    this.#sure = new SureOutbox({
      store: options.store,
      committer: this.#committer,
      connection: () => this.#link.connection,
      log: this.#limited,
      onPublished: () => {
        this.#counters.published++;
        this.#intake.resume();
      },
    });
    this.#announcements = new Announcements({
      store: options.store,
      committer: this.#committer,
      connection: () => this.#link.connection,
      log: this.#limited,
    });
    this.#discovery = this.#createDiscovery(now);
    this.#health = this.#createHealth(now);
    this.#intake = new Intake({
      streams: [...this.#streams.values()],
      committer: this.#committer,
      recent: this.#recent,
      protocol: options.broker.protocol ?? 4,
      counters: this.#counters,
      now,
      isCrowded: () => (this.#outbox.isCrowded || this.#sure.isCrowded) && this.#link.connection !== undefined,
      onOutcome: (outcome) => this.#outcomes.tell(outcome),
      isOther: (topic) => topic === this.#discovery.birthTopic,
      onAcknowledged: options.onAcknowledged,
    });
    this.#commands = new LocalCommands({ committer: this.#committer, outcomes: this.#outcomes, now });
    const wanted = options.streams.flatMap(({ sources, qos }) =>
      sources.map(({ topic }) => ({ filter: topic.filter, qos })),
    );
    const { birthTopic } = this.#discovery;
    if (birthTopic !== undefined) wanted.push({ filter: birthTopic, qos: 0 });
    this.#subscriptions = new Subscriptions(options.store, clientId, separateSubscriptions(wanted), log);
    this.#outcomes.listen((outcome) => this.#handle(outcome));
    this.#outcomes.listen((outcome) => outcome.kind === "step" && this.#discovery.see(outcome));
    this.ready = new Promise((resolve) => {
      this.#becomeReady = resolve;
    });
  }

  /** Reads what an earlier run left. Rejects when the state store fails. */
  async prepare(): Promise<void> {
    await this.#subscriptions.prepare();
    await this.#totals.load(this.#options.store);
    await this.#announcements.load();
    await this.#sure.load();
    await this.#discovery.load();
    await this.#health.load();
    const damaged = (await this.#recent?.load(this.#options.store)) ?? [];
    for (const key of damaged) {
      const text = `${key} is damaged and passed over: a message may be stepped twice`;
      this.#options.log.warn("state", text, "delivery_passed_over", { key });
    }
  }

  start(): void {
    this.#reports.start();
    this.#health.start();
    this.#link.start();
  }

  counters(): BridgeCounters {
    return structuredClone(this.#counters);
  }

  totals(): Readonly<Record<string, StreamTotals>> {
    return this.#totals.all();
  }

  status(): BridgeStatus {
    return { isConnected: this.#link.connection !== undefined, pending: this.#committer.pending };
  }

  async command(stream: string, device: string, payload: Uint8Array): Promise<string | undefined> {
    const devices = this.#streams.get(stream)?.devices;
    return devices && this.#commands.tell(devices, device, payload);
  }

  health(stream: string): ReadonlyMap<string, Health> {
    return this.#health.list(stream);
  }

  onHealth(listener: HealthListener): () => void {
    return this.#health.listen(listener);
  }

  onOutcome(listener: OutcomeListener): () => void {
    return this.#outcomes.listen(listener);
  }

  stop({ isHandover = false }: StopOptions = {}): Promise<void> {
    this.#stopped ??= this.#stop(isHandover);
    return this.#stopped;
  }

  #createCommitter(): Committer {
    const recent = this.#recent;
    const { killAt, collector } = this.#options;
    const onPoint = armKillPoint(killAt);
    return new Committer({
      store: this.#options.store,
      contributors: [recent, this.#totals, collector].filter((one) => one !== undefined),
      intervalMs: this.#options.commitIntervalMs ?? 0,
      mostPending: mostPendingOf(this.#options.broker),
      onSettled: ({ delivery }) => {
        this.#totals.touch();
        if (delivery !== undefined) recent?.note(delivery);
      },
      ...(onPoint === undefined ? {} : { onPoint }),
      onError: (error) => {
        this.#counters.failed_commits++;
        this.#limited.note("state", "commit failed", `nothing is acknowledged until it works: ${error}`);
      },
      onCommitted: (changes) => {
        if (changes > 0) this.#counters.commits++;
        this.#confirmations?.wake();
        this.#announcements.committed();
        this.#sure.committed();
        this.#intake.resume();
      },
    });
  }

  #createStreams(): Map<string, Stream> {
    const { store, streams } = this.#options;
    const shared = {
      store,
      committer: this.#committer,
      log: this.#limited,
      onOutcome: (outcome: MessageOutcome) => this.#outcomes.tell(outcome),
    };
    return new Map(
      streams.map((stream) => {
        const counters = this.#counters.streams[stream.name] as StreamCounters;
        return [stream.name, createStream(stream, counters, shared)];
      }),
    );
  }

  #createDiscovery(now: () => number): Discovery {
    const { baseTopic, version, streams, store, homeAssistant } = this.#options;
    return new Discovery({
      baseTopic,
      version,
      settings: homeAssistant,
      streams,
      store,
      committer: this.#committer,
      announcements: () => this.#announcements,
      connection: () => this.#link.connection,
      log: this.#limited,
      now,
    });
  }

  #createHealth(now: () => number): HealthWatch {
    const { baseTopic, store } = this.#options;
    const streams = [...this.#streams.values()].flatMap(({ name, health: plan, maxDevices, counters }) =>
      plan === undefined ? [] : [{ name, plan, counters, most: Math.max(LEAST_WATCHED, maxDevices) }],
    );
    const shared = { committer: this.#committer, announcements: this.#announcements, log: this.#limited };
    return new HealthWatch({ streams, baseTopic, store, now, ...shared });
  }

  #createLink(now: () => number): Link {
    const { broker, log, retry, connect } = this.#options;
    const lastWill = { topic: this.#stateTopic, payload: "offline" };
    const own = { ...broker, clientId: this.#clientId, lastWill };
    const watchdog = this.#watchdog;
    return new Link({
      get broker() {
        const { receiveMaximum } = watchdog;
        return receiveMaximum === undefined ? own : { ...own, receiveMaximum };
      },
      log,
      now,
      ...(retry === undefined ? {} : { retry }),
      ...(connect === undefined ? {} : { connect }),
      onAttempt: () => this.#subscriptions.attempt(),
      onOpen: (connection, hasSession) => this.#open(connection, hasSession),
      onLost: () => {
        this.#health.pause();
        void this.#subscriptions.lose().catch(() => {}); // a store that fails is told of by the commits
      },
      onMessage: (connection, message, next) => {
        watchdog.feed();
        this.#discovery.hear(message.topic, message.payload);
        this.#intake.receive(connection, message, next);
      },
      onChange: () => {
        this.#outbox.drain();
        this.#intake.resume();
      },
    });
  }

  get #stateTopic(): string {
    return `${this.#options.baseTopic}/bridge/state`;
  }

  async #open(connection: Connection, hasSession: boolean): Promise<void> {
    this.#counters.connections++;
    // Before the first message, which comes after this turn.
    if (hasSession) this.#recent?.resume();
    else this.#recent?.clear();
    this.#watchdog.watch(connection, hasSession ? (this.#recent?.countInFlight() ?? 0) : 0);
    this.#confirmations?.watch(connection);
    const isLost = await this.#subscriptions.apply(connection, hasSession);
    if (isLost && !this.#options.broker.isClean) await this.#tellLostSession(connection);
    await this.#publishOwn(connection, this.#stateTopic, this.#subscriptions.grants.state, true);
    this.#health.resume();
    this.#outbox.drain();
    this.#announcements.resume();
    this.#sure.resume();
    this.#discovery.connected(hasSession);
    this.#becomeReady();
  }

  /** Publishes about the bridge itself; a broker that does not take it can still bring readings. */
  async #publishOwn(connection: Connection, topic: string, text: string, retain: boolean): Promise<void> {
    try {
      await connection.publish(topic, text, { retain });
    } catch (error) {
      if (!(error instanceof PublishRefused)) throw error;
      this.#counters.refused++;
      this.#limited.note("broker", "refused", error.message);
    }
  }

  async #tellLostSession(connection: Connection): Promise<void> {
    this.#counters.sessions_lost++;
    const { last } = this.#totals;
    const since = last === undefined ? null : new Date(last).toISOString();
    const span = since === null ? "" : ` since ${since}`;
    const text = `the broker has forgotten our MQTT session: readings${span} may be missing`;
    this.#options.log.warn("broker", text, "session_lost", { since });
    const event = { type: "session_lost", since, client_id: this.#clientId };
    await this.#publishOwn(connection, `${this.#options.baseTopic}/bridge/event`, JSON.stringify(event), false);
  }

  /** Counts what became of a message, and publishes or tells it. */
  #handle(outcome: MessageOutcome): void {
    const { runtime, counters, publish } = this.#streams.get(outcome.stream) as Stream;
    countOutcome(counters, outcome);
    if (outcome.kind === "step") this.#health.reading(outcome.stream, outcome.device, outcome.sample);
    if (outcome.kind === "hold") this.#health.reading(outcome.stream, outcome.device, undefined);
    if (outcome.kind === "reject" && outcome.reason !== "filtered") {
      this.#limited.note(outcome.stream, outcome.reason, outcome.text);
    }
    if (outcome.kind === "hold" && outcome.text !== undefined) {
      this.#limited.note(outcome.stream, "incomplete", `${outcome.text}; what came is remembered`);
    }
    if (outcome.kind === "command") this.#answer(outcome);
    if (outcome.kind !== "step") return;
    const { stream, device, sample, prediction, residual, n, time: ts, anomaly, warmup } = outcome;
    this.#options.collector?.take(stream, device, ts, sample);
    // Without a model and a detector there is nothing to say.
    if (runtime.outputSize === 0 && anomaly === undefined) return;
    const topic = `${this.#options.baseTopic}/${stream}/${device}`;
    // A runtime without outputs stands for no model.
    const model = runtime.outputSize > 0 ? runtime.model.id : undefined;
    const answer = formatAnswer({ prediction, residual, n, ts, model, anomaly, warmup }, runtime.numeric);
    const { qos = 0, retain = false } = publish ?? {};
    if (qos === 1) this.#sure.add(topic, answer, retain);
    else this.#outbox.push(topic, answer, retain);
    if (anomaly?.change === undefined) return;
    const payload = formatAlarm(anomaly.change, { n, ts, detector: anomaly.detector });
    this.#announcements.add(`${stream}/${device}`, { topic: `${topic}/alarm`, payload, isRetained: true });
  }

  /** Answers a command, after what it changed is committed. */
  #answer({ stream, device, n, time: ts, outcome }: Commanded): void {
    const topic = `${this.#options.baseTopic}/${stream}/${device}`;
    const { change, answer } = outcome;
    if (change !== undefined) {
      const payload = formatAlarm(change, { n, ts, detector: undefined });
      this.#announcements.add(`${stream}/${device}`, { topic: `${topic}/alarm`, payload, isRetained: true });
    }
    this.#announcements.add(`${stream}/${device}`, { topic: `${topic}/result`, payload: answer, isRetained: false });
  }

  /** Publishes what was committed to be published, and commits that it was. */
  async #announce(): Promise<void> {
    await settledWithin(Promise.all([this.#announcements.empty(), this.#sure.empty()]), STOP_TIMEOUT_MS);
    await this.#committer.idle(STOP_TIMEOUT_MS);
  }

  /** Has nothing left to compare after a stop in which the broker got all acknowledgements. */
  async #settleRecent(): Promise<void> {
    if (this.#confirmations === undefined) return;
    const asked = this.#confirmations.ask().catch(() => {}); // the connection is lost: what is kept is compared
    await settledWithin(asked, CONFIRM_TIMEOUT_MS);
    this.#confirmations.stop();
    await this.#committer.idle(CONFIRM_TIMEOUT_MS);
  }

  async #stop(isHandover: boolean): Promise<void> {
    const { log, store, collector } = this.#options;
    this.#reports.stop();
    this.#intake.close();
    for (const { devices } of this.#streams.values()) devices.flush();
    this.#health.stop();
    const isCommitted = await this.#committer.idle(STOP_TIMEOUT_MS);
    if (!isCommitted) {
      const text = "not everything could be committed; the broker keeps the messages";
      log.error("state", text, "commits_failed_at_end");
      this.#committer.stop();
    }
    if (isCommitted) await this.#announce();
    await settledWithin(this.#outbox.empty(), STOP_TIMEOUT_MS);
    if (isCommitted) await this.#settleRecent();
    const connection = isHandover ? undefined : this.#link.connection;
    const goodbye = connection?.publish(this.#stateTopic, "offline", { retain: true });
    if (goodbye !== undefined) await settledWithin(goodbye, STOP_TIMEOUT_MS);
    this.#committer.stop();
    this.#watchdog.stop();
    this.#discovery.stop();
    await this.#link.stop(STOP_TIMEOUT_MS);
    for (const { devices } of this.#streams.values()) devices.close();
    await collector?.close();
    await store.close();
    this.#reports.report();
  }
}

/** Devices whose health is known at least, beyond those in memory: it takes little. */
const LEAST_WATCHED = 10_000;

/** Fewest deliveries that are kept: brokers have more in flight than they say (Mosquitto 2.0.11 2,680 at a maximum of 20). */
const LEAST_CAPACITY = 4096;
const MOST_PENDING = 8192;

/** Readings that wait for no interval: a broker of MQTT 3.1.1 sends 20 ahead of the acknowledgements, one of MQTT 5 what we allow. */
function mostPendingOf(broker: BridgeOptions["broker"]): number {
  return broker.protocol === 5 ? Math.ceil(Math.min(broker.receiveMaximum ?? 65_535, MOST_PENDING) / 2) : 10;
}

function capacityOf({ receiveMaximum = 65_535 }: BridgeOptions["broker"]): number {
  return Math.max(LEAST_CAPACITY, receiveMaximum);
}
