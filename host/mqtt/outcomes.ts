import type { CommandOutcome, CommandRequest } from "../alarm/commands.ts";
import type { Outcome } from "../stream/device.ts";
import type { Reason } from "../stream/payload.ts";

/** A device advanced by one sample. */
export interface Stepped extends Outcome {
  readonly kind: "step";
  readonly stream: string;
  readonly device: string;
  /** Of the sample, Unix milliseconds. */
  readonly time: number;
}

/** A device remembers values for later steps. */
export interface Held {
  readonly kind: "hold";
  readonly stream: string;
  readonly device: string;
  /** Unix milliseconds. */
  readonly time: number;
  /** Why it would have been a sample and is none, in words; undefined where it only brings values. */
  readonly text?: string;
}

/** A message, or a sample of one, that was not used. */
export interface Rejected {
  readonly kind: "reject";
  readonly stream: string;
  /** Undefined when the message was refused before its device was looked at. */
  readonly device: string | undefined;
  readonly reason: Reason;
  /** In words, for an operator; parts of it come from the network. */
  readonly text: string;
}

/** A device was told something; it may have been refused. */
export interface Commanded {
  readonly kind: "command";
  readonly stream: string;
  readonly device: string;
  /** Of arrival, Unix milliseconds. */
  readonly time: number;
  /** Steps of the device so far. */
  readonly n: number;
  /** What it was told. */
  readonly request: CommandRequest;
  readonly outcome: CommandOutcome;
}

/** What became of a message that reached a stream. */
export type MessageOutcome = Stepped | Held | Rejected | Commanded;

/** Looks on at what becomes of messages; must not throw. Arrays in an outcome are reused by the device's next step. */
export type OutcomeListener = (outcome: MessageOutcome) => void;

/** The one place that learns what became of each message, in order per device, and tells all who listen. */
export class Outcomes {
  #listeners: readonly OutcomeListener[] = [];

  /** Adds a listener; answers a function that removes it. */
  listen(listener: OutcomeListener): () => void {
    this.#listeners = [...this.#listeners, listener];
    return () => {
      this.#listeners = this.#listeners.filter((one) => one !== listener);
    };
  }

  /** Tells all listeners, those that came first first. */
  tell(outcome: MessageOutcome): void {
    for (const listener of this.#listeners) listener(outcome);
  }
}
