import { formatAlarm } from "../alarm/format.ts";
import {
  bridgeInfo,
  bridgeNode,
  configTopic,
  deviceNode,
  type Node,
  type Place,
  type StreamEntities,
} from "../homeassistant/entities.ts";
import type { StateStore } from "../store/store.ts";
import { type Announced, encodeAnnounced, keyOf, readAnnounced } from "./announced.ts";
import type { Announcements } from "./announcements.ts";
import type { Committer } from "./committer.ts";
import type { Connection } from "./connection.ts";
import { PublishRefused } from "./failures.ts";
import type { LimitedLog } from "./log.ts";
import type { Stepped } from "./outcomes.ts";
import { shownOf } from "./shown.ts";
import type { StreamOptions } from "./stream.ts";

/** How devices are shown to Home Assistant. */
export interface HomeAssistantOptions {
  /** First level of its discovery topics. */
  readonly prefix: string;
  /** Where it says `online` when it starts. */
  readonly birthTopic: string;
  /** Seconds without an answer after which values are not known any more; default: three intervals of the stream, where it has one. */
  readonly expireAfter?: number | undefined;
  /** A device that sent nothing for so long is removed, until it sends again. */
  readonly forgetAfterMs: number;
  /** Longest wait before all is told again to a Home Assistant that starts, ms: not all hosts at once. Default 3000. */
  readonly jitterMs?: number;
}

/** What a discovery works with. */
export interface DiscoveryOptions extends Place {
  /** Undefined: what was announced by earlier runs is removed. */
  readonly settings: HomeAssistantOptions | undefined;
  readonly streams: readonly StreamOptions[];
  readonly store: StateStore;
  readonly committer: Committer;
  readonly announcements: () => Announcements;
  readonly connection: () => Connection | undefined;
  readonly log: LimitedLog;
  readonly now: () => number;
}

/** The bridge itself among what is known; devices are `stream/device`. */
const BRIDGE = "";
const DAY_MS = 86_400_000;
const LOOK_MS = 3_600_000;
const JITTER_MS = 3000;

const idOf = ({ stream, device }: { readonly stream: string; readonly device: string }): string =>
  stream === "" ? BRIDGE : `${stream}/${device}`;

/**
 * Announces devices to Home Assistant and removes those that are gone. What was announced is in the state store, so that it can be
 * removed by a later run: with another prefix or base topic, without the stream, or without Home Assistant.
 */
export class Discovery {
  readonly #options: DiscoveryOptions;
  readonly #streams: ReadonlyMap<string, StreamEntities>;
  readonly #known = new Map<string, Announced>();
  /** Ids of nodes to announce, and entries to remove by their keys, that the broker does not have yet. */
  readonly #news = new Set<string>();
  readonly #gone = new Map<string, Announced>();
  #looking: NodeJS.Timeout | undefined;
  #again: NodeJS.Timeout | undefined;
  #isPublishing = false;
  #wasConnected = false;

  constructor(options: DiscoveryOptions) {
    this.#options = options;
    const { streams, settings } = options;
    this.#streams = new Map(streams.map((stream) => [stream.name, shownOf(stream, settings?.expireAfter)]));
  }

  /** The topic that has to be subscribed to; undefined: none. */
  get birthTopic(): string | undefined {
    return this.#options.settings?.birthTopic;
  }

  /** Reads what earlier runs announced. Rejects when the state store fails. */
  async load(): Promise<void> {
    const { store, committer, settings } = this.#options;
    for await (const [key, entry] of readAnnounced(store)) {
      if (entry === undefined) committer.put(key, undefined);
      else if (entry.prefix === settings?.prefix && this.#nodeOf(entry)?.id === entry.node) {
        this.#known.set(idOf(entry), entry);
      } else this.#gone.set(key, entry);
    }
    if (settings === undefined) return;
    this.#forget();
    this.#looking = setInterval(() => this.#forget(), LOOK_MS).unref();
  }

