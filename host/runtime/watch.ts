import { type Anomaly, anomalyOf } from "../detect/anomaly.ts";
import { Detector } from "../detect/detector.ts";
import type { DetectorFile } from "../detect/file.ts";
import { withoutClock } from "../detect/parameters.ts";
import { ModelResiduals } from "../detect/residuals.ts";
import { rawOf } from "../model/integers.ts";
import type { Instance } from "./instance.ts";

/** The detector of a session: it takes each sample after the network has, with what the network predicted for it. */
export class Watch {
  readonly #instance: Instance;
  readonly #file: DetectorFile;
  #detector: Detector;
  readonly #raw: Float64Array;
  readonly #residuals: ModelResiduals;
  #row = -1;

  constructor(instance: Instance, file: DetectorFile) {
    const { spec } = instance.model;
    this.#instance = instance;
    this.#file = file;
    this.#detector = new Detector(file.parameters);
    this.#raw = new Float64Array(file.spec.inputs.length);
    this.#residuals = new ModelResiduals(file.spec, spec);
  }

  /** What it says of the latest sample; a fresh object. */
  get anomaly(): Anomaly {
    return anomalyOf(this.#file, this.#detector);
  }

  /**
   * Takes a sample that the network has just taken.
   *
   * @param sample  from `at` on: a value for each input
   * @param address  of the state block
   * @param row  number of the row by the clock; by default one more than before
   * @throws {RangeError} when the row is no whole number above that before
   */
  take(sample: ArrayLike<number>, at: number, address: number, row?: number): void {
    // Rows that are counted from 0 say nothing of the time of day.
    if (this.#row < 0 && row === undefined) this.#detector = new Detector(withoutClock(this.#file.parameters));
    const isFloat = this.#instance.model.spec.numeric === "f32";
    for (const [c, { fraction }] of this.#file.spec.inputs.entries()) {
      const value = sample[at + c] as number;
      this.#raw[c] = rawOf(isFloat ? Math.fround(value) : value, fraction);
    }
    this.#row = row ?? this.#row + 1;
    this.#detector.step(this.#raw, this.#row, false, this.#readResiduals(address));
  }

  /** Copies the state out (FORMAT.md 8.6). */
  snapshot(): Uint8Array {
    return this.#detector.snapshot();
  }

  /**
   * Goes on from a snapshot; without one it starts anew.
   *
   * @throws {SnapshotError} when it is damaged or of another detector; the state is untouched
   */
  restore(snapshot: Uint8Array | undefined): void {
    const detector = new Detector(this.#file.parameters);
    if (snapshot !== undefined) detector.restore(snapshot);
    this.#detector = detector;
    this.#row = detector.lastRow ?? -1;
  }

  /** Starts anew: thresholds as calibrated, no row seen. */
  reset(): void {
    this.#detector = new Detector(this.#file.parameters);
    this.#row = -1;
  }

  /**
   * Checks the number of a row before anything takes it.
   *
   * @throws {RangeError} when it is no whole number above that before
   */
  checkRow(row: number | undefined): void {
    if (row === undefined || (Number.isSafeInteger(row) && row > this.#row)) return;
    throw new RangeError(`Row ${row}, expected a whole number above ${this.#row}, that of the row before`);
  }

  /** Raw differences; undefined until predictions mean something. */
  #readResiduals(address: number): Float64Array | undefined {
    const instance = this.#instance;
    // The prediction for this step is of the step before, which is to be behind the warm-up.
    if (instance.stepsAt(address) <= instance.model.spec.warmup + 1) return undefined;
    return this.#residuals.toRaw(instance.forecastsAt(address, "residual"));
  }
}
