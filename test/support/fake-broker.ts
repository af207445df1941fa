import type {
  BrokerOptions,
  Connection,
  ConnectionHandlers,
  Message,
  openConnection,
} from "../../host/mqtt/connection.ts";
import { createMemoryStore } from "../../host/store/memory.ts";
import type { Change, StateStore } from "../../host/store/store.ts";
import type { Subscription } from "../../host/stream/filters.ts";

/** A connection without a network: the test says what the broker does, and sees what it is told. */
export class FakeConnection implements Connection {
  readonly options: BrokerOptions;
  readonly #handlers: ConnectionHandlers;
  isOpen = false;
  isBusy = false;
  /** What was asked of the connection, in order. */
  readonly calls: string[] = [];
  readonly acks: number[] = [];
  readonly sent: { readonly topic: string; readonly text: string; readonly isRetained?: boolean }[] = [];
  subscriptions: readonly Subscription[] = [];
  /** Codes of filters that are not granted as they are asked for. */
  readonly grants = new Map<string, number>();
  readonly subscribed: string[] = [];
  /** Messages that `next` was called for. */
  passed = 0;
  /** Stands in for the broker's answers to subscribe, unsubscribe and publish. */
  answer: (call: string) => Promise<void> = async () => {};

  constructor(options: BrokerOptions, handlers: ConnectionHandlers) {
    this.options = options;
    this.#handlers = handlers;
  }

  /** The broker accepts the connection. */
  accept(hasSession = false): void {
    this.isOpen = true;
    this.#handlers.onOpen(this, hasSession);
  }

  /** The connection ends. */
  lose(reason?: string): void {
    this.isOpen = false;
    this.#handlers.onClose(this, reason);
  }

  /** The broker delivers a message; id 0 is QoS 0. */
  deliver(topic: string, payload: string, id = 0, isRetained = false, more: Partial<Message> = {}): void {
    const message = { topic, payload: new TextEncoder().encode(payload), isRetained, id, ...more };
    this.#handlers.onMessage(this, message, () => {
      this.passed++;
    });
  }

  /** The socket takes more again. */
  drain(): void {
    this.isBusy = false;
    this.#handlers.onDrain(this);
  }

  async subscribe(subscriptions: readonly Subscription[]): Promise<readonly number[]> {
    this.subscriptions = subscriptions;
    this.subscribed.push(...subscriptions.map(({ filter }) => filter));
    await this.#ask(`subscribe ${subscriptions.map(({ filter, qos }) => `${filter} at ${qos}`).join(", ")}`);
    return subscriptions.map(({ filter, qos }) => this.grants.get(filter) ?? qos);
  }

  async unsubscribe(filters: readonly string[]): Promise<void> {
    await this.#ask(`unsubscribe ${filters.join(", ")}`);
  }

  send(topic: string, payload: string | Uint8Array, isRetained = false): void {
    this.sent.push({ topic, text: String(payload), ...(isRetained ? { isRetained } : {}) });
  }

  async publish(topic: string, payload: string | Uint8Array, { retain }: { readonly retain: boolean }): Promise<void> {
    await this.#ask(`publish ${topic} ${payload}${retain ? " retained" : ""}`);
  }

  acknowledge(id: number): void {
    this.acks.push(id);
  }

  async ping(): Promise<void> {
    await this.#ask("ping");
  }

  async close(timeoutMs: number): Promise<void> {
    this.calls.push(`close ${timeoutMs}`);
    this.lose();
  }

  destroy(): void {
    this.calls.push("destroy");
    if (this.isOpen) this.lose();
  }

  async #ask(call: string): Promise<void> {
    this.calls.push(call);
    await this.answer(call);
  }
}

/** Opens fake connections and keeps them. */
export class FakeBroker {
  readonly connections: FakeConnection[] = [];

  readonly connect: typeof openConnection = (options, handlers) => {
    const connection = new FakeConnection(options, handlers);
    this.connections.push(connection);
    return connection;
  };

  /** The connection that was opened last. */
  get last(): FakeConnection {
    const last = this.connections.at(-1);
    if (last === undefined) throw new Error("No connection was opened");
    return last;
  }
}

/** A memory store that outlives its users, and whose calls can be made to wait or to fail. */
export class GatedStore implements StateStore {
  readonly #inner = createMemoryStore();
  #gates: Partial<Record<"get" | "commit", { readonly opened: Promise<void>; readonly open: () => void }>> = {};
  /** Thrown by commits and reads, while set. */
  failure: Error | undefined;
  /** Keys of each commit that was made. */
  readonly commits: string[][] = [];
  isClosed = false;

  /** Makes calls wait until `release`. */
  hold(call: "get" | "commit"): void {
    let open = () => {};
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    this.#gates[call] = { opened, open };
  }

  /** Lets calls go on, those that wait too. */
  release(call: "get" | "commit"): void {
    this.#gates[call]?.open();
    delete this.#gates[call];
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    await this.#gates.get?.opened;
    if (this.failure !== undefined) throw this.failure;
    return this.#inner.get(key);
  }

  async commit(changes: readonly Change[]): Promise<void> {
    await this.#gates.commit?.opened;
    if (this.failure !== undefined) throw this.failure;
    await this.#inner.commit(changes);
    this.commits.push(changes.map(([key]) => key));
  }

  entries(prefix: string): AsyncIterable<readonly [key: string, value: Uint8Array]> {
    return this.#inner.entries(prefix);
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }
}

/** Lets everything happen that waits for nothing but its turn. */
export async function turns(count = 10): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}
