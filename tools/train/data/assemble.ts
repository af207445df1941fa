// Rows of one device as they come → sequences at equal intervals: gaps cut, rows that are told twice are left out, times that keep to no
// interval are brought to one.

import type { SequenceWriter } from "./sequences.ts";

/** How rows become sequences. */
export interface Assembly {
  /** Seconds between two rows; undefined where rows have no times and just follow each other. */
  readonly interval: number | undefined;
  /** Rows are the means of readings within an interval; otherwise readings keep to the interval. */
  readonly isResampled: boolean;
  /** Most missing rows that are filled by straight lines; more cut the sequence. */
  readonly bridge: number;
  /** Column from which on values are labels, which are never averaged. */
  readonly firstLabel: number;
}

/** What was odd about the rows. */
export interface Oddities {
  /** Rows whose time is not later than that of the row before. */
  repeated: number;
  /** Gaps that cut a sequence. */
  gaps: number;
  /** Rows that were filled in. */
  bridged: number;
}

/** Takes the rows of one device in the order in which they come. */
export class Assembler {
  readonly #assembly: Assembly;
  readonly #writer: SequenceWriter;
  readonly #odd: Oddities;
  /** Time of the last reading, ms. */
  #last = Number.NaN;
  /** The last row that was written, and the number of its interval. */
  readonly #row: Float64Array;
  #number = 0;
  /** Sums and count of the readings of the interval that is being filled. */
  readonly #sum: Float64Array;
  #count = 0;
  #cell = 0;

  constructor(width: number, assembly: Assembly, writer: SequenceWriter, odd: Oddities) {
    this.#assembly = assembly;
    this.#writer = writer;
    this.#odd = odd;
    this.#row = new Float64Array(width);
    this.#sum = new Float64Array(width);
  }

  /** @param time  Unix milliseconds */
  take(values: Float64Array, time: number | undefined): void {
    const { interval, isResampled } = this.#assembly;
    if (time === undefined || interval === undefined) {
      this.#writer.push(values, undefined);
      return;
    }
    if (time <= this.#last) {
      this.#odd.repeated++;
      return;
    }
    if (isResampled) this.#average(values, time, 1000 * interval);
    else {
      const steps = Number.isNaN(this.#last) ? 1 : Math.round((time - this.#last) / (1000 * interval));
      if (steps < 1) {
        this.#odd.repeated++;
        return;
      }
      this.#put(values, this.#number + steps, time);
    }
    this.#last = time;
  }

  /** Ends the sequence. */
  end(): void {
    this.#emit();
    this.#writer.cut();
  }

  /** Collects the readings of an interval. */
  #average(values: Float64Array, time: number, intervalMs: number): void {
    const cell = Math.floor(time / intervalMs);
    if (cell !== this.#cell) this.#emit();
    this.#cell = cell;
    this.#count++;
    const { firstLabel } = this.#assembly;
    for (const [c, value] of values.entries()) {
      this.#sum[c] = c < firstLabel ? (this.#sum[c] as number) + value : value * this.#count;
    }
  }

  #emit(): void {
    if (this.#count === 0) return;
    const count = this.#count;
    const mean = this.#sum.map((sum) => sum / count);
    this.#sum.fill(0);
    this.#count = 0;
    this.#put(mean, this.#cell, this.#cell * 1000 * (this.#assembly.interval as number));
  }

  /** Writes a row with the number of its interval, and what is missing before it. */
  #put(values: Float64Array, number: number, time: number): void {
    const missing = number - this.#number - 1;
    if (this.#writer.rows > 0 && missing > 0) {
      if (missing <= this.#assembly.bridge) this.#fill(values, missing);
      else {
        this.#odd.gaps++;
        this.#writer.cut();
      }
    }
    this.#writer.push(values, time);
    this.#row.set(values);
    this.#number = number;
  }

  #fill(values: Float64Array, missing: number): void {
    const { firstLabel } = this.#assembly;
    for (let i = 1; i <= missing; i++) {
      const share = i / (missing + 1);
      const row = this.#row.map((value, c) =>
        c < firstLabel ? value + share * ((values[c] as number) - value) : value,
      );
      this.#writer.push(row, undefined);
      this.#odd.bridged++;
    }
  }
}
