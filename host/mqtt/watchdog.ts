// A broker that keeps messages for a session and sends none of them. Artemis 2.40 does so with MQTT 5 when a resumed session has as many
// messages in flight as the Receive Maximum says: it neither resends them nor sends others, while the connection stays up. Another
// Receive Maximum on a new connection gets it going.

import type { Connection } from "./connection.ts";
import type { Logger } from "./log.ts";

/** What a watchdog works with. */
export interface WatchdogOptions {
  readonly log: Logger;
  /** Of the first connection; undefined with MQTT 3.1.1, which has none. */
  readonly receiveMaximum: number | undefined;
  /** Default 20 seconds. */
  readonly waitMs?: number;
}

const WAIT_MS = 20_000;
/** Silent connections in a row after which the messages are taken to be gone. */
const PATIENCE = 4;

/** Cuts a connection on which nothing comes although messages are known to be on their way to us. */
export class Watchdog {
  readonly #options: WatchdogOptions;
  #timer: NodeJS.Timeout | undefined;
  #halvings = 0;
  #silences = 0;

  constructor(options: WatchdogOptions) {
    this.#options = options;
  }

  /** The Receive Maximum to connect with in place of the first: half as large after each silent connection; undefined before. */
  get receiveMaximum(): number | undefined {
    const { receiveMaximum } = this.#options;
    if (receiveMaximum === undefined || this.#halvings === 0) return undefined;
    return Math.max(1, Math.floor(receiveMaximum / 2 ** this.#halvings));
  }

  /** Takes in that a session is resumed, of which `inFlight` messages were received and never acknowledged. */
  watch(connection: Connection, inFlight: number): void {
    this.stop();
    if (inFlight === 0 || this.#silences >= PATIENCE) return;
    const { log, waitMs = WAIT_MS } = this.#options;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (!connection.isOpen) return;
      this.#silences++;
      this.#halvings++;
      const next = this.receiveMaximum;
      const remedy = next === undefined ? "" : `, with a Receive Maximum of ${next}`;
      const what = `the broker has sent nothing for ${waitMs / 1000} s, although ${inFlight} messages are on their way to us`;
      log.warn("broker", `${what}; connecting again${remedy}`, "connection_silent", { in_flight: inFlight });
      connection.destroy();
    }, waitMs);
    this.#timer.unref();
  }

  /** Takes in that a message came. */
  feed(): void {
    if (this.#timer === undefined) return;
    this.stop();
    this.#silences = 0;
  }

  /** Watches no more. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
