import type { Lines } from "../../host/config/presets/types.ts";

/** A message that was heard. */
export interface Heard {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly isRetained: boolean;
  /** Of arrival, Unix milliseconds. */
  readonly time: number;
}

/** A message with what can be read of it without knowing who sent it. */
export interface Parsed extends Heard {
  readonly levels: readonly string[];
  /** The payload as JSON; undefined where it is none. */
  readonly json: unknown;
  /** The payload as one number; undefined where it is none. */
  readonly number: number | undefined;
  /** The payload as text, unless it is long. */
  readonly text: string;
}

/** Values of a device in one message. */
export interface Sighting {
  /** Undefined: no system that is known. */
  readonly preset: string | undefined;
  /** First levels of the topics, as the preset's `base`. */
  readonly base: string;
  /** How the host calls it. */
  readonly device: string;
  /** By the names that inputs give quantities. */
  readonly values: ReadonlyMap<string, number>;
  /** More lines of the stream. */
  readonly lines?: Lines;
  /** More lines of the inputs, by name. */
  readonly inputLines?: ReadonlyMap<string, Lines>;
  /** Topic templates of its messages. */
  readonly topics: readonly string[];
}

/** What all topics together tell: some systems are known by topics beside those of values. */
export interface Surroundings {
  /** First levels of topics by what they belong to. */
  readonly bases: ReadonlyMap<string, ReadonlySet<string>>;
}

/** A message of a system that brings no values, though others of its kind do. */
export interface Unusable {
  /** Why, and what to do. */
  readonly why: string;
}

/** Recognises the messages of a system; "own": it is one, and brings no values. */
export type Recognise = (message: Parsed, around: Surroundings) => Sighting | Unusable | "own" | undefined;
