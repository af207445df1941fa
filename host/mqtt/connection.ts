// One connection to the broker, from CONNECT to the end of the socket. A lost connection is followed by a new one
// (link.ts), never revived: nothing of a past connection, such as a packet id, can leak into the next.

import type { Duplex, Writable } from "node:stream";
import mqtt, { type IClientOptions, type MqttClient } from "mqtt";
import type { Subscription } from "../stream/filters.ts";
import { describeConnectionError, REASONS, refusalOf } from "./failures.ts";
import { type Oversized, PacketGuard } from "./guard.ts";
import { settledWithin, within } from "./timeout.ts";

/** Where the broker is, and who we are. */
export interface BrokerOptions {
  /** `mqtt://host[:port]` or `mqtts://host[:port]`. */
  readonly url: string;
  readonly clientId: string;
  /** The broker forgets the MQTT session at the end of the connection. */
  readonly isClean: boolean;
  readonly username?: string;
  readonly password?: string;
  /** PEM texts of TLS. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** Default true; false takes any certificate. */
  readonly rejectUnauthorized?: boolean;
  /** Seconds; default 30. */
  readonly keepalive?: number;
  /** MQTT 3.1.1 (4, the default) or 5. */
  readonly protocol?: 4 | 5;
  /**
   * Longest packet that is taken in, bytes; default: any that MQTT has, which is 256 MB in memory. MQTT 5 tells the broker. In MQTT 3.1.1 a longer message is
   * let go while it arrives, and delivered without its payload (`Message.oversized`).
   */
  readonly maxPacketBytes?: number;
  /** MQTT 5: messages that the broker may have in flight to us, 1 to 65535; default 65535. */
  readonly receiveMaximum?: number;
  /** Retained message that the broker publishes when the connection is lost; with MQTT 5 after a second. */
  readonly lastWill?: { readonly topic: string; readonly payload: string };
}

/** A message from the broker. */
export interface Message {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly isRetained: boolean;
  /** There when the payload was too large to be taken in; it is empty then. */
  readonly oversized?: Oversized;
  /** Packet id to be acknowledged; 0 for QoS 0. */
  readonly id: number;
  /** The broker says that it may have delivered this before; not every broker says so. */
  readonly isDup?: boolean;
}

/** What a connection tells; none of these may throw. */
export interface ConnectionHandlers {
  /** The broker accepted us; `hasSession`: it kept our subscriptions and the messages since. */
  onOpen(connection: Connection, hasSession: boolean): void;
  /** The next message comes only after `next` is called; it must be called within the keepalive time. */
  onMessage(connection: Connection, message: Message, next: () => void): void;
  /** The socket took what was waiting: `isBusy` was true and is false. */
  onDrain(connection: Connection): void;
  /** The connection ended or did not come about; `reason` is undefined when nobody said why. */
  onClose(connection: Connection, reason: string | undefined): void;
}

/** A connection to the broker. */
export interface Connection {
  readonly isOpen: boolean;
  /** The socket does not take more at the moment. */
  readonly isBusy: boolean;
  /** Filters that were subscribed on this connection: only for these a broker sends retained messages. */
  readonly subscribed: readonly string[];
  /** Subscribes, and answers the broker's code for each: the quality of service that it grants, 0x80 and more when it refuses. */
  subscribe(subscriptions: readonly Subscription[]): Promise<readonly number[]>;
  unsubscribe(filters: readonly string[]): Promise<void>;
  /** Publishes at QoS 0: handed to the socket, or lost with the connection. */
  send(topic: string, payload: string | Uint8Array, isRetained?: boolean): void;
  /** Publishes at QoS 1 and resolves when the broker has it. @throws {PublishRefused} when it does not take it (MQTT 5) */
  publish(topic: string, payload: string | Uint8Array, options: { readonly retain: boolean }): Promise<void>;
  /** Tells the broker that a message may be forgotten; acks of one turn travel together. */
  acknowledge(id: number): void;
  /** Resolves when the broker has handled all that was sent before; rejects when the connection ends. */
  ping(): Promise<void>;
  /** Says goodbye to the broker, so that it does not publish the last will. */
  close(timeoutMs: number): Promise<void>;
  /** Cuts the connection. */
  destroy(): void;
}

/** A broker that accepts a connection and then does not answer is given up after this time. */
const ANSWER_MS = 10_000;
const DEFAULT_KEEPALIVE = 30;

/** Opens a connection; the handlers tell what becomes of it. */
export function openConnection(options: BrokerOptions, handlers: ConnectionHandlers): Connection {
  const client = mqtt.connect(clientOptions(options));
  const { maxPacketBytes, protocol = 4, keepalive = DEFAULT_KEEPALIVE } = options;
  const guard = maxPacketBytes === undefined ? undefined : new PacketGuard(maxPacketBytes, protocol);
  const connection = new MqttConnection(client, handlers, guard);
  if (guard) stand(guard, client, keepalive);
  client.connect();
  return connection;
}

