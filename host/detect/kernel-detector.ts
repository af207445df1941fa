// A detector that computes in the kernels. It gives the bits of detector.ts, whose rows take several times as long.

import {
  STATE_STARTED,
  WORK_ALARM,
  WORK_ALERT,
  WORK_BLOCK,
  WORK_CHANNEL,
  WORK_EXPECTED,
  WORK_SCORE,
  WORK_SCORES,
} from "../../assembly/detect/layout.ts";
import { hasSimd } from "../runtime/compile.ts";
import { movedTo, type Verdict } from "./detector.ts";
import { packDetector, workBytes } from "./image.ts";
import { detectorKernel, type Kernel, MAX_CHANNELS, type Resident } from "./kernel.ts";
import { BLOCKS, type DetectorParameters, FEATURES } from "./parameters.ts";
import { readDetectorSnapshot, writeDetectorSnapshot } from "./snapshot.ts";
import { readRow, stateLayoutOf } from "./state.ts";

/** A detector with its state, for one stream of rows. */
export class KernelDetector {
  readonly #parameters: DetectorParameters;
  readonly #kernel: Kernel;
  readonly #resident: Resident;
  #lastRow: number | undefined;
  readonly #verdict: Verdict = { score: 0, isAlarm: false, isAlert: false, block: "sensor", channel: 0 };

  /**
   * @param simd  the SIMD build; by default where the engine has it
   * @throws {Error} when the page's Content-Security-Policy forbids WebAssembly
   */
  constructor(parameters: DetectorParameters, simd: boolean = hasSimd()) {
    this.#parameters = parameters;
    this.#kernel = detectorKernel(simd);
    const stateBytes = stateLayoutOf(parameters).bytes;
    this.#resident = {
      image: imageOf(parameters),
      block: new Uint8Array(stateBytes + workBytes(parameters.channels.length)),
      workOffset: stateBytes,
    };
  }

  /** Number of the last row; undefined before the first. */
  get lastRow(): number | undefined {
    return this.#lastRow;
  }

  /**
   * Takes a row, as {@link Detector.step} does.
   *
   * @param raw  i32 per channel, |raw| <= 2^30
   * @param row  number of the row by the clock, 0 to 2^53 - 1, greater than the one before
   * @param isWarmup  compute the scores, leave the thresholds alone
   * @param residuals  of a model, i32 per channel; undefined while they are not known
   * @returns the same object at every row
   * @throws {RangeError} when the number of the row is not greater than the one before
   */
  step(raw: ArrayLike<number>, row: number, isWarmup = false, residuals?: ArrayLike<number>): Verdict {
    movedTo(row, this.#lastRow);
    this.#lastRow = row;
    const kernel = this.#kernel;
    kernel.enter(this.#resident);
    for (let c = 0; c < this.#parameters.channels.length; c++) {
      kernel.raw[c] = raw[c] as number;
      if (residuals) kernel.raw[MAX_CHANNELS + c] = residuals[c] as number;
    }
    kernel.step(row, isWarmup, residuals !== undefined);
    const { work } = kernel;
    const verdict = this.#verdict;
    verdict.score = (work[WORK_SCORE >> 2] as number) / 2048;
    verdict.isAlarm = work[WORK_ALARM >> 2] === 1;
    verdict.isAlert = work[WORK_ALERT >> 2] === 1;
    verdict.block = BLOCKS[work[WORK_BLOCK >> 2] as number] as Verdict["block"];
    verdict.channel = work[WORK_CHANNEL >> 2] as number;
    return verdict;
  }

  /** Scores of the last row, Q11, in the order of the thresholds; a copy. */
  get scores(): Int32Array {
    const at = WORK_SCORES >> 2;
    return this.#enter().work.slice(at, at + this.#parameters.tracker.start.length);
  }

  /** Features of a channel at the last row, i16[7] Q11; a copy. */
  featuresOf(channel: number): Int32Array {
    const { work } = this.#enter();
    const at = WORK_EXPECTED + 8 * this.#parameters.channels.length + 2 * FEATURES * channel;
    return Int32Array.from(new Int16Array(work.buffer, work.byteOffset + at, FEATURES));
  }

  /** Deviation that was expected of a channel at the last row, Q11. */
  expectedOf(channel: number): number {
    return this.#enter().work[(WORK_EXPECTED >> 2) + channel] as number;
  }

  /** The state in the layout of FORMAT.md 8.5; all zeros before the first row. */
  state(): Uint8Array {
    this.#enter().save();
    return this.#resident.block.slice(0, this.#resident.workOffset);
  }

  /** The state with the hash of the detector and a checksum (FORMAT.md 8.6). */
  snapshot(): Uint8Array {
    return writeDetectorSnapshot(this.#parameters, this.state());
  }

  /**
   * Goes on from a snapshot.
   *
   * @throws {SnapshotError} when it is damaged or belongs to another detector; the detector is then as it was
   */
  restore(snapshot: Uint8Array): void {
    const state = readDetectorSnapshot(this.#parameters, snapshot);
    this.#kernel.drop(this.#resident);
    this.#resident.block.fill(0);
    this.#resident.block.set(state);
    const view = new DataView(state.buffer, state.byteOffset, state.byteLength);
    this.#lastRow = view.getUint8(STATE_STARTED) === 0 ? undefined : readRow(view);
  }

  #enter(): Kernel {
    this.#kernel.enter(this.#resident);
    return this.#kernel;
  }
}

const images = new WeakMap<DetectorParameters, Uint8Array>();

/** The image of a detector, packed once, however many streams it watches. */
function imageOf(parameters: DetectorParameters): Uint8Array {
  let image = images.get(parameters);
  if (image === undefined) {
    image = packDetector(parameters);
    images.set(parameters, image);
  }
  return image;
}
