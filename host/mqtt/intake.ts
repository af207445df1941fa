import { type Entry, PayloadError, type Reading } from "../stream/payload.ts";
import { createRouter, type Route } from "../stream/router.ts";
import type { Committer, Ticket } from "./committer.ts";
import type { Connection, Message } from "./connection.ts";
import type { BridgeCounters } from "./counters.ts";
import type { Oversized } from "./guard.ts";
import type { MessageOutcome } from "./outcomes.ts";
import type { Stream } from "./stream.ts";

/** What an intake works with. */
export interface IntakeOptions {
  readonly streams: readonly Stream[];
  readonly committer: Committer;
  readonly counters: BridgeCounters;
  readonly now: () => number;
  /** True while the broker has to wait, beside the messages that are not committed yet. */
  readonly isCrowded: () => boolean;
  readonly onOutcome: (outcome: MessageOutcome) => void;
}

/** Messages that may be received and not yet committed; beyond, the broker has to wait. */
const MAX_PENDING = 8192;

/** Takes messages in: finds the devices of each, reads it, and hands it on; makes the broker wait when it comes too fast. */
export class Intake {
  readonly #options: IntakeOptions;
  readonly #route: (topic: string) => readonly Route<Stream>[];
  #held: (() => void)[] = [];
  #isClosed = false;

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#route = createRouter(options.streams);
  }

  /** Takes one message in; `next` is called when another may come. */
  receive(connection: Connection, message: Message, next: () => void): void {
    // What is not stepped and not acknowledged stays with the broker: after `close`, and when the connection is gone, of
    // which a few messages may have been read ahead.
    if (this.#isClosed || !connection.isOpen) {
      next();
      return;
    }
    const { committer, counters } = this.#options;
    const routes = this.#route(message.topic);
    const ticket: Ticket = {
      open: routes.length + 1,
      acknowledge: () => {
        if (message.id !== 0) connection.acknowledge(message.id);
      },
    };
    committer.admit(ticket);
    if (routes.length === 0) counters.unmatched++;
    for (const route of routes) this.#accept(route, message, ticket);
    committer.settle(ticket);
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

  #accept({ stream, source, device, captures }: Route<Stream>, message: Message, ticket: Ticket): void {
    const { committer, now } = this.#options;
    const { counters } = stream;
    counters.received++;
    if (message.isRetained) {
      counters.retained++;
      committer.settle(ticket);
      return;
    }
    try {
      if (device === undefined) throw new PayloadError("bad_topic", "The topic gives no usable device key");
      if (message.oversized) throw tooLarge(message.oversized);
      const found = source.decode(message.payload, { captures, now });
      if (!isSeveral(found)) this.#hand(found, device, stream, ticket);
      else this.#handAll(found, device, stream, message, ticket);
    } catch (error) {
      if (!(error instanceof PayloadError)) throw error;
      this.#reject(error, device, stream, message, ticket);
    }
  }

  /** Hands on every reading of a message, in order; it is acknowledged when all of them are committed. */
  #handAll(entries: readonly Entry[], device: string, stream: Stream, message: Message, ticket: Ticket): void {
    ticket.open += entries.length - 1;
    for (const entry of entries) {
      if (entry instanceof PayloadError) this.#reject(entry, device, stream, message, ticket);
      else this.#hand(entry, device, stream, ticket);
    }
  }

  #hand(reading: Reading, byTopic: string, { devices, counters }: Stream, ticket: Ticket): void {
    const { action = "step", sample, device = byTopic, time = this.#options.now(), digest } = reading;
    if (reading.isTimeReplaced) counters.times_replaced++;
    devices.accept(device, { action, sample, time, ticket, digest });
  }

  #reject(
    { reason, message: text }: PayloadError,
    device: string | undefined,
    stream: Stream,
    { topic }: Message,
    ticket: Ticket,
  ): void {
    const { committer, onOutcome } = this.#options;
    onOutcome({ kind: "reject", stream: stream.name, device, reason, text: `${text} (topic ${topic})` });
    committer.settle(ticket);
  }

  #isCrowded(): boolean {
    return this.#options.committer.pending >= MAX_PENDING || this.#options.isCrowded();
  }
}

const isSeveral = (found: Reading | readonly Entry[]): found is readonly Entry[] => Array.isArray(found);

const tooLarge = ({ bytes }: Oversized): PayloadError =>
  new PayloadError("too_large", `Payload has ${bytes} bytes, more than any stream takes; it was not read`);
