import type { StateStore } from "../store/store.ts";
import type { Committer } from "./committer.ts";
import type { Connection } from "./connection.ts";
import type { LimitedLog } from "./log.ts";

/** What a sure outbox works with. */
export interface SureOutboxOptions {
  readonly store: StateStore;
  readonly committer: Committer;
  readonly connection: () => Connection | undefined;
  readonly log: LimitedLog;
  /** Called for each message that the broker has. */
  readonly onPublished: () => void;
}

interface Entry {
  readonly key: string;
  readonly topic: string;
  readonly payload: string;
  readonly isRetained: boolean;
}

const PREFIX = "answer/";
/** Messages in flight at once: as many as brokers take by default. */
const MOST_IN_FLIGHT = 20;
/** Messages that wait, beyond which no more readings are taken in. */
const CROWDED = 5000;

/**
 * Answers at QoS 1: each is part of the commit of the state that it tells of, published after it, and forgotten when the
 * broker has it. One that was in flight when the connection was cut, or the process killed, is published again, in order.
 */
export class SureOutbox {
  readonly #options: SureOutboxOptions;
  /** In order; those in flight first. */
  readonly #entries = new Map<string, Entry>();
  #inFlight = new Set<string>();
  #next = 0;
  #waiting: (() => void)[] = [];

  constructor(options: SureOutboxOptions) {
    this.#options = options;
  }

  /** Messages that the broker does not have yet. */
  get length(): number {
    return this.#entries.size;
  }

  /** True when the input should pause. */
  get isCrowded(): boolean {
    return this.length > CROWDED;
  }

  /** Takes over what an earlier process could not publish; what is damaged is left out. */
  async load(): Promise<void> {
    for await (const [key, value] of this.#options.store.entries(PREFIX)) {
      const entry = parse(key, value);
      if (entry === undefined) this.#options.committer.put(key, undefined);
      else this.#entries.set(key, entry);
      this.#next = Math.max(this.#next, 1 + Number.parseInt(key.slice(PREFIX.length), 16) || 0);
    }
  }

  /** Adds a message to the group that is committed next. */
  add(topic: string, payload: string, isRetained: boolean): void {
    const key = PREFIX + (this.#next++).toString(16).padStart(13, "0");
    this.#entries.set(key, { key, topic, payload, isRetained });
    this.#options.committer.put(key, new TextEncoder().encode(JSON.stringify([topic, payload, isRetained])));
  }

  /** Publishes what has been committed; to be called after each commit. */
  committed(): void {
    const connection = this.#options.connection();
    if (connection === undefined || this.#inFlight.size >= MOST_IN_FLIGHT) return;
    for (const entry of this.#entries.values()) {
      if (this.#inFlight.size >= MOST_IN_FLIGHT) return;
      if (this.#inFlight.has(entry.key)) continue;
      // Nor is what stands behind it: it was added later.
      if (this.#options.committer.uncommitted(entry.key) !== undefined) return;
      this.#send(connection, entry);
    }
  }

  /** Publishes what waits, and what was in flight, over a new connection. */
  resume(): void {
    this.#inFlight = new Set();
    this.committed();
  }

  /** Resolves when nothing waits any more, or there is no connection to publish on. */
  async empty(): Promise<void> {
    if (this.#entries.size === 0 || this.#options.connection() === undefined) return;
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #send(connection: Connection, { key, topic, payload, isRetained }: Entry): void {
    const own = this.#inFlight;
    own.add(key);
    connection.publish(topic, payload, { retain: isRetained }).then(
      () => this.#done(key, own),
      (error) => {
        this.#options.log.note(
          "answers",
          "publish failed",
          `${topic}: ${error instanceof Error ? error.message : error}`,
        );
        // A broker that refuses would refuse again; one that is gone answers nothing, and the next connection tries again.
        if (connection.isOpen) this.#done(key, own);
      },
    );
  }

  #done(key: string, inFlight: Set<string>): void {
    if (inFlight !== this.#inFlight) return; // of a lost connection: it is on its way again
    inFlight.delete(key);
    if (!this.#entries.delete(key)) return;
    this.#options.committer.put(key, undefined);
    this.#options.onPublished();
    this.committed();
    if (this.#entries.size === 0) for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

function parse(key: string, value: Uint8Array): Entry | undefined {
  try {
    const [topic, payload, isRetained] = JSON.parse(new TextDecoder().decode(value)) as unknown[];
    const isSound = typeof topic === "string" && typeof payload === "string" && typeof isRetained === "boolean";
    return isSound ? { key, topic, payload, isRetained } : undefined;
  } catch {
    return undefined;
  }
}
