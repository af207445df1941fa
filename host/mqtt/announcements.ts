import type { StateStore } from "../store/store.ts";
import type { Committer } from "./committer.ts";
import type { Connection } from "./connection.ts";
import type { LimitedLog } from "./log.ts";

/** A message that must reach the broker, whatever happens. */
export interface Announcement {
  readonly topic: string;
  readonly payload: string;
  readonly isRetained: boolean;
}

/** What announcements work with. */
export interface AnnouncementsOptions {
  readonly store: StateStore;
  readonly committer: Committer;
  readonly connection: () => Connection | undefined;
  readonly log: LimitedLog;
}

const PREFIX = "pending/";

interface Queue {
  readonly messages: Announcement[];
  /** The publish under way; another object for each, so that a late answer of a lost connection is known. */
  attempt: object | undefined;
}

/**
 * Messages at QoS 1 that are part of what is committed until the broker has them: each is published after the state that it tells of
 * is safe, and again after a crash or a lost connection, in order per device. A crash between the broker's acknowledgement and the
 * next commit publishes the same bytes once more.
 */
export class Announcements {
  readonly #options: AnnouncementsOptions;
  readonly #queues = new Map<string, Queue>();
  #waiting: (() => void)[] = [];

  constructor(options: AnnouncementsOptions) {
    this.#options = options;
  }

  /** Takes over what an earlier process could not publish; to be called before the first connection. */
  async load(): Promise<void> {
    for await (const [key, value] of this.#options.store.entries(PREFIX)) {
      const messages = readMessages(value);
      if (messages.length > 0) this.#queues.set(key.slice(PREFIX.length), { messages, attempt: undefined });
      else this.#options.committer.put(key, undefined);
    }
  }

  /**
   * Adds a message. Until the broker has it, it is part of the group that is committed next.
   *
   * @param device  stream and key, such as `pump/a/7`; messages of one are published in order
   */
  add(device: string, message: Announcement): void {
    const queue = this.#queues.get(device) ?? { messages: [], attempt: undefined };
    queue.messages.push(message);
    this.#queues.set(device, queue);
    this.#keep(device, queue);
  }

  /** Publishes what has been committed; to be called after each commit. */
  committed(): void {
    for (const [device, queue] of this.#queues) this.#send(device, queue);
  }

  /** Publishes what waits over a new connection. */
  resume(): void {
    for (const queue of this.#queues.values()) queue.attempt = undefined;
    this.committed();
  }

  /** Resolves when nothing waits any more, or there is no connection to publish on. */
  async empty(): Promise<void> {
    if (this.#queues.size === 0 || this.#options.connection() === undefined) return;
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #send(device: string, queue: Queue): void {
    const { connection: current, committer, log } = this.#options;
    const connection = current();
    const [message] = queue.messages;
    if (message === undefined || queue.attempt !== undefined || connection === undefined) return;
    if (committer.uncommitted(PREFIX + device) !== undefined) return;
    const attempt = {};
    queue.attempt = attempt;
    const { topic, payload, isRetained } = message;
    connection.publish(topic, payload, { retain: isRetained }).then(
      () => {
        if (queue.attempt === attempt) this.#done(device, queue);
      },
      (error) => {
        // The next connection tries again.
        log.note("alarms", "publish failed", `${topic}: ${error instanceof Error ? error.message : error}`);
      },
    );
  }

  #done(device: string, queue: Queue): void {
    queue.messages.shift();
    queue.attempt = undefined;
    if (queue.messages.length === 0) this.#queues.delete(device);
    this.#keep(device, queue);
    if (this.#queues.size === 0) for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #keep(device: string, { messages }: Queue): void {
    const value = messages.length === 0 ? undefined : new TextEncoder().encode(JSON.stringify(messages));
    this.#options.committer.put(PREFIX + device, value);
  }
}

function readMessages(value: Uint8Array): Announcement[] {
  try {
    const messages: unknown = JSON.parse(new TextDecoder().decode(value));
    return Array.isArray(messages) ? messages.filter(isAnnouncement) : [];
  } catch {
    return [];
  }
}

function isAnnouncement(value: unknown): value is Announcement {
  const { topic, payload, isRetained } = (value ?? {}) as Partial<Record<keyof Announcement, unknown>>;
  return typeof topic === "string" && typeof payload === "string" && typeof isRetained === "boolean";
}