  /** Takes in that there is a new connection; a broker that has forgotten the session may have lost what it retained, too. */
  connected(hasSession: boolean): void {
    if (!hasSession || !this.#wasConnected) this.#tellAll();
    this.#wasConnected = true;
    void this.#publish();
  }

  /** Takes a message in; those that are not of Home Assistant are of no account. */
  hear(topic: string, payload: Uint8Array): void {
    const { settings } = this.#options;
    if (topic !== settings?.birthTopic || new TextDecoder().decode(payload) !== "online") return;
    clearTimeout(this.#again);
    this.#again = setTimeout(
      () => {
        this.#tellAll();
        void this.#publish();
      },
      Math.random() * (settings.jitterMs ?? JITTER_MS),
    ).unref();
  }

  /** Takes in a step: of a device that is not known yet, or was forgotten, it is announced. */
  see(step: Stepped): void {
    const { settings, now } = this.#options;
    if (settings === undefined) return;
    const id = idOf(step);
    const day = Math.floor(now() / DAY_MS);
    const known = this.#known.get(id);
    if (known !== undefined) {
      if (known.seen !== day) this.#keep({ ...known, seen: day });
      return;
    }
    const entry = this.#createEntry(step, settings.prefix, day);
    const earlier = this.#gone.get(keyOf(entry));
    this.#gone.delete(keyOf(entry));
    this.#keep({ ...entry, parts: earlier?.parts ?? [] });
    this.#news.add(id);
    this.#tellOfNoAlarm(step);
    void this.#publish();
  }

  /** Announces and removes nothing any more. */
  stop(): void {
    clearInterval(this.#looking);
    clearTimeout(this.#again);
    this.#news.clear();
    this.#gone.clear();
  }

  /** Until an alarm ends nothing would say that there is none. */
  #tellOfNoAlarm({ stream, device, n, time, anomaly }: Stepped): void {
    if (anomaly === undefined || anomaly.isAlarm || anomaly.change !== undefined) return;
    const change = { isAlarm: false, since: time, score: null, cause: [], text: "" };
    const payload = formatAlarm(change, { n, ts: time, detector: anomaly.detector });
    const id = `${stream}/${device}`;
    const topic = `${this.#options.baseTopic}/${id}/alarm`;
    this.#options.announcements().add(id, { topic, payload, isRetained: true });
  }

  #tellAll(): void {
    const { settings } = this.#options;
    if (settings === undefined) return;
    if (!this.#known.has(BRIDGE)) this.#keep(this.#createEntry({ stream: "", device: "" }, settings.prefix, 0));
    // The bridge first: devices are connected via it.
    this.#news.add(BRIDGE);
    for (const id of this.#known.keys()) this.#news.add(id);
  }

  #forget(): void {
    const { settings, now } = this.#options;
    const oldest = Math.floor((now() - (settings?.forgetAfterMs ?? 0)) / DAY_MS);
    for (const [id, entry] of this.#known) {
      if (id === BRIDGE || entry.seen >= oldest) continue;
      this.#known.delete(id);
      this.#news.delete(id);
      this.#gone.set(keyOf(entry), entry);
    }
    void this.#publish();
  }

  /** Publishes node after node, and each again over the next connection when this one is lost. */
  async #publish(): Promise<void> {
    if (this.#isPublishing) return;
    this.#isPublishing = true;
    try {
      for (;;) {
        const connection = this.#options.connection();
        const gone = this.#gone.values().next().value;
        const id = this.#news.values().next().value;
        if (connection === undefined || (gone === undefined && id === undefined)) return;
        if (gone !== undefined) await this.#remove(connection, gone);
        else if (id !== undefined) await this.#announce(connection, id);
      }
    } catch {
      // The connection is lost, and another one comes.
    } finally {
      this.#isPublishing = false;
    }
  }

  async #remove(connection: Connection, entry: Announced): Promise<void> {
    const key = keyOf(entry);
    await this.#send(connection, removals(entry, entry.parts));
    // It may have come back meanwhile.
    if (this.#gone.get(key) !== entry) return;
    this.#gone.delete(key);
    this.#options.committer.put(key, undefined);
  }

  async #announce(connection: Connection, id: string): Promise<void> {
    this.#news.delete(id);
    const entry = this.#known.get(id);
    if (entry === undefined) return;
    const { messages = [] } = this.#nodeOf(entry) ?? {};
    const parts = messages.map(({ part }) => part);
    const stale = entry.parts.filter((part) => !parts.includes(part));
    // Before it is published: what is retained and not known to us would stay for ever.
    if (stale.length > 0 || entry.parts.length !== parts.length) this.#keep({ ...entry, parts: [...parts, ...stale] });
    const topics = messages.map(({ part, payload }) => [configTopic(entry.prefix, entry.node, part), payload] as const);
    try {
      await this.#send(connection, [...this.#infoOf(id), ...topics, ...removals(entry, stale)]);
    } catch (error) {
      if (this.#known.has(id)) this.#news.add(id);
      throw error;
    }
    const now = this.#known.get(id);
    if (stale.length > 0 && now !== undefined) this.#keep({ ...now, parts });
  }

  #createEntry(place: Pick<Announced, "stream" | "device">, prefix: string, seen: number): Announced {
    const { stream, device } = place;
    const entry = { stream, device, prefix, node: "", parts: [], seen };
    return { ...entry, node: this.#nodeOf(entry)?.id ?? "" };
  }

  /** What is to be said of a node; undefined when its stream is gone. */
  #nodeOf({ stream, device }: Announced): Node | undefined {
    if (stream === "") return bridgeNode(this.#options);
    const shown = this.#streams.get(stream);
    return shown && deviceNode(this.#options, shown, device);
  }

  #infoOf(id: string): [string, string][] {
    if (id !== BRIDGE) return [];
    return [[`${this.#options.baseTopic}/bridge/info`, bridgeInfo(this.#options, [...this.#streams.keys()])]];
  }

  async #send(connection: Connection, messages: readonly (readonly [string, string])[]): Promise<void> {
    await Promise.all(
      messages.map(async ([topic, payload]) => {
        try {
          await connection.publish(topic, payload, { retain: true });
        } catch (error) {
          if (!(error instanceof PublishRefused)) throw error;
          this.#options.log.note("homeassistant", "refused", error.message);
        }
      }),
    );
  }

  #keep(entry: Announced): void {
    this.#known.set(idOf(entry), entry);
    this.#options.committer.put(keyOf(entry), encodeAnnounced(entry));
  }
}

const removals = ({ prefix, node }: Announced, parts: readonly string[]): [string, string][] =>
  parts.map((part) => [configTopic(prefix, node, part), ""]);
