import { STATUS_OK } from "../../assembly/layout.ts";
import type { Anomaly } from "../detect/anomaly.ts";
import type { Instance } from "./instance.ts";
import { checkSamples, putSamples, takePredictions, wrongLength } from "./samples.ts";
import { readSnapshot, writeSnapshot } from "./snapshot.ts";
import { checkState } from "./state-check.ts";
import { Watch } from "./watch.ts";

/** The state of one device, carried from step to step. */
export interface Session {
  /** What the model's detector says of the latest sample; undefined of a model without a detector. A fresh object. */
  readonly anomaly: Anomaly | undefined;
  /**
   * What was predicted for the latest sample, `horizon` steps before it, per output; null for an output that forecasts no input, and until the first
   * forecast is due. A fresh array.
   */
  readonly expected: readonly (number | null)[];
  /** The latest sample minus what was predicted for it, likewise. */
  readonly residual: readonly (number | null)[];
  /**
   * Advances by one time step. The returned array, f64[O], is reused by the next call on this session.
   *
   * @param row  for the detector of a model that has one: number of the sample by the clock, its time divided by the interval, so that
   *   missed samples count; by default one more than before, from 0
   * @throws {SampleError} when the sample has the wrong length or a value that is not finite; the state is untouched
   * @throws {RangeError} when the row is not above that of the sample before; the state is untouched
   */
  step(sample: ArrayLike<number>, row?: number): Float64Array;
  /** Advances by T steps: `samples` holds T * I values row by row, the fresh result T * O. */
  run(samples: ArrayLike<number>): Float64Array;
  /** Sets the state to zeros; the detector starts anew, with the thresholds of its file. */
  reset(): void;
  /** Copies the state out (FORMAT.md 7). */
  snapshot(): Uint8Array;
  /** Replaces the state. @throws {SnapshotError} when the snapshot is damaged or of another model; the state is untouched */
  restore(bytes: Uint8Array): void;
  /** Frees the session's memory; it must not be used any more. */
  release(): void;
}

/** The state of one device, in a block of an instance's memory. */
export class KernelSession implements Session {
  readonly #instance: Instance;
  readonly #prediction: Float64Array;
  readonly #watch: Watch | undefined;
  #isReplaying = false;
  /** Address of the state block, 0 once released. */
  #address: number;

  /** @internal */
  constructor(instance: Instance) {
    this.#instance = instance;
    this.#prediction = new Float64Array(instance.outputSize);
    this.#address = instance.takeState();
    this.#watch = instance.detector && new Watch(instance, instance.detector);
  }

  /** What the model's detector says of the latest sample; undefined of a model without a detector. A fresh object. */
  get anomaly(): Anomaly | undefined {
    return this.#watch?.anomaly;
  }

  /**
   * What was predicted for the latest sample, `horizon` steps before it (FORMAT.md 7), [O]; null for an output that forecasts no input, and until
   * the first forecast is due.
   */
  get expected(): readonly (number | null)[] {
    return this.#instance.forecastsAt(this.#live(), "expected");
  }

  /** The latest sample minus what was predicted for it, [O], in the numeric form of the model; null as in `expected`. */
  get residual(): readonly (number | null)[] {
    return this.#instance.forecastsAt(this.#live(), "residual");
  }

