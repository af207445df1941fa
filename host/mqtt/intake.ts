import { filtersOverlap } from "../stream/filters.ts";
import { type Entry, PayloadError, type Reading } from "../stream/payload.ts";
import { createRouter, type Route } from "../stream/router.ts";
import type { Source } from "../stream/source.ts";
import type { Committer, Ticket } from "./committer.ts";
import type { Connection, Message } from "./connection.ts";
import type { BridgeCounters } from "./counters.ts";
import type { Oversized } from "./guard.ts";
import { type Hash64, hashMessage, hashText } from "./hash64.ts";
import type { MessageOutcome } from "./outcomes.ts";
import type { Delivery, RecentDeliveries } from "./recent.ts";
import type { Stream } from "./stream.ts";

/** What an intake works with. */
export interface IntakeOptions {
  readonly streams: readonly Stream[];
  readonly committer: Committer;
  /** Undefined when nothing is delivered again: the broker keeps no session. */
  readonly recent: RecentDeliveries | undefined;
  readonly protocol: 4 | 5;
  readonly counters: BridgeCounters;
  readonly now: () => number;
  /** True while the broker has to wait, beside the messages that are not committed yet. */
  readonly isCrowded: () => boolean;
  readonly onOutcome: (outcome: MessageOutcome) => void;
  /** Tells topics that are of no stream, and yet expected. */
  readonly isOther?: (topic: string) => boolean;
  /** Told the seconds from the arrival of each message to its acknowledgement, or to when one would have been due. */
  readonly onAcknowledged?: ((seconds: number) => void) | undefined;
}

/** What an intake needs of a connection. */
export type Acknowledging = Pick<Connection, "isOpen" | "acknowledge" | "subscribed" | "send">;

/** Messages that may be received and not yet committed; beyond, the broker has to wait. */
const MAX_PENDING = 8192;

