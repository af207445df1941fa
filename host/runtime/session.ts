import { STATUS_OK } from "../../assembly/layout.ts";
import { SampleError } from "../model/errors.ts";
import type { KernelRuntime } from "./runtime.ts";
import type { Session } from "./session-types.ts";
import { readSnapshot, writeSnapshot } from "./snapshot.ts";

/** Greatest |raw| of a q15 input (FORMAT.md 5.1). */
const RAW_LIMIT = 2 ** 30;

/** The state of one device, in a block of the runtime's memory. */
export class KernelSession implements Session {
  readonly #runtime: KernelRuntime;
  readonly #prediction: Float64Array;
  /** Address of the state block, 0 once released. */
  #address: number;

  /** @internal */
  constructor(runtime: KernelRuntime, address: number) {
    this.#runtime = runtime;
    this.#prediction = new Float64Array(runtime.outputSize);
    this.#address = address;
  }

  /**
   * Advances by one time step.
   *
   * @param sample  I finite values, or one token
   * @returns prediction, f64[O]; the same array at every call, so copy what you keep
   * @throws {SampleError} when the length is wrong or a value is not finite; the state is untouched
   */
  step(sample: ArrayLike<number>): Float64Array {
    const runtime = this.#runtime;
    const { places } = runtime;
    if (sample.length !== runtime.inputSize) throw wrongLength(runtime, sample.length);
    putSamples(runtime, sample, 0, sample.length);
    const address = this.#live();
    const status = runtime.kernels.step(places.image, address, places.samples, places.predictions);
    if (status !== STATUS_OK) throw kernelFault(status);
    takePredictions(runtime, this.#prediction, 0, this.#prediction.length);
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
    const runtime = this.#runtime;
    const { inputSize, outputSize, places } = runtime;
    const steps = samples.length / inputSize;
    if (!Number.isInteger(steps)) throw wrongLength(runtime, samples.length);
    const address = this.#live();
    const predictions = new Float64Array(steps * outputSize);
    for (let at = 0; at < samples.length; at++) checkValue(runtime, samples[at] as number, at);
    for (let done = 0; done < steps; done += runtime.rows) {
      const count = Math.min(runtime.rows, steps - done);
      putSamples(runtime, samples, done * inputSize, count * inputSize);
      const status = runtime.kernels.run(places.image, address, places.samples, places.predictions, count);
      if (status !== STATUS_OK) throw kernelFault(status);
      takePredictions(runtime, predictions, done * outputSize, count * outputSize);
    }
    return predictions;
  }

  /** Sets the state to zeros, as at the start. */
  reset(): void {
    this.#runtime.kernels.reset(this.#runtime.places.image, this.#live());
  }

  /** Copies the state out: a few dozen bytes, bound to the model by its hash (FORMAT.md 7). */
  snapshot(): Uint8Array {
    return writeSnapshot(this.#runtime.model.hash, this.#runtime.stateAt(this.#live()));
  }

  /**
   * Replaces the state by that of a snapshot.
   *
   * @throws {SnapshotError} when it is damaged or of another model; the state is untouched
   */
  restore(bytes: Uint8Array): void {
    const { model, stateBytes } = this.#runtime;
    this.#runtime.stateAt(this.#live()).set(readSnapshot(model.hash, stateBytes, bytes));
  }

  /** Frees the session's memory. Any further use is an error. */
  release(): void {
    this.#runtime.release(this.#live());
    this.#address = 0;
  }

  /** @internal See KernelRuntime.stepAll. */
  static stepAll(runtime: KernelRuntime, sessions: readonly Session[], samples: ArrayLike<number>): Float64Array {
    const { inputSize, outputSize, places } = runtime;
    if (samples.length !== sessions.length * inputSize) throw wrongLength(runtime, samples.length);
    const addresses = sessions.map((session) => {
      if (!(session instanceof KernelSession) || session.#runtime !== runtime) {
        throw new TypeError("A session belongs to another runtime");
      }
      return session.#live();
    });
    for (let at = 0; at < samples.length; at++) checkValue(runtime, samples[at] as number, at);
    const predictions = new Float64Array(sessions.length * outputSize);
    for (let done = 0; done < sessions.length; done += runtime.rows) {
      const count = Math.min(runtime.rows, sessions.length - done);
      putSamples(runtime, samples, done * inputSize, count * inputSize);
      new Uint32Array(runtime.kernels.memory.buffer, places.states, count).set(addresses.slice(done, done + count));
      const status = runtime.kernels.batch(places.image, places.states, places.samples, places.predictions, count);
      if (status !== STATUS_OK) throw kernelFault(status);
      takePredictions(runtime, predictions, done * outputSize, count * outputSize);
    }
    return predictions;
  }

  #live(): number {
    if (this.#address === 0) throw new Error("The session has been released");
    return this.#address;
  }
}

/** Writes `count` values from `from` on into the sample area. The area is no state: a refused value has done no harm. */
function putSamples(runtime: KernelRuntime, values: ArrayLike<number>, from: number, count: number): void {
  const { samples, limit } = runtime;
  if (runtime.model.spec.embedding) putTokens(runtime, values, from, count);
  else if (runtime.numeric === "q15") putRaw(runtime, values, from, count);
  else {
    for (let i = 0; i < count; i++) {
      const value = values[from + i] as number;
      // False for NaN as well.
      if (!(Math.abs(value) <= limit)) throw badValue(runtime, value, from + i);
      samples[i] = value;
    }
  }
}

function putTokens(runtime: KernelRuntime, values: ArrayLike<number>, from: number, count: number): void {
  for (let i = 0; i < count; i++) {
    const value = values[from + i] as number;
    checkValue(runtime, value, from + i);
    runtime.samples[i] = value;
  }
}

/** Writes raw integers, floor(value * 2^fraction + 0.5) clamped (FORMAT.md 5.1). */
function putRaw(runtime: KernelRuntime, values: ArrayLike<number>, from: number, count: number): void {
  const { samples, toRaw, inputSize } = runtime;
  for (let row = 0; row < count; row += inputSize) {
    for (let i = 0; i < inputSize; i++) {
      const value = values[from + row + i] as number;
      const scaled = value * (toRaw[i] as number) + 0.5;
      // False for NaN as well.
      const fits = Math.abs(scaled) <= RAW_LIMIT;
      samples[row + i] = fits ? Math.floor(scaled) : clampRaw(runtime, value, from + row + i);
    }
  }
}

/** The raw integer of a finite value beyond ±2^30. */
function clampRaw(runtime: KernelRuntime, value: number, at: number): number {
  checkValue(runtime, value, at);
  return value > 0 ? RAW_LIMIT : -RAW_LIMIT;
}

function takePredictions(runtime: KernelRuntime, into: Float64Array, from: number, count: number): void {
  const { predictions, fromRaw, outputSize } = runtime;
  for (let row = 0; row < count; row += outputSize) {
    for (let i = 0; i < outputSize; i++) {
      // The factor is 1 in f32.
      into[from + row + i] = (predictions[row + i] as number) * (fromRaw[i] as number);
    }
  }
}

function checkValue(runtime: KernelRuntime, value: number, at: number): void {
  const { embedding } = runtime.model.spec;
  const fits = embedding
    ? Number.isInteger(value) && value >= 0 && value < embedding.vocabulary
    : Math.abs(value) <= runtime.limit;
  if (!fits) throw badValue(runtime, value, at);
}

function badValue(runtime: KernelRuntime, value: number, at: number): SampleError {
  const { embedding, inputs } = runtime.model.spec;
  const name = inputs[at % inputs.length]?.name;
  const expected = embedding ? `a token, 0 to ${embedding.vocabulary - 1}` : "a finite number";
  const beyond = Number.isFinite(value) && !embedding ? ` within ±${runtime.limit}` : "";
  return new SampleError(`Input "${name}" is ${value}, expected ${expected}${beyond}`);
}

function wrongLength(runtime: KernelRuntime, found: number): SampleError {
  return new SampleError(`Sample has ${found} values, model ${runtime.model.spec.name} takes ${runtime.inputSize}`);
}

function kernelFault(status: number): Error {
  return new Error(`The kernel returned status ${status}`);
}