  /**
   * Advances by one time step.
   *
   * @param sample  I finite values, or one token
   * @param row  for the detector of a model that has one: number of the sample by the clock, its time divided by the interval, so that
   *   missed samples count; by default one more than before, from 0
   * @returns prediction, f64[O]; the same array at every call, so copy what you keep
   * @throws {SampleError} when the length is wrong or a value is not finite; the state is untouched
   * @throws {RangeError} when the row is not above that of the sample before; the state is untouched
   */
  step(sample: ArrayLike<number>, row?: number): Float64Array {
    const instance = this.#instance;
    const { areas } = instance;
    if (sample.length !== instance.inputSize) throw wrongLength(instance, sample.length);
    const watch = this.#isReplaying ? undefined : this.#watch;
    this.checkRow(row);
    putSamples(instance, sample, 0, sample.length);
    const address = this.#live();
    checkStatus(instance.kernels.step(areas.image, address, areas.samples, areas.predictions));
    watch?.take(sample, 0, address, row);
    takePredictions(instance, this.#prediction, 0, this.#prediction.length);
    return this.#prediction;
  }

  /**
   * Advances by T time steps: the same states and predictions as T times `step`.
   *
   * @param samples  T*I values, row by row
   * @returns T*O values, a fresh array
   * @throws {SampleError} when a value is not finite or the length is no multiple of I; the state is untouched
   */
  run(samples: ArrayLike<number>): Float64Array {
    const instance = this.#instance;
    const { inputSize, areas } = instance;
    const steps = samples.length / inputSize;
    if (!Number.isInteger(steps)) throw wrongLength(instance, samples.length);
    const address = this.#live();
    if (this.#watch !== undefined && !this.#isReplaying) return this.#runWatched(samples, steps);
    return inChunks(instance, samples, steps, (_, count) =>
      instance.kernels.run(areas.image, address, areas.samples, areas.predictions, count),
    );
  }

  /** The detector looks at every step. */
  #runWatched(samples: ArrayLike<number>, steps: number): Float64Array {
    const { inputSize, outputSize } = this.#instance;
    checkSamples(this.#instance, samples);
    const rows = Float64Array.from(samples);
    const predictions = new Float64Array(steps * outputSize);
    for (let t = 0; t < steps; t++) {
      predictions.set(this.step(rows.subarray(t * inputSize, (t + 1) * inputSize)), t * outputSize);
    }
    return predictions;
  }

  /** Sets the state to zeros, as at the start; the detector starts anew, with the thresholds of its file. */
  reset(): void {
    this.#instance.kernels.reset(this.#instance.areas.image, this.#live());
    if (!this.#isReplaying) this.#watch?.reset();
  }

  /** Copies the state out, that of the detector too: bound to the model by its hash (FORMAT.md 7). */
  snapshot(): Uint8Array {
    const state = this.#instance.stateAt(this.#live());
    return writeSnapshot(this.#instance.model.hash, state, this.#watch?.snapshot());
  }

  /**
   * Replaces the state by that of a snapshot. A detector of which it knows nothing starts anew.
   *
   * @throws {SnapshotError} when it is damaged or of another model; the state is untouched
   */
  restore(bytes: Uint8Array): void {
    const { model, stateBytes, ringOffset } = this.#instance;
    const state = this.#instance.stateAt(this.#live());
    const { state: saved, detector } = readSnapshot(model.hash, { 1: ringOffset, 2: stateBytes }, bytes);
    checkState(model, saved);
    this.#watch?.restore(detector);
    state.set(saved);
    // Version 1 has no ring of forecasts: it starts anew.
    state.fill(0, saved.length);
  }

  /** Frees the session's memory. Any further use is an error. */
  release(): void {
    this.#instance.giveState(this.#live());
    this.#address = 0;
  }

  /** @internal Checks the number of a row before anything takes it. */
  checkRow(row: number | undefined): void {
    this.#watch?.checkRow(row);
  }

  /** @internal Does some work with the session that the detector does not see, then puts the ring of forecasts back as it was before. */
  keepForecasts(work: () => void): void {
    const { ringOffset } = this.#instance;
    const ring = this.#instance.stateAt(this.#live()).slice(ringOffset);
    this.#isReplaying = true;
    try {
      work();
    } finally {
      this.#isReplaying = false;
    }
    this.#instance.stateAt(this.#live()).set(ring, ringOffset);
  }

  /** @internal See KernelRuntime.stepAll. */
  static stepAll(instance: Instance, sessions: readonly Session[], samples: ArrayLike<number>): Float64Array {
    const { kernels, inputSize, areas } = instance;
    if (samples.length !== sessions.length * inputSize) throw wrongLength(instance, samples.length);
    const addresses = sessions.map((session) => {
      if (!(session instanceof KernelSession)) throw new TypeError("A batch takes sessions without windows only");
      if (session.#instance !== instance) throw new TypeError("A session belongs to another runtime");
      return session.#live();
    });
    return inChunks(instance, samples, sessions.length, (first, count) => {
      new Uint32Array(kernels.memory.buffer, areas.states, count).set(addresses.slice(first, first + count));
      const status = kernels.batch(areas.image, areas.states, areas.samples, areas.predictions, count);
      for (let i = first; i < first + count; i++) {
        (sessions[i] as KernelSession).#watch?.take(samples, i * inputSize, addresses[i] as number);
      }
      return status;
    });
  }

  #live(): number {
    if (this.#address === 0) throw new Error("The session has been released");
    return this.#address;
  }
}

/**
 * Checks `count` samples, then hands them to the kernel, as many at once as fit.
 *
 * @param call  calls the kernel for the samples from `first` on, which stand in the area of samples; answers its status
 * @returns a prediction for each sample, row by row
 * @throws {SampleError} when a value is not finite; the kernel has not been called
 */
function inChunks(
  instance: Instance,
  samples: ArrayLike<number>,
  count: number,
  call: (first: number, count: number) => number,
): Float64Array {
  const { inputSize, outputSize, capacity } = instance;
  checkSamples(instance, samples);
  const predictions = new Float64Array(count * outputSize);
  for (let first = 0; first < count; first += capacity) {
    const chunk = Math.min(capacity, count - first);
    putSamples(instance, samples, first * inputSize, chunk * inputSize);
    checkStatus(call(first, chunk));
    takePredictions(instance, predictions, first * outputSize, chunk * outputSize);
  }
  return predictions;
}

function checkStatus(status: number): void {
  if (status !== STATUS_OK) throw new Error(`The kernel returned status ${status}`);
}
