import type { StateStore } from "../store/store.ts";
import type { Reading } from "../stream/payload.ts";
import { Committer } from "./committer.ts";
import { type BridgeCounters, countOutcome, createCounters, type StreamCounters } from "./counters.ts";
import { Intake } from "./intake.ts";
import type { MessageOutcome } from "./outcomes.ts";
import { createStream, type StreamOptions } from "./stream.ts";

/** What happened on the way of a message: what was read of it, and what became of that. */
export type WayStep =
  | {
      readonly kind: "reading";
      readonly stream: string;
      readonly device: string | undefined;
      readonly reading: Reading;
    }
  | { readonly kind: "outcome"; readonly outcome: MessageOutcome }
  /** A message that has a sender send another one, as a bridge publishes it. */
  | { readonly kind: "asked"; readonly topic: string; readonly payload: Uint8Array };

/** A message to rehearse. */
export interface RehearsedMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly isRetained: boolean;
  /** Of arrival, Unix milliseconds. */
  readonly time: number;
}

/** Streams at work without a broker, on states of their own. */
export interface Rehearsal {
  /** Takes a message the way that a bridge takes it, and answers what happened. */
  take(message: RehearsedMessage): Promise<readonly WayStep[]>;
  counters(): BridgeCounters;
  /** Frees the devices. */
  close(): void;
}

const COMMIT_TIMEOUT_MS = 60_000;

/** Puts streams to work without a broker: intake, devices and commits are those of a bridge. */
export function createRehearsal(streams: readonly StreamOptions[], store: StateStore): Rehearsal {
  const counters = createCounters(streams.map(({ name }) => name));
  let time = 0;
  let steps: WayStep[] = [];
  const fail = (error: unknown) => {
    throw error;
  };
  const committer = new Committer({ store, onError: fail, onCommitted: () => {} });
  const onOutcome = (outcome: MessageOutcome) => {
    countOutcome(counters.streams[outcome.stream] as StreamCounters, outcome);
    steps.push({ kind: "outcome", outcome: copyOf(outcome) });
  };
  const shared = { store, committer, log: { note() {}, flush() {} }, onOutcome };
  const working = streams.map((stream) =>
    createStream(
      overheard(withoutWaits(stream), (step) => steps.push(step)),
      counters.streams[stream.name] as StreamCounters,
      shared,
    ),
  );
  const intake = new Intake({
    streams: working,
    committer,
    recent: undefined,
    protocol: 4,
    counters,
    now: () => time,
    isCrowded: () => false,
    onOutcome,
  });
  const send = (topic: string, payload: string | Uint8Array) => {
    steps.push({ kind: "asked", topic, payload: Buffer.from(payload) });
  };
  const connection = { isOpen: true, acknowledge() {}, subscribed: ["#"], send };
  return {
    async take(message) {
      steps = [];
      time = message.time;
      intake.receive(connection, { ...message, id: 1 }, () => {});
      await committer.idle(COMMIT_TIMEOUT_MS);
      return steps;
    },
    counters: () => structuredClone(counters),
    close() {
      for (const { devices } of working) devices.close();
    },
  };
}

/** A message is told of at once: none waits for others. */
function withoutWaits(stream: StreamOptions): StreamOptions {
  const { sequencing } = stream;
  return sequencing?.late === "hold" ? { ...stream, sequencing: { ...sequencing, late: "step" } } : stream;
}

/** A stream whose readings are told as they are made. */
function overheard(stream: StreamOptions, tell: (step: WayStep) => void): StreamOptions {
  const sources = stream.sources.map((source) => {
    const decode: typeof source.decode = Object.assign(
      (...message: Parameters<typeof source.decode>) => {
        const found = source.decode(...message);
        for (const reading of [found].flat()) {
          if (reading instanceof Error) continue;
          const copy = { ...reading, sample: reading.sample.slice() };
          tell({ kind: "reading", stream: stream.name, device: reading.device, reading: copy });
        }
        return found;
      },
      { maxAges: source.decode.maxAges },
    );
    return { ...source, decode };
  });
  return { ...stream, sources };
}

/** Arrays in an outcome are reused by the next step. */
function copyOf(outcome: MessageOutcome): MessageOutcome {
  if (outcome.kind !== "step") return outcome;
  const { prediction, sample, residual } = outcome;
  return { ...outcome, prediction: prediction.slice(), sample: Float64Array.from(sample), residual: [...residual] };
}
