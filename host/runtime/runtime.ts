import { STATUS_OK } from "../../assembly/layout.ts";
import type { Model, Numeric } from "../model/types.ts";
import { quantizeInMemory } from "../quantize/quantize.ts";
import { Arena } from "./arena.ts";
import { align16 } from "./image.ts";
import { packF32 } from "./image-f32.ts";
import { packQ15 } from "./image-q15.ts";
import { hasSimd, instantiateKernels, type Kernels } from "./kernels.ts";
import { KernelSession } from "./session.ts";
import type { Runtime, Session } from "./session-types.ts";

/** How a runtime is to compute. */
export interface RuntimeOptions {
  /** Default: the model file's form. "q15" on an f32 model quantizes it in memory by the input ranges in the file. */
  readonly numeric?: Numeric;
  /** Default: SIMD when the engine has it. */
  readonly simd?: boolean;
}

/** Rows of samples that `run` and `stepAll` hand to the kernel at once take at most this many bytes. */
const CHUNK_BYTES = 32 * 1024;

/** Greatest |value| of an f32 sample: far beyond any sensor, and far enough below 3.4e38 that sums of products stay finite. */
const F32_LIMIT = 1e18;

/** Where things lie in the memory of the instance, bytes. */
interface Places {
  readonly image: number;
  readonly samples: number;
  readonly predictions: number;
  readonly states: number;
}

/**
 * Makes a runtime for a model: one WASM instance, one copy of the weights, any number of sessions.
 *
 * @throws {Error} when `numeric` asks for what the model file cannot give
 * @throws {RangeError} when SIMD is asked for and the engine has none
 */
export function createRuntime(model: Model, options: RuntimeOptions = {}): KernelRuntime {
  const simd = options.simd ?? hasSimd();
  if (simd && !hasSimd())
    throw new RangeError("This engine has no WebAssembly SIMD; leave `simd` out or set it to false");
  const numeric = options.numeric ?? model.spec.numeric;
  if (numeric === model.spec.numeric) return new KernelRuntime(model, simd);
  if (numeric === "f32") {
    throw new Error(`Model ${model.id} is quantized: it cannot run in f32; load the model it was made from`);
  }
  return new KernelRuntime(quantizeInMemory(model), simd);
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
  /** @internal */
  readonly kernels: Kernels;
  /** @internal */
  readonly places: Places;
  /** @internal Rows that fit the sample and prediction areas. */
  readonly rows: number;
  /** @internal f32[rows][I], or i32 in q15 and for tokens. Replaced when the memory grows. */
  samples: Float32Array | Int32Array;
  /** @internal f32[rows][O], or i32 in q15. Replaced when the memory grows. */
  predictions: Float32Array | Int32Array;
  /** @internal Factors from a value to its raw integer and back; 1 in f32. */
  readonly toRaw: Float64Array;
  /** @internal */
  readonly fromRaw: Float64Array;
  /** @internal Greatest |value| of a sample. */
  readonly limit: number;
  readonly #arena: Arena;
  #sessionCount = 0;

  /** @internal */
  constructor(model: Model, simd: boolean) {
    const { spec } = model;
    this.model = model;
    this.numeric = spec.numeric;
    this.simd = simd;
    this.inputSize = spec.inputs.length;
    this.outputSize = spec.outputs.length;
    this.toRaw = Float64Array.from(spec.inputs, (input) => 2 ** (input.fraction ?? 0));
    this.fromRaw = Float64Array.from(spec.outputs, (output) => 2 ** -(output.fraction ?? 0));
    this.limit = this.numeric === "f32" ? F32_LIMIT : Number.MAX_VALUE;
    const image = this.numeric === "f32" ? packF32(model) : packQ15(model, simd);
    this.stateBytes = image.stateBytes;
    this.imageBytes = image.bytes.length;
    const widest = 4 * Math.max(this.inputSize, this.outputSize);
    this.rows = Math.max(1, Math.floor(CHUNK_BYTES / widest));
    this.kernels = instantiateKernels(this.numeric, simd);
    const start = align16(this.kernels.__heap_base.value as number);
    const samples = align16(start + image.bytes.length + image.scratchBytes);
    // The SIMD build reads and writes up to 12 bytes more than a row.
    const predictions = align16(samples + this.rows * 4 * this.inputSize + 12);
    const states = align16(predictions + this.rows * 4 * this.outputSize + 12);
    const end = states + align16(this.rows * 4);
    this.places = { image: start, samples, predictions, states };
    const { memory } = this.kernels;
    if (end > memory.buffer.byteLength) memory.grow(Math.ceil((end - memory.buffer.byteLength) / 65536));
    new Uint8Array(memory.buffer).set(image.bytes, start);
    const status = this.kernels.check(start, image.bytes.length);
    if (status !== STATUS_OK) throw new Error(`The kernel refused the image of ${model.id} with status ${status}`);
    this.#arena = new Arena(memory, end, Math.max(16, image.stateBytes));
    this.samples = this.#view(
      samples,
      this.rows * this.inputSize,
      this.numeric === "q15" || spec.embedding !== undefined,
    );
    this.predictions = this.#view(predictions, this.rows * this.outputSize, this.numeric === "q15");
  }

  /** Sessions created and not yet released. */
  get sessionCount(): number {
    return this.#sessionCount;
  }

  /** Bytes of WebAssembly memory in use by this runtime, grown by doubling as sessions are created. */
  get memoryBytes(): number {
    return this.kernels.memory.buffer.byteLength;
  }

  /**
   * Creates a session with a state of zeros.
   *
   * @throws {RangeError} when the memory cannot grow
   */
  createSession(): KernelSession {
    const address = this.#arena.take();
    if (this.samples.length === 0) this.#renewViews();
    this.kernels.reset(this.places.image, address);
    this.#sessionCount++;
    return new KernelSession(this, address);
  }

  /**
   * Advances several sessions of this runtime by one time step each, in one call to the kernel for each chunk.
   *
   * @param sessions B different sessions
   * @param samples  B*I values, row by row
   * @returns B*O values, a fresh array
   * @throws {SampleError} when a value is not finite or the length is wrong; no state is touched
   */
  stepAll(sessions: readonly Session[], samples: ArrayLike<number>): Float64Array {
    return KernelSession.stepAll(this, sessions, samples);
  }

  /** @internal Takes a session's block back. */
  release(address: number): void {
    this.#arena.give(address);
    this.#sessionCount--;
  }

  /** @internal A view of a state block; valid until the memory grows. */
  stateAt(address: number): Uint8Array {
    return new Uint8Array(this.kernels.memory.buffer, address, this.stateBytes);
  }

  #view(offset: number, length: number, integer: boolean): Float32Array | Int32Array {
    const { buffer } = this.kernels.memory;
    return integer ? new Int32Array(buffer, offset, length) : new Float32Array(buffer, offset, length);
  }

  #renewViews(): void {
    const { places, rows } = this;
    const tokens = this.model.spec.embedding !== undefined;
    this.samples = this.#view(places.samples, rows * this.inputSize, this.numeric === "q15" || tokens);
    this.predictions = this.#view(places.predictions, rows * this.outputSize, this.numeric === "q15");
  }
}
