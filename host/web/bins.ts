// Samples over time, thinned out: least, mean and greatest value of each series in a span.

/** What happened in a span of time; NaN for a series without values. */
export interface Bin {
  /** Of its first sample, Unix milliseconds. */
  readonly time: number;
  /** Samples. */
  readonly count: number;
  /** Per series. */
  readonly mean: Float32Array;
  readonly min: Float32Array;
  readonly max: Float32Array;
}

/** Gathers samples, or bins, until a span is over. */
export class Gathering {
  readonly #width: number;
  /** Of each series: least, greatest value, sum, and values, which may be fewer than samples. One array: a device has three of these. */
  readonly #data: Float64Array;
  time = Number.NaN;
  count = 0;

  constructor(width: number) {
    this.#width = width;
    this.#data = new Float64Array(4 * width);
    this.clear();
  }

  /** Adds a sample: a value for each series, NaN for none. */
  add(values: ArrayLike<number>, time: number): void {
    if (this.count === 0) this.time = time;
    this.count++;
    for (let s = 0; s < this.#width; s++) {
      const value = values[s] as number;
      if (Number.isFinite(value)) this.#addOne(s, value, value, value, 1);
    }
  }

  /** Adds the samples of a bin. */
  addBin({ time, count, mean, min, max }: Bin): void {
    if (this.count === 0) this.time = time;
    this.count += count;
    for (let s = 0; s < this.#width; s++) {
      const value = mean[s] as number;
      if (!Number.isNaN(value)) this.#addOne(s, min[s] as number, value, max[s] as number, count);
    }
  }

  /** Answers what was gathered. */
  bin(): Bin {
    const mean = new Float32Array(this.#width);
    const min = new Float32Array(this.#width);
    const max = new Float32Array(this.#width);
    for (let s = 0; s < this.#width; s++) {
      const values = this.#data[4 * s + 3] as number;
      const of = (part: number) => (values === 0 ? Number.NaN : (this.#data[4 * s + part] as number));
      mean[s] = of(2) / values;
      min[s] = of(0);
      max[s] = of(1);
    }
    return { time: this.time, count: this.count, mean, min, max };
  }

  /** Begins anew. */
  clear(): void {
    this.count = 0;
    for (let s = 0; s < this.#width; s++) {
      this.#data[4 * s] = Number.POSITIVE_INFINITY;
      this.#data[4 * s + 1] = Number.NEGATIVE_INFINITY;
      this.#data[4 * s + 2] = 0;
      this.#data[4 * s + 3] = 0;
    }
  }

  #addOne(s: number, min: number, mean: number, max: number, weight: number): void {
    const data = this.#data;
    const at = 4 * s;
    if (min < (data[at] as number)) data[at] = min;
    if (max > (data[at + 1] as number)) data[at + 1] = max;
    data[at + 2] = (data[at + 2] as number) + mean * weight;
    data[at + 3] = (data[at + 3] as number) + weight;
  }
}

/** The latest bins, in memory that grows with them up to a limit. */
export class BinRing {
  readonly #width: number;
  #times = new Float64Array(0);
  #counts = new Uint32Array(0);
  /** Of each bin its means, then its least, then its greatest values. */
  #data = new Float32Array(0);
  #start = 0;
  #length = 0;

  constructor(width: number) {
    this.#width = width;
  }

  get length(): number {
    return this.#length;
  }

  /** Adds a bin; at most `most` are kept. */
  push({ time, count, mean, min, max }: Bin, most: number): void {
    const capacity = this.#times.length;
    if (capacity > 2 * most || (this.#length === capacity && capacity < most)) {
      this.#resize(Math.min(most, Math.max(16, 2 * this.#length)));
    }
    const size = this.#times.length;
    const at = (this.#start + this.#length) % size;
    if (this.#length < size) this.#length++;
    else this.#start = (this.#start + 1) % size;
    this.#times[at] = time;
    this.#counts[at] = count;
    const width = this.#width;
    this.#data.set(mean, 3 * width * at);
    this.#data.set(min, 3 * width * at + width);
    this.#data.set(max, 3 * width * at + 2 * width);
  }

  /** Answers the bin at an index, 0 the oldest; views that the next `push` may overwrite. */
  at(index: number): Bin {
    const at = (this.#start + index) % this.#times.length;
    const width = this.#width;
    const part = (k: number) => this.#data.subarray((3 * at + k) * width, (3 * at + k + 1) * width);
    return {
      time: this.#times[at] as number,
      count: this.#counts[at] as number,
      mean: part(0),
      min: part(1),
      max: part(2),
    };
  }

  /** Answers the bins from a time on. */
  since(time: number): Bin[] {
    let from = this.#length;
    while (from > 0 && (this.#times[(this.#start + from - 1) % this.#times.length] as number) >= time) from--;
    return Array.from({ length: this.#length - from }, (_, i) => this.at(from + i));
  }

  #resize(size: number): void {
    const kept = this.since(Number.NEGATIVE_INFINITY).slice(-size);
    const copies = kept.map((bin) => ({
      ...bin,
      mean: bin.mean.slice(),
      min: bin.min.slice(),
      max: bin.max.slice(),
    }));
    this.#times = new Float64Array(size);
    this.#counts = new Uint32Array(size);
    this.#data = new Float32Array(3 * this.#width * size);
    this.#start = 0;
    this.#length = 0;
    for (const bin of copies) this.push(bin, size);
  }
}

/** Joins neighbours until at most `most` bins are left. */
export function thin(bins: readonly Bin[], most: number): readonly Bin[] {
  if (bins.length <= most) return bins;
  const each = Math.ceil(bins.length / most);
  const gathering = new Gathering(bins[0]?.mean.length ?? 0);
  const joined: Bin[] = [];
  for (const [i, bin] of bins.entries()) {
    gathering.addBin(bin);
    if ((i + 1) % each !== 0 && i < bins.length - 1) continue;
    joined.push(gathering.bin());
    gathering.clear();
  }
  return joined;
}

/** Bins as columns, for JSON. */
export interface BinColumns {
  readonly time: readonly number[];
  readonly count: readonly number[];
  /** Per series, per bin; null for none. */
  readonly mean: readonly (readonly (number | null)[])[];
  /** Absent where every bin is one sample: then they are the means. */
  readonly min?: readonly (readonly (number | null)[])[];
  readonly max?: readonly (readonly (number | null)[])[];
}

/** Turns bins into columns, with the seven digits that a single precision value has. */
export function toColumns(bins: readonly Bin[], width: number): BinColumns {
  const column = (pick: (bin: Bin) => Float32Array) =>
    Array.from({ length: width }, (_, s) => bins.map((bin) => short(pick(bin)[s] as number)));
  const isSingle = bins.every(({ count }) => count === 1);
  return {
    time: bins.map(({ time }) => time),
    count: bins.map(({ count }) => count),
    mean: column(({ mean }) => mean),
    ...(!isSingle && { min: column(({ min }) => min), max: column(({ max }) => max) }),
  };
}

/** A number with seven digits; null for none. */
export function short(value: number): number | null {
  return Number.isFinite(value) ? Number(value.toPrecision(7)) : null;
}
