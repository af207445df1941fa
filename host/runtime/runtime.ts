import type { Model, Numeric } from "../model/types.ts";
import { hasSimd } from "./compile.ts";
import { Instance } from "./instance.ts";
import { KernelSession, type Session } from "./session.ts";
import { WindowedSession, type Windows } from "./windows.ts";

/** Runs one model; all its sessions share one copy of the weights. */
export interface Runtime {
  readonly model: Model;
  /** Numeric form it computes in, the model's. */
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
  /** Creates a session with a state of zeros; with `windows`, one that computes what the source does on them. */
  createSession(windows?: Windows): Session;
}

/** How a runtime is to compute. */
export interface RuntimeOptions {
  /** Default: SIMD when the engine has it. */
  readonly simd?: boolean;
}

/**
 * Makes a runtime for a model: one WASM instance, one copy of the weights, any number of sessions.
 *
 * @throws {RangeError} when SIMD is asked for and the engine has none
 */
export function createRuntime(model: Model, options: RuntimeOptions = {}): KernelRuntime {
  const simd = options.simd ?? hasSimd();
  if (simd && !hasSimd())
    throw new RangeError("This engine has no WebAssembly SIMD; leave `simd` out or set it to false");
  return new KernelRuntime(new Instance(model, simd));
}

/** Runs one model; made by {@link createRuntime}. */
export class KernelRuntime implements Runtime {
  readonly model: Model;
  readonly numeric: Numeric;
  readonly simd: boolean;
  readonly inputSize: number;
  readonly outputSize: number;
  readonly stateBytes: number;
  /** Bytes of the image: the packed weights. */
  readonly imageBytes: number;
  /** @internal Its kernels and their memory. */
  readonly instance: Instance;

  /** @internal */
  constructor(instance: Instance) {
    this.instance = instance;
    this.model = instance.model;
    this.numeric = instance.model.spec.numeric;
    this.simd = instance.simd;
    this.inputSize = instance.inputSize;
    this.outputSize = instance.outputSize;
    this.stateBytes = instance.stateBytes;
    this.imageBytes = instance.imageBytes;
  }

  /** Sessions created and not yet released. */
  get sessionCount(): number {
    return this.instance.stateCount;
  }

  /** Bytes of WebAssembly memory in use by this runtime, grown by doubling as sessions are created. */
  get memoryBytes(): number {
    return this.instance.memoryBytes;
  }

  /**
   * Creates a session with a state of zeros.
   *
   * @param windows  for a model that was trained on windows of fixed length: how the session computes what its source does
   * @throws {RangeError} when the memory cannot grow, or `windows` are out of range
   */
  createSession(windows?: undefined): KernelSession;
  createSession(windows?: Windows): Session;
  createSession(windows?: Windows): Session {
    return windows === undefined ? new KernelSession(this.instance) : new WindowedSession(this.instance, windows);
  }

  /**
   * Advances several sessions of this runtime by one time step each, in one call to the kernel for each chunk.
   *
   * @param sessions B different sessions, without windows
   * @param samples  B*I values, row by row
   * @returns B*O values, a fresh array
   * @throws {SampleError} when a value is not finite or the length is wrong; no state is touched
   */
  stepAll(sessions: readonly Session[], samples: ArrayLike<number>): Float64Array {
    return KernelSession.stepAll(this.instance, sessions, samples);
  }
}
