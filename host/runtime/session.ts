import { STATUS_OK } from "../../assembly/layout.ts";
import type { Instance } from "./instance.ts";
import { checkSamples, putSamples, takePredictions, wrongLength } from "./samples.ts";
import { readSnapshot, writeSnapshot } from "./snapshot.ts";
import { checkState } from "./state-check.ts";

/** The state of one device, carried from step to step. */
export interface Session {
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

/** The state of one device, in a block of an instance's memory. */
export class KernelSession implements Session {
  readonly #instance: Instance;
  readonly #prediction: Float64Array;
  /** Address of the state block, 0 once released. */
  #address: number;

  /** @internal */
  constructor(instance: Instance) {
    this.#instance = instance;
    this.#prediction = new Float64Array(instance.outputSize);
    this.#address = instance.takeState();
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
   * @returns prediction, f64[O]; the same array at every call, so copy what you keep
   * @throws {SampleError} when the length is wrong or a value is not finite; the state is untouched
   */
  step(sample: ArrayLike<number>): Float64Array {
    const instance = this.#instance;
    const { areas } = instance;
    if (sample.length !== instance.inputSize) throw wrongLength(instance, sample.length);
    putSamples(instance, sample, 0, sample.length);
    const address = this.#live();
    checkStatus(instance.kernels.step(areas.image, address, areas.samples, areas.predictions));
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
    return inChunks(instance, samples, steps, (_, count) =>
      instance.kernels.run(areas.image, address, areas.samples, areas.predictions, count),
    );
  }

  /** Sets the state to zeros, as at the start. */
  reset(): void {
    this.#instance.kernels.reset(this.#instance.areas.image, this.#live());
  }

  /** Copies the state out: a few dozen bytes, bound to the model by its hash (FORMAT.md 7). */
  snapshot(): Uint8Array {
    return writeSnapshot(this.#instance.model.hash, this.#instance.stateAt(this.#live()));
  }

  /**
   * Replaces the state by that of a snapshot.
   *
   * @throws {SnapshotError} when it is damaged or of another model; the state is untouched
   */
  restore(bytes: Uint8Array): void {
    const { model, stateBytes, ringOffset } = this.#instance;
    const state = this.#instance.stateAt(this.#live());
    const saved = readSnapshot(model.hash, { 1: ringOffset, 2: stateBytes }, bytes);
    checkState(model, saved);
    state.set(saved);
    // Version 1 has no ring of forecasts: it starts anew.
    state.fill(0, saved.length);
  }

  /** Frees the session's memory. Any further use is an error. */
  release(): void {
    this.#instance.giveState(this.#live());
    this.#address = 0;
  }

  /** @internal Does some work with the session, then puts the ring of forecasts back as it was before. */
  keepForecasts(work: () => void): void {
    const { ringOffset } = this.#instance;
    const ring = this.#instance.stateAt(this.#live()).slice(ringOffset);
    work();
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
      return kernels.batch(areas.image, areas.states, areas.samples, areas.predictions, count);
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
