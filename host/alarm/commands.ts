import { distance } from "fastest-levenshtein";
import type { Alarm } from "./alarm.ts";
import { DURATION_HINT, parseDuration } from "./duration.ts";
import type { AlarmChange } from "./types.ts";

/** What a device can be told: what the keys of a command take, for answers. */
const ALLOWED: Readonly<Record<string, string>> = {
  mute: `${DURATION_HINT}; 0 ends it`,
  acknowledge: "true, of a device in alarm",
  alarms_per_week: "a number above 0, 10000 at most",
  relearn: "true, with detector: auto",
  reset: 'true, or "all"',
};
const MOST_PER_WEEK = 10_000;

/** A command as it came: what to do, or what is wrong with it. */
export interface CommandRequest {
  /** Given back with the answer. */
  readonly transaction?: string | number;
  readonly muteMs?: number;
  readonly perWeek?: number;
  readonly isAcknowledge?: boolean;
  readonly isRelearn?: boolean;
  readonly reset?: "recent" | "all";
  /** The keys and values that are obeyed, for the answer. */
  readonly set: Readonly<Record<string, unknown>>;
  /** Then nothing of it is done. */
  readonly error?: string;
}

/** Reads a command: a JSON object with one key or several. What is wrong is part of the answer, nothing is thrown. */
export function parseCommand(payload: Uint8Array): CommandRequest {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload));
  } catch {
    return refuse("the payload is not JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return refuse("expected a JSON object");
  const { transaction, ...set } = value as Record<string, unknown>;
  const isPlain = typeof transaction === "string" || typeof transaction === "number";
  const known = isPlain ? { transaction } : {};
  const problem = transaction === undefined || isPlain ? problemOf(set) : "transaction is no text and no number";
  if (problem !== undefined) return { ...known, ...refuse(problem) };
  return {
    ...known,
    set,
    ...(set.mute !== undefined && { muteMs: muteOf(set.mute) as number }),
    ...(set.alarms_per_week !== undefined && { perWeek: set.alarms_per_week as number }),
    ...(set.acknowledge !== undefined && { isAcknowledge: true }),
    ...(set.relearn !== undefined && { isRelearn: true }),
    ...(set.reset !== undefined && { reset: set.reset === "all" ? "all" : "recent" }),
  };
}

const refuse = (error: string): CommandRequest => ({ set: {}, error });

const muteOf = (value: unknown): number | undefined => (value === false ? 0 : parseDuration(value));

function problemOf(set: Readonly<Record<string, unknown>>): string | undefined {
  const names = Object.keys(set);
  if (names.length === 0) return "there is no command";
  const unknown = names.find((name) => !Object.hasOwn(ALLOWED, name));
  if (unknown !== undefined) {
    const near = Object.keys(ALLOWED).find((name) => distance(name, unknown.slice(0, 64)) <= 2);
    return `unknown command ${JSON.stringify(unknown.slice(0, 64))}${near === undefined ? "" : `, did you mean "${near}"?`}`;
  }
  const isRight: Readonly<Record<string, (value: unknown) => boolean>> = {
    mute: (value) => muteOf(value) !== undefined,
    alarms_per_week: (value) => typeof value === "number" && value > 0 && value <= MOST_PER_WEEK,
    acknowledge: (value) => value === true,
    relearn: (value) => value === true,
    reset: (value) => value === true || value === "all",
  };
  const wrong = names.find((name) => !isRight[name]?.(set[name]));
  return wrong === undefined ? undefined : `${wrong}: expected ${ALLOWED[wrong]}`;
}

/** What became of a command. */
export interface CommandOutcome {
  readonly isDone: boolean;
  readonly change?: AlarmChange | undefined;
  /** JSON, for the sender. */
  readonly answer: string;
}

/** What a command acts on. */
export interface Commanded {
  /** Undefined without a detector. */
  readonly alarm: Alarm | undefined;
  /** Samples so far; 0: the device is not known. */
  readonly n: number;
  /** Forgets the state of the model. */
  reset(): void;
}

/** Obeys a command, or tells why not; all of it or nothing. */
export function obey(request: CommandRequest, { alarm, n, reset }: Commanded, time: number): CommandOutcome {
  const { error = impossible(request, alarm, n), transaction, set } = request;
  const head = transaction === undefined ? {} : { transaction };
  if (error !== undefined) {
    return { isDone: false, answer: JSON.stringify({ ok: false, error, allowed: ALLOWED, ...head }) };
  }
  let change: AlarmChange | undefined;
  if (request.reset !== undefined) {
    reset();
    change = alarm?.reset(time, request.reset === "all");
  }
  if (request.isRelearn) change = alarm?.relearn(time) ?? change;
  if (request.perWeek !== undefined) alarm?.accept(request.perWeek);
  if (request.isAcknowledge) alarm?.acknowledge();
  if (request.muteMs !== undefined) alarm?.mute(request.muteMs);
  const rate = alarm === undefined ? {} : { alarms_per_week: alarm.perWeek };
  return { isDone: true, change, answer: JSON.stringify({ ok: true, set, ...rate, n, ...head }) };
}

function impossible(request: CommandRequest, alarm: Alarm | undefined, n: number): string | undefined {
  if (n === 0) return "this device has sent no reading yet";
  if (alarm === undefined && Object.keys(request.set).some((name) => name !== "reset")) {
    return "this stream has no detector";
  }
  if (request.isRelearn && !alarm?.canRelearn) return "the detector is a file; calibrate it anew";
  if (request.isAcknowledge && !alarm?.isOn) return "this device is not in alarm";
  return undefined;
}
