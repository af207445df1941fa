import type { Connection } from "./connection.ts";

/** What the outbox reports to. */
export interface OutboxCounters {
  published: number;
  dropped: number;
}

interface Queued {
  readonly topic: string;
  readonly payload: string;
  readonly isRetained: boolean;
}

/** A short queue of QoS 0 messages before a socket that does not take more; the oldest are dropped when it is full. */
export class Outbox {
  readonly #connection: () => Connection | undefined;
  readonly #counters: OutboxCounters;
  readonly #limit: number;
  #queue: Queued[] = [];
  #head = 0;
  #waiting: (() => void)[] = [];

  constructor(connection: () => Connection | undefined, counters: OutboxCounters, limit = 10_000) {
    this.#connection = connection;
    this.#counters = counters;
    this.#limit = limit;
  }

  /** Messages that wait. */
  get length(): number {
    return this.#queue.length - this.#head;
  }

  /** True when the input should pause, so that nothing has to be dropped. */
  get isCrowded(): boolean {
    return this.length > this.#limit / 2;
  }

  /** Publishes a message now or, when the socket is busy or the broker away, later. */
  push(topic: string, payload: string, isRetained = false): void {
    this.#queue.push({ topic, payload, isRetained });
    this.drain();
    if (this.length <= this.#limit) return;
    this.#take();
    this.#counters.dropped++;
  }

  /** Publishes what waits, as far as the socket takes it; to be called when that may have changed. */
  drain(): void {
    const connection = this.#connection();
    while (connection !== undefined && this.length > 0 && !connection.isBusy) {
      const message = this.#take();
      connection.send(message.topic, message.payload, message.isRetained);
      this.#counters.published++;
    }
    if (this.length > 0 && connection !== undefined) return;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Resolves when nothing waits any more, or when there is no connection that would take it. */
  empty(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.drain();
    });
  }

  #take(): Queued {
    const message = this.#queue[this.#head++] as Queued;
    // `shift` moves the whole queue each time.
    if (this.#head === this.#queue.length || this.#head > this.#limit) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
    return message;
  }
}
