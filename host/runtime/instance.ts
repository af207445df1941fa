// A WASM instance with the image of one model in its memory: what a runtime and its sessions share.
//
//     heap base | image, scratch | samples | predictions | addresses of states | arena of states, which grows

import { STATUS_OK } from "../../assembly/layout.ts";
import { type DetectorFile, detectorOf } from "../detect/file.ts";
import type { Model } from "../model/types.ts";
import { Arena } from "./arena.ts";
import { align16 } from "./image.ts";
import { packF32 } from "./image-f32.ts";
import { packQ15 } from "./image-q15.ts";
import { instantiateKernels, type Kernels } from "./kernels.ts";
import { type RingPart, RingReader } from "./ring.ts";

/** Samples that go to the kernel at once take at most this many bytes. */
const CHUNK_BYTES = 32 * 1024;

const PAGE_BYTES = 65536;

/** The SIMD build reads and writes up to this many bytes more than a sample or a prediction. */
const OVERHANG_BYTES = 12;

/** Addresses in the memory of an instance. */
export interface Areas {
  readonly image: number;
  /** f32[capacity][I], or i32 in q15 and for tokens. */
  readonly samples: number;
  /** f32[capacity][O], or i32 in q15. */
  readonly predictions: number;
  /** u32[capacity]: the state blocks of a batch. */
  readonly states: number;
}

/** The kernels with a model's image, the areas by which samples and predictions pass, and the state blocks of its sessions. */
export class Instance {
  readonly model: Model;
  readonly simd: boolean;
  readonly kernels: Kernels;
  readonly areas: Areas;
  /** Samples that fit the area of samples, and predictions that of predictions. */
  readonly capacity: number;
  /** Size of the image: the packed weights, bytes. */
  readonly imageBytes: number;
  /** Size of a state block (FORMAT.md 7), bytes. */
  readonly stateBytes: number;
  /** Offset of the ring of forecasts in a state block; its size when there is none. */
  readonly ringOffset: number;
  /** I, the values of a sample. */
  readonly inputSize: number;
  /** O, the values of a prediction. */
  readonly outputSize: number;
  /** Factors from a value to its raw integer; 1 in f32. */
  readonly toRaw: Float64Array;
  /** Factors from a raw integer to its value; 1 in f32. */
  readonly fromRaw: Float64Array;
  /** The detector that travels with the model. */
  readonly detector: DetectorFile | undefined;
  readonly #ring: RingReader;
  readonly #arena: Arena;
  #samples: Float32Array | Int32Array;
  #predictions: Float32Array | Int32Array;
  #stateCount = 0;

  /**
   * @throws {RangeError} when the memory cannot hold the model
   * @throws {ModelFormatError} when the detector in it breaks a rule of FORMAT.md 8
   */
  constructor(model: Model, simd: boolean) {
    const { spec } = model;
    this.detector = detectorOf(model);
    this.model = model;
    this.simd = simd;
    this.inputSize = spec.inputs.length;
    this.outputSize = spec.outputs.length;
    this.toRaw = Float64Array.from(spec.inputs, (input) => 2 ** (input.fraction ?? 0));
    this.fromRaw = Float64Array.from(spec.outputs, (output) => 2 ** -(output.fraction ?? 0));
    this.capacity = Math.max(1, Math.floor(CHUNK_BYTES / (4 * Math.max(this.inputSize, this.outputSize))));
    const image = spec.numeric === "f32" ? packF32(model) : packQ15(model, simd);
    this.imageBytes = image.bytes.length;
    this.stateBytes = image.stateBytes;
    this.#ring = new RingReader(spec);
    this.ringOffset = image.ringOffset;
    this.kernels = instantiateKernels(spec.numeric, simd);
    const { memory } = this.kernels;
    const start = align16(this.kernels.__heap_base.value as number);
    const samples = align16(start + image.bytes.length + image.scratchBytes);
    const predictions = align16(samples + this.capacity * 4 * this.inputSize + OVERHANG_BYTES);
    const states = align16(predictions + this.capacity * 4 * this.outputSize + OVERHANG_BYTES);
    const end = states + align16(this.capacity * 4);
    this.areas = { image: start, samples, predictions, states };
    if (end > memory.buffer.byteLength) memory.grow(Math.ceil((end - memory.buffer.byteLength) / PAGE_BYTES));
    new Uint8Array(memory.buffer).set(image.bytes, start);
    const status = this.kernels.check(start, image.bytes.length);
    if (status !== STATUS_OK) throw new Error(`The kernel refused the image of ${model.id} with status ${status}`);
    this.#arena = new Arena(memory, end, Math.max(16, image.stateBytes));
    this.#samples = this.#viewSamples();
    this.#predictions = this.#viewPredictions();
  }

  /** The area of samples; valid until the memory grows. */
  get samples(): Float32Array | Int32Array {
    return this.#samples;
  }

  /** The area of predictions; valid until the memory grows. */
  get predictions(): Float32Array | Int32Array {
    return this.#predictions;
  }

  /** State blocks taken and not given back. */
  get stateCount(): number {
    return this.#stateCount;
  }

  /** Size of the memory, bytes. */
  get memoryBytes(): number {
    return this.kernels.memory.buffer.byteLength;
  }

  /**
   * Takes a state block and sets it to zeros. May grow the memory, which detaches every view of it.
   *
   * @returns its address
   * @throws {RangeError} when the memory cannot grow
   */
  takeState(): number {
    const address = this.#arena.take();
    if (this.#samples.length === 0) {
      this.#samples = this.#viewSamples();
      this.#predictions = this.#viewPredictions();
    }
    this.kernels.reset(this.areas.image, address);
    this.#stateCount++;
    return address;
  }

  /** Gives a state block back. */
  giveState(address: number): void {
    this.#arena.give(address);
    this.#stateCount--;
  }

  /** A view of a state block; valid until the memory grows. */
  stateAt(address: number): Uint8Array {
    return new Uint8Array(this.kernels.memory.buffer, address, this.stateBytes);
  }

  /** What the ring of a state block knows of its latest step; per output, null where nothing is known. */
  forecastsAt(address: number, part: RingPart): (number | null)[] {
    return this.#ring.read(part, this.kernels.memory.buffer as ArrayBuffer, address + this.ringOffset);
  }

  /** Steps that the ring of a state block has counted; 0 without a ring. */
  stepsAt(address: number): number {
    return this.#ring.steps(this.kernels.memory.buffer as ArrayBuffer, address + this.ringOffset);
  }

  #viewSamples(): Float32Array | Int32Array {
    const { numeric, embedding } = this.model.spec;
    return this.#view(this.areas.samples, this.inputSize, numeric === "q15" || embedding !== undefined);
  }

  #viewPredictions(): Float32Array | Int32Array {
    return this.#view(this.areas.predictions, this.outputSize, this.model.spec.numeric === "q15");
  }

  #view(address: number, size: number, isInteger: boolean): Float32Array | Int32Array {
    const { buffer } = this.kernels.memory;
    return new (isInteger ? Int32Array : Float32Array)(buffer, address, this.capacity * size);
  }
}
