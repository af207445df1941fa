import type { Committer } from "./committer.ts";
import type { Connection } from "./connection.ts";
import type { RecentDeliveries } from "./recent.ts";

/** Least time between two questions to the broker. */
const PAUSE_MS = 1000;

/**
 * Learns which PUBACKs the broker has handled, by a PINGREQ after them: at most one a second, and none while nothing is
 * acknowledged. mqtt.js keeps the connection alive with pings of its own.
 */
export class Confirmations {
  readonly #recent: RecentDeliveries;
  readonly #committer: Committer;
  #connection: Connection | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(recent: RecentDeliveries, committer: Committer) {
    this.#recent = recent;
    this.#committer = committer;
  }

  /** Turns to a new connection. */
  watch(connection: Connection): void {
    this.#connection = connection;
  }

  /** To be called after PUBACKs were sent. */
  wake(): void {
    if (this.#timer !== undefined || this.#recent.unconfirmed === 0) return;
    this.#timer = setTimeout(() => void this.#ask(), PAUSE_MS);
    this.#timer.unref();
  }

  /** Asks at once; resolves when what was acknowledged before is known to have arrived. */
  async ask(): Promise<void> {
    const connection = this.#connection;
    const count = this.#recent.unconfirmed;
    if (connection?.isOpen !== true || count === 0) return;
    await connection.ping();
    // Of another connection the broker has another count.
    if (this.#connection !== connection) return;
    this.#recent.confirm(count);
    this.#committer.schedule();
  }

  /** Asks nothing from now on. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#connection = undefined;
  }

  async #ask(): Promise<void> {
    try {
      await this.ask();
    } catch {
      // The connection was lost: the next one begins anew.
    }
    this.#timer = undefined;
    this.wake();
  }
}
