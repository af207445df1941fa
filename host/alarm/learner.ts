import { SnapshotError } from "../model/errors.ts";
import type { Part } from "./alarm.ts";

/** Rows of a part that is kept apart: what changes with every sample is never longer. */
const PART_ROWS = 64;
const HEADER_BYTES = 24;

/** The readings that a device is learnt from, in bounded memory: whole parts of 64 rows are kept apart, the rest in the state. */
export class Learner {
  readonly #width: number;
  /** Rows of time and values, one after the other. */
  #parts: Float64Array[] = [];
  /** Number of the first part; those before were let go. */
  #first = 0;
  #open: Float64Array;
  #openRows = 0;
  #changed: Part[] = [];
  /** Rows that it takes until it is tried to learn. */
  target: number;

  /**
   * @param channels  values of a row
   * @param target  rows to begin with
   */
  constructor(channels: number, target: number) {
    this.#width = channels + 1;
    this.#open = new Float64Array(PART_ROWS * this.#width);
    this.target = target;
  }

  /** Rows that are held. */
  get rows(): number {
    return PART_ROWS * this.#parts.length + this.#openRows;
  }

  /** Time of the first and the last row; NaN before the first. */
  get span(): readonly [number, number] {
    if (this.rows === 0) return [Number.NaN, Number.NaN];
    return [this.#at(0)[0] as number, this.#at(this.rows - 1)[0] as number];
  }

  /** Takes a row. */
  add(time: number, values: ArrayLike<number>): void {
    const at = this.#openRows * this.#width;
    this.#open[at] = time;
    this.#open.set(Float64Array.from(values), at + 1);
    this.#openRows++;
    if (this.#openRows < PART_ROWS) return;
    this.#changed.push([`rows/${this.#first + this.#parts.length}`, toBytes(this.#open)]);
    this.#parts.push(this.#open);
    this.#open = new Float64Array(PART_ROWS * this.#width);
    this.#openRows = 0;
  }

  /** Lets the oldest parts go, as far as at least `rows` rows stay. */
  keepLast(rows: number): void {
    while (this.#parts.length > 0 && this.rows - PART_ROWS >= rows) {
      this.#parts.shift();
      this.#changed.push([`rows/${this.#first}`, undefined]);
      this.#first++;
    }
  }

  /** Times and, per channel, values of all rows. */
  columns(): { readonly times: Float64Array; readonly values: readonly Float64Array[] } {
    const count = this.rows;
    const times = new Float64Array(count);
    const values = Array.from({ length: this.#width - 1 }, () => new Float64Array(count));
    for (let row = 0; row < count; row++) {
      const [time, ...rest] = this.#at(row);
      times[row] = time as number;
      for (const [c, column] of values.entries()) column[row] = rest[c] as number;
    }
    return { times, values };
  }

  /** The parts that changed since the last call. */
  takeParts(): Part[] {
    return this.#changed.splice(0);
  }

  /** Has all parts deleted. */
  drop(): Part[] {
    const names = this.#parts.map((_, i): Part => [`rows/${this.#first + i}`, undefined]);
    return [...this.#changed.splice(0), ...names];
  }

  #at(row: number): Float64Array {
    const part = this.#parts[Math.floor(row / PART_ROWS)] ?? this.#open;
    const at = (row % PART_ROWS) * this.#width;
    return part.subarray(at, at + this.#width);
  }

  /** Copies the state out, but for its parts: u32 first part, u32 parts, u32 rows beside, u32 0, f64 target, rows. */
  snapshot(): Uint8Array {
    const open = toBytes(this.#open.subarray(0, this.#openRows * this.#width));
    const bytes = new Uint8Array(HEADER_BYTES + open.length);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, this.#first, true);
    view.setUint32(4, this.#parts.length, true);
    view.setUint32(8, this.#openRows, true);
    view.setFloat64(16, this.target, true);
    bytes.set(open, HEADER_BYTES);
    return bytes;
  }

  /** Names of the parts of a state. */
  static partsOf(bytes: Uint8Array): string[] {
    if (bytes.length < HEADER_BYTES) return [];
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const count = Math.min(view.getUint32(4, true), 1e6);
    return Array.from({ length: count }, (_, i) => `rows/${view.getUint32(0, true) + i}`);
  }

  /**
   * Reads a state.
   *
   * @throws {SnapshotError} when it is none of as many channels, or a part is missing
   */
  static read(bytes: Uint8Array, channels: number, parts: ReadonlyMap<string, Uint8Array>): Learner {
    const refuse = (found: string) => new SnapshotError(`State of what is learnt is damaged: ${found}`);
    if (bytes.length < HEADER_BYTES) throw refuse(`${bytes.length} bytes`);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const learner = new Learner(channels, view.getFloat64(16, true));
    const size = 8 * PART_ROWS * (channels + 1);
    learner.#first = view.getUint32(0, true);
    for (const name of Learner.partsOf(bytes)) {
      const part = parts.get(name);
      if (part?.length !== size) throw refuse(`${name} has ${part?.length ?? "no"} bytes, expected ${size}`);
      learner.#parts.push(toNumbers(part));
    }
    learner.#openRows = view.getUint32(8, true);
    const open = bytes.subarray(HEADER_BYTES);
    if (learner.#openRows >= PART_ROWS || open.length !== 8 * learner.#openRows * (channels + 1)) {
      throw refuse(`${learner.#openRows} rows in ${open.length} bytes`);
    }
    learner.#open.set(toNumbers(open));
    return learner;
  }
}

function toBytes(values: Float64Array): Uint8Array {
  const bytes = new Uint8Array(8 * values.length);
  const view = new DataView(bytes.buffer);
  for (const [i, value] of values.entries()) view.setFloat64(8 * i, value, true);
  return bytes;
}

function toNumbers(bytes: Uint8Array): Float64Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float64Array.from({ length: Math.floor(bytes.length / 8) }, (_, i) => view.getFloat64(8 * i, true));
}
