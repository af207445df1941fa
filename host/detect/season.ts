import { STATE_PHASE, STATE_VISIT_ROWS } from "../../assembly/detect/layout.ts";
import type { SlotsSeen } from "./parameters.ts";
import type { StateLayout } from "./state.ts";

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
  readonly #start: SlotsSeen | undefined;
  /** Rows of the visit so far; 0 before the first row. */
  #rows = 0;
  #phase = 0;
  #slot = 0;

  /** @param seen  what is known already; absent: nothing */
  constructor(period: number, slots: number, channels: number, seen?: SlotsSeen) {
    this.#period = period;
    this.#slots = slots;
    this.residuals = new Int32Array(channels);
    this.#means = new Int32Array(channels * slots);
    this.#visits = new Uint8Array(slots);
    this.#sums = new Int32Array(channels);
    this.#smooth = new Int32Array(channels);
    this.#start = seen;
    this.start();
  }

  /** Forgets all but what was known at the start. */
  start(): void {
    this.#rows = 0;
    this.#phase = 0;
    this.#slot = 0;
    this.#sums.fill(0);
    this.#smooth.fill(0);
    this.#means.fill(0);
    this.#visits.fill(0);
    if (this.#start === undefined) return;
    this.#means.set(this.#start.means);
    this.#visits.set(this.#start.visits);
  }

  /** What is known by now; a copy. */
  get seen(): SlotsSeen {
    return { means: Int16Array.from(this.#means), visits: this.#visits.slice() };
  }

  /**
   * Turns to a row.
   *
   * @param row  number of the row by the clock, so that missed rows count
   * @param moved  how many rows it is after the one before, 1 and above; of no account at the first
   */
  enter(row: number, moved: number): void {
    const phase = row % this.#period;
    const slot = this.#slotOf(phase);
    // The same slot of a later period is another visit.
    const stays = slot === this.#slot && phase - this.#phase === moved;
    this.#phase = phase;
    if (stays && this.#rows > 0) {
      this.#rows++;
      return;
    }
    if (this.#rows > 0) this.#leave(this.#slot);
    this.#sums.fill(0);
    this.#rows = 1;
    this.#slot = slot;
  }

  #slotOf(phase: number): number {
    return Math.floor((phase * this.#slots) / this.#period);
  }

  /** Writes the state into its places in the state of the detector (FORMAT.md 8.5). */
  save(view: DataView, { smooth, sums, means, visits }: StateLayout): void {
    view.setUint16(STATE_VISIT_ROWS, this.#rows, true);
    view.setUint32(STATE_PHASE, this.#phase, true);
    for (const [c, value] of this.#smooth.entries()) view.setInt32(smooth + 4 * c, value, true);
    for (const [c, sum] of this.#sums.entries()) view.setInt32(sums + 4 * c, sum, true);
    for (const [i, mean] of this.#means.entries()) view.setInt16(means + 2 * i, mean, true);
    for (const [slot, count] of this.#visits.entries()) view.setUint8(visits + slot, count);
  }

  /** Takes over a state that {@link save} wrote. */
  load(view: DataView, { smooth, sums, means, visits }: StateLayout): void {
    this.#rows = view.getUint16(STATE_VISIT_ROWS, true);
    this.#phase = view.getUint32(STATE_PHASE, true);
    this.#slot = this.#slotOf(this.#phase);
    for (let c = 0; c < this.#sums.length; c++) {
      this.#smooth[c] = view.getInt32(smooth + 4 * c, true);
      this.#sums[c] = view.getInt32(sums + 4 * c, true);
    }
    for (let i = 0; i < this.#means.length; i++) this.#means[i] = view.getInt16(means + 2 * i, true);
    for (let slot = 0; slot < this.#slots; slot++) this.#visits[slot] = view.getUint8(visits + slot);
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
