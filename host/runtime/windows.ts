// Sessions of models that were trained on windows of fixed length, each from a state of zeros. Their snapshots: FORMAT.md 7.3.

import type { Anomaly } from "../detect/anomaly.ts";
import { SampleError, SnapshotError } from "../model/errors.ts";
import { MOST_EVERY, MOST_OVERLAP } from "../model/limits.ts";
import { crc32 } from "./crc32.ts";
import type { Instance } from "./instance.ts";
import { checkSamples, wrongLength } from "./samples.ts";
import { KernelSession, type Session } from "./session.ts";
import { WINDOWS_MAGIC } from "./snapshot.ts";

/** How a session computes what the source of a model computes on windows: one of the two. */
export interface Windows {
  /** The state is zeroed before samples 1, N + 1, 2N + 1, …, with `every` N: windows follow each other. */
  readonly reset?: { readonly every: number } | undefined;
  /** Every sample is answered as the last of the latest `window` samples, from a state of zeros. Costs as many steps a sample. */
  readonly overlap?: { readonly window: number } | undefined;
}

const VERSION = 1;
const HEADER_BYTES = 24;

type Mode = "reset" | "overlap";

/** A session whose network starts from zeros again and again; its forecasts, and so the residuals, run on. */
export class WindowedSession implements Session {
  readonly #instance: Instance;
  readonly #session: KernelSession;
  readonly #mode: Mode;
  /** N, steps of a window. */
  readonly #steps: number;
  /** With overlap: the latest samples, oldest first, f64[N - 1][I]. */
  readonly #past: Float64Array;
  /** Steps of the window so far; with overlap the samples in `past`. */
  #count = 0;

