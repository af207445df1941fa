import { type BrokerOptions, type Connection, type Message, openConnection } from "./connection.ts";
import { TAKEN_OVER } from "./failures.ts";
import type { Logger } from "./log.ts";

/** Waiting times between attempts to connect. */
export interface RetryOptions {
  /** Before the first attempt after a loss; doubled for each that follows. */
  readonly firstMs: number;
  readonly maxMs: number;
  /** Least time between two log lines that say the same. */
  readonly repeatMs: number;
}

export interface LinkOptions {
  readonly broker: BrokerOptions;
  readonly log: Logger;
  readonly now: () => number;
  readonly retry?: Partial<RetryOptions>;
  /** Subscribes and announces; the connection is cut and tried again when it fails. */
  readonly onOpen: (connection: Connection, hasSession: boolean) => Promise<void>;
  /** Called before each attempt to connect. */
  readonly onAttempt?: () => void;
  /** Called when a connection that was open is gone, unless it was ended here. */
  readonly onLost?: () => void;
  readonly onMessage: (connection: Connection, message: Message, next: () => void) => void;
  /** Called when the socket takes more, and when the connection is gone. */
  readonly onChange: () => void;
  /** Opens a connection; default: over the network. */
  readonly connect?: typeof openConnection;
}

const DEFAULT_RETRY: RetryOptions = { firstMs: 500, maxMs: 30_000, repeatMs: 60_000 };
/** A connection that nobody knows why it ended is short below this: a broker that was started again was away for a while, too. */
const SHORT_MS = 2000;
const TAKEN_OVER_MS = 60_000;
/** Connections that may be cut short in a row before it is taken for more than chance. */
const PATIENCE = 3;

/** Keeps a connection to the broker: opens it again, with growing pauses, whenever it is lost. */
export class Link {
  readonly #options: LinkOptions;
  readonly #retry: RetryOptions;
  #connection: Connection | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Attempts since a connection was last up and served. */
  #failures = 0;
  /** Connections in a row that were made at the first attempt, served, and cut soon after, without another reason. */
  #cutShort = 0;
  #isServed = false;
  #openedAt: number | undefined;
  #setupError: string | undefined;
  #isStopped = false;
  /** Reasons of failures, and when each was last logged. */
  readonly #told = new Map<string, number>();

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#retry = { ...DEFAULT_RETRY, ...options.retry };
  }

  /** The connection, while it is open. */
  get connection(): Connection | undefined {
    return this.#connection?.isOpen ? this.#connection : undefined;
  }

  /** Makes the first attempt to connect. */
  start(): void {
    const { broker, onMessage, onChange, connect = openConnection } = this.#options;
    this.#openedAt = undefined;
    this.#setupError = undefined;
    this.#isServed = false;
    this.#options.onAttempt?.();
    this.#connection = connect(broker, {
      onOpen: (connection, hasSession) => void this.#open(connection, hasSession),
      onMessage,
      onDrain: onChange,
      onClose: (_, reason) => {
        onChange();
        if (this.#openedAt !== undefined && !this.#isStopped) this.#options.onLost?.();
        this.#lose(reason);
      },
    });
  }

  /** Ends the connection and makes no further attempts. */
  async stop(timeoutMs: number): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    if (this.connection) await this.connection.close(timeoutMs);
    else this.#connection?.destroy();
  }

  async #open(connection: Connection, hasSession: boolean): Promise<void> {
    const { broker, log, now, onOpen } = this.#options;
    this.#openedAt = now();
    try {
      await onOpen(connection, hasSession);
    } catch (error) {
      if (connection.isOpen) this.#setupError = error instanceof Error ? error.message : String(error);
      connection.destroy();
      return;
    }
    this.#isServed = true;
    this.#told.clear();
    const text = `connected to ${broker.url} as ${broker.clientId}${hasSession ? ", MQTT session resumed" : ""}`;
    log.info("broker", text, "connected", { has_session: hasSession });
  }

  #lose(reason: string | undefined): void {
    if (this.#isStopped) return;
    const { now } = this.#options;
    const lasted = this.#openedAt === undefined ? 0 : now() - this.#openedAt;
    this.#countShort(lasted, reason);
    this.#failures = this.#isServed ? 1 : this.#failures + 1;
    this.#report(this.#setupError ?? reason ?? this.#guess());
    const { firstMs, maxMs } = this.#retry;
    // Two clients of one id, which take the connection from each other, must not do so for ever at full speed.
    const doublings = this.#failures - 1 + Math.max(0, this.#cutShort - PATIENCE);
    const pause = Math.min(maxMs, firstMs * 2 ** doublings);
    // Half of the pause is random: the clients of a broker that comes back do not all knock at once.
    this.#timer = setTimeout(() => this.start(), pause * (0.5 + 0.5 * Math.random()));
  }

  /** A broker that was away before the connection, or said why it ended, explains that it was short. */
  #countShort(lasted: number, reason: string | undefined): void {
    if (this.#openedAt === undefined) return;
    const shortMs = reason === undefined ? SHORT_MS : reason === TAKEN_OVER ? TAKEN_OVER_MS : -1;
    if (this.#isServed && this.#failures <= 1 && lasted <= shortMs) this.#cutShort++;
    else this.#cutShort = 0;
  }

  #guess(): string {
    if (this.#cutShort < PATIENCE) return "the connection was closed";
    return `the broker closes the connection right after it opened; does another client use the client id "${this.#options.broker.clientId}"?`;
  }

  #report(reason: string): void {
    const { broker, log, now } = this.#options;
    const told = this.#told.get(reason);
    if (told !== undefined && now() - told < this.#retry.repeatMs) return;
    this.#told.set(reason, now());
    const verb = this.#openedAt === undefined ? "cannot connect to" : "lost the connection to";
    const attempts = told === undefined ? "trying again" : `still trying (${this.#failures} attempts)`;
    const event = this.#openedAt === undefined ? "connection_failed" : "connection_lost";
    log.warn("broker", `${verb} ${broker.url}: ${reason}; ${attempts}`, event, { reason, attempts: this.#failures });
  }
}
