const BINS = 4096;

/** Part of the first value's magnitude that the bins span at the start; they widen as values come. */
const FIRST_SPAN = 2 ** -32;

/** A histogram of values that pass by, in constant memory: when one falls outside, pairs of bins are merged until it fits. */
export class Histogram {
  readonly #counts = new Float64Array(BINS);
  #low = 0;
  #width = 0;
  count = 0;
  min = Infinity;
  max = -Infinity;

  /** @param value  a finite number */
  observe(value: number): void {
    if (this.count++ === 0) {
      this.#low = value;
      this.#width = (Math.abs(value) || 1) * (FIRST_SPAN / BINS);
    }
    this.min = Math.min(this.min, value);
    this.max = Math.max(this.max, value);
    while (value < this.#low) this.#widen(true);
    while (value >= this.#low + BINS * this.#width) this.#widen(false);
    const bin = Math.min(BINS - 1, Math.floor((value - this.#low) / this.#width));
    this.#counts[bin] = (this.#counts[bin] as number) + 1;
  }

  /** Real width of a bin. */
  get width(): number {
    return this.#width;
  }

  /** The limits between which all but a `tail` of the values lie on either side, to one bin. */
  limits(tail: number): { min: number; max: number } {
    const allowed = tail * this.count;
    const outside = (bins: Iterable<number>) => {
      let sum = 0;
      let skipped = 0;
      for (const count of bins) {
        sum += count;
        if (sum > allowed) break;
        skipped++;
      }
      return skipped;
    };
    const min = this.#low + outside(this.#counts) * this.#width;
    const max = this.#low + (BINS - outside(this.#counts.slice().reverse())) * this.#width;
    return { min: Math.max(this.min, min), max: Math.min(this.max, max) };
  }

  /** Mean square of what is cut off where values saturate at `centre ± reach`, to one bin. */
  cutSquare(centre: number, reach: number): number {
    let sum = 0;
    this.#counts.forEach((count, bin) => {
      const middle = this.#low + (bin + 0.5) * this.#width;
      if (count > 0) sum += count * Math.max(0, Math.abs(middle - centre) - reach) ** 2;
    });
    return sum / this.count;
  }

  /** Doubles the width of the bins and makes room on one side. */
  #widen(isBelow: boolean): void {
    const merged = Float64Array.from(
      { length: BINS / 2 },
      (_, i) => (this.#counts[2 * i] as number) + (this.#counts[2 * i + 1] as number),
    );
    if (isBelow) this.#low -= BINS * this.#width;
    this.#counts.fill(0);
    this.#counts.set(merged, isBelow ? BINS / 2 : 0);
    this.#width *= 2;
  }
}
