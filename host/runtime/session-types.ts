import type { Model, Numeric } from "../model/types.ts";

/** Runs one model; all its sessions share one copy of the weights. */
export interface Runtime {
  readonly model: Model;
  /** Numeric form it computes in; may differ from the model file's when the model is quantized in memory. */
  readonly numeric: Numeric;
  readonly simd: boolean;
  /** Values in a sample, I. */
  readonly inputSize: number;
  /** Values in a prediction, O. */
  readonly outputSize: number;
  /** Size of a session's state block (FORMAT.md 7), bytes. */
  readonly stateBytes: number;
  /** Sessions created and not yet released. */
  readonly sessionCount: number;
  createSession(): Session;
}

/** The state of one device, carried from step to step. */
export interface Session {
  /**
   * Advances by one time step. The returned array, f64[O], is reused by the next call on this session.
   *
   * @throws {SampleError} when the sample has the wrong length or a value that is not finite; the state is untouched
   */
  step(sample: ArrayLike<number>): Float64Array;
  /** Advances by T steps: `samples` holds T * I values row by row, the fresh result T * O. */
  run(samples: ArrayLike<number>): Float64Array;
  /** Sets the state to zeros. */
  reset(): void;
  /** Copies the state out (FORMAT.md 7). */
  snapshot(): Uint8Array;
  /** Replaces the state. @throws {SnapshotError} when the snapshot is damaged or of another model; the state is untouched */
  restore(bytes: Uint8Array): void;
  /** Frees the session's memory; it must not be used any more. */
  release(): void;
}
