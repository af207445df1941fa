// The kernels of detectors (assembly/detect/): one instance for the whole process, whose memory holds the detector that stepped last.
//
//     heap base | raw values, residuals | image | state, work space
//
// Another detector changes places with it: so detectors need not be released, and a million of them take no more than their states.

import { ABI_VERSION } from "../../assembly/layout.ts";
import { DETECT_SCALAR, DETECT_SIMD } from "../../build/detect.ts";
import { compileModule } from "../runtime/compile.ts";

const PAGE_BYTES = 65536;
/** Most channels of a detector: room for their raw values, and for as many residuals. */
const MAX_CHANNELS = 64;
const RAW_BYTES = 8 * MAX_CHANNELS;

interface Exports {
  readonly memory: WebAssembly.Memory;
  readonly __heap_base: WebAssembly.Global;
  abi_version(): number;
  detect(
    image: number,
    state: number,
    raw: number,
    residuals: number,
    work: number,
    row: number,
    isWarmup: number,
  ): void;
}

/** A detector as the kernels see it. */
export interface Resident {
  readonly image: Uint8Array;
  /** State and work space: how they were when it last left the memory. */
  readonly block: Uint8Array;
  /** Where in the block the work space begins. */
  readonly workOffset: number;
}

/** The instance, and what is in its memory. */
class Kernel {
  readonly #exports: Exports;
  readonly #raw: number;
  #resident: Resident | undefined;
  #image = 0;
  #block = 0;
  /** Raw values of a row, and from {@link MAX_CHANNELS} on residuals of a model: written before a step. */
  raw: Int32Array;
  /** Words of the work space after a step. */
  work: Int32Array;
  #bytes: Uint8Array;

  constructor(simd: boolean) {
    const bytes = Uint8Array.from(atob(simd ? DETECT_SIMD : DETECT_SCALAR), (character) => character.charCodeAt(0));
    this.#exports = new WebAssembly.Instance(compileModule(bytes)).exports as unknown as Exports;
    const version = this.#exports.abi_version();
    if (version !== ABI_VERSION) throw new Error(`Kernels are of version ${version}, expected ${ABI_VERSION}`);
    this.#raw = align16(this.#exports.__heap_base.value as number);
    this.#bytes = new Uint8Array(this.#exports.memory.buffer);
    this.raw = new Int32Array(this.#exports.memory.buffer, this.#raw, RAW_BYTES / 4);
    this.work = this.raw;
  }

  /** Brings a detector into the memory. */
  enter(resident: Resident): void {
    if (this.#resident === resident) return;
    this.save();
    const { image, block, workOffset } = resident;
    const isOther = this.#resident?.image !== image;
    this.#image = this.#raw + RAW_BYTES;
    this.#block = align16(this.#image + image.length);
    this.#resident = resident;
    this.#reserve(this.#block + block.length);
    if (isOther) this.#bytes.set(image, this.#image);
    this.#bytes.set(block, this.#block);
    this.work = new Int32Array(this.#bytes.buffer, this.#block + workOffset, (block.length - workOffset) >> 2);
  }

  /** Writes the state of the detector in the memory back into its block. */
  save(): void {
    if (this.#resident === undefined) return;
    const { block } = this.#resident;
    block.set(this.#bytes.subarray(this.#block, this.#block + block.length));
  }

  /** Forgets the detector in the memory, as when its block was changed. */
  drop(resident: Resident): void {
    if (this.#resident === resident) this.#resident = undefined;
  }

  /** Takes the row in {@link raw} with the detector in the memory. */
  step(row: number, isWarmup: boolean, hasResiduals: boolean): void {
    const work = this.#block + (this.#resident as Resident).workOffset;
    const residuals = hasResiduals ? this.#raw + 4 * MAX_CHANNELS : 0;
    this.#exports.detect(this.#image, this.#block, this.#raw, residuals, work, row, isWarmup ? 1 : 0);
  }

  #reserve(end: number): void {
    const { memory } = this.#exports;
    if (end <= this.#bytes.length) return;
    memory.grow(Math.ceil((end - this.#bytes.length) / PAGE_BYTES));
    this.#bytes = new Uint8Array(memory.buffer);
    this.raw = new Int32Array(memory.buffer, this.#raw, RAW_BYTES / 4);
  }
}

export { type Kernel, MAX_CHANNELS };

const align16 = (bytes: number): number => Math.ceil(bytes / 16) * 16;

const kernels = new Map<boolean, Kernel>();

/**
 * The kernels of this process.
 *
 * @param simd  the SIMD build; both give the same bits
 * @throws {Error} when the page's Content-Security-Policy forbids WebAssembly
 */
export function detectorKernel(simd: boolean): Kernel {
  const kernel = kernels.get(simd) ?? new Kernel(simd);
  kernels.set(simd, kernel);
  return kernel;
}