/** Takes messages in: finds the devices of each, reads it, and hands it on; makes the broker wait when it comes too fast. */
export class Intake {
  readonly #options: IntakeOptions;
  readonly #route: (topic: string) => readonly Route<Stream>[];
  /** By source: what makes the parts of a message differ, in every run the same. */
  readonly #salts: ReadonlyMap<Source, number>;
  /** Packet ids of the connection that are not acknowledged yet. */
  #unacknowledged = new Map<number, Hash64>();
  #connection: Acknowledging | undefined;
  readonly #ask = (topic: string, payload: Uint8Array) => this.#connection?.send(topic, payload);
  #held: (() => void)[] = [];
  #isClosed = false;

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#route = createRouter(options.streams);
    this.#salts = new Map(
      options.streams.flatMap(({ name, sources }) =>
        sources.map((source) => [source, hashText(`${name} ${source.topic.text}`)] as const),
      ),
    );
  }

  /** Takes one message in; `next` is called when another may come. */
  receive(connection: Acknowledging, message: Message, next: () => void): void {
    // What is not stepped and not acknowledged stays with the broker: after `close`, and when the connection is gone, of
    // which a few messages may have been read ahead.
    if (this.#isClosed || !connection.isOpen) {
      next();
      return;
    }
    this.#turnTo(connection);
    const { counters, isOther } = this.#options;
    const routes = this.#route(message.topic);
    if (this.#isUnderWay(message, routes)) {
      next();
      return;
    }
    if (routes.length === 0 && !isOther?.(message.topic)) counters.unmatched++;
    this.#admit(this.#receive(connection, message), routes);
    if (this.#isCrowded()) this.#held.push(next);
    else next();
  }

  /** Lets the broker go on if it waits and need not any more. */
  resume(): void {
    if (this.#held.length === 0 || this.#isCrowded()) return;
    for (const next of this.#held.splice(0)) next();
  }

  /** Takes nothing in from now on. */
  close(): void {
    this.#isClosed = true;
  }

  /** Another connection has packet ids of its own. */
  #turnTo(connection: Acknowledging): void {
    if (connection === this.#connection) return;
    this.#connection = connection;
    this.#unacknowledged = new Map();
  }

  /** Tells whether a message came a second time before it was acknowledged: its acknowledgement will do for both. */
  #isUnderWay({ id, topic, payload }: Message, routes: readonly Route<Stream>[]): boolean {
    const first = this.#unacknowledged.get(id);
    if (first === undefined) return false;
    const { high, low } = hashMessage(topic, payload);
    if (first.high !== high || first.low !== low) return false;
    for (const { stream } of routes) countDuplicate(stream);
    return true;
  }

  #receive(connection: Acknowledging, message: Message): Incoming {
    const { recent, protocol, onAcknowledged } = this.#options;
    const deliveries: Delivery[] = [];
    const arrival = onAcknowledged && performance.now();
    const acknowledge = () => {
      this.#acknowledge(connection, message.id, deliveries);
      if (arrival !== undefined) onAcknowledged?.((performance.now() - arrival) / 1000);
    };
    const ticket: Ticket = { open: 1, acknowledge };
    const { id, topic, payload, isDup = false } = message;
    if (id === 0 || recent === undefined) return { connection, message, ticket, deliveries, identity: undefined };
    const { high, low } = hashMessage(topic, payload);
    const found = recent.candidates(id);
    const earlier = found.length === 0 && isDup && protocol === 4 ? recent.lately(id) : found;
    const identity = { high, low, number: recent.nextMessage(), earlier };
    this.#unacknowledged.set(id, identity);
    return { connection, message, ticket, deliveries, identity };
  }

  #admit(incoming: Incoming, routes: readonly Route<Stream>[]): void {
    const { committer } = this.#options;
    committer.admit(incoming.ticket);
    for (const route of routes) {
      const part = this.#part(incoming, this.#salts.get(route.source) as number, incoming.ticket);
      if (part === undefined) countDuplicate(route.stream);
      else this.#accept(route, incoming, part);
    }
    committer.settle(incoming.ticket);
  }

  #acknowledge(connection: Acknowledging, id: number, deliveries: readonly Delivery[]): void {
    if (id === 0 || !connection.isOpen) return;
    connection.acknowledge(id);
    if (connection !== this.#connection) return;
    this.#unacknowledged.delete(id);
    this.#options.recent?.acknowledge(deliveries);
  }

  /** Answers the ticket of a part of a message; undefined when it was taken before, with an earlier delivery. */
  #part({ message, identity, deliveries }: Incoming, salt: number, whole: Ticket): Ticket | undefined {
    const { recent } = this.#options;
    let delivery: Delivery | undefined;
    if (identity !== undefined && recent !== undefined) {
      const own: Hash64 = { high: identity.high, low: (identity.low ^ salt) >>> 0 };
      const known = identity.earlier.find((one) => one.high === own.high && one.low === own.low);
      // What was taken is noted already, or will be by the ticket that it came with first.
      delivery = known ?? recent.receive(message.id, identity.number, own);
      deliveries.push(delivery);
      if (known !== undefined) return undefined;
    }
    whole.open++;
    return { open: 1, acknowledge() {}, delivery, whole };
  }

  #accept({ stream, source, device, captures }: Route<Stream>, incoming: Incoming, ticket: Ticket): void {
    const { committer, now } = this.#options;
    const { counters } = stream;
    const { message, connection } = incoming;
    counters.received++;
    // Retained messages answer a SUBSCRIBE. What a resumed session has queued may carry the flag too, and is news.
    if (message.isRetained && connection.subscribed.some((filter) => filtersOverlap(filter, message.topic))) {
      counters.retained++;
      if (source.isCommand) this.#tellRetained(device, stream, message);
      committer.settle(ticket);
      return;
    }
    try {
      if (device === undefined) throw new PayloadError("bad_topic", "The topic gives no usable device key");
      if (message.oversized) throw tooLarge(message.oversized);
      const found = source.decode(message.payload, { topic: message.topic, captures, now, ask: this.#ask });
      if (!isSeveral(found)) this.#hand(found, device, stream, ticket);
      else this.#handAll(found, device, stream, incoming, ticket);
    } catch (error) {
      if (!(error instanceof PayloadError)) throw error;
      this.#reject(error, device, stream, message, ticket);
    }
  }

  /** Hands on every reading of a message, in order; it is acknowledged when all of them are committed. */
  #handAll(entries: readonly Entry[], byTopic: string, stream: Stream, incoming: Incoming, ticket: Ticket): void {
    const deviceOf = (entry: Entry) => (entry instanceof PayloadError ? byTopic : (entry.device ?? byTopic));
    const names = new Set(entries.map(deviceOf));
    // Some devices may have taken theirs while others are loaded, with a commit in between: each is a part of its own.
    const parts = new Map<string, Ticket | undefined>();
    if (names.size > 1) {
      for (const name of names)
        parts.set(name, this.#part(incoming, hashText(`${stream.name} device ${name}`), ticket));
    }
    for (const entry of entries) {
      const part = names.size > 1 ? parts.get(deviceOf(entry)) : ticket;
      if (part === undefined) {
        stream.counters.duplicate++;
        continue;
      }
      part.open++;
      if (entry instanceof PayloadError) this.#reject(entry, byTopic, stream, incoming.message, part);
      else this.#hand(entry, byTopic, stream, part);
    }
    for (const part of parts.values()) if (part !== undefined) this.#options.committer.settle(part);
    this.#options.committer.settle(ticket);
  }

  #hand(reading: Reading, byTopic: string, { devices, counters }: Stream, ticket: Ticket): void {
    const { action = "step", sample, device = byTopic, time = this.#options.now(), digest } = reading;
    if (reading.isTimeReplaced) counters.times_replaced++;
    const sequence = reading.sequence ?? (reading.isTimeReplaced ? undefined : reading.time);
    devices.accept(device, { action, sample, time, ticket, digest, sequence, command: reading.command });
  }

  /** A retained command would be obeyed at every start. */
  #tellRetained(device: string | undefined, stream: Stream, { topic }: Message): void {
    const text = `A command must not be retained: it is not obeyed (topic ${topic})`;
    this.#options.onOutcome({ kind: "reject", stream: stream.name, device, reason: "bad_command", text });
  }

  #reject(
    { reason, message: text }: PayloadError,
    device: string | undefined,
    stream: Stream,
    { topic }: Message,
    ticket: Ticket,
  ): void {
    const { committer, onOutcome } = this.#options;
    onOutcome({
      kind: "reject",
      stream: stream.name,
      device: device || undefined,
      reason,
      text: `${text} (topic ${topic})`,
    });
    committer.settle(ticket);
  }

  #isCrowded(): boolean {
    return this.#options.committer.pending >= MAX_PENDING || this.#options.isCrowded();
  }
}

const isSeveral = (found: Reading | readonly Entry[]): found is readonly Entry[] => Array.isArray(found);

/** What tells a message from others, and what it may be a repetition of. */
interface Identity extends Hash64 {
  readonly number: number;
  readonly earlier: readonly Delivery[];
}

/** A message that was taken in. */
interface Incoming {
  readonly connection: Acknowledging;
  readonly message: Message;
  readonly ticket: Ticket;
  /** Its parts, those that were taken before too: the broker knows of all when it is acknowledged. */
  readonly deliveries: Delivery[];
  /** Undefined when it cannot be delivered again. */
  readonly identity: Identity | undefined;
}

function countDuplicate({ counters }: Stream): void {
  counters.received++;
  counters.duplicate++;
}

const tooLarge = ({ bytes }: Oversized): PayloadError =>
  new PayloadError("too_large", `Payload has ${bytes} bytes, more than any stream takes; it was not read`);