  /**
   * @internal
   * @throws {RangeError} when `windows` is none or both of the two, or a length is out of range
   */
  constructor(instance: Instance, windows: Windows) {
    this.#instance = instance;
    [this.#mode, this.#steps] = checkWindows(windows);
    this.#past = new Float64Array(this.#mode === "overlap" ? (this.#steps - 1) * instance.inputSize : 0);
    this.#session = new KernelSession(instance);
  }

  /** What was predicted for the latest sample, as in every session: by the window in which it was predicted. */
  get expected(): readonly (number | null)[] {
    return this.#session.expected;
  }

  /** The latest sample minus what was predicted for it, likewise. */
  get residual(): readonly (number | null)[] {
    return this.#session.residual;
  }

  /** What the model's detector says of the latest sample, which it sees once; undefined of a model without a detector. */
  get anomaly(): Anomaly | undefined {
    return this.#session.anomaly;
  }

  /**
   * Advances by one time step.
   *
   * @param row  number of the sample by the clock, for the detector, as in every session
   * @throws {SampleError} when the length is wrong or a value is not finite; the state is untouched
   * @throws {RangeError} when the row is not above that of the sample before; the state is untouched
   */
  step(sample: ArrayLike<number>, row?: number): Float64Array {
    if (sample.length !== this.#instance.inputSize) throw wrongLength(this.#instance, sample.length);
    checkSamples(this.#instance, sample);
    this.#session.checkRow(row);
    return this.#mode === "reset" ? this.#stepOn(sample, row) : this.#stepAgain(sample, row);
  }

  /**
   * Advances by T time steps: the same as T times `step`.
   *
   * @throws {SampleError} when a value is not finite or the length is no multiple of I; the state is untouched
   */
  run(samples: ArrayLike<number>): Float64Array {
    const { inputSize, outputSize } = this.#instance;
    const steps = samples.length / inputSize;
    if (!Number.isInteger(steps)) throw wrongLength(this.#instance, samples.length);
    checkSamples(this.#instance, samples);
    const rows = Float64Array.from(samples);
    const predictions = new Float64Array(steps * outputSize);
    for (let t = 0; t < steps; t++) {
      predictions.set(this.step(rows.subarray(t * inputSize, (t + 1) * inputSize)), t * outputSize);
    }
    return predictions;
  }

  /** Forgets all: the state, the forecasts and the window. */
  reset(): void {
    this.#session.reset();
    this.#count = 0;
  }

  /** Copies the state out, the window included. */
  snapshot(): Uint8Array {
    const inner = this.#session.snapshot();
    const past = this.#past.subarray(0, this.#pastLength(this.#count));
    const innerOffset = HEADER_BYTES + 8 * past.length;
    const bytes = new Uint8Array(innerOffset + inner.length + 4);
    const view = new DataView(bytes.buffer);
    [WINDOWS_MAGIC, VERSION, codeOf(this.#mode), this.#steps, this.#count, inner.length].forEach((word, i) => {
      view.setUint32(4 * i, word, true);
    });
    past.forEach((value, i) => {
      view.setFloat64(HEADER_BYTES + 8 * i, value, true);
    });
    bytes.set(inner, innerOffset);
    view.setUint32(bytes.length - 4, crc32(bytes.subarray(0, -4)), true);
    return bytes;
  }

  /**
   * Replaces the state. After a snapshot of a session without windows a window begins; the forecasts run on.
   *
   * @throws {SnapshotError} when it is damaged, of another model or of other windows; the state is untouched
   */
  restore(bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (bytes.length < 4 || view.getUint32(0, true) !== WINDOWS_MAGIC) {
      this.#session.restore(bytes);
      this.#session.keepForecasts(() => this.#session.reset());
      this.#count = 0;
      return;
    }
    this.#checkHeader(view, bytes);
    const count = view.getUint32(16, true);
    const past = Float64Array.from({ length: this.#pastLength(count) }, (_, i) =>
      view.getFloat64(HEADER_BYTES + 8 * i, true),
    );
    this.#checkPast(past);
    this.#session.restore(bytes.subarray(HEADER_BYTES + 8 * past.length, -4));
    this.#past.set(past);
    this.#count = count;
  }

  /** Frees the session's memory. Any further use is an error. */
  release(): void {
    this.#session.release();
  }

  /** Windows follow each other. */
  #stepOn(sample: ArrayLike<number>, row: number | undefined): Float64Array {
    if (this.#count === this.#steps) {
      this.#session.keepForecasts(() => this.#session.reset());
      this.#count = 0;
    }
    this.#count++;
    return this.#session.step(sample, row);
  }

  /** Windows overlap: the samples before this one are stepped again. */
  #stepAgain(sample: ArrayLike<number>, row: number | undefined): Float64Array {
    const past = this.#past;
    const { inputSize } = this.#instance;
    this.#session.keepForecasts(() => {
      this.#session.reset();
      this.#session.run(past.subarray(0, this.#pastLength(this.#count)));
    });
    const prediction = this.#session.step(sample, row);
    if (this.#steps === 1) return prediction;
    if (this.#count === this.#steps - 1) past.copyWithin(0, inputSize);
    else this.#count++;
    past.set(sample, (this.#count - 1) * inputSize);
    return prediction;
  }

  #pastLength(count: number): number {
    return this.#mode === "overlap" ? count * this.#instance.inputSize : 0;
  }

  #checkHeader(view: DataView, bytes: Uint8Array): void {
    if (bytes.length < HEADER_BYTES + 4) throw new SnapshotError(`Snapshot has ${bytes.length} bytes; it is truncated`);
    const [version, code, steps, count, innerBytes] = [4, 8, 12, 16, 20].map((at) => view.getUint32(at, true));
    if (version !== VERSION)
      throw new SnapshotError(`Snapshot of windows is of version ${version}, expected ${VERSION}`);
    if (view.getUint32(bytes.length - 4, true) !== crc32(bytes.subarray(0, -4))) {
      throw new SnapshotError("Snapshot is damaged: its CRC-32 does not match");
    }
    if (code !== codeOf(this.#mode) || steps !== this.#steps) {
      const found = describe(code === codeOf("reset") ? "reset" : "overlap", steps as number);
      throw new SnapshotError(
        `Snapshot is of a session with ${found}, this one has ${describe(this.#mode, this.#steps)}`,
      );
    }
    const most = this.#mode === "reset" ? this.#steps : this.#steps - 1;
    const size = HEADER_BYTES + 8 * this.#pastLength(count as number) + (innerBytes as number) + 4;
    if ((count as number) > most || size !== bytes.length) {
      throw new SnapshotError(`Snapshot has ${bytes.length} bytes and ${count} samples; it is of another model`);
    }
  }

  /** A checksum that matches says nothing of who computed it: a bad sample would make every later step fail. */
  #checkPast(past: Float64Array): void {
    try {
      checkSamples(this.#instance, past);
    } catch (error) {
      if (!(error instanceof SampleError)) throw error;
      throw new SnapshotError(`Snapshot holds a sample that no session took: ${error.message}`, { cause: error });
    }
  }
}

function checkWindows({ reset, overlap }: Windows): [Mode, number] {
  if ((reset === undefined) === (overlap === undefined)) {
    throw new RangeError("Windows are either `reset` or `overlap`");
  }
  const [mode, steps, most]: [Mode, number | undefined, number] = reset
    ? ["reset", reset.every, MOST_EVERY]
    : ["overlap", overlap?.window, MOST_OVERLAP];
  if (!Number.isInteger(steps) || (steps as number) < 1 || (steps as number) > most) {
    throw new RangeError(`Windows have ${steps} steps, expected 1 to ${most} with \`${mode}\``);
  }
  return [mode, steps as number];
}

const codeOf = (mode: Mode): number => (mode === "reset" ? 1 : 2);

const describe = (mode: Mode, steps: number): string =>
  mode === "reset" ? `a reset every ${steps} samples` : `windows of ${steps} samples that overlap`;