/** Who waits for the answer to a ping. */
interface Waiting {
  resolve(): void;
  reject(error: Error): void;
}

/** mqtt.js goes on to the next message without a PUBACK when the handler of one answers an error (test/mqtt/connection.test.ts). */
const WITHOUT_ACK = new Error("Acknowledged later");

class MqttConnection implements Connection {
  readonly #client: MqttClient;
  #acks: number[] = [];
  #reason: string | undefined;
  #isClosed = false;
  readonly subscribed: string[] = [];
  /** What waits for each PINGREQ that is not answered, in order; mqtt.js sends some of its own. */
  readonly #pings: (Waiting | undefined)[] = [];
  #nextPing: Waiting | undefined;
  #isHeld = false;
  /** Codes of the last SUBACK. */
  #suback: readonly number[] | undefined;

  constructor(client: MqttClient, handlers: ConnectionHandlers, guard: PacketGuard | undefined) {
    this.#client = client;
    // Set before connecting: a resumed MQTT session delivers messages at once.
    client.handleMessage = ({ topic, payload, retain, qos, dup, messageId = 0 }, callback) => {
      const bytes = typeof payload === "string" ? Buffer.from(payload) : payload;
      const oversized = guard?.next();
      const message = { topic, payload: bytes, isRetained: retain, isDup: dup, id: qos === 0 ? 0 : messageId };
      handlers.onMessage(this, oversized ? { ...message, oversized } : message, () => callback(WITHOUT_ACK));
    };
    client.on("connect", ({ sessionPresent }) => {
      (client.stream as { setNoDelay?: (isOn: boolean) => void }).setNoDelay?.(true);
      client.stream.on("drain", () => handlers.onDrain(this));
      handlers.onOpen(this, sessionPresent);
    });
    client.on("disconnect", ({ reasonCode }) => {
      // MQTT 3.1.1 has no reason codes.
      const code = reasonCode === undefined ? "" : ` (reason code ${reasonCode})`;
      this.#reason ??= REASONS.get(reasonCode ?? 0) ?? `the broker ended the connection${code}`;
    });
    client.on("error", (error) => {
      this.#reason ??= describeConnectionError(error);
    });
    client.on("close", () => {
      if (this.#isClosed) return;
      this.#isClosed = true;
      for (const waiting of this.#pings.splice(0)) waiting?.reject(new Error("the connection was closed"));
      handlers.onClose(this, this.#reason);
    });
    client.on("packetsend", ({ cmd }) => {
      if (cmd !== "pingreq") return;
      this.#pings.push(this.#nextPing);
      this.#nextPing = undefined;
    });
    client.on("packetreceive", (packet) => {
      if (packet.cmd === "pingresp") this.#pings.shift()?.resolve();
      if (packet.cmd === "suback") this.#suback = packet.granted as readonly number[];
    });
  }

  get isOpen(): boolean {
    return this.#client.connected && !this.#isClosed;
  }

  get isBusy(): boolean {
    return this.#client.stream.writableNeedDrain;
  }

  async subscribe(subscriptions: readonly Subscription[]): Promise<readonly number[]> {
    // rh 2 (MQTT 5): no retained messages; a model is not stepped with old news.
    this.subscribed.push(...subscriptions.map(({ filter }) => filter));
    const topics = Object.fromEntries(subscriptions.map(({ filter, qos }) => [filter, { qos, rh: 2 as const }]));
    let codes: readonly number[] | undefined;
    const subscribed = this.#client.subscribeAsync(topics).catch((error: unknown) => {
      // mqtt.js has one error for all filters, and the codes of each only in the packet.
      codes = this.#suback;
      if (codes === undefined) throw error;
    });
    this.#suback = undefined;
    await within(subscribed, ANSWER_MS, "the broker does not answer the subscription");
    return codes ?? this.#suback ?? subscriptions.map(({ qos }) => qos);
  }

  async unsubscribe(filters: readonly string[]): Promise<void> {
    const answered = this.#client.unsubscribeAsync([...filters]);
    await within(answered, ANSWER_MS, "the broker does not answer the end of a subscription");
  }

  send(topic: string, payload: string | Uint8Array, retain = false): void {
    this.#holdWrites();
    this.#client.publish(topic, toPayload(payload), { qos: 0, retain });
  }

  async publish(topic: string, payload: string | Uint8Array, { retain }: { readonly retain: boolean }): Promise<void> {
    this.#holdWrites();
    try {
      await this.#client.publishAsync(topic, toPayload(payload), { qos: 1, retain });
    } catch (error) {
      throw refusalOf(topic, error) ?? error;
    }
  }

  /** What is published in one turn of the event loop is one write: a system call for each answer is a fifth of its cost. */
  #holdWrites(): void {
    if (this.#isHeld) return;
    this.#isHeld = true;
    const { stream } = this.#client;
    stream.cork();
    setImmediate(() => {
      this.#isHeld = false;
      stream.uncork();
    });
  }

  acknowledge(id: number): void {
    if (this.#acks.push(id) === 1) process.nextTick(() => this.#sendAcks());
  }

  /** One write for many PUBACKs; a system call for each is a third of the cost of receiving at QoS 1. */
  #sendAcks(): void {
    const ids = this.#acks;
    this.#acks = [];
    if (!this.isOpen || ids.length === 0) return; // the broker sends the messages again
    const bytes = Buffer.allocUnsafe(4 * ids.length);
    for (const [index, id] of ids.entries()) bytes.writeUInt32BE(0x40020000 | id, 4 * index);
    this.#client.stream.write(bytes);
  }

  ping(): Promise<void> {
    this.#sendAcks();
    return new Promise((resolve, reject) => {
      if (!this.isOpen) return reject(new Error("the connection was closed"));
      this.#nextPing = { resolve, reject };
      this.#client.sendPing();
    });
  }

  async close(timeoutMs: number): Promise<void> {
    if (this.#isClosed) return;
    this.#sendAcks();
    await settledWithin(this.#client.endAsync(), timeoutMs);
    this.destroy();
  }

  // Not `client.end(true)`: with QoS 1 publishes in flight it throws in its own store.
  destroy(): void {
    this.#client.stream.destroy();
  }
}

/** The parts of mqtt.js that its types keep to themselves (test/mqtt/packets.test.ts holds them). */
interface StreamBuilt {
  streamBuilder(client: MqttClient): Duplex;
}

/** Puts a guard between the socket and the parser of mqtt.js, in its own write: no further buffer, and the same back pressure. */
function stand(guard: PacketGuard, client: MqttClient, keepalive: number): void {
  const built = client as unknown as StreamBuilt;
  const build = built.streamBuilder;
  built.streamBuilder = (self) => {
    const stream = build(self);
    const pipe = stream.pipe.bind(stream) as (to: Writable) => Writable;
    stream.pipe = (<W extends Writable>(parser: W): W => {
      const write = parser._write.bind(parser);
      parser._write = (chunk: Buffer, encoding, done) => {
        let passed: Uint8Array;
        try {
          passed = guard.push(chunk);
        } catch (error) {
          client.emit("error", error as Error);
          stream.destroy();
          return;
        }
        if (guard.isSkipping) keepAlive();
        if (passed.length === 0) done();
        else write(passed, encoding, done);
      };
      pipe(parser);
      return parser;
    }) as typeof stream.pipe;
    return stream;
  };
  let pinged = Date.now();
  /** While a long packet arrives no answer to a ping can: what arrives is a sign of life itself, and we still give ours. */
  const keepAlive = () => {
    if (!client.connected) return;
    client.reschedulePing(true);
    if (Date.now() - pinged < 500 * keepalive) return;
    pinged = Date.now();
    client.sendPing();
  };
}

function toPayload(payload: string | Uint8Array): string | Buffer {
  return typeof payload === "string" ? payload : Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
}

/** The options of mqtt.js for a connection that nothing revives. */
export function clientOptions(options: BrokerOptions): IClientOptions {
  const url = new URL(options.url);
  const { protocol = 4, keepalive = DEFAULT_KEEPALIVE, rejectUnauthorized = true, lastWill } = options;
  const client: IClientOptions = {
    protocol: url.protocol === "mqtts:" ? "mqtts" : "mqtt",
    host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    protocolVersion: protocol,
    clientId: options.clientId,
    clean: options.isClean,
    keepalive,
    rejectUnauthorized,
    manualConnect: true,
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    connectTimeout: 10_000,
    log: () => {}, // its debug output costs 13 % and shows user names
  };
  if (url.port !== "") client.port = Number(url.port);
  if (lastWill) client.will = { topic: lastWill.topic, payload: Buffer.from(lastWill.payload), qos: 1, retain: true };
  // Without a delay Artemis keeps the will until the session ends, days later.
  if (client.will && protocol === 5) client.will.properties = { willDelayInterval: WILL_DELAY_SECONDS };
  if (protocol === 5) client.properties = sessionProperties(options);
  const { username, password, ca, cert, key } = options;
  return {
    ...client,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

const SESSION_EXPIRY_SECONDS = 7 * 24 * 3600;
const WILL_DELAY_SECONDS = 1;
/** A broker may cap its offline queue by this: FlashMQ lost 3,985 of 5,009 messages at 1024. */
const DEFAULT_RECEIVE_MAXIMUM = 65_535;

function sessionProperties({
  isClean,
  maxPacketBytes,
  receiveMaximum = DEFAULT_RECEIVE_MAXIMUM,
}: BrokerOptions): NonNullable<IClientOptions["properties"]> {
  return {
    receiveMaximum,
    ...(isClean ? {} : { sessionExpiryInterval: SESSION_EXPIRY_SECONDS }),
    ...(maxPacketBytes === undefined ? {} : { maximumPacketSize: maxPacketBytes }),
  };
}
