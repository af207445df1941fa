import type { Outcome } from "./device.ts";
import type { Reading } from "./payload.ts";

/** What arrives for a device. */
export interface Arriving {
  readonly action: NonNullable<Reading["action"]>;
  /** f64[I], NaN where there is no value. */
  readonly sample: Float64Array;
  /** Unix milliseconds. */
  readonly time: number;
  /** What two messages of the same reading have in common, hashed; undefined: they are not told apart. */
  readonly digest?: number | undefined;
}

/** Is told what an arrival leads to, in order. */
export interface SamplerListener {
  /** The device advanced by the sample of a time. */
  step(outcome: Outcome, time: number): void;
  /** Values are remembered; `text` tells why a sample that was due could not be taken. */
  hold(time: number, text?: string): void;
}
