/** Shift of the running mean of seasonal residuals. */
const SHIFT = 3;
/** Visits after which the mean of a slot forgets. */
const MEMORY = 8;
const MAX_VISITS = 255;

/**
 * What the readings were at this time of the period, channel by channel: the period is cut in slots, each remembers the mean
 * deviation of its last visits. A row's residual is smoothed over about eight rows.
 */
export class Season {
  /** i16 Q11 per channel, of the last row. */
  readonly residuals: Int32Array;
  readonly #period: number;
  readonly #slots: number;
  readonly #means: Int32Array;
  readonly #visits: Uint8Array;
  readonly #sums: Int32Array;
  readonly #smooth: Int32Array;
  #rows = 0;
  #slot = -1;

  constructor(period: number, slots: number, channels: number) {
    this.#period = period;
    this.#slots = slots;
    this.residuals = new Int32Array(channels);
    this.#means = new Int32Array(channels * slots);
    this.#visits = new Uint8Array(slots);
    this.#sums = new Int32Array(channels);
    this.#smooth = new Int32Array(channels);
  }

  /** @param row  number of the row by the clock, so that missed rows count */
  enter(row: number): void {
    const slot = Math.floor(((row % this.#period) * this.#slots) / this.#period);
    if (slot === this.#slot) {
      this.#rows++;
      return;
    }
    if (this.#slot >= 0) this.#leave(this.#slot);
    this.#sums.fill(0);
    this.#rows = 1;
    this.#slot = slot;
  }

  /** Takes the deviation of a channel at the row that was entered. */
  step(channel: number, x: number): void {
    const slot = this.#slot;
    this.#sums[channel] = (this.#sums[channel] as number) + x;
    const deviation = x - (this.#means[channel * this.#slots + slot] as number);
    const residual = (this.#visits[slot] as number) > 0 ? Math.min(Math.max(deviation, -32768), 32767) : 0;
    const smooth = this.#smooth[channel] as number;
    const next = smooth + (((residual << 8) - smooth + (1 << (SHIFT - 1))) >> SHIFT);
    this.#smooth[channel] = next;
    this.residuals[channel] = next >> 8;
  }

  #leave(slot: number): void {
    const visits = this.#visits[slot] as number;
    const weight = Math.min(visits + 1, MEMORY);
    for (let channel = 0; channel < this.#sums.length; channel++) {
      const at = channel * this.#slots + slot;
      const mean = Math.floor((this.#sums[channel] as number) / this.#rows);
      this.#means[at] = (this.#means[at] as number) + Math.floor((mean - (this.#means[at] as number)) / weight);
    }
    this.#visits[slot] = Math.min(visits + 1, MAX_VISITS);
  }
}
