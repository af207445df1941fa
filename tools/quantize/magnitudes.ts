/** Bins for each doubling, and the doublings that they cover from `LEAST` on. */
const PER_OCTAVE = 8;
const OCTAVES = 32;
const BINS = PER_OCTAVE * OCTAVES;
const LEAST = -20;

/** How great the values of each of several rows are, in constant memory: 8 bins for each doubling from 2^-20 to 2^12. */
export class Magnitudes {
  readonly #counts: Uint32Array;
  readonly #greatest: Float64Array;
  #count = 0;

  constructor(rows: number) {
    this.#counts = new Uint32Array(rows * BINS);
    this.#greatest = new Float64Array(rows);
  }

  /** @param values  one finite number for each row */
  observe(values: Float64Array): void {
    this.#count++;
    values.forEach((value, row) => {
      const magnitude = Math.abs(value);
      if (magnitude > (this.#greatest[row] as number)) this.#greatest[row] = magnitude;
      const bin = Math.max(0, Math.min(BINS - 1, Math.floor(PER_OCTAVE * (Math.log2(magnitude) - LEAST))));
      this.#counts[row * BINS + bin] = (this.#counts[row * BINS + bin] as number) + 1;
    });
  }

  greatest(row: number): number {
    return this.#greatest[row] as number;
  }

  /** The magnitude that all but a `tail` of the values of a row keep to, to one bin. */
  limit(row: number, tail: number): number {
    let outside = 0;
    let bin = BINS - 1;
    for (; bin > 0; bin--) {
      outside += this.#counts[row * BINS + bin] as number;
      if (outside > tail * this.#count) break;
    }
    return Math.min(this.greatest(row), 2 ** ((bin + 1) / PER_OCTAVE + LEAST));
  }

  /** Mean square of what is cut off where the values of a row saturate at `±reach`, to one bin; those beyond `most` count as `most`. */
  cutSquare(row: number, reach: number, most: number): number {
    const end = Math.min(most, this.greatest(row));
    if (reach >= end) return 0;
    let sum = 0;
    for (let bin = BINS - 1; bin >= 0; bin--) {
      // The upper end of the bin: what is cut off of a few great values weighs more than all else.
      const beyond = Math.min(end, 2 ** ((bin + 1) / PER_OCTAVE + LEAST)) - reach;
      if (beyond <= 0) break;
      sum += (this.#counts[row * BINS + bin] as number) * beyond ** 2;
    }
    return sum / this.#count;
  }
}
