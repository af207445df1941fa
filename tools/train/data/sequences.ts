// Rows of one device at equal intervals, without gaps.

import { BLOCK_ROWS, type RowStore } from "./store.ts";

/** Rows that follow each other at the interval of the data. */
export interface Sequence {
  /** What the column of devices says, or the file. */
  readonly device: string;
  /** Unix milliseconds of the first row; undefined where rows have no times. */
  readonly start: number | undefined;
  readonly rows: number;
  /** Blocks of the store, in order. */
  readonly blocks: readonly number[];
}

/** Shorter ones are not kept: a model has not warmed up when they end. */
const LEAST_SEQUENCE = 16;

/** Writes the rows of one device, and begins a new sequence when told to. */
export class SequenceWriter {
  readonly #device: string;
  readonly #store: RowStore;
  readonly #sequences: Sequence[];
  readonly #block: Float32Array;
  #blocks: number[] = [];
  #rows = 0;
  #start: number | undefined;
  /** Rows of sequences that were too short to keep. */
  dropped = 0;

  /** @param sequences  where sequences are put when they are complete */
  constructor(device: string, store: RowStore, sequences: Sequence[]) {
    this.#device = device;
    this.#store = store;
    this.#sequences = sequences;
    this.#block = new Float32Array(BLOCK_ROWS * store.width);
  }

  /** Rows of the sequence so far. */
  get rows(): number {
    return this.#rows;
  }

  /** @param time  Unix milliseconds */
  push(values: ArrayLike<number>, time: number | undefined): void {
    if (this.#rows === 0) this.#start = time;
    const at = this.#rows % BLOCK_ROWS;
    this.#block.set(values, at * this.#store.width);
    this.#rows++;
    if (at === BLOCK_ROWS - 1) this.#blocks.push(this.#store.append(this.#block, BLOCK_ROWS));
  }

  /** Ends the sequence; the next row begins another. */
  cut(): void {
    const rest = this.#rows % BLOCK_ROWS;
    if (this.#rows < LEAST_SEQUENCE) this.dropped += this.#rows;
    else {
      if (rest > 0) this.#blocks.push(this.#store.append(this.#block, rest));
      this.#sequences.push({ device: this.#device, start: this.#start, rows: this.#rows, blocks: this.#blocks });
    }
    this.#blocks = [];
    this.#rows = 0;
  }
}

/**
 * Reads rows of a sequence.
 *
 * @returns f32[count][width], a fresh array
 */
export function readRows(store: RowStore, sequence: Sequence, from: number, count: number): Float32Array {
  const { width } = store;
  const values = new Float32Array(count * width);
  for (let done = 0; done < count; ) {
    const row = from + done;
    const at = row % BLOCK_ROWS;
    const rows = Math.min(BLOCK_ROWS - at, count - done);
    const into = values.subarray(done * width, (done + rows) * width);
    store.read(sequence.blocks[Math.floor(row / BLOCK_ROWS)] as number, at, into);
    done += rows;
  }
  return values;
}
