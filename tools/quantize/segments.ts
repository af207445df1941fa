/** Pieces of the stream that are kept; inside a piece the samples follow one another as in the data. */
const PIECES = 8;

/** The most samples that calibrate the weights, and the multiplications that they may cost in all. */
const MAX_SAMPLES = 8192;
const MIN_SAMPLES = 256;
const MAX_PRODUCTS = 4e9;

/** How many samples calibrate a model with so many weights: 8192, down to 256 for the greatest models. */
export function sampleLimit(weights: number): number {
  return Math.max(MIN_SAMPLES, Math.min(MAX_SAMPLES, Math.floor(MAX_PRODUCTS / weights)));
}

/** Keeps at most a given number of the samples that pass by, in pieces spread evenly over the data; all of them when they fit. */
export class SegmentKeeper {
  readonly #starts: readonly number[];
  readonly #size: number;
  readonly #values: Float64Array;
  #filled = 0;
  #seen = 0;

  /**
   * @param width  values of a sample
   * @param count  number of samples to choose from; later ones are not kept
   * @param limit  most samples to keep
   */
  constructor(width: number, count: number, limit: number) {
    const pieces = count <= limit ? 1 : Math.min(PIECES, limit);
    this.#size = count <= limit ? count : Math.floor(limit / pieces);
    const last = count - this.#size;
    this.#starts = Array.from({ length: pieces }, (_, i) => Math.floor((last * i) / Math.max(1, pieces - 1)));
    this.#values = new Float64Array(pieces * this.#size * width);
  }

  observe(sample: Float64Array): void {
    const at = this.#seen++;
    if (!this.#starts.some((start) => at >= start && at < start + this.#size)) return;
    this.#values.set(sample, this.#filled);
    this.#filled += sample.length;
  }

  /** The samples kept, row by row, in order. */
  get samples(): Float64Array {
    return this.#values.subarray(0, this.#filled);
  }
}
