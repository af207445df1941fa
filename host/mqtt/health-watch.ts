import { DeviceHealth, formatHealth, type Health, type HealthPlan, parseMemory } from "../health/device-health.ts";
import type { StateStore } from "../store/store.ts";
import type { Announcements } from "./announcements.ts";
import type { Committer } from "./committer.ts";
import type { StreamCounters } from "./counters.ts";
import type { LimitedLog } from "./log.ts";

/** A stream whose devices are watched. */
export interface WatchedStream {
  readonly name: string;
  readonly plan: HealthPlan;
  /** Most devices that are watched; the one that was silent longest is forgotten for a new one. */
  readonly most: number;
  readonly counters: StreamCounters;
}

export interface HealthWatchOptions {
  readonly streams: readonly WatchedStream[];
  readonly baseTopic: string;
  readonly store: StateStore;
  readonly committer: Committer;
  readonly announcements: Announcements;
  readonly log: LimitedLog;
  readonly now: () => number;
}

/** Looks on at the health of devices; must not throw. */
export type HealthListener = (stream: string, device: string, health: Health) => void;

const PREFIX = "health/";
const PERIOD_MS = 1000;
/** What is learned is kept so often; what is told, at once. */
const KEEP_MS = 600_000;
/** A clock that moved by so much more than the period was set, or the machine slept: nobody listened. */
const JUMP_MS = 10_000;

interface Watched {
  readonly device: DeviceHealth;
  /** When it was kept last, and whether there is news since. */
  kept: number;
  isNew: boolean;
  /** Whether the state store may know it. */
  isStored: boolean;
}

/**
 * Tells when a device becomes silent or repeats itself, and when it is well again, as retained messages; survives restarts. While
 * there is no connection to the broker no silence counts.
 */
export class HealthWatch {
  readonly #options: HealthWatchOptions;
  readonly #streams: ReadonlyMap<string, WatchedStream & { readonly devices: Map<string, Watched> }>;
  #listeners: readonly HealthListener[] = [];
  #start: number;
  #lastTick: number;
  #isPaused = true;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: HealthWatchOptions) {
    this.#options = options;
    this.#streams = new Map(options.streams.map((stream) => [stream.name, { ...stream, devices: new Map() }]));
    this.#start = options.now();
    this.#lastTick = this.#start;
  }

  /** Reads what an earlier run knew. */
  async load(): Promise<void> {
    for (const { name, plan, most, devices } of this.#streams.values()) {
      const prefix = `${PREFIX}${name}/`;
      for await (const [key, bytes] of this.#options.store.entries(prefix)) {
        const memory = parseMemory(new TextDecoder().decode(bytes));
        if (memory === undefined || devices.size >= most) this.#options.committer.put(key, undefined);
        else {
          const device = new DeviceHealth(plan, memory);
          devices.set(key.slice(prefix.length), { device, kept: this.#start, isNew: false, isStored: true });
        }
      }
    }
  }

  /** Begins to look at the clock. */
  start(): void {
    if (this.#streams.size > 0) this.#timer = setInterval(() => this.tick(), PERIOD_MS);
  }

  /** No silence counts from now on: nobody listens. */
  pause(): void {
    this.#isPaused = true;
  }

  /** Silences count from now on. */
  resume(): void {
    this.#isPaused = false;
    this.#start = this.#options.now();
    this.#lastTick = this.#start;
  }

  /** Takes a reading in; `sample` is undefined when the message only brought values. */
  reading(stream: string, name: string, sample: ArrayLike<number> | undefined): void {
    const watched = this.#streams.get(stream);
    if (watched === undefined) return;
    const { devices, plan } = watched;
    const now = this.#options.now();
    const known = devices.get(name);
    const entry = known ?? { device: new DeviceHealth(plan), kept: now, isNew: true, isStored: false };
    entry.isNew = true;
    // In the order of the last readings.
    if (known !== undefined) devices.delete(name);
    else this.#makeRoom(watched);
    devices.set(name, entry);
    this.#tell(watched, name, entry, entry.device.reading(now, this.#start, sample));
  }

  /** Looks at the clock. */
  tick(): void {
    const now = this.#options.now();
    if (Math.abs(now - this.#lastTick - PERIOD_MS) > JUMP_MS) this.#start = now;
    this.#lastTick = now;
    for (const stream of this.#streams.values()) {
      for (const [name, entry] of stream.devices) {
        if (!this.#isPaused) this.#tell(stream, name, entry, entry.device.tick(now, this.#start));
        if (entry.isNew && now - entry.kept >= KEEP_MS) this.#keep(stream.name, name, entry);
      }
    }
  }

  /** Answers what was told of the devices of a stream. */
  list(stream: string): ReadonlyMap<string, Health> {
    const told = new Map<string, Health>();
    for (const [name, { device }] of this.#streams.get(stream)?.devices ?? []) {
      if (device.told !== undefined) told.set(name, device.told);
    }
    return told;
  }

  /** Adds a listener; answers a function that removes it. */
  listen(listener: HealthListener): () => void {
    this.#listeners = [...this.#listeners, listener];
    return () => {
      this.#listeners = this.#listeners.filter((one) => one !== listener);
    };
  }

  /** Ends, and has what is known committed. */
  stop(): void {
    clearInterval(this.#timer);
    for (const { name: stream, devices } of this.#streams.values()) {
      for (const [name, entry] of devices) if (entry.isNew) this.#keep(stream, name, entry);
    }
  }

  #makeRoom({ name: stream, devices, most }: WatchedStream & { readonly devices: Map<string, Watched> }): void {
    for (const [name, { isStored }] of devices) {
      if (devices.size < most) return;
      devices.delete(name);
      if (isStored) this.#options.committer.put(`${PREFIX}${stream}/${name}`, undefined);
    }
  }

  #tell(stream: WatchedStream, name: string, entry: Watched, change: Health | undefined): void {
    if (change === undefined) return;
    const { baseTopic, announcements, log } = this.#options;
    const { counters } = stream;
    if (change.health !== "ok") {
      counters[change.health]++;
      log.note(stream.name, change.health, `device ${name}: ${change.why}`);
    }
    this.#keep(stream.name, name, entry);
    const topic = `${baseTopic}/${stream.name}/${name}/health`;
    announcements.add(`${stream.name}/${name}`, { topic, payload: formatHealth(change), isRetained: true });
    for (const listener of this.#listeners) listener(stream.name, name, change);
  }

  #keep(stream: string, name: string, entry: Watched): void {
    entry.kept = this.#options.now();
    entry.isNew = false;
    entry.isStored = true;
    const text = JSON.stringify(entry.device.memory());
    this.#options.committer.put(`${PREFIX}${stream}/${name}`, new TextEncoder().encode(text));
  }
}
