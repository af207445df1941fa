import type { AlarmChange, Anomaly } from "./types.ts";

/** A part of the state of an alarm that is kept apart, since it is large and changes seldom; undefined: it is no more. */
export type Part = readonly [name: string, bytes: Uint8Array | undefined];

/** The alarm of one device. */
export interface Alarm {
  /** False alarms a week that are accepted at present. */
  readonly perWeek: number;
  /** Whether the device is in alarm, as it was told. */
  readonly isOn: boolean;
  /** Whether it can learn anew. */
  readonly canRelearn: boolean;
  /**
   * Takes a sample.
   *
   * @param sample  finite values in the order of the stream's inputs
   * @param time  Unix milliseconds
   * @param residuals  per output of the stream's model: the sample minus what was predicted for it; undefined while that says nothing
   */
  step(sample: ArrayLike<number>, time: number, residuals?: readonly (number | null)[]): Anomaly;
  /** Lets no alarm begin for some time from the next sample on, ms, and ends one that is. 0 ends a mute. */
  mute(ms: number): void;
  /** Notes that somebody knows of the alarm, until it ends; nothing without one. */
  acknowledge(): void;
  /** Accepts another number of false alarms a week. */
  accept(perWeek: number): void;
  /** Forgets what was learnt and learns anew; ends the alarm. Of an alarm that can. */
  relearn(time: number): AlarmChange | undefined;
  /**
   * Forgets what is recent and ends the alarm; thresholds, ranges and times of day stay, and what was learnt.
   *
   * @param time  Unix milliseconds
   * @param forgetsAll  be as new, but for what was learnt
   */
  reset(time: number, forgetsAll?: boolean): AlarmChange | undefined;
  /** The parts that changed since the last call: to be committed with the state. */
  takeParts(): readonly Part[];
  /** Hands over the parts that a state names, before it is prepared. */
  provide(parts: ReadonlyMap<string, Uint8Array>): void;
  /** Copies the state out, but for its parts. */
  snapshot(): Uint8Array;
  /**
   * Reads a state; answers a function that takes it over.
   *
   * @throws {SnapshotError} when the bytes are no such state
   */
  prepare(bytes: Uint8Array): () => void;
}
